"""What a source file offers to other code, and the reasons for which that cannot be known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class NameKind(StrEnum):
    """What a public name stands for; a type of any sort is a class."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    METHOD = "method"
    CONSTANT = "constant"


@dataclass(frozen=True)
class PublicName:
    """A name that other code may use, and that its language expects to be documented.

    `qualified` counts from the top of the file (`User.save`), so that a moved file keeps its
    names; `signature` is free of layout and comments.
    """

    qualified: str
    kind: NameKind
    line: int  # from 1
    signature: str
    documented: bool

    @property
    def identity(self) -> tuple[str, NameKind, str, bool]:
        """Everything but the place: equal in two versions when the change left it alone."""
        return self.qualified, self.kind, self.signature, self.documented


@dataclass(frozen=True)
class SourceCode:
    """A file that was read.

    `behaviour` is equal for two texts that differ only in comments, documentation and layout,
    and empty where there is nothing else.
    """

    names: tuple[PublicName, ...]
    behaviour: str


def qualified(owner: str, name: str) -> str:
    """Join names for a person to read: the last 300 characters, whatever a file contains."""
    return (f"{owner}.{name}" if owner else name)[-300:]


class Fault(StrEnum):
    """Whose shortcoming it is that a file was not read."""

    LANGUAGE = "language"  # ours: nothing here reads that language
    FILE = "file"  # the file's: a syntax error, NUL bytes, too large, too deep


@dataclass(frozen=True)
class UnreadableSource:
    """A file that was not read, with the reason as a phrase that can follow its path."""

    fault: Fault
    why: str
    line: int | None = None


class ReadSource(Protocol):
    """Reads one file's text; undecodable bytes in it are surrogate-escaped. Never raises."""

    def __call__(self, path: str, text: str) -> SourceCode | UnreadableSource:
        """Return what the text says, or why it cannot be known."""
        ...
