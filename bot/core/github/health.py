"""What `doctor --github` looks at. None means that this token may not see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.config import Settings
from bot.core.documents import Problem
from bot.core.github.installation import Installed


@dataclass(frozen=True)
class Hosted:
    """A repository on GitHub."""

    name: str  # owner/name
    default_branch: str
    private: bool
    fork: bool
    archived: bool
    has_issues: bool
    right: str  # the token's highest, or "" where GitHub does not say


@dataclass(frozen=True)
class HostedFiles:
    """What the default branch has of ours: git's ids of contents by path."""

    blobs: Mapping[str, str]
    installed: Installed | Problem | None
    settings: Settings | tuple[Problem, ...]


@dataclass(frozen=True)
class GithubFacts:
    """All that `doctor --github` judges."""

    repository: Hosted
    files: HostedFiles
    shipped: Mapping[str, str]  # git's ids of what this version would have written
    switched_off: Mapping[str, str] | None  # workflow files that are not active, and how they are
    actions_enabled: bool | None
    label: str
    label_exists: bool
    required: Mapping[str, int | None]  # required checks on the default branch, and whose
    may_open_pulls: bool | None
    requests_left: tuple[int, int]  # of how many an hour
    secrets: tuple[str, ...]  # names that the workflows read
    in_the_way: bool  # a branch named orchestrate
