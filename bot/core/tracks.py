"""What happened to single workstreams of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from bot.core import events as happened
from bot.core.base import Moment
from bot.core.denials import Denial
from bot.core.handoff import Completion
from bot.core.ledger import month_of

WorkstreamEvent = (
    happened.WorkstreamStarted
    | happened.WorkstreamProgressed
    | happened.WorkstreamFinished
    | happened.WorkstreamPublished
    | happened.WorkstreamRetried
    | happened.ConflictFound
)


@dataclass(frozen=True)
class Attempt:
    """One hand-out of a workstream, and how it ended once it did."""

    started: happened.WorkstreamStarted
    lease_until: Moment
    finished: happened.WorkstreamFinished | None = None
    hand_outs: int = 1  # how often it was handed out, for want of an answer
    is_lost: bool = False  # its record says that nobody works on it any more

    @property
    def number(self) -> int:
        """Attempts count from 1 and only up."""
        return self.started.attempt

    @property
    def completion(self) -> Completion | None:
        """What was measured, once it ended."""
        return self.finished.completion if self.finished else None


@dataclass(frozen=True)
class PaidHandOut:
    """One hand-out with money, and how much of that counts as gone."""

    started: happened.WorkstreamStarted
    usd: Decimal  # all that was reserved, as long as nobody knows what it cost
    ended_at: Moment | None = None

    @property
    def is_over(self) -> bool:
        """Whether it takes no more."""
        return self.ended_at is not None

    def counts_in(self, month: str) -> bool:
        """Whether a month has to answer for it: each from when it began until it was over."""
        ended = month_of(self.ended_at) if self.ended_at else month
        return month_of(self.started.at) <= month <= ended


@dataclass(frozen=True)
class Track:
    """All that happened to one workstream."""

    attempts: tuple[Attempt, ...] = ()
    landed: happened.WorkstreamPublished | None = None
    conflict: happened.ConflictFound | None = None
    retried: happened.WorkstreamRetried | None = None
    paid: tuple[PaidHandOut, ...] = ()  # every one, for a lost one may have spent its money

    @property
    def last(self) -> Attempt | None:
        """The attempt that counts: every earlier one is fenced out."""
        return self.attempts[-1] if self.attempts else None

    def paid_for(self, completion: Completion) -> PaidHandOut | None:
        """Return the hand-out that a completion is of, if it had money: each says when it began."""
        found = None
        for one in self.paid:
            started = one.started
            if (started.attempt, started.tier) != (completion.attempt, completion.tier):
                continue
            if found is None or started.at <= completion.started_at:
                found = one
        return found

    @property
    def completions(self) -> tuple[Completion, ...]:
        """What was measured of each attempt that ended."""
        return tuple(a.finished.completion for a in self.attempts if a.finished)

    @property
    def denied(self) -> tuple[Denial, ...]:
        """The commands that rules kept its agents from running, each once."""
        return tuple(dict.fromkeys(one for done in self.completions for one in done.denied))

    @property
    def retry_is_due(self) -> bool:
        """Whether a person asked for an attempt that has not begun."""
        return self.retried is not None and self.retried.attempt > len(self.attempts)

    def may_be_retried(self, attempt: int) -> bool:
        """Whether an attempt is the next one, and none runs, whose result may be good."""
        running = self.last is not None and self.last.finished is None
        return attempt == len(self.attempts) + 1 and not running

    def with_start(self, event: happened.WorkstreamStarted) -> Track:
        """Add a hand-out: of the next attempt, or of the last one again."""
        attempt = Attempt(event, event.lease_until)
        paid = self.paid
        if event.reserved_usd:
            paid = (*paid, PaidHandOut(event, event.reserved_usd))
        if event.attempt == len(self.attempts) + 1:
            return replace(self, attempts=(*self.attempts, attempt), paid=paid)
        last = self.last
        if last and last.number == event.attempt and last.finished is None:
            attempt = replace(attempt, hand_outs=last.hand_outs + 1)
            attempts = (*self.attempts[:-1], attempt)
            return replace(self, attempts=attempts, paid=paid)
        return self

    def settled(self, event: WorkstreamEvent) -> Track:
        """Let what a hand-out cost take the place of what it had reserved, once that is known.

        A late result counts, too: it changes nothing but this.
        """
        one: PaidHandOut | None = None
        match event:
            case happened.WorkstreamFinished(completion=done):
                one, used = self.paid_for(done), done.usage
                known = used.cost_usd if used.cost_known else None
            case happened.WorkstreamProgressed(used_usd=Decimal() as known):
                one = next((p for p in self.paid[::-1] if p.started.attempt == event.attempt), None)
            case _:
                return self
        if one is None or one.is_over:
            return self
        usd = one.usd if known is None else known
        over = replace(one, usd=usd, ended_at=event.at)
        return replace(self, paid=tuple(over if p is one else p for p in self.paid))
