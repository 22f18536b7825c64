"""What `doctor` looks at, and what it says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.core.documents import Problem


class Health(StrEnum):
    """How a check ended. Warnings stand in nobody's way."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what it is like, and what would mend it."""

    name: str
    health: Health
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class Trouble:
    """Why something could not be read, and what would mend it."""

    what: str
    fix: str = ""


@dataclass(frozen=True)
class RepositoryFacts:
    """A repository as it was found."""

    path: str
    has_commit: bool = True
    shallow: bool = False
    files: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)  # that steer us
    branches: tuple[str, ...] = ()  # below refs/heads/orchestrate, without refs/heads/
    records: Mapping[str, Trouble | None] = field(default_factory=dict)  # by run; None: readable
    ledger: Trouble | int = 0  # lines
    leftovers: tuple[str, ...] = ()  # <run>/<worktree> of runs that nobody drives
    folder: str = ""  # where its runs work
    folder_is_writable: bool = True
    free_bytes: int = 0


@dataclass(frozen=True)
class Facts:
    """All that `doctor` judges; `variables` are the names, never the values."""

    git_version: tuple[int, ...]  # empty: there is no git
    oldest_git: tuple[int, ...]  # that will do
    repository: RepositoryFacts | Trouble
    variables: frozenset[str] = frozenset()
    sandbox: Trouble | None = None  # None: one can be had
