"""What commands read from a repository: its runs, its ledger, its folders."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from bot.adapters.clock import SystemClock
from bot.adapters.event_ref import EventRef, list_runs
from bot.adapters.git import OLDEST_GIT, Repository, git_version
from bot.adapters.ledger_branch import LedgerBranch
from bot.adapters.remote_record import remote_ledger, remote_runs
from bot.adapters.run_folder import RunFolder, Tidied, clean, runs_root
from bot.adapters.steering_files import load_settings
from bot.core import names
from bot.core.base import RunId, Sha
from bot.core.events import Event, TierExhausted
from bot.core.github import presence
from bot.core.github.presence import Presence
from bot.core.ledger import LedgerLine
from bot.core.report import RunLine, run_line
from bot.core.reservations import reservations
from bot.drivers.abandoned import Settled, settle_abandoned
from bot.errors import Unavailable, UserError
from bot.render.costs import CostsPage

_RECENT_RUNS = 5  # that are read for what is soon forgotten


def open_repository(path: str) -> Repository:
    """Open the repository that `path` is in. Raises UserError where git is too old for us."""
    version = git_version()
    if version < OLDEST_GIT:
        found = ".".join(map(str, version))
        raise UserError(f"git {found} is too old.", fix="Install git 2.38 or later.")
    return Repository.open(path)


def base_commit(repository: Repository, name: str) -> Sha:
    """Return the commit that a run starts from."""
    found = repository.resolve(name)
    if found is None and name == "HEAD":
        raise UserError(
            "The repository has no commit yet.", fix="Commit something first: git commit"
        )
    if found is None:
        raise UserError(f"{name!r} is no commit.", fix="git log --oneline --all lists them.")
    return found


@contextmanager
def runs_in(path: str, remote: str | None, run: str | None = None) -> Iterator[Repository]:
    """Open what holds the runs: the repository itself, or what a remote of it has."""
    repository = open_repository(path)
    if remote is None:
        yield repository
        return
    name = names.run_id(run) if run else None
    with remote_runs(repository, remote, _logins(), name) as found:
        yield found


@contextmanager
def ledger_in(path: str, remote: str | None) -> Iterator[Repository]:
    """Open what holds the ledger: the repository itself, or what a remote of it has."""
    repository = open_repository(path)
    if remote is None:
        yield repository
        return
    with remote_ledger(repository, remote, _logins()) as found:
        yield found


def _logins() -> dict[str, str]:
    """Return what the user told git of logins in the environment."""
    asked = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS")
    return {name: os.environ[name] for name in asked if name in os.environ}


def read_presence(repository: Repository, run: RunId) -> Presence | None:
    """Read what a run has on GitHub; None where it has nothing there, or that cannot be read."""
    data = repository.read(names.run_ref(run), presence.FILE)
    try:
        return Presence.model_validate_json(data) if data is not None else None
    except ValueError:
        return None


def read_record(repository: Repository, run: str) -> tuple[Event, ...]:
    """Read a run's events. Raises UserError where there is no such run."""
    events = EventRef(repository, names.run_id(run)).load()
    if not events:
        known = ", ".join(list_runs(repository)[:5])
        fix = f"Runs: {known}" if known else "No run was recorded here yet."
        raise UserError(f"There is no run {run}.", fix=fix)
    return events


def recorded_runs(repository: Repository) -> tuple[RunLine, ...]:
    """Sum up every run of the repository in a line, the latest first, readable or not."""
    return tuple(_recorded_run(repository, run) for run in list_runs(repository))


def _recorded_run(repository: Repository, run: RunId) -> RunLine:
    try:
        line = run_line(run, EventRef(repository, run).load())
    except UserError as error:
        return RunLine(run=run, trouble=error.what)
    if found := read_presence(repository, run):
        return line.model_copy(update=found.numbers())
    return line.model_copy(update={"alive_until": None}) if was_left(repository, run) else line


def was_left(repository: Repository, run: RunId) -> bool:
    """Whether a run was driven on this machine, and by nobody any more."""
    folder = run_folder(repository, run)
    return folder.path.exists() and not folder.is_driven


def recently_exhausted(repository: Repository) -> tuple[TierExhausted, ...]:
    """Return what the last few runs found of tiers' quotas; more would take long to read."""
    found: list[TierExhausted] = []
    for run in list_runs(repository)[:_RECENT_RUNS]:
        with suppress(UserError):  # one that cannot be read is shown by `orchestrate status`
            events = EventRef(repository, run).load()
            found += [event for event in events if isinstance(event, TierExhausted)]
    return tuple(found)


def ledger_lines(repository: Repository, month: str | None) -> tuple[LedgerLine, ...]:
    """Read the ledger, or one month of it. Raises UserError where `month` is none."""
    return LedgerBranch(repository).lines(month and checked_month(month))


def checked_month(text: str) -> str:
    """Accept a month such as 2026-11. Raises UserError on anything else."""
    if not re.fullmatch(r"2[0-9]{3}-(0[1-9]|1[0-2])", text):
        raise UserError(f"{text!r} is no month.", fix="Write it like 2026-11.")
    return text


def new_run_id(repository: Repository) -> RunId:
    """Make up an id that no ref of the repository has."""
    in_the_way = set(repository.refs("refs/heads/orchestrate"))
    if "refs/heads/orchestrate" in in_the_way:
        raise UserError(
            "A branch named orchestrate is in the way of orchestrate/<run>/<workstream>.",
            fix="git branch -m orchestrate another-name",
        )
    while True:
        run = RunId(secrets.token_hex(3))
        taken = (f"{names.BRANCHES}{run}", names.run_ref(run))
        if not any(repository.refs(ref) for ref in taken):
            return run


def run_folder(
    repository: Repository, run: RunId, environment: Mapping[str, str] = os.environ
) -> RunFolder:
    """Return the folder of a run on this machine."""
    return RunFolder(runs_root(repository, environment) / run)


def clean_runs(repository: Repository, *, logs_too: bool) -> Tidied:
    """Tidy up after runs that nobody drives."""
    root = runs_root(repository, os.environ)
    return clean(repository, root, SystemClock().now(), logs_too=logs_too)


def settle_dead_runs(repository: Repository) -> tuple[Settled, ...]:
    """End what runs here have reserved and nobody drives; those on GitHub do it there."""
    held = reservations(LedgerBranch(repository).lines())
    runs = {one.line.run for one in held if one.is_open}
    page, now = CostsPage(load_settings(repository).limits), SystemClock().now()
    done: list[Settled] = []
    for run in sorted(runs):
        if read_presence(repository, run) is not None:
            continue
        folder = run_folder(repository, run)
        with suppress(Unavailable), folder.locked():  # else somebody drives it
            done += settle_abandoned(EventRef(repository, run, page), folder, now)
    return tuple(done)
