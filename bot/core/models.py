"""The ladder as people look at it: every rung, whether it serves here, and who is first for what.

A rung whose entry nobody compared with the provider's page for 90 days is outdated: it serves all
the same, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import Field

from bot.core.base import Strict
from bot.core.events import TierExhausted
from bot.core.exhaustion import clock_time
from bot.core.plan import Kind, Workstream
from bot.core.routing import Ladder, NeedsApproval, NoRoute, Route, Rung, Tier, route

FRESH = timedelta(days=90)


class Model(Strict):
    """A rung, in the order in which rungs are asked."""

    order: Annotated[int, Field(ge=1)]
    tier: Tier
    usable: bool  # a paid one only after a person's yes
    why_not: str  # empty: usable
    outdated: bool
    ran_out: str = ""  # what recent runs found, as long as it is not back; a new run asks it


class First(Strict):
    """Who would serve a kind of work now; `tier` is None where nobody could."""

    kind: Kind
    tier: str | None
    needs_approval: bool = False
    because: str


class Models(Strict):
    """What `orchestrate models --json` prints."""

    rungs: tuple[Model, ...]
    first: tuple[First, ...]

    @property
    def outdated(self) -> tuple[str, ...]:
        """Name the tiers whose entries are old."""
        return tuple(rung.tier.name for rung in self.rungs if rung.outdated)


def models_of(ladder: Ladder, kind: Kind | None, today: date, ran_out: Mapping[str, str]) -> Models:
    """Show the ladder as it is for all work, or in the order of one kind.

    `ran_out` says of tiers what recent runs found.
    """
    any_kind = Ladder(rungs=ladder.rungs)  # without rules all kinds have one order
    rungs = ladder.for_kind(kind) if kind else any_kind.for_kind(Kind.IMPLEMENTATION)
    return Models(
        rungs=tuple(_model(order, rung, today, ran_out) for order, rung in enumerate(rungs, 1)),
        first=tuple(_first(one, ladder) for one in ([kind] if kind else Kind)),
    )


def by_tier(first: Iterable[First]) -> dict[First, tuple[Kind, ...]]:
    """Put kinds that the same tier would serve together, under the first of them."""
    found: dict[tuple[str | None, bool], list[First]] = {}
    for one in first:
        found.setdefault((one.tier, one.needs_approval), []).append(one)
    return {group[0]: tuple(one.kind for one in group) for group in found.values()}


def ran_out(found: Iterable[TierExhausted], now: datetime) -> dict[str, str]:
    """Say of tiers that had no quota left when they are back; one that gave no time, for a day."""
    told: dict[str, str] = {}
    for event in sorted(found, key=lambda event: event.at):
        told.pop(event.tier, None)
        if event.back_at is not None and event.back_at > now:
            told[event.tier] = f"ran out in run {event.run}, back at {clock_time(event.back_at)}"
        elif event.back_at is None and now - event.at < timedelta(days=1):
            told[event.tier] = f"ran out in run {event.run} at {clock_time(event.at)}"
    return told


def _model(order: int, rung: Rung, today: date, ran_out: Mapping[str, str]) -> Model:
    checked = rung.tier.checked_on
    return Model(
        order=order,
        tier=rung.tier,
        usable=not rung.why_not,
        why_not=rung.why_not,
        outdated=checked is not None and today - checked > FRESH,
        ran_out=ran_out.get(rung.tier.name, ""),
    )


def _first(kind: Kind, ladder: Ladder) -> First:
    """Ask as a run would, that has spent nothing and may spend nothing."""
    asking = Workstream(id="example", goal="an example", kind=kind, files=("**",))
    match route(asking, ladder, exhausted={}, tried=(), cover={}):
        case Route(tier=tier, because=because):
            return First(kind=kind, tier=tier.name, because=because)
        case NeedsApproval(tier=tier, because=because):
            return First(kind=kind, tier=tier.name, needs_approval=True, because=because)
        case NoRoute(because=because):
            return First(kind=kind, tier=None, because=because)
