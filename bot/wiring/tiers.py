"""The ladder as this machine can use it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache

from bot.adapters.engines.builtin_engine import BuiltinEngine
from bot.adapters.engines.shell import ShellEngine
from bot.adapters.git import Repository
from bot.adapters.steering_files import (
    load_catalog,
    load_routing,
)
from bot.core.catalog import build_ladder, local_tier
from bot.core.config import Settings
from bot.core.ledger import Billing
from bot.core.routing import Ladder, Tier
from bot.ports import Engine


def load_ladder(repository: Repository, settings: Settings) -> Ladder:
    """Return every tier that is known, each with what keeps it from serving here."""
    catalog = load_catalog(repository)
    routing = load_routing(repository)
    known = engines()

    def why_not(tier: Tier) -> str:
        engine = known.get(tier.engine)
        if engine is None:
            return f"no engine called {tier.engine}"
        if tier.billing is Billing.PAID and not settings.agents.paid_without_sandbox:
            return "paid, and agents have no sandbox here: agents.paid_without_sandbox accepts that"
        return engine.missing(tier)

    return build_ladder(settings.tiers, (local_tier(os.environ), *catalog.tiers), routing, why_not)


@lru_cache(maxsize=1)
def engines() -> Mapping[str, Engine]:
    """Return the engines by name."""
    return {"shell": ShellEngine(), "builtin": BuiltinEngine(os.environ.get)}
