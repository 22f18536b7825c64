"""Folders of runs on this machine: who works in one, and what a dead run left there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.adapters.event_ref import EventRef
from bot.adapters.git import RefUpdate, Repository
from bot.adapters.stragglers import end_abandoned
from bot.adapters.worktree import KEPT, ChangeLimits, GitWorktrees, delete_folder
from bot.core import names
from bot.core.base import RunId, Sha
from bot.core.folding import fold
from bot.errors import Unavailable, UserError
from bot.ports import Refused

_NO_LIMITS = ChangeLimits(files=1_000_000, total_bytes=10_000_000_000)


def runs_root(repository: Repository, environment: Mapping[str, str]) -> Path:
    """Return where the folders of a repository's runs are: below the user's state directory."""
    state = (
        environment.get("XDG_STATE_HOME") or Path(environment.get("HOME") or "/") / ".local/state"
    )
    raw = repository.common_dir.encode("utf-8", "surrogateescape")
    name = Path(repository.common_dir.removesuffix("/.git")).name or "repository"
    return Path(state) / "orchestrate" / f"{name}-{hashlib.sha256(raw).hexdigest()[:8]}"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; whoever holds its lock is the run's only driver here."""

    path: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock. Raises Unavailable where another process does."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be written: {error.strerror}.",
                fix="Set XDG_STATE_HOME to a folder that can.",
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise Unavailable(
                f"Run {self.path.name} is being driven by another process.",
                fix=f"orchestrate status {self.path.name}",
            ) from error
        finally:
            os.close(handle)

    @property
    def is_driven(self) -> bool:
        """Whether some process holds the lock at this moment."""
        if not self.path.exists():
            return False
        try:
            with self.locked():
                return False
        except Unavailable:
            return True

    def attempt(self, name: str) -> Path:
        """Make the folder for an attempt's log, session and home; what it counted is kept.

        A report that gates wrote when they ran before would be taken for this time's.
        """
        folder = self.path / "attempts" / name
        delete_folder(folder / "tmp")
        self.forget_engine(name)
        for part in ("home", "tmp"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "session.jsonl").unlink(missing_ok=True)
        return folder

    def forget_engine(self, name: str) -> None:
        """Delete what an agent program kept in its own home: settings, sessions, caches."""
        delete_folder(self.path / "attempts" / name / "engine")

    def calls(self, name: str) -> Path:
        """Return where an attempt's calls are written: outside of what its agent may reach."""
        return self.path / "calls" / f"{name}.jsonl"

    @property
    def token(self) -> str:
        """A word that no other folder has, nor this one once it was deleted and made anew."""
        path = self.path / "token"
        if not path.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets.token_hex(8))
        return path.read_text()

    @property
    def holds_work(self) -> bool:
        """Whether a worktree was set aside here and not fetched yet."""
        kept = self.path / KEPT
        return kept.is_dir() and any(kept.iterdir())


@dataclass(frozen=True)
class Cleaned:
    """What became of one leftover worktree."""

    run: RunId
    worktree: str
    rescued: str | None = None  # the ref that holds its work now
    kept_because: str = ""  # it is still there


def rescue_worktrees(repository: Repository, folder: RunFolder, at: datetime) -> list[Cleaned]:
    """Save what a dead run's worktrees hold and nothing else does, then remove them.

    The folder's lock must be held. What cannot be saved is kept beside them, so that the run can
    go on.
    """
    run = RunId(folder.path.name)
    worktrees = GitWorktrees(repository, folder.path, _NO_LIMITS)
    state = fold(EventRef(repository, run).load())
    bases = {
        f"{name}.{attempt.number}": attempt.started.base_sha
        for name, track in state.tracks.items()
        for attempt in track.attempts
    }
    done = []
    leftovers = worktrees.leftovers()
    if leftovers:
        end_abandoned(folder.path)
    for name in leftovers:
        if name.startswith(names.GATES_FOLDERS):  # gates checked something out; it is a commit
            worktrees.remove(worktrees.open(name, Sha("")))
            continue
        if name not in bases:
            done.append(Cleaned(run, name, kept_because="no record says what it started from"))
            continue
        worktree = worktrees.open(name, bases[name])
        if not worktrees.was_made(worktree):
            worktrees.remove(worktree)
            continue
        snapshot = worktrees.snapshot(worktree)
        if isinstance(snapshot, Refused):
            kept = worktrees.set_aside(name)
            done.append(Cleaned(run, name, kept_because=f"{snapshot.because}; it is in {kept}"))
            continue
        rescued = None
        if snapshot.changed:
            commit = worktrees.commit(worktree, snapshot, f"Rescued from {name}\n", at)
            rescued = _keep(repository, run, name, commit, at)
        worktrees.remove(worktree)
        done.append(Cleaned(run, name, rescued=rescued))
    return done


def _keep(repository: Repository, run: RunId, name: str, commit: Sha, at: datetime) -> str:
    workstream, _, attempt = name.rpartition(".")
    ref = names.rescue_ref(run, workstream, int(attempt))
    old = repository.refs(ref).get(ref)
    repository.update_refs([RefUpdate(ref, repository.on_top(commit, old, at), old)])
    return ref


@dataclass(frozen=True)
class Tidied:
    """What became of the folders of all runs."""

    worktrees: tuple[Cleaned, ...]
    removed: tuple[RunId, ...]  # whose logs are gone, too
    alive: tuple[RunId, ...]


def clean(repository: Repository, root: Path, at: datetime, *, logs_too: bool) -> Tidied:
    """Tidy up after every run that nobody drives."""
    done: list[Cleaned] = []
    removed: list[RunId] = []
    alive: list[RunId] = []
    for path in sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else ():
        folder = RunFolder(path)
        try:
            with folder.locked():
                found = rescue_worktrees(repository, folder, at)
                done += found
                kept = folder.holds_work or any(item.kept_because for item in found)
                if logs_too and not kept:
                    delete_folder(path)
                    removed.append(RunId(path.name))
        except Unavailable:
            alive.append(RunId(path.name))
    return Tidied(tuple(done), tuple(removed), tuple(alive))
