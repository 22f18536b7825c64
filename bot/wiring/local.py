"""A run on this machine: what it is asked for, who drives it, and what a person says to it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bot.adapters.clock import SystemClock
from bot.adapters.event_ref import EventRef
from bot.adapters.git import Repository, run_git
from bot.adapters.run_folder import rescue_worktrees
from bot.adapters.steering_files import load_servers, load_settings
from bot.core import names
from bot.core.base import RunId
from bot.core.events import RESUMED, Policy, RunRequested
from bot.core.folding import fold
from bot.drivers.answers import Answers
from bot.drivers.local import LocalDriver, Screen
from bot.drivers.settling import Proposal
from bot.errors import UserError
from bot.render.costs import CostsPage
from bot.wiring.isolation import kept_apart
from bot.wiring.policy import Asked, policy_with
from bot.wiring.store import base_commit, read_record, run_folder
from bot.wiring.tiers import load_ladder
from bot.wiring.workers import build_workers


def start_request(repository: Repository, asked: Asked, run: RunId) -> RunRequested:
    """Freeze what a run goes by."""
    return RunRequested(
        at=SystemClock().now(),
        run=run,
        task=asked.task,
        base_sha=base_commit(repository, asked.base),
        base_ref=_branch(repository) if asked.base == "HEAD" else asked.base,
        policy=_policy(repository, asked),
    )


def _branch(repository: Repository) -> str:
    """Name the branch that is checked out, or HEAD where none is."""
    args = ("symbolic-ref", "--quiet", "--short", "HEAD")
    found = run_git(args, cwd=repository.path, ok=(0, 1))
    return found.decode("utf-8", "replace").strip() or "HEAD"


def _policy(repository: Repository, asked: Asked) -> Policy:
    settings = load_settings(repository)
    ladder = load_ladder(repository, settings)
    return policy_with(asked, ladder, settings, load_servers(repository))


def resume_request(repository: Repository, run: RunId, asked: Asked) -> RunRequested:
    """Ask again for a run that is recorded, with the settings and tiers as they are now."""
    state = fold(read_record(repository, run))
    first = state.request
    if first is None:
        raise UserError(f"Run {run} has no request in its record.", fix="Start a new run.")
    return RunRequested(
        at=SystemClock().now(),
        run=run,
        cause=f"{RESUMED}{state.requests}",
        task=first.task,
        base_sha=first.base_sha,
        base_ref=first.base_ref,
        policy=_policy(repository, asked),
    )


def build_driver(
    repository: Repository,
    run: RunId,
    screen: Screen,
    planned: Proposal | None,
    environment: Mapping[str, str] = os.environ,
) -> LocalDriver:
    """Build what drives a run here; its folder's lock must be held."""
    folder = run_folder(repository, run, environment)
    rescue_worktrees(repository, folder, SystemClock().now())
    apart = kept_apart("", repository, folder, environment, load_settings(repository).agents)
    if apart.refusal:
        raise UserError(f"{apart.refusal}.", fix=apart.fix)
    if apart.because:
        mends = f" ({apart.fix})" if apart.fix else ""
        screen.line("sandbox", f"none, agents run as you: {apart.because}{mends}")
    workers = build_workers(repository, run, folder, environment, apart)

    def plan() -> Proposal:
        if planned is None:
            raise UserError(f"Run {run} was ended before it had a plan.", fix="Start it anew.")
        return planned

    record = _record(repository, run)
    return LocalDriver(record, repository, workers, screen, SystemClock(), plan)


def answers(repository: Repository, run: str) -> Answers:
    """Return what a person can say to a recorded run."""
    read_record(repository, run)
    record = _record(repository, names.run_id(run))
    return Answers(record, by=_who(repository), at=SystemClock().now())


def _record(repository: Repository, run: RunId) -> EventRef:
    """Open a run's record to write to it, and to the costs page."""
    return EventRef(repository, run, CostsPage(load_settings(repository).limits))


def _who(repository: Repository) -> str:
    name = repository.git("config", "user.name", ok=(0, 1)).decode("utf-8", "replace").strip()
    return name or os.environ.get("USER") or "somebody"
