"""What an agent job says, held against what the record says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.core.base import Sha
from bot.core.github.handback import Envelope, Expected, check_handback
from bot.core.handoff import Acknowledgement, Completion, TodoItem, Usage, Verification, usage_of
from bot.core.ledger import Billing, LedgerLine, call_id
from bot.core.outcomes import OutcomeClass
from bot.ports import ModelCall
from bot.usecases.spending import ledger_lines
from tests.support.builders import BASE, RUN, at, completion, sha, tier, workstream

PAID = tier("big", usd="3")
OWNER = workstream("build", acceptance=[{"run": "pytest -q"}, {"text": "it reads well"}])
CALLS = tuple(ModelCall(n, 1_000 * n, 10, 200, "big-1", "big-1-2026", True) for n in (1, 2, 3))
LONG = tier("long", usd="3", model="big-1[1m]")
UNANSWERED = (ModelCall(1, 1_000, 0, 0, LONG.model, None, True),)
EXPECTED = Expected(RUN, OWNER, 2, BASE, PAID, at(0), at(100))
LOG = "evidence/build.2/1.log"

Pair = tuple[Envelope, Completion]


def honest(with_tier: object = PAID, calls: tuple[ModelCall, ...] = CALLS) -> Pair:
    assert isinstance(with_tier, type(PAID))
    said = completion(
        "build",
        attempt=2,
        tier=with_tier.name,
        engine=with_tier.engine,
        model_requested=with_tier.model,
        verification=(
            Verification(criterion="pytest -q", exit_code=0, passed=True, seconds=3, log=LOG),
            Verification(criterion="it reads well"),
        ),
    )
    sealed = Envelope(
        run=RUN,
        workstream="build",
        attempt=2,
        outcome=OutcomeClass.DONE,
        evidence={
            LOG: "$ pytest -q\n",
            "evidence/build.2/engine.log": "",
            "given/build.2.json": "",
        },
    )
    return with_lines(ledger_lines(said, with_tier, calls), sealed, said)


@pytest.mark.parametrize(
    ("with_tier", "calls"),
    [
        pytest.param(PAID, CALLS, id="paid"),
        pytest.param(PAID, tuple(replace(c, counted=False) for c in CALLS), id="paid, estimated"),
        pytest.param(tier("free"), CALLS, id="free"),
        pytest.param(tier("ours", billing=Billing.SUBSCRIPTION), CALLS, id="without a price"),
        pytest.param(PAID, (), id="no call at all"),
        pytest.param(LONG, UNANSWERED, id="a model that settings call by an odd name"),
    ],
)
def test_what_an_honest_job_says_agrees_with_the_record(with_tier, calls) -> None:
    sealed, said = honest(with_tier, calls)
    assert check_handback(sealed, said, replace(EXPECTED, tier=with_tier)) == ""


def line(**changes: object) -> Callable[[Pair], Pair]:
    """Change the second call's line, and the sums with it."""

    def change(pair: Pair) -> Pair:
        sealed, said = pair
        lines = list(sealed.spend)
        lines[1] = LedgerLine.model_validate(lines[1].model_dump() | changes)
        return with_lines(tuple(lines), sealed, said)

    return change


def with_lines(lines: tuple[LedgerLine, ...], sealed: Envelope, said: Completion) -> Pair:
    summed = said.model_copy(update={"usage": usage_of(lines)})
    return sealed.model_copy(update={"spend": lines}), summed


def envelope(**changes: object) -> Callable[[Pair], Pair]:
    return lambda pair: (pair[0].model_copy(update=changes), pair[1])


def says(**changes: object) -> Callable[[Pair], Pair]:
    return lambda pair: (pair[0], pair[1].model_copy(update=changes))


def spends(**changes: object) -> Callable[[Pair], Pair]:
    return lambda pair: (
        pair[0],
        pair[1].model_copy(update={"usage": pair[1].usage.model_copy(update=changes)}),
    )


