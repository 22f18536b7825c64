"""The ladder as people look at it: every rung, whether it serves here, and who is first for what.

A rung whose entry nobody compared with the provider's page for 90 days is outdated: it serves all
the same, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from bot.core.base import Strict
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


def models_of(ladder: Ladder, kind: Kind | None, today: date) -> Models:
    """Show the ladder as it is for all work, or in the order of one kind."""
    any_kind = Ladder(rungs=ladder.rungs)  # without rules all kinds have one order
    rungs = ladder.for_kind(kind) if kind else any_kind.for_kind(Kind.IMPLEMENTATION)
    return Models(
        rungs=tuple(_model(order, rung, today) for order, rung in enumerate(rungs, 1)),
        first=tuple(_first(one, ladder) for one in ([kind] if kind else Kind)),
    )


def by_tier(first: Iterable[First]) -> dict[First, tuple[Kind, ...]]:
    """Put kinds that the same tier would serve together, under the first of them."""
    found: dict[tuple[str | None, bool], list[First]] = {}
    for one in first:
        found.setdefault((one.tier, one.needs_approval), []).append(one)
    return {group[0]: tuple(one.kind for one in group) for group in found.values()}


def _model(order: int, rung: Rung, today: date) -> Model:
    checked = rung.tier.checked_on
    return Model(
        order=order,
        tier=rung.tier,
        usable=not rung.why_not,
        why_not=rung.why_not,
        outdated=checked is not None and today - checked > FRESH,
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
