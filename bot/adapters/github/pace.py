"""How fast GitHub may be asked: a second between writes, and rate limits waited out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.adapters.github.errors import RateLimited

_SECONDARY_SECONDS = 60.0  # what GitHub asks for where it names no time; doubled each time
_LONGEST_SECONDS = 86_400.0


@dataclass
class Pace:
    """Waits where GitHub wants us to; all waits for limits together stay below `max_wait`.

    `spacing` and `max_wait` are seconds. One process, one thread.
    """

    pause: Callable[[float], None]
    now: Callable[[], datetime]
    spacing: float = 1.0
    max_wait: float = 120.0
    waited: float = field(default=0.0, init=False)
    _last_write: datetime | None = field(default=None, init=False)

    def before_write(self) -> None:
        """Keep the distance from the write before."""
        if self._last_write is None:
            return
        left = self.spacing - (self.now() - self._last_write).total_seconds()
        if left > 0:
            self.pause(min(left, self.spacing))

    def after_write(self) -> None:
        """Remember when a write ended."""
        self._last_write = self.now()

    def wait_out(self, seconds: float, endpoint: str) -> None:
        """Wait for a rate limit to pass. Raises RateLimited where that takes too long."""
        if self.waited + seconds > self.max_wait:
            raise RateLimited(endpoint, self.now() + timedelta(seconds=seconds))
        self.waited += seconds
        self.pause(seconds)


def limit_seconds(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime, refusals: int
) -> float | None:
    """Return how long a rate limit asks us to wait; None: the answer is no rate limit.

    `refusals` counts the times that this very request was put off already.
    """
    if status not in {403, 429}:
        return None
    seconds = _named_seconds(headers, now)
    if seconds is None:
        if status != 429 and b"secondary rate limit" not in body.lower():
            return None
        seconds = _SECONDARY_SECONDS * 2**refusals
    return min(max(seconds, 1.0), _LONGEST_SECONDS)


def _named_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    after = headers.get("retry-after", "")
    if after.isdecimal():
        return float(after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return float(reset) - now.timestamp() + 1
    return None
