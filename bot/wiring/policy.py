"""What a run goes by, as settings, the ledger and whoever asked for it say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.adapters.clock import SystemClock
from bot.adapters.git import Repository
from bot.adapters.ledger_branch import LedgerBranch
from bot.core.base import RunId
from bot.core.config import Settings
from bot.core.events import Policy
from bot.core.ledger import month_of
from bot.core.money import month_left
from bot.core.routing import Ladder


@dataclass(frozen=True)
class Asked:
    """What a command line asks of a run."""

    task: str
    base: str = "HEAD"
    jobs: int | None = None
    engine: str | None = None
    max_usd: Decimal | None = None


def policy_with(
    repository: Repository, run: RunId, asked: Asked, ladder: Ladder, settings: Settings
) -> Policy:
    """Say what a run goes by, with the ladder as its machines find it."""
    month = LedgerBranch(repository).lines(month_of(SystemClock().now()))
    others = [line for line in month if line.run != run]
    return Policy(
        max_parallel=settings.max_parallel,
        jobs=asked.jobs,
        max_attempts=settings.agents.max_attempts,
        max_iterations=settings.max_iterations,
        budget_usd=asked.max_usd if asked.max_usd is not None else settings.limits.run_usd,
        workstream_usd=settings.limits.workstream_usd,
        month_left=month_left(ladder, settings.limits.provider_month_usd, others),
        engine=asked.engine,
        ladder=ladder,
    )
