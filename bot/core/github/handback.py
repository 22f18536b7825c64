"""What an agent job hands back beside its completion, and whether the record bears it out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from bot.core.base import Moment, RunId, Sha, Strict, WorkstreamId
from bot.core.handoff import Acknowledgement, Completion, CompletionStatus, usage_of
from bot.core.ledger import Billing, LedgerLine
from bot.core.model_calls import Caller, call_line
from bot.core.model_ids import as_name
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Workstream
from bot.core.routing import Tier

MAX_CALLS = 10_000
MAX_EVIDENCE_FILES = 500
MAX_EVIDENCE_CHARACTERS = 4_000_000  # all of it together
MAX_TOKENS = 100_000_000  # of one call; no model takes a hundredth of it
CLOCKS_DIFFER = timedelta(minutes=10)  # between the machines of two jobs, at most

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Envelope(Strict):
    """What an attempt came to beside its completion. Evidence is text by its name in the record."""

    version: Literal[1] = 1
    run: RunId
    workstream: WorkstreamId
    attempt: Annotated[int, Field(ge=1)]
    outcome: OutcomeClass
    acknowledgement: Acknowledgement | None = None
    spend: Annotated[tuple[LedgerLine, ...], Field(max_length=MAX_CALLS)] = ()
    evidence: Annotated[dict[str, str], Field(max_length=MAX_EVIDENCE_FILES)] = Field(
        default_factory=dict
    )
    interrupted: bool = False
    back_at: Moment | None = None  # when an exhausted tier serves again, if it said so


@dataclass(frozen=True)
class Expected:
    """What the record says of an attempt that was handed out."""

    run: RunId
    workstream: Workstream
    attempt: int
    base_sha: Sha
    tier: Tier
    handed_out_at: Moment
    now: Moment


def check_handback(envelope: Envelope, completion: Completion, expected: Expected) -> str:
    """Say what does not agree with the record; empty: nothing. The change itself is read apart."""
    return (
        _other_attempt(envelope, completion, expected)
        or _other_work(completion, expected)
        or _impossible_figures(completion)
        or _unproved_success(envelope, completion, expected.workstream)
        or _foreign_evidence(envelope, completion)
        or _wrong_ledger(envelope, completion, expected)
    )


def _other_attempt(envelope: Envelope, completion: Completion, expected: Expected) -> str:
    wanted = (expected.run, expected.workstream.id, expected.attempt)
    for said in (envelope, completion):
        if (said.run, said.workstream, said.attempt) != wanted:
            return "it is not of the attempt that was handed out"
    return ""


def _other_work(completion: Completion, expected: Expected) -> str:
    tier = expected.tier
    if completion.base_sha != expected.base_sha:
        return f"it started from another commit than {expected.base_sha}"
    asked = (completion.tier, completion.engine, completion.model_requested)
    if asked != (tier.name, tier.engine, tier.model or None):
        return f"it names another tier, engine or model than {tier.name}"
    if completion.model_returned and not _is_name(completion.model_returned, tier):
        return "it names a model that is no name"
    if completion.head_sha is not None and not _SHA.fullmatch(completion.head_sha):
        return "its head is no commit"
    begin, end = completion.started_at, completion.finished_at
    if not expected.handed_out_at - CLOCKS_DIFFER <= begin <= end <= expected.now + CLOCKS_DIFFER:
        return "it did not run between the hand-out and now"
    return ""


def _is_name(model: str, tier: Tier) -> bool:
    """Whether a record may have it: as we write what a provider says, or as settings call it."""
    return model in {as_name(model), tier.model}


def _impossible_figures(completion: Completion) -> str:
    counts = (completion.files_changed, completion.insertions, completion.deletions)
    if min(counts) < 0 or (completion.head_sha is None) != (completion.files_changed == 0):
        return "what it says of its change cannot be"
    if completion.score is not None and not 0 <= completion.score <= 10:
        return "its score is not between 0 and 10"
    longest = (completion.finished_at - completion.started_at).total_seconds() + 1
    if not all(0 <= check.seconds <= longest for check in completion.verification):
        return "a check of it took longer than all of it"
    return ""


def _unproved_success(envelope: Envelope, completion: Completion, workstream: Workstream) -> str:
    """Hold a success against what success needs; other ends claim nothing."""
    if completion.acknowledged != (envelope.acknowledgement is not None):
        return "it does not agree with itself on the acknowledgement"
    if completion.status is not CompletionStatus.SUCCESS:
        return ""
    if envelope.outcome is not OutcomeClass.DONE or envelope.interrupted:
        return f"it says success, and its engine ended with {envelope.outcome}"
    if completion.head_sha is None and not workstream.kind.changes_nothing:
        return "it says success, and changed nothing"
    checks = {check.criterion: check for check in completion.verification}
    for criterion in workstream.acceptance:
        check = checks.get(str(criterion))
        held = check is not None and check.passed is True and check.exit_code == 0
        if criterion.run and not held:
            return f"it says success, and nothing shows that {criterion} holds"
    if not all(item.done for item in completion.todo):
        return "it says success, and left something undone"
    return ""


def _foreign_evidence(envelope: Envelope, completion: Completion) -> str:
    """Names become paths in the run's record: only this attempt's own may be written."""
    attempt = re.escape(f"{envelope.workstream}.{envelope.attempt}")
    own = re.compile(rf"evidence/{attempt}/[a-z0-9][a-z0-9-]{{0,60}}\.log|given/{attempt}\.json")
    if not all(own.fullmatch(name) for name in envelope.evidence):
        return "it brings evidence that is not its own"
    if sum(map(len, envelope.evidence.values())) > MAX_EVIDENCE_CHARACTERS:
        return f"its evidence is longer than {MAX_EVIDENCE_CHARACTERS:,} characters"
    logs = {check.log for check in completion.verification if check.log is not None}
    return "" if logs <= envelope.evidence.keys() else "it names a log that is not there"


def _wrong_ledger(envelope: Envelope, completion: Completion, expected: Expected) -> str:
    for nth, line in enumerate(envelope.spend, 1):
        if wrong := _wrong_line(line, nth, completion, expected):
            return f"call {nth} of its ledger {wrong}"
    said, ours = completion.usage, usage_of(envelope.spend)
    if not said.cost_known:  # to know less is no gain: all that was reserved counts then
        ours = ours.model_copy(update={"cost_known": False})
    differ = [name for name, value in ours if getattr(said, name) != value]
    return f"its {differ[0]} is not the sum of its calls" if differ else ""


def _wrong_line(line: LedgerLine, nth: int, completion: Completion, expected: Expected) -> str:
    """Say how a line differs from the one that we would write of these tokens."""
    if not all(0 <= number <= MAX_TOKENS for number in vars(line.tokens).values()):
        return "has a number of tokens that cannot be"
    tier = expected.tier
    if not line.model or not _is_name(line.model, tier):
        return "names a model that is no name"
    caller = Caller(
        expected.run,
        expected.workstream.id,
        expected.attempt,
        tier,
        completion.started_at,
        completion.finished_at,
    )
    ours = call_line(caller, nth, line.model, line.tokens)
    cost, known = ours.cost_usd, ours.cost_known
    if tier.billing is Billing.PAID and not line.cost_known:  # what was set aside for it
        cost = max(cost, line.cost_usd)
    known = known and line.cost_known  # a provider may not have said what it counted
    ours = ours.model_copy(update={"cost_usd": cost, "cost_known": known})
    differ = [name for name, value in ours if getattr(line, name) != value]
    return f"has another {differ[0]} than the record gives" if differ else ""
