"""Tiers that have no quota left: until when, and how often one is believed to be back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

MOST_TIMES = 3  # that a tier may run out in a run; then it is out, whatever it says


@dataclass(frozen=True)
class Exhausted:
    """Why a tier does not serve, and from when it does again; None: not in this run."""

    because: str
    back_at: datetime | None
    times: int = 1

    def returns_after(self, now: datetime) -> datetime | None:
        """Return the moment still to come at which it serves again, if there is one."""
        if self.back_at is None or self.times >= MOST_TIMES or self.back_at <= now:
            return None
        return self.back_at

    def is_back(self, now: datetime) -> bool:
        """Whether it serves again."""
        return self.back_at is not None and self.back_at <= now and self.times < MOST_TIMES

    def __str__(self) -> str:
        """Say it as a reason."""
        because = self.because.rstrip(".")  # a provider's sentence, and more comes after it
        if self.times >= MOST_TIMES:
            return f"{because}; it ran out {self.times} times"
        return f"{because}; back at {clock_time(self.back_at)}" if self.back_at else because


Outages = Mapping[str, Exhausted]  # by tier


def clock_time(moment: datetime) -> str:
    """Write a moment to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def out_at(outages: Outages, now: datetime) -> dict[str, str]:
    """Return why tiers do not serve at a moment; those that are back are not among them."""
    return {tier: str(one) for tier, one in outages.items() if not one.is_back(now)}


def with_outage(
    outages: Outages, tier: str, because: str, *, back_at: datetime | None, at: datetime
) -> Outages:
    """Add what an attempt found out; of what several found at once, the worse counts."""
    known = outages.get(tier)
    if known is None:
        return {**outages, tier: Exhausted(because, back_at)}
    if known.is_back(at):
        return {**outages, tier: Exhausted(because, back_at, known.times + 1)}
    never = known.back_at is None or back_at is None
    latest = None if never else max(filter(None, (known.back_at, back_at)))
    return {**outages, tier: Exhausted(because, latest, known.times)}


def asked_again(outages: Outages, at: datetime) -> Outages:
    """Believe once more what gave no time, or whose time is over; the others are still out."""
    return {
        tier: replace(one, times=1)
        for tier, one in outages.items()
        if one.back_at is not None and one.back_at > at
    }


def relapses(outages: Outages) -> str:
    """Tell questions apart that are put after a tier was back and ran out again."""
    again = sum(one.times - 1 for one in outages.values())
    return f".{again}" if again else ""