FAILED = Verification(criterion="pytest -q", exit_code=1, passed=False)
ANOTHER = "it is not of the attempt"
LIES = {
    "another run's envelope": (envelope(run="other"), ANOTHER),
    "another workstream's envelope": (envelope(workstream="other"), ANOTHER),
    "another attempt's envelope": (envelope(attempt=1), ANOTHER),
    "another run's completion": (says(run="other"), ANOTHER),
    "another workstream's completion": (says(workstream="other"), ANOTHER),
    "another attempt's completion": (says(attempt=3), ANOTHER),
    "another base": (says(base_sha=sha("elsewhere")), "from another commit"),
    "another tier": (says(tier="free"), "another tier"),
    "another engine": (says(engine="shell"), "another tier, engine"),
    "another model asked for": (says(model_requested="cheap-1"), "another tier, engine or model"),
    "a model with markup in its name": (says(model_returned="<b>everyone"), "no name"),
    "a model with a line end in its name": (says(model_returned="a\n/retry"), "no name"),
    "a head that is an option of git": (says(head_sha=Sha("--upload-pack=evil")), "no commit"),
    "a head in capitals": (says(head_sha=Sha("A" * 40)), "no commit"),
    "an end before its begin": (says(finished_at=at(-1)), "between the hand-out and now"),
    "last month": (
        lambda p: says(started_at=at(-4e6), finished_at=at(-3e6))(p), "between the hand-out",
    ),
    "next month": (says(finished_at=at(3e6)), "between the hand-out"),
    "fewer than no files": (says(files_changed=-1), "cannot be"),
    "minus lines": (says(insertions=-5), "cannot be"),
    "files without a head": (says(head_sha=None), "cannot be"),
    "eleven points of ten": (says(score=11.0), "between 0 and 10"),
    "no number of points": (says(score=float("nan")), "between 0 and 10"),
    "a check of a thousand years": (
        says(verification=(Verification(criterion="x", seconds=3e10),)), "longer than all of it",
    ),
    "a check of no number": (
        says(verification=(Verification(criterion="x", seconds=float("nan")),)), "longer than all",
    ),
    "success without a change": (says(head_sha=None, files_changed=0), "changed nothing"),
    "success of an engine that crashed": (envelope(outcome=OutcomeClass.CRASH), "ended with crash"),
    "success of what we interrupted": (envelope(interrupted=True), "says success"),
    "success without a check": (says(verification=()), "nothing shows that pytest -q holds"),
    "success beside a failed check": (says(verification=(FAILED,)), "nothing shows that pytest"),
    "success with a check of its own": (
        says(verification=(Verification(criterion="true", exit_code=0, passed=True),)),
        "nothing shows that pytest",
    ),
    "success with work left": (says(todo=(TodoItem(id=1, text="x"),)), "left something undone"),
    "an acknowledgement nobody wrote": (says(acknowledged=True), "acknowledgement"),
    "an acknowledgement it does not own up to": (
        envelope(acknowledgement=Acknowledgement(workstream="build", understood="yes")),
        "acknowledgement",
    ),
    "evidence over the events": (envelope(evidence={"events.jsonl": ""}), "not its own"),
    "evidence of another attempt": (
        envelope(evidence={"evidence/build.1/1.log": ""}), "not its own",
    ),
    "evidence that climbs": (
        envelope(evidence={"evidence/build.2/../../plan.yaml": ""}), "not its own",
    ),
    "evidence with a line end": (envelope(evidence={f"{LOG}\n": ""}), "not its own"),
    "endless evidence": (envelope(evidence={LOG: "x" * 5_000_000}), "longer than"),
    "a log that is not there": (envelope(evidence={}), "a log that is not there"),
    "a line of another run": (line(run="other"), "call 2 of its ledger has another run"),
    "a line of another workstream": (line(workstream="other"), "another workstream"),
    "a line of another attempt": (line(attempt=1), "another attempt"),
    "a line with somebody's id": (line(id="0123456789abcdef"), "another id"),
    "a line with the id of another attempt": (
        line(id=call_id(RUN, "build", 1, completion("build").started_at, 2)), "another id",
    ),
    "a line with the id of another hand-out": (
        line(id=call_id(RUN, "build", 2, at(7), 2)), "another id",
    ),
    "the same line twice": (
        lambda p: with_lines((p[0].spend[0],) * 2, *p), "call 2 of its ledger has another id",
    ),
    "a reservation": (line(entry="reserve"), "another entry"),
    "an approval": (line(entry="approve"), "another entry"),
    "a line that names an approval": (line(approval="abc"), "another approval"),
    "a line with a reason": (line(justification="because"), "another justification"),
    "another tier's line": (line(tier="free"), "another tier"),
    "another provider's line": (line(provider="other"), "another provider"),
    "a paid call that says it was free": (line(billing="free"), "another billing"),
    "a call under its price": (line(cost_usd=Decimal(0)), "another cost_usd"),
    "a call over its price": (line(cost_usd=Decimal(5)), "another cost_usd"),
    "a call of last month": (line(at=at(0) - timedelta(days=40)), "another at"),
    "minus tokens": (line(input_tokens=-1_000), "cannot be"),
    "minus tokens written": (line(output_tokens=-1), "cannot be"),
    "minus tokens cached": (line(cached_tokens=-1), "cannot be"),
    "minus tokens kept": (line(written_tokens=-1), "cannot be"),
    "more tokens than there are": (line(input_tokens=10**30), "cannot be"),
    "a call's model with a mention": (line(model="@everyone hi"), "no name"),
    "fewer requests than calls": (spends(requests=1), "its requests is not the sum"),
    "a smaller bill": (spends(cost_usd=Decimal(0)), "its cost_usd is not the sum"),
    "a known bill of unknown calls": (
        lambda p: spends(cost_known=True)(line(cost_known=False)(p)), "its cost_known is not",
    ),
    "no lines at all": (envelope(spend=()), "its requests is not the sum"),
}  # fmt: skip


