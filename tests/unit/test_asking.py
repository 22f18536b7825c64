"""Asking for money before work that a rule wants a paid tier for, while a free one could do it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.cli.approve import approve
from bot.core.accounts import Accounts
from bot.core.actions import Action, AskHuman, StartWorkstream
from bot.core.answers import Speaker
from bot.core.decide import decide
from bot.core.events import Event, Policy
from bot.core.folding import fold
from bot.core.github.commands import COMMANDS
from bot.core.owned_sizes import owned_tokens
from bot.core.plan import Plan
from bot.core.report import exit_code, next_steps, open_questions
from bot.core.routing import Ladder
from bot.core.routing_rules import RoutingRule
from bot.core.state import RunState
from bot.core.waking import wakes_at
from bot.errors import Exit
from tests.support.builders import (
    RUN,
    asked,
    at,
    granted,
    ladder,
    plan,
    run_of,
    started,
    tier,
    workstream,
)
from tests.support.simulate import World, play

RULES = (
    RoutingRule(kinds=("audit",), prefer=("claude",), ask=True, because="it must miss nothing"),
    RoutingRule(
        complexity=("critical",),
        kinds=("implementation",),
        prefer=("claude",),
        ask=True,
        because="the task is critical",
    ),
)
LADDER = Ladder(
    rungs=ladder(tier("free"), tier("claude", usd="3.00", provider="anthropic")).rungs, rules=RULES
)
AUDIT = plan(workstream("audit", kind="audit"), workstream("docs", kind="docs", files=("d/**",)))
CAUSE = "choice:anthropic"


def state_of(what: Plan, *events: Event, minutes: float | None = 60, **more: object) -> RunState:
    policy = Policy(ladder=LADDER, paid_answer_minutes=minutes, **more)
    return fold(run_of(what, *events, policy=policy))


def decided(state: RunState, now: float) -> dict[str, Action]:
    """Return what is decided, by workstream; of a question by its cause."""
    actions = decide(state, at(now), Accounts())
    return {a.cause if isinstance(a, AskHuman) else getattr(a, "id", ""): a for a in actions}


def question(seconds: float = 10) -> Event:
    return asked("May claude do it?", CAUSE, seconds, workstream="audit", provider="anthropic")


def test_such_work_is_asked_about_first_and_everything_else_begins() -> None:
    found = decided(state_of(AUDIT), 10)
    assert set(found) == {CAUSE, "docs"}
    ask = found[CAUSE]
    assert isinstance(ask, AskHuman)
    assert (ask.workstream, ask.provider) == ("audit", "anthropic")
    for piece in ("claude-1 of anthropic", "$3.00 in", "it must miss nothing", "60 minutes free"):
        assert piece in ask.question


def test_what_to_type_is_said_as_for_all_money() -> None:
    state = state_of(AUDIT, question(), started("docs"))
    assert next_steps(state, RUN)[0].startswith(f"orchestrate approve-paid {RUN} anthropic 2.00")
    assert exit_code(state) == Exit.NEEDS_PERSON


def test_with_a_yes_the_paid_tier_does_it() -> None:
    yes = granted(20, provider="anthropic", usd=Decimal(2), because="it matters")
    start = decided(state_of(AUDIT, question(), yes, started("docs")), 30)["audit"]
    assert isinstance(start, StartWorkstream)
    assert (start.tier.name, start.reserved_usd) == ("claude", Decimal(2))
    assert start.because == "approved: it must miss nothing"


@pytest.mark.parametrize(
    ("minutes", "now", "begins"),
    [
        pytest.param(60, 10 + 3_599, False, id="before the time is over"),
        pytest.param(60, 10 + 3_600, True, id="once it is over"),
        pytest.param(None, 10**7, False, id="where the settings say that it waits"),
    ],
)
def test_without_an_answer_it_goes_on_free_after_the_time_that_settings_give(
    minutes: float | None, now: float, begins: bool
) -> None:
    state = state_of(AUDIT, question(), started("docs", now), minutes=minutes)
    found = decided(state, now)
    assert ("audit" in found) == begins
    if begins:
        start = found["audit"]
        assert isinstance(start, StartWorkstream)
        assert start.tier.name == "free"
        assert start.because.startswith("nobody said yes to anthropic in 60 minutes; the first")


def test_a_person_can_let_it_begin_without_the_money() -> None:
    waits = state_of(AUDIT, question(), minutes=None)
    [no_money] = Speaker(RUN, "ada", at(20)).approve(waits, "audit").events
    start = decided(fold([no_money], waits), 21)["audit"]
    assert isinstance(start, StartWorkstream)
    assert start.tier.name == "free"
    assert start.because.startswith("ada lets it start without anthropic")


def test_whoever_reads_the_help_learns_what_approve_means_for_money() -> None:
    [told] = [spec.does for spec in COMMANDS if spec.name == "approve"]
    said = approve.__doc__
    assert said
    for text in (told, said):
        assert "goes on free at once" in text


def test_where_nobody_could_answer_nobody_is_asked() -> None:
    assert set(decided(state_of(AUDIT, minutes=0), 10)) == {"audit", "docs"}


def test_a_provider_is_asked_for_once_for_all_of_a_critical_tasks_code() -> None:
    code = [workstream(name, files=(f"{name}/**",)) for name in ("api", "cli", "web", "db")]
    critical = plan(*code, complexity="critical")
    [ask] = decide(state_of(critical), at(10), Accounts())
    assert isinstance(ask, AskHuman)
    assert "api, cli, web and 1 more" in ask.question
    assert all(w in decided(state_of(plan(*code)), 10) for w in ("api", "db")), "it is not critical"


def test_the_question_is_open_until_the_work_has_begun() -> None:
    state = state_of(AUDIT, question(), started("docs"))
    assert [one.cause for one in open_questions(state)] == [CAUSE]
    assert wakes_at(state, at(11)) == at(3_610)
    begun = fold([started("audit", 3_610, tier="free")], state)
    assert open_questions(begun) == ()
    assert wakes_at(begun, at(3_611)) is None


def test_a_run_with_nobody_there_ends_on_free_tiers_alone() -> None:
    policy = Policy(ladder=LADDER)
    played = play(AUDIT, World(), policy=policy)
    assert played.state.finished
    assert {(out.start.id, out.start.tier.name) for out in played.hand_outs} == {
        ("audit", "free"),
        ("docs", "free"),
    }
    assert played.starts == {"docs": 0, "audit": 3_600}


def test_files_are_measured_by_whoever_owns_them() -> None:
    two = plan(
        workstream("a", files=("src/**", "!src/x.py")), workstream("b", files=("nothing/**",))
    )
    assert owned_tokens(two, {"src/a.py": 4_000, "src/x.py": 8_000, "README.md": 9}) == {"a": 1_000}
