"""What use cases ask of the world, in roles of a few methods each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.core.base import Sha


@dataclass(frozen=True)
class Command:
    """A process to start: in a group of its own, with this environment and no other."""

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    timeout_seconds: float
    stdin: str = ""
    log: str | None = None  # where all output goes, up to max_log_bytes
    max_log_bytes: int = 10_000_000
    max_file_bytes: int | None = None  # largest single file that the process may write


@dataclass(frozen=True)
class Finished:
    """How a process ended. `exit_code` is None where we ended it: see `stopped_because`."""

    exit_code: int | None
    output: str  # the last 64 KiB of stdout and stderr together, undecodable bytes replaced
    seconds: float
    stopped_because: str | None = None  # "timeout", "interrupted" or a limit that it passed
    log_bytes: int = field(default=0)


@dataclass(frozen=True)
class Worktree:
    """A folder that one attempt works in, and what it was made from."""

    name: str
    path: str
    index: str  # outside of the folder: what the attempt changed is measured against it
    base_sha: Sha


@dataclass(frozen=True)
class Change:
    """One path that an attempt changed."""

    path: str
    is_new: bool = False
    is_gone: bool = False


@dataclass(frozen=True)
class Snapshot:
    """What a worktree holds: a tree, and how it differs from the base."""

    tree: str
    changes: tuple[Change, ...]
    insertions: int = 0
    deletions: int = 0


@dataclass(frozen=True)
class Refused:
    """A rule kept a worktree's contents out."""

    because: str


class Worktrees(Protocol):
    """Folders for attempts, apart from everything of the user's."""

    def create(self, name: str, base: Sha, start_from: Sha | None = None) -> Worktree:
        """Check a commit out into a new folder."""
        ...

    def snapshot(self, worktree: Worktree) -> Snapshot | Refused:
        """Read what the folder holds now."""
        ...

    def commit(self, worktree: Worktree, snapshot: Snapshot, message: str, at: datetime) -> Sha:
        """Write a snapshot as one commit on the worktree's base."""
        ...

    def remove(self, worktree: Worktree) -> None:
        """Delete the folder."""
        ...


class Processes(Protocol):
    """Runs commands; whatever a command started is gone when `run` returns."""

    def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Finished:
        """Run to the end, handing each output line on as it comes. Never raises for a failure."""
        ...
