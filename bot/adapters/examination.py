"""Looking at a repository and this machine, for `doctor`; nothing is changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.adapters.event_ref import EventRef, list_runs
from bot.adapters.git import OLDEST_GIT, Repository, git_version
from bot.adapters.ledger_branch import LedgerBranch
from bot.adapters.run_folder import RunFolder, runs_root
from bot.adapters.steering_files import own_file
from bot.adapters.worktree import ChangeLimits, GitWorktrees
from bot.core import names
from bot.core.base import RunId
from bot.core.catalog import Catalog, Routing, read_data
from bot.core.config import read_settings
from bot.core.constraints import Rules
from bot.core.documents import Problem
from bot.core.health import Facts, RepositoryFacts, Trouble
from bot.core.roles import read_role
from bot.errors import BotError, Unavailable, UserError


def examine(path: str, environment: Mapping[str, str]) -> Facts:
    """Look at everything that a run depends on; what cannot be read is a fact too."""
    try:
        version = git_version()
    except UserError:
        return Facts((), OLDEST_GIT, Trouble("It cannot be opened without git."))
    variables = frozenset(name for name, value in environment.items() if value)
    try:
        return Facts(version, OLDEST_GIT, _look_at(Repository.open(path), environment), variables)
    except BotError as error:
        return Facts(version, OLDEST_GIT, _trouble(error), variables)


def _trouble(error: BotError) -> Trouble:
    return Trouble(error.what, error.fix)


def _look_at(repository: Repository, environment: Mapping[str, str]) -> RepositoryFacts:
    root = runs_root(repository, environment)
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    branches = repository.refs(names.BRANCHES.rstrip("/"))
    return RepositoryFacts(
        path=repository.path,
        has_commit=repository.resolve("HEAD") is not None,
        shallow=repository.shallow,
        files=_files(repository),
        branches=tuple(ref.removeprefix("refs/heads/") for ref in branches),
        records={run: _record(repository, run) for run in list_runs(repository)},
        ledger=_ledger(repository),
        leftovers=_leftovers(repository, root),
        folder=str(root),
        folder_is_writable=there.is_dir() and os.access(there, os.W_OK | os.X_OK),
        free_bytes=shutil.disk_usage(there).free,
    )


def _files(repository: Repository) -> dict[str, tuple[Problem, ...]]:
    """Read the files of the repository that steer us, and say what is wrong in each."""
    readers: dict[str, Callable[[bytes], object]] = {
        names.SETTINGS_FILE: read_settings,
        "agents/catalog.yaml": lambda data: read_data(Catalog, data),
        "agents/routing.yaml": lambda data: read_data(Routing, data),
        "agents/constraints.yaml": lambda data: read_data(Rules, data),
    }
    roles = Path(repository.path) / "agents" / "roles"
    if not repository.bare and roles.is_dir():
        readers |= {f"agents/roles/{file.name}": read_role for file in sorted(roles.glob("*.md"))}
    found: dict[str, tuple[Problem, ...]] = {}
    for path, read in readers.items():
        data = own_file(repository, path)
        if isinstance(data, Problem):
            found[path] = (data,)
        elif data is not None:
            said = read(data)
            found[path] = said if isinstance(said, tuple) else ()
    return found


def _record(repository: Repository, run: RunId) -> Trouble | None:
    try:
        EventRef(repository, run).load()
    except BotError as error:
        return _trouble(error)
    return None


def _ledger(repository: Repository) -> Trouble | int:
    try:
        return len(LedgerBranch(repository).lines())
    except BotError as error:
        return _trouble(error)


def _leftovers(repository: Repository, root: Path) -> tuple[str, ...]:
    """Name the worktrees of runs whose lock nobody holds."""
    found = []
    for path in sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else ():
        worktrees = GitWorktrees(repository, path, ChangeLimits(0, 0))
        try:
            with RunFolder(path).locked():
                found += [f"{path.name}/{name}" for name in worktrees.leftovers()]
        except Unavailable:
            continue  # somebody drives it
    return tuple(found)
