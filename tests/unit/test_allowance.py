"""What a tier's account allows, where a part of it is used elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.core.allowance import Limit, Share, TierAllowance
from bot.core.ledger import Billing
from bot.core.routing import Tier

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def allowance(share: Share, **more: int) -> TierAllowance:
    tier = Tier(name="t", engine="builtin", provider="p", billing=Billing.FREE, **more)
    made = TierAllowance(tier)
    made.narrow(share, NOON)
    return made


def taken(one: TierAllowance, tokens: int = 10) -> Limit | None:
    held_back = one.take(tokens, NOON)
    return held_back.by if held_back else None


def test_the_smaller_of_the_tiers_limit_and_the_share_holds() -> None:
    few = allowance(Share(requests=1), requests_per_day=50)
    assert [taken(few), taken(few)] == [None, Limit.DAY]
    many = allowance(Share(requests=50), requests_per_day=1)
    assert [taken(many), taken(many)] == [None, Limit.DAY]
    slow = allowance(Share(requests_per_minute=1), requests_per_minute=9)
    assert [taken(slow), taken(slow)] == [None, Limit.MINUTE]


def test_a_share_with_nothing_left_lets_nothing_through() -> None:
    assert taken(allowance(Share(requests=0))) is Limit.DAY
    assert taken(allowance(Share(tokens=0))) is Limit.DAY
    assert taken(allowance(Share(requests_per_minute=0))) is Limit.MINUTE


def test_what_was_used_here_is_not_given_out_twice_when_the_next_share_does_not_know_it_yet() -> (
    None
):
    one = allowance(Share(requests=2))
    assert taken(one) is None
    one.narrow(Share(requests=2), NOON)  # the ledger has no line of the first request yet
    assert [taken(one), taken(one)] == [None, Limit.DAY]


def test_a_share_ends_with_its_day() -> None:
    one = allowance(Share(requests=0), requests_per_day=5)
    assert one.take(1, NOON + timedelta(days=1)) is None


def test_a_share_that_is_used_up_is_not_called_the_tiers_own_limit() -> None:
    few = allowance(Share(requests=1), requests_per_day=50)
    few.take(1, NOON)
    held_back = few.take(1, NOON)
    assert held_back is not None
    assert held_back.because == "this attempt's share of tier t is 1 of 50 requests per day"
    whole = allowance(Share(), requests_per_day=1)
    whole.take(1, NOON)
    held_back = whole.take(1, NOON)
    assert held_back is not None
    assert held_back.because == "tier t allows 1 requests per day"