@pytest.mark.parametrize(("lie", "because"), LIES.values(), ids=LIES.keys())
def test_what_the_record_does_not_bear_out_is_named(lie, because) -> None:
    assert because in check_handback(*lie(honest()), EXPECTED)


def test_a_price_nobody_knows_is_never_known_to_a_job() -> None:
    unpriced = tier("ours", billing=Billing.SUBSCRIPTION)
    sealed, said = line(cost_known=True)(honest(unpriced))
    found = check_handback(sealed, said, replace(EXPECTED, tier=unpriced))
    assert "another cost_known" in found


def test_what_nobody_counted_costs_what_was_set_aside_for_it() -> None:
    uncounted = replace(CALLS[0], counted=False, usd=Decimal("0.7"))
    kept = replace(CALLS[1], written_tokens=100, written_for_an_hour_tokens=50)
    sealed, said = honest(calls=(uncounted, kept))
    assert sealed.spend[0].cost_usd == Decimal("0.7")
    assert check_handback(sealed, said, EXPECTED) == ""
    free = tier("free")
    sealed, said = line(cost_known=False, cost_usd=Decimal(5))(honest(free))
    found = check_handback(sealed, said, replace(EXPECTED, tier=free))
    assert "another cost_usd" in found


def test_a_failure_needs_no_proof() -> None:
    sealed, said = honest()
    said = said.model_copy(update={"status": "failed", "verification": (FAILED,)})
    sealed = sealed.model_copy(update={"outcome": OutcomeClass.GAVE_UP})
    assert check_handback(sealed, said, EXPECTED) == ""


def test_a_job_may_say_that_it_does_not_know_what_it_cost() -> None:
    sealed, said = honest(calls=())
    said = said.model_copy(update={"usage": Usage(cost_known=False)})
    assert check_handback(sealed, said, EXPECTED) == ""
