"""Agents that only read: which engines can be held to that, and which tiers serve them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.core.plan import Workstream
from bot.core.routing import Ladder, NoRoute, Route, Tier, route_free

# Engines that offer no command where they are told to, and write in their folder alone; with the
# files that each takes for instructions whatever one says, which it is not shown then. codex has no
# tool but a shell, and cline writes anywhere: both refuse to start so.
CAN_ONLY_READ: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "builtin": (),
        "gemini": ("GEMINI.md",),
        "opencode": (),
        "kilo": (),
        "claude": (),
        "copilot": (),
    }
)


def route_reading(
    workstream: Workstream, ladder: Ladder, exhausted: Mapping[str, str]
) -> Route | NoRoute:
    """Pick the first free tier that may serve and whose engine can be held to reading."""
    unheld = {
        rung.tier.name: f"{rung.tier.engine} cannot be held to reading"
        for rung in ladder.rungs
        if rung.tier.engine not in CAN_ONLY_READ
    }
    return route_free(workstream, ladder, {**exhausted, **unheld})


def can_read(tier: Tier) -> bool:
    """Whether a tier may serve an agent that only reads."""
    return tier.is_free and tier.engine in CAN_ONLY_READ
