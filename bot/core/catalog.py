"""The ladder as data: every tier that is known, and which kind of work prefers which."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

from pydantic import BaseModel

from bot.core.base import Strict
from bot.core.documents import Document, Problem, parse, read_yaml
from bot.core.routing import Ladder, RoutingRule, Rung, Tier


class Catalog(Strict):
    """`agents/catalog.yaml`: tiers in order, free before paid."""

    version: Literal[1] = 1
    tiers: tuple[Tier, ...]


class Routing(Strict):
    """`agents/routing.yaml`: which tiers a kind of work asks for first."""

    version: Literal[1] = 1
    rules: tuple[RoutingRule, ...]


Read = TypeVar("Read", bound=BaseModel)


def read_data(model: type[Read], data: bytes) -> Read | tuple[Problem, ...]:
    """Read one of the two files, or say everything that is wrong with it."""
    document = read_yaml(data)
    return parse(model, document) if isinstance(document, Document) else document


def build_ladder(
    own: Iterable[Tier],
    catalog: Iterable[Tier],
    routing: Routing,
    why_not: Callable[[Tier], str],
) -> Ladder:
    """Put the tiers in order, a repository's own taking the place of the catalog's of that name."""
    rungs: dict[str, Rung] = {}
    for is_own, tiers in ((True, own), (False, catalog)):
        for tier in tiers:
            rungs.setdefault(tier.name, Rung(tier=tier, own=is_own, why_not=why_not(tier)))
    return Ladder(rungs=tuple(rungs.values()), rules=routing.rules)
