"""What follows a request to a model that failed: it is sent again, or nothing more is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.allowance import HeldBack, Limit
from bot.core.outcomes import OutcomeClass
from bot.core.provider_failures import Failure, Trouble

AGAIN = {Trouble.BUSY: 4, Trouble.DOWN: 3, Trouble.CUT: 2}  # how often, at most
LONGEST_WAIT = 60.0  # seconds; an agent's time is better spent on another tier
IN_A_ROW = 3  # so many that nobody answers are no accident of one request
AN_INSTANT = 0.5  # seconds; with no more left, nothing is sent and answered

_AT_ONCE = {
    OutcomeClass.AUTHENTICATION,
    OutcomeClass.QUOTA,
    OutcomeClass.RATE_LIMIT,
    OutcomeClass.TIMEOUT,
}
_BY_LIMIT = {
    Limit.MINUTE: OutcomeClass.RATE_LIMIT,
    Limit.PARKED: OutcomeClass.RATE_LIMIT,
    Limit.DAY: OutcomeClass.QUOTA,
    Limit.STOPPED: OutcomeClass.QUOTA,
    Limit.MONEY: OutcomeClass.LIMIT,
}


@dataclass(frozen=True)
class Patience:
    """How long a provider is waited for."""

    silence_seconds: float = 300.0  # for the next byte: a model may think before it speaks
    backoff_seconds: float = 1.0  # before the first sending again; doubled each time


@dataclass(frozen=True)
class Again:
    """It is sent once more after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Over:
    """It is not. `is_final`: nor is anything else; `back_at`: until then."""

    outcome: OutcomeClass
    message: str
    is_final: bool
    back_at: datetime | None = None


@dataclass(frozen=True)
class Sent:
    """How often a request was sent for each trouble, and how many seconds the attempt has."""

    tried: Mapping[Trouble, int]
    seconds_left: float
    chance: float  # 0 to 1, for workers that failed together shall not come back together


def in_time(failure: Failure, seconds_left: float) -> Failure:
    """Blame no provider that had no time to answer: where the attempt's ended, that is why."""
    if failure.outcome is not OutcomeClass.CRASH or seconds_left > AN_INSTANT:
        return failure
    why = "its time was up before an answer came"
    return Failure(OutcomeClass.TIMEOUT, why, maybe_billed=failure.maybe_billed)


def after_failure(failure: Failure, sent: Sent, patience: Patience, now: datetime) -> Again | Over:
    """Decide what follows a failure of which the client has seen nothing yet."""
    failure = in_time(failure, sent.seconds_left)
    if failure.trouble is None:
        back_at = None if failure.wait_seconds is None else _later(now, failure.wait_seconds)
        is_final = failure.outcome in _AT_ONCE
        return Over(failure.outcome, failure.message, is_final, back_at)
    times = sent.tried.get(failure.trouble, 0)
    wait = failure.wait_seconds
    if wait is None:
        wait = min(patience.backoff_seconds * 2**times, LONGEST_WAIT / 2) * (0.5 + sent.chance)
    if times < AGAIN[failure.trouble] and wait <= LONGEST_WAIT and wait < sent.seconds_left:
        return Again(wait)
    asked = failure.wait_seconds  # a shorter one was kept, and did not help
    back_at = None if asked is None else _later(now, max(asked, LONGEST_WAIT))
    message = f"{failure.message} ({times + 1} times)" if times else failure.message
    return Over(failure.outcome, message, is_final=True, back_at=back_at)


def after_limit(held_back: HeldBack, seconds_left: float, now: datetime) -> Again | Over:
    """Decide what follows a limit of ours: it is waited for, where that is not long."""
    seconds = held_back.seconds
    if held_back.by is Limit.MINUTE and seconds is not None and seconds <= seconds_left:
        return Again(seconds)
    back_at = None if seconds is None else _later(now, seconds)
    return Over(_BY_LIMIT[held_back.by], held_back.because, is_final=True, back_at=back_at)


class Standing:
    """How a door stands with its provider: what it said last, and whether that was the last."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._may_be_a_summary = False
        self.last: Over | None = None

    def answered(self) -> None:
        """A whole answer came: what was before it was no end."""
        if not self._may_be_a_summary:
            self._in_a_row = 0
        self._may_be_a_summary = False
        if self.last is not None and not self.last.is_final:
            self.last = None

    def failed(self, over: Over) -> None:
        """A request came to nothing; what is said first of what is final stays."""
        if self.last is not None and self.last.is_final:
            return
        self._in_a_row += 1
        # Some agents then ask for a summary, find that too long as well, and never stop.
        self._may_be_a_summary = over.outcome is OutcomeClass.CONTEXT_TOO_LONG
        is_final = over.is_final or self._in_a_row >= IN_A_ROW
        self.last = Over(over.outcome, over.message, is_final, over.back_at)

    def final(self, now: datetime) -> Over | None:
        """Say why nothing more is sent; None: it is, perhaps again."""
        last = self.last
        if last is None or not last.is_final:
            return None
        if last.back_at is not None and last.back_at <= now:
            self._in_a_row, self.last = 0, None
            return None
        return last


def _later(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=min(seconds, 400 * 86_400))
