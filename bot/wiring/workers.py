"""What runs attempts and gates on a machine, whoever hands them out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.gate_reports import GateReports, RepositoryCommits
from bot.adapters.gateway.gateway import Gateway
from bot.adapters.git import Repository
from bot.adapters.other_user import OtherUser, OtherUserProcesses, why_not_apart
from bot.adapters.processes import LocalProcesses
from bot.adapters.public_api import read_source
from bot.adapters.run_folder import RunFolder
from bot.adapters.steering_files import load_roles, load_rules, load_settings
from bot.adapters.worktree import ChangeLimits, GitWorktrees
from bot.core.base import RunId
from bot.core.environment import built_environment
from bot.core.handoff import Isolation
from bot.drivers.local_workers import LocalWorkers, StoppableProcesses
from bot.usecases.run_gates import GateKeeper
from bot.wiring.environment import passed_variables, redactor, search_path
from bot.wiring.tiers import engines


@dataclass(frozen=True)
class Apart:
    """What starts processes, and how far it keeps them from us; `because` says why not further."""

    processes: StoppableProcesses
    isolation: Isolation = Isolation.NONE
    because: str = ""


def kept_apart(
    user: str, repository: Repository, folder: RunFolder, environment: Mapping[str, str]
) -> Apart:
    """Run what is not ours as another user, if that is found to keep it apart."""
    if not user:
        return Apart(LocalProcesses(), because="no user of their own was made for agents")
    processes = OtherUserProcesses(OtherUser.named(user), folder.path)
    home = str(folder.path / "attempts" / "probe")
    built = built_environment(path=search_path(environment), home=home, tmp=home, extra={})
    guarded = [environment[name] for name in _COMMAND_FILES if name in environment]
    why_not = why_not_apart(
        processes,
        folder.path,
        readable=(f"{repository.common_dir}/objects",),
        guarded=[path for path in guarded if Path(path).exists()],
        environment=built,
    )
    if why_not:
        return Apart(LocalProcesses(), because=why_not)
    return Apart(processes, Isolation.USER)


_COMMAND_FILES = (
    *("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"),
    "GITHUB_EVENT_PATH",
)


def build_workers(
    repository: Repository,
    run: RunId,
    folder: RunFolder,
    environment: Mapping[str, str],
    apart: Apart | None = None,
) -> LocalWorkers:
    """Build what works in a run's folder, with this process's keys."""
    settings, known = load_settings(repository), redactor()
    apart = apart or Apart(LocalProcesses())
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
        engines=engines(),
        models=Gateway(os.environ.get, SystemClock().now),
        roles=load_roles(repository),
        rules=load_rules(repository),
        clock=SystemClock(),
        settings=settings,
        redactor=known,
        gate_keeper=keeper,
        path=search_path(environment),
        passed=passed_variables(settings, environment),
    )
