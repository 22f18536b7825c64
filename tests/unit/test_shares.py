"""Limits of an account, shared by attempts that run at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.accounts import Accounts, Use
from bot.core.actions import StartWorkstream
from bot.core.allowance import WHOLE, Share
from bot.core.decide import decide
from bot.core.events import Policy, TierExhausted
from bot.core.folding import fold
from bot.core.handoff import Usage
from bot.core.journal import Journal
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Plan
from bot.core.routing import Tier
from bot.core.state import RunState
from tests.support.builders import (
    RUN,
    at,
    completion,
    ladder,
    plan,
    run_of,
    started,
    tier,
    workstream,
)
from tests.support.simulate import World, play, random_plan, random_world


def usage_of(requests: int, tokens: int) -> Usage:
    return Usage(requests=requests, input_tokens=tokens)


def side_by_side(number: int) -> Plan:
    streams = (workstream(f"w{n}", files=(f"w{n}/**",)) for n in range(number))
    return plan(*streams, limits={"max_parallel": 8})


def state_of(what: Plan, *tiers: Tier, apart: bool = True) -> RunState:
    return fold(run_of(what, policy=Policy(ladder=ladder(*tiers), apart=apart)))


def starts(state: RunState, now: float = 10, **today: Use) -> list[StartWorkstream]:
    actions = decide(state, at(now), Accounts(today=today))
    return [action for action in actions if isinstance(action, StartWorkstream)]


def shares(state: RunState, **today: Use) -> list[tuple[str, Share]]:
    return [(start.tier.name, start.share) for start in starts(state, **today)]


@pytest.mark.parametrize(
    ("limits", "used", "expected"),
    [
        pytest.param({}, Use(), [WHOLE] * 4, id="a tier without limits"),
        pytest.param(
            {"requests_per_day": 400}, Use(), [Share(100)] * 4, id="all of a day, among four"
        ),
        pytest.param(
            {"requests_per_day": 400}, Use(requests=200), [Share(50)] * 4, id="what is left of it"
        ),
        pytest.param(
            {"requests_per_day": 50}, Use(requests=25), [Share(10)] * 2, id="fewer begin, with some"
        ),
        pytest.param(
            {"tokens_per_day": 1_000_000}, Use(3, 200_000), [Share(None, 200_000)] * 4, id="tokens"
        ),
        pytest.param(
            {"requests_per_minute": 8}, Use(), [Share(None, None, 2)] * 4, id="a minute's"
        ),
        pytest.param({"requests_per_minute": 1}, Use(), [Share(None, None, 1)], id="one a minute"),
        pytest.param({"requests_per_day": 2}, Use(), [Share(1)] * 2, id="a small account"),
    ],
)
def test_machines_of_their_own_are_handed_shares_of_what_is_left(
    limits: dict[str, int], used: Use, expected: list[Share]
) -> None:
    state = state_of(side_by_side(4), tier("local", **limits))
    assert shares(state, local=used) == [("local", share) for share in expected]


def test_a_tier_with_too_little_left_is_passed_over_and_the_reason_is_said() -> None:
    state = state_of(side_by_side(1), tier("local", requests_per_day=50), tier("other"))
    [start] = starts(state, local=Use(requests=45))
    assert start.tier.name == "other"
    assert start.because == "the first free tier; local: 5 of 50 requests left today"


def test_where_nobody_gives_anything_back_the_last_requests_are_used() -> None:
    state = state_of(side_by_side(3), tier("local", requests_per_day=50))
    assert shares(state, local=Use(requests=45)) == [("local", Share(5))]


def test_a_share_comes_back_when_its_attempt_ends_or_its_lease_is_over() -> None:
    policy = Policy(ladder=ladder(tier("local", requests_per_day=50)), apart=True)
    held = started("w0", share=Share(50))
    state = fold(run_of(side_by_side(2), held, policy=policy))
    assert starts(state) == [], "w1 waits, and nobody is asked"
    assert decide(state, at(10), Accounts()) == ()
    again = starts(state, now=2_000)
    assert [(start.id, start.share) for start in again] == [("w0", Share(25)), ("w1", Share(25))]


def test_on_one_machine_all_may_use_what_is_left_and_no_more_begin_than_get_anywhere() -> None:
    state = state_of(side_by_side(8), tier("local", requests_per_day=50), apart=False)
    assert shares(state, local=Use(requests=15)) == [("local", Share(35))] * 3


@pytest.mark.parametrize(
    ("share", "used", "is_exhausted"),
    [
        pytest.param(Share(20), usage_of(20, 9_000), False, id="its requests are used up"),
        pytest.param(Share(20), usage_of(19, 9_000), True, id="the provider said so before"),
        pytest.param(Share(9), usage_of(9, 9_000), True, id="it was too small to prove anything"),
        pytest.param(Share(None, 80_000), usage_of(4, 40_000), False, id="its tokens are used up"),
        pytest.param(Share(None, 80_000), usage_of(4, 39_999), True, id="half of them are left"),
        pytest.param(WHOLE, usage_of(99, 10**6), True, id="it had no share"),
    ],
)
def test_an_attempt_that_used_up_its_share_does_not_take_the_tier_from_all_others(
    share: Share, used: Usage, is_exhausted: bool
) -> None:
    done = completion("w0", status="quota", usage=used)
    events = tuple(Journal(RUN, at(9)).finished(done, OutcomeClass.QUOTA, None, None, share))
    assert any(isinstance(event, TierExhausted) for event in events) == is_exhausted


@settings(max_examples=20)
@given(st.integers(0, 10**9), st.integers(1, 300))
def test_shares_together_never_pass_the_limit_and_every_run_ends(seed: int, limit: int) -> None:
    limited = tier("local", requests_per_day=limit, requests_per_minute=max(limit // 10, 1))
    policy = Policy(ladder=ladder(limited, tier("other", tokens_per_day=1_000 * limit)), apart=True)
    world = random_world(seed, person=False, trouble=(seed % 3) / 3)
    played = play(random_plan(seed), world, policy=policy)
    for step in played.steps:
        busy = [a.started for a in step.state.running if a.lease_until > step.now]
        new = [a for a in step.actions if isinstance(a, StartWorkstream)]
        given_out = [one.share for one in busy if one.tier == "local"]
        given_out += [one.share for one in new if one.tier.name == "local"]
        assert sum(share.requests or 0 for share in given_out) <= limit
        assert sum(share.requests_per_minute or 0 for share in given_out) <= max(limit // 10, 1)


def test_a_run_of_many_lands_on_a_small_account_one_after_another() -> None:
    policy = Policy(ladder=ladder(tier("local", requests_per_day=26)), apart=True)
    played = play(side_by_side(6), World(), policy=policy)
    assert len(played.state.landing) == 6
    assert sorted(played.starts.values()) == [0, 0, 60, 60, 120, 120]
