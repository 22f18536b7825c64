"""What runs attempts and gates on a machine, whoever hands them out."""

from __future__ import annotations

from collections.abc import Mapping

from bot.adapters.clock import SystemClock
from bot.adapters.gate_reports import GateReports, RepositoryCommits
from bot.adapters.git import Repository
from bot.adapters.public_api import read_source
from bot.adapters.run_folder import RunFolder
from bot.adapters.steering_files import (
    load_roles,
    load_rules,
    load_servers,
    load_settings,
)
from bot.adapters.worktree import ChangeLimits, GitWorktrees
from bot.core.base import RunId
from bot.core.mcp import Machine
from bot.drivers.local_workers import LocalWorkers
from bot.usecases.run_gates import GateKeeper
from bot.wiring.engines import find_servers
from bot.wiring.environment import passed_variables, redactor, search_path
from bot.wiring.gateway import gateway
from bot.wiring.isolation import Apart
from bot.wiring.tiers import engines


def build_workers(
    repository: Repository,
    run: RunId,
    folder: RunFolder,
    environment: Mapping[str, str],
    apart: Apart,
) -> LocalWorkers:
    """Build what works in a run's folder, with this process's keys."""
    settings, known = load_settings(repository), redactor()
    passed = passed_variables(settings, environment)
    limits = ChangeLimits(
        settings.agents.max_changed_files, int(settings.agents.max_changed_mb * 1e6)
    )
    worktrees = GitWorktrees(repository, folder.path, limits)
    keeper = GateKeeper(
        worktrees=worktrees,
        processes=apart.processes,
        commits=RepositoryCommits(repository),
        reports=GateReports(),
        read_source=read_source,
        settings=settings,
        redactor=known,
    )
    return LocalWorkers(
        run=run,
        repository=repository,
        folder=folder,
        worktrees=worktrees,
        processes=apart.processes,
        isolation=apart.isolation,
        refusal=apart.refusal,
        engines=engines(),
        models=gateway(environment, known),
        roles=load_roles(repository),
        rules=load_rules(repository),
        clock=SystemClock(),
        settings=settings,
        redactor=known,
        gate_keeper=keeper,
        path=search_path(environment),
        passed=passed,
        servers=load_servers(repository),
        machine=Machine(find_servers(environment), passed),
    )
