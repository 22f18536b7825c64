"""A request that failed is sent again while that makes sense, and a door shuts when it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.allowance import HeldBack, Limit
from bot.core.outcomes import OutcomeClass
from bot.core.provider_failures import Failure, Trouble, broke_off, failure_of
from bot.core.sending import (
    AGAIN,
    LONGEST_WAIT,
    Again,
    Over,
    Patience,
    Sent,
    Standing,
    after_failure,
    after_limit,
)

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
FRESH = Sent({}, 600, 0.5)


def after(failure: Failure, sent: Sent = FRESH) -> Again | Over:
    return after_failure(failure, sent, Patience(), NOW)


def test_a_short_wait_is_waited_and_a_longer_one_parks_the_tier_until_then() -> None:
    assert after(failure_of(429, "", retry_after="7")) == Again(7)
    long = after(failure_of(429, "slow", retry_after="3600"))
    assert long == Over(
        OutcomeClass.RATE_LIMIT, "HTTP 429: slow", is_final=True, back_at=NOW + timedelta(hours=1)
    )
    late = after(failure_of(429, "slow", retry_after="30"), Sent({}, 20, 0.5))
    assert isinstance(late, Over)


def test_waits_grow_where_nobody_said_how_long() -> None:
    busy = failure_of(429, "")
    waits = [after(busy, Sent({Trouble.BUSY: n}, 600, 0.5)) for n in range(4)]
    assert waits == [Again(1), Again(2), Again(4), Again(8)]
    assert isinstance(after(busy, Sent({Trouble.BUSY: 4}, 600, 0.5)), Over)


def test_where_the_attempts_time_ended_that_is_said_and_not_that_the_provider_is_silent() -> None:
    silent, no_more = broke_off("the provider said nothing for 0 s"), Sent({}, 0.0, 0.5)
    over = after(silent, no_more)
    assert isinstance(over, Over)
    assert (over.outcome, over.is_final) == (OutcomeClass.TIMEOUT, True)
    assert "time was up" in over.message
    said = after(failure_of(429, "slow", retry_after="90"), no_more)  # it did answer
    assert isinstance(said, Over)
    assert said.outcome is OutcomeClass.RATE_LIMIT


failures = st.builds(
    Failure,
    st.sampled_from([OutcomeClass.RATE_LIMIT, OutcomeClass.CRASH]),
    st.just("m"),
    st.sampled_from(list(Trouble)),
    st.none() | st.floats(0, 1e9),
)


@given(st.lists(failures, max_size=40), st.floats(0, 1_000), st.floats(0, 1))
def test_no_series_of_failures_is_sent_for_ever_or_beyond_the_attempt(
    series: list[Failure], left: float, chance: float
) -> None:
    tried = dict.fromkeys(Trouble, 0)
    for failure in series:
        then = after(failure, Sent(tried, left, chance))
        if isinstance(then, Over):
            assert then.is_final
            return
        assert 0 <= then.seconds <= LONGEST_WAIT
        assert then.seconds < left
        left -= then.seconds
        assert failure.trouble is not None
        tried[failure.trouble] += 1
    assert len(series) <= sum(AGAIN.values())


@pytest.mark.parametrize(
    ("status", "is_final"), [(401, True), (402, True), (400, False), (404, False)]
)
def test_what_waiting_does_not_mend_is_not_sent_again(status: int, is_final: bool) -> None:
    then = after(failure_of(status, "no"))
    assert isinstance(then, Over)
    assert then.is_final is is_final


def bad(message: str = "bad") -> Over:
    return Over(OutcomeClass.BAD_REQUEST, message, is_final=False)


def test_one_bad_request_of_a_side_call_does_not_end_an_attempt_and_three_in_a_row_do() -> None:
    standing = Standing()
    standing.failed(bad())
    standing.failed(bad())
    assert standing.final(NOW) is None
    standing.answered()
    assert standing.last is None
    for _ in range(3):
        assert standing.final(NOW) is None
        standing.failed(bad("at last"))
    final = standing.final(NOW)
    assert final is not None
    assert final.message == "at last"
    standing.answered()  # one that was still under way
    standing.failed(bad("later"))
    assert standing.final(NOW) == final


def test_an_agent_whose_summaries_are_too_long_as_well_is_ended_and_one_that_goes_on_is_not() -> (
    None
):
    too_long = Over(OutcomeClass.CONTEXT_TOO_LONG, "too long", is_final=False)
    going_on, going_round = Standing(), Standing()
    for _ in range(5):
        going_on.failed(too_long)
        going_on.answered()  # the summary
        going_on.answered()  # what was asked for
        going_round.failed(too_long)
        going_round.answered()
    assert going_on.final(NOW) is None
    assert going_round.final(NOW) == Over(OutcomeClass.CONTEXT_TOO_LONG, "too long", is_final=True)


def test_what_is_final_until_a_time_is_over_then() -> None:
    standing = Standing()
    back = NOW + timedelta(minutes=5)
    standing.failed(Over(OutcomeClass.RATE_LIMIT, "slow", is_final=True, back_at=back))
    assert standing.final(NOW)
    assert standing.final(back) is None


def test_a_minute_of_ours_is_waited_for_and_a_day_is_not() -> None:
    assert after_limit(HeldBack(Limit.MINUTE, "m", 61), 600, NOW) == Again(61)
    over = after_limit(HeldBack(Limit.MINUTE, "m", 61), 30, NOW)
    assert isinstance(over, Over)
    assert over.outcome is OutcomeClass.RATE_LIMIT
    day = after_limit(HeldBack(Limit.DAY, "d", 7200), 90_000, NOW)
    assert isinstance(day, Over)
    assert (day.outcome, day.back_at) == (OutcomeClass.QUOTA, NOW + timedelta(hours=2))
    money = after_limit(HeldBack(Limit.MONEY, "$"), 600, NOW)
    assert isinstance(money, Over)
    assert (money.outcome, money.back_at) == (OutcomeClass.LIMIT, None)


def test_an_answer_that_breaks_off_before_it_began_is_sent_again_twice() -> None:
    cut = broke_off("cut")
    assert isinstance(after(cut, Sent({Trouble.CUT: 1}, 600, 0)), Again)
    over = after(cut, Sent({Trouble.CUT: 2}, 600, 0))
    assert over == Over(OutcomeClass.CRASH, "cut (3 times)", is_final=True)
