"""What reading a command yields, and what is known while it is read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tree_sitter import Node

_HOME = re.compile(r"(?:\$HOME|\$\{HOME\})(?=/|$)")
_HERE = re.compile(r"(?:\$PWD|\$\{PWD\})(?=/|$)")
_MOST = 131_072  # characters of one text; a=$a$a would double it without end


@dataclass(frozen=True)
class Text:
    """What a word stands for or a command prints.

    Where it is not known, `text` keeps the source's spelling and `made_by` names the programs
    that it would come from.
    """

    text: str = ""
    known: bool = True
    made_by: frozenset[str] = frozenset()


NOTHING = Text()


def joined(parts: Iterable[Text], between: str = "") -> Text:
    """Put texts together; the whole is known if every part is."""
    all_parts = list(parts)
    text = between.join(part.text for part in all_parts)
    return Text(
        text[:_MOST],
        len(text) <= _MOST and all(part.known for part in all_parts),
        frozenset().union(*(part.made_by for part in all_parts)),
    )


@dataclass(frozen=True)
class Ran:
    """One program that would be started, with what it is given.

    `paths` are its arguments as places: `~` is the home, `..` is outside of the worktree.
    `fed_by` is set for what interprets text: the programs that the text comes from.
    """

    program: str  # without its folder
    arguments: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()  # places that its output is redirected to
    fed_by: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return " ".join((self.program, *self.arguments))


@dataclass(frozen=True)
class ForkBomb:
    """A function or program that starts itself more than once."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} starting itself"


@dataclass(frozen=True)
class Unreadable:
    """Text for an interpreter that is too large, too deep or too much to read."""

    because: str

    def __str__(self) -> str:
        return f"a command that is {self.because}"


Found = Ran | ForkBomb | Unreadable


@dataclass
class Scope:
    """What the text so far has defined. `place` is the folder, None where nobody can tell."""

    variables: dict[str, tuple[Text, ...]] = field(default_factory=dict)
    arguments: tuple[Text, ...] = ()
    functions: dict[str, Node] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    files: dict[str, Text] = field(default_factory=dict)
    place: str | None = "."

    def inner(self, arguments: tuple[Text, ...] | None = None) -> Scope:
        """Return a scope that begins as this one and changes nothing here, as a subshell does."""
        return Scope(
            dict(self.variables),
            self.arguments if arguments is None else arguments,
            dict(self.functions),
            dict(self.aliases),
            self.files,  # what a subshell writes is there for all
            self.place,
        )

    def resolve(self, text: str) -> str:
        """Return where a path leads: absolute, from `~`, or relative to the worktree."""
        path = _HERE.sub(".", _HOME.sub("~", text.removeprefix("file://")))
        if path.startswith(("/", "~")):
            return posixpath.normpath("/" + path.lstrip("/") if path[0] == "/" else path)
        if self.place is None:
            return "?/" + path  # relative to a folder that nobody knows
        return posixpath.normpath(posixpath.join(self.place, path))
