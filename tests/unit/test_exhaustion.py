"""Tiers that ran out: until when they are passed over, and when a run waits for one."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.core import events as happened
from bot.core.accounts import Accounts
from bot.core.actions import AskHuman, StartWorkstream
from bot.core.decide import decide
from bot.core.events import Event, Policy
from bot.core.exhaustion import MOST_TIMES, Exhausted, out_at
from bot.core.folding import fold
from bot.core.handoff import CompletionStatus
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Plan
from bot.core.state import RunState
from bot.core.waking import wakes_at
from tests.support.builders import (
    RUN,
    at,
    finished,
    ladder,
    plan,
    requested,
    run_of,
    started,
    tier,
    workstream,
)
from tests.support.simulate import Outcome, World, play

ONE = plan(workstream("a"))
LOCAL = Policy(ladder=ladder(tier("local")))
QUOTA = finished("a", outcome=OutcomeClass.QUOTA, status="quota", head_sha=None)


def ran_out(
    back: float | None, *, tier: str = "local", when: float = 60, cause: str = "a.1"
) -> Event:
    back_at = None if back is None else at(back)
    return happened.TierExhausted(
        at=at(when), run=RUN, cause=cause, tier=tier, because="429", back_at=back_at
    )


def out(*events: Event, now: float) -> dict[str, str]:
    return out_at(fold(events).outages, at(now))


def after_quota(*events: Event, policy: Policy = LOCAL, what: Plan = ONE) -> RunState:
    return fold(run_of(what, started("a"), QUOTA, *events, policy=policy))


def test_what_a_provider_said_is_a_part_of_the_reason_whatever_it_ends_with() -> None:
    told = [str(Exhausted("Rate limit reached.", at(600))), str(Exhausted("Out.", None, 3))]
    assert told[0].startswith("Rate limit reached; back at ")
    assert told[1] == "Out; it ran out 3 times"


def test_a_tier_is_passed_over_until_the_time_it_gave_and_says_so() -> None:
    assert out(ran_out(600), now=599) == {"local": f"429; back at {at(600):%Y-%m-%d %H:%M} UTC"}
    assert out(ran_out(600), now=600) == {}


def test_a_tier_that_gave_no_time_is_out_for_the_run() -> None:
    assert out(ran_out(None), now=10**7) == {"local": "429"}
    together = (ran_out(600), ran_out(None, cause="b.1"))
    assert out(*together, now=10**7) == {"local": "429"}, "whoever heard of no time counts"


def test_of_what_several_attempts_heard_at_once_the_latest_time_counts_and_it_ran_out_once() -> (
    None
):
    many = [ran_out(600 + nth, cause=f"w{nth}.1") for nth in range(8)]
    assert out(*many, now=606) != {}
    assert out(*many, now=607) == {}


def test_a_tier_that_runs_out_whenever_it_is_back_is_not_believed_for_ever() -> None:
    again = [
        ran_out(100 * nth + 50, when=100 * nth, cause=f"a.{nth}")
        for nth in range(1, MOST_TIMES + 1)
    ]
    assert out(*again[:-1], now=10**6) == {}
    assert out(*again, now=10**6) == {"local": f"429; it ran out {MOST_TIMES} times"}


@pytest.mark.parametrize(
    ("back", "asked", "is_out"),
    [
        pytest.param(None, 90, False, id="it gave no time: it may be back"),
        pytest.param(100, 200, False, id="its time is over"),
        pytest.param(500, 200, True, id="its time is not over"),
    ],
)
def test_asking_for_the_run_again_forgets_only_what_may_be_over(
    back: float | None, asked: float, is_out: bool
) -> None:
    state = after_quota(ran_out(back), requested(asked, policy=LOCAL, cause="resume 1"))
    [action] = decide(state, at(asked), Accounts())
    assert isinstance(action, AskHuman if is_out else StartWorkstream)


def test_a_person_is_told_when_the_only_tier_is_back_and_then_it_goes_on() -> None:
    state = after_quota(ran_out(300))
    [ask] = decide(state, at(61), Accounts())
    assert isinstance(ask, AskHuman)
    assert f"back at {at(300):%Y-%m-%d %H:%M} UTC" in ask.question
    [start] = decide(state, at(300), Accounts())
    assert isinstance(start, StartWorkstream)
    assert (start.tier.name, start.attempt) == ("local", 2)


@pytest.mark.parametrize(
    ("back", "wakes"),
    [
        pytest.param(300, at(300), id="soon"),
        pytest.param(60 + 10 * 60, at(60 + 10 * 60), id="just soon enough"),
        pytest.param(61 + 10 * 60, None, id="too late"),
        pytest.param(None, None, id="nobody knows"),
    ],
)
def test_a_run_waits_only_for_a_tier_that_is_back_soon(
    back: float | None, wakes: datetime | None
) -> None:
    assert wakes_at(after_quota(ran_out(back)), at(60)) == wakes


def test_nothing_is_waited_for_where_nothing_could_start() -> None:
    running = fold(run_of(ONE, started("a"), ran_out(300, tier="other"), policy=LOCAL))
    assert wakes_at(running, at(60)) is None


def test_a_run_falls_through_waits_and_goes_on_with_the_tier_that_is_back() -> None:
    def quota_at_first(_: object, attempt: int) -> Outcome:
        if attempt > 2:
            return Outcome()
        back_in = {1: 400.0, 2: None}[attempt]
        return Outcome(CompletionStatus.QUOTA, OutcomeClass.QUOTA, back_in=back_in)

    policy = Policy(ladder=ladder(tier("first"), tier("second")))
    played = play(ONE, World(attempt=quota_at_first), policy=policy)
    handed = [(out.start.tier.name, (out.now - at(0)).total_seconds()) for out in played.hand_outs]
    assert handed == [("first", 0), ("second", 60), ("first", 460)]
    assert played.state.track("a").landed
