"""What a run goes by, as settings and whoever asked for it say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.core.config import Settings
from bot.core.events import Policy
from bot.core.mcp import McpServers
from bot.core.money import month_caps
from bot.core.routing import Ladder


@dataclass(frozen=True)
class Asked:
    """What a command line asks of a run."""

    task: str
    base: str = "HEAD"
    jobs: int | None = None
    engine: str | None = None
    max_usd: Decimal | None = None
    apart: bool = False  # attempts run on machines of their own
    nobody_answers: bool = False  # no question is put whose answer the run could do without


def policy_with(asked: Asked, ladder: Ladder, settings: Settings, servers: McpServers) -> Policy:
    """Say what a run goes by, with the ladder as its machines find it."""
    return Policy(
        max_parallel=settings.max_parallel,
        jobs=asked.jobs,
        max_attempts=settings.agents.max_attempts,
        max_iterations=settings.max_iterations,
        budget_usd=asked.max_usd if asked.max_usd is not None else settings.limits.run_usd,
        workstream_usd=settings.limits.workstream_usd,
        month_caps=month_caps(ladder, settings.limits),
        delivery_percent=settings.limits.delivery_percent,
        engine=asked.engine,
        apart=asked.apart,
        tier_wait_minutes=settings.agents.tier_wait_minutes,
        paid_answer_minutes=_paid_answer_minutes(asked, settings),
        ladder=ladder,
        reaching=servers.reaching,
    )


def _paid_answer_minutes(asked: Asked, settings: Settings) -> float | None:
    if settings.agents.without_answer == "wait":
        return None
    return 0 if asked.nobody_answers else settings.agents.paid_answer_minutes
