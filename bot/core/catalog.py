"""The ladder as data: every tier that is known, and which kind of work prefers which."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypeVar

from pydantic import BaseModel

from bot.core import names
from bot.core.base import Strict
from bot.core.documents import Document, Problem, parse, read_yaml
from bot.core.ledger import Billing
from bot.core.routing import Ladder, Rung, Tier
from bot.core.routing_rules import RoutingRule
from bot.errors import UserError

_ON_THIS_MACHINE = re.compile(r"https?://(localhost|127\.[0-9.]+|\[::1\]|[^/]*\.localhost)([:/]|$)")


_NO_PRICE = "paid, and nobody knows its price: add input_usd_per_million and output_usd_per_million"


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
    """Read a file below `agents/`, or say everything that is wrong with it."""
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
            if tier.name not in rungs:
                why = _NO_PRICE if _may_cost_anything(tier) else why_not(tier)
                rungs[tier.name] = Rung(tier=tier, own=is_own, why_not=why)
    return Ladder(rungs=tuple(rungs.values()), rules=routing.rules)


def _may_cost_anything(tier: Tier) -> bool:
    """Whether it is paid, and nobody knows how much; a subscription costs the same all the time."""
    return tier.billing is Billing.PAID and not tier.has_price


def local_tier(environment: Mapping[str, str]) -> Tier:
    """Describe the endpoint on this machine, which is free; another needs a tier with a price.

    Raises UserError for an address elsewhere, or a context size that is no number.
    """
    url = environment.get("ORCHESTRATE_BASE_URL")
    if url and not _ON_THIS_MACHINE.match(url):
        raise UserError(
            f"ORCHESTRATE_BASE_URL is {url}, which is not this machine: is it free or paid?",
            fix=f"Describe it under tiers: in {names.SETTINGS_FILE}, with its billing.",
        )
    tokens = environment.get("ORCHESTRATE_CONTEXT_TOKENS") or "32000"
    if not tokens.isdecimal() or not 2_000 <= int(tokens) <= 10_000_000:
        raise UserError(
            f"ORCHESTRATE_CONTEXT_TOKENS is {tokens!r}.", fix="Set it to a number such as 32000."
        )
    return Tier(
        name="local",
        engine="builtin",
        provider="local",
        model=environment.get("ORCHESTRATE_MODEL", ""),
        billing=Billing.FREE,
        base_url=url or None,
        key_env="ORCHESTRATE_API_KEY" if environment.get("ORCHESTRATE_API_KEY") else None,
        context_tokens=int(tokens),
    )
