"""What code in a language does, as far as its literals tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunsText:
    """Hands text to a shell."""

    text: str


@dataclass(frozen=True)
class RunsWords:
    """Starts a program with arguments."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Touches:
    """Opens a file."""

    path: str
    writes: bool


@dataclass(frozen=True)
class RunsDownload:
    """Executes what it fetched."""


@dataclass(frozen=True)
class Forks:
    """Forks without end."""


Call = RunsText | RunsWords | Touches | RunsDownload | Forks
