"""The ladder as this machine can use it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache

from bot.adapters.clock import SystemClock
from bot.adapters.engines.builtin_engine import BuiltinEngine
from bot.adapters.engines.claude import Claude
from bot.adapters.engines.cline import Cline
from bot.adapters.engines.codex import Codex
from bot.adapters.engines.copilot import Copilot
from bot.adapters.engines.gemini import Gemini
from bot.adapters.engines.kilo import KILO
from bot.adapters.engines.opencode import OPENCODE
from bot.adapters.engines.program import ProgramEngine, Speech
from bot.adapters.engines.shell import ShellEngine
from bot.adapters.git import Repository
from bot.adapters.prices import priced
from bot.adapters.steering_files import load_catalog, load_routing
from bot.core.catalog import build_ladder, local_tier
from bot.core.config import AgentSettings, Settings
from bot.core.handoff import Isolation
from bot.core.ledger import Billing
from bot.core.routing import Ladder, Tier
from bot.ports import Engine
from bot.wiring.engines import Find, find_elsewhere, find_here

# What is known of each agent program; which version was tried is in agents/engines.yaml.
SPEECHES: tuple[Speech, ...] = (
    Gemini(),
    OPENCODE,
    KILO,
    Cline(),
    Codex(),
    Claude(),
    Copilot(),
)


def load_ladder(
    repository: Repository, settings: Settings, environment: Mapping[str, str] = os.environ
) -> Ladder:
    """Return every tier that is known, each with what keeps it from serving here."""

    def why_not(tier: Tier) -> str:
        return _missing(tier, engines()) or _why_not_paid(tier, settings.agents)

    return _ladder(repository, settings, environment, why_not)


def _missing(tier: Tier, known: Mapping[str, Engine]) -> str:
    engine = known.get(tier.engine)
    return engine.missing(tier) if engine else f"no engine called {tier.engine}"


def _why_not_paid(tier: Tier, agents: AgentSettings) -> str:
    if tier.billing is not Billing.PAID or agents.paid_without_sandbox:
        return ""
    from bot.wiring.isolation import sandbox_here  # jobs that run nothing do not wait for it

    if sandbox_here(agents).isolation is Isolation.SANDBOX:
        return ""
    return "paid, and agents have no sandbox here: see orchestrate doctor"


def ladder_elsewhere(
    repository: Repository, settings: Settings, environment: Mapping[str, str]
) -> Ladder:
    """Return the ladder as jobs on other machines can use it, who have keys that we only know of.

    Whether a paid tier's agent is kept apart is seen where it runs, and asked there.
    """
    there = engines_with(environment.get, find_elsewhere)
    return _ladder(repository, settings, environment, lambda tier: _missing(tier, there))


def _ladder(
    repository: Repository,
    settings: Settings,
    environment: Mapping[str, str],
    why_not: Callable[[Tier], str],
) -> Ladder:
    now = SystemClock().now()
    own = tuple(priced(tier, now) for tier in settings.tiers)
    known = (local_tier(environment), *load_catalog(repository).tiers)
    catalog = tuple(priced(tier, now) for tier in known)
    return build_ladder(own, catalog, load_routing(repository), why_not)


def lacking_here(ladder: Ladder) -> dict[str, str]:
    """Say by tier what it lacks in this process: its program, or its key."""
    known = engines()
    tiers = [rung.tier for rung in ladder.rungs if rung.tier.engine in known]
    return {tier.name: why for tier in tiers if (why := known[tier.engine].missing(tier))}


def engines_with(key: Callable[[str], str | None], find: Find) -> Mapping[str, Engine]:
    """Return the engines by name, finding keys and programs so."""
    programs = {speech.name: ProgramEngine(speech, find, key) for speech in SPEECHES}
    return {"shell": ShellEngine(), "builtin": BuiltinEngine(key), **programs}


@lru_cache(maxsize=1)
def engines() -> Mapping[str, Engine]:
    """Return the engines by name, with this process's keys."""
    return engines_with(os.environ.get, find_here(os.environ))
