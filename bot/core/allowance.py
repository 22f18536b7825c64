"""What may still be asked of a tier: requests, tokens, and an attempt's money."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bot.core.base import ZERO_USD
from bot.core.routing import Tier

MINUTE = timedelta(minutes=1)


class Limit(StrEnum):
    """Which limit of ours keeps a request back."""

    MINUTE = "minute"
    DAY = "day"
    MONEY = "money"
    PARKED = "parked"  # the provider asked for a long wait
    STOPPED = "stopped"  # the tier does not do what it is trusted to do


@dataclass(frozen=True)
class Share:
    """What is left to us of an account's allowance, by the ledger; None: as the tier says."""

    requests: int | None = None  # today
    tokens: int | None = None  # today
    requests_per_minute: int | None = None


WHOLE = Share()


@dataclass(frozen=True)
class HeldBack:
    """Why a request is not sent. `seconds`: when it may be, where time mends it."""

    by: Limit
    because: str
    seconds: int | None = None


class TierAllowance:
    """What a tier's account allows, shared by all attempts on it; days are those of UTC.

    A request holds its largest number of tokens from when it is sent until it is counted.
    """

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._sent: deque[datetime] = deque()  # within the last minute
        self._day = date.min
        self._requests = 0
        self._tokens = 0
        self._held = 0
        self._stopped = ""
        self._parked: tuple[datetime, str] | None = None
        self._most_a_minute = tier.requests_per_minute
        self._most_requests, self._most_tokens = tier.requests_per_day, tier.tokens_per_day

    def narrow(self, share: Share, now: datetime) -> None:
        """Let no more through than a share has left, beside what was used here already."""
        self._move_to(now)
        self._most_a_minute = _least(self._most_a_minute, share.requests_per_minute)
        if share.requests is not None:
            self._most_requests = _least(self._most_requests, self._requests + share.requests)
        if share.tokens is not None:
            self._most_tokens = _least(self._most_tokens, self._tokens + share.tokens)

    def take(self, tokens: int, now: datetime) -> HeldBack | None:
        """Take one request of at most so many tokens, or say why it may not be sent."""
        self._move_to(now)
        held_back = self._held_back(tokens, now)
        if held_back is None:
            self._sent.append(now)
            self._requests += 1
            self._held += tokens
        return held_back

    def settle(self, tokens: int, used: int) -> None:
        """Put what a request really used in the place of what it held."""
        self._held -= tokens
        self._tokens += used

    def stop(self, because: str) -> None:
        """Let nothing more through."""
        self._stopped = because

    def park(self, until: datetime, because: str) -> None:
        """Let nothing through until then."""
        self._parked = (until, because)

    def _move_to(self, now: datetime) -> None:
        while self._sent and self._sent[0] <= now - MINUTE:
            self._sent.popleft()
        today = now.astimezone(UTC).date()
        if today > self._day:
            self._day, self._requests, self._tokens = today, 0, 0
            tier = self._tier  # a share was one of yesterday
            self._most_requests, self._most_tokens = tier.requests_per_day, tier.tokens_per_day

    def _held_back(self, tokens: int, now: datetime) -> HeldBack | None:
        if self._stopped:
            return HeldBack(Limit.STOPPED, self._stopped)
        if self._parked is not None and now < self._parked[0]:
            until, because = self._parked
            return HeldBack(Limit.PARKED, because, int((until - now).total_seconds()) + 1)
        if self._most_requests is not None and self._requests >= self._most_requests:
            limit = self._limit(
                self._most_requests, self._tier.requests_per_day, "requests per day"
            )
            return self._tomorrow(limit, now)
        # One request goes out on an empty day: it may be smaller than it says.
        used, most = self._tokens + self._held, self._most_tokens
        if most is not None and (used or not most) and used + tokens > most:
            return self._tomorrow(
                self._limit(most, self._tier.tokens_per_day, "tokens per day"), now
            )
        most = self._most_a_minute
        if most is not None and len(self._sent) >= most:
            wait = (self._sent[-most] + MINUTE - now).total_seconds() if most else 60
            limit = self._limit(most, self._tier.requests_per_minute, "requests per minute")
            return HeldBack(Limit.MINUTE, limit, int(wait) + 1)
        return None

    def _limit(self, most: int, whole: int | None, of_what: str) -> str:
        """Say what is used up: all that the tier allows, or the part that was handed out."""
        if most == whole:
            return f"tier {self._tier.name} allows {most} {of_what}"
        whose = f"this attempt's share of tier {self._tier.name}"
        return f"{whose} is {most}" + (f" of {whole} {of_what}" if whole else f" {of_what}")

    def _tomorrow(self, limit: str, now: datetime) -> HeldBack:
        midnight = datetime.combine(self._day + timedelta(days=1), datetime.min.time(), UTC)
        seconds = int((midnight - now).total_seconds()) + 1
        return HeldBack(Limit.DAY, limit, seconds)


def _least(one: int | None, other: int | None) -> int | None:
    numbers = [number for number in (one, other) if number is not None]
    return min(numbers, default=None)


class Purse:
    """An attempt's money: what is spent and what is reserved never pass it together."""

    def __init__(self, limit: Decimal) -> None:
        self._limit = limit
        self.spent = ZERO_USD
        self.reserved = ZERO_USD

    def reserve(self, amount: Decimal) -> HeldBack | None:
        """Set aside what a request may cost at most, or say why there is not enough."""
        left = self._limit - self.spent - self.reserved
        if amount <= left:
            self.reserved += amount
            return None
        whole = f"{self._limit.normalize():f}"  # a share has six places, most of them zeros
        because = f"the next call may cost ${amount:.4f}, and ${left:.4f} of ${whole} is left"
        return HeldBack(Limit.MONEY, because)

    def is_empty_for(self, amount: Decimal) -> bool:
        """Whether there would not be enough if everything that is set aside came back."""
        return amount > self._limit - self.spent

    def take(self, cost: Decimal) -> None:
        """Count what was spent before."""
        self.spent += cost

    def settle(self, amount: Decimal, cost: Decimal) -> None:
        """Put what a request cost in the place of what was set aside for it."""
        self.reserved -= amount
        self.spent += cost
