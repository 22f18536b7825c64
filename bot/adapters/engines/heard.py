"""What a program's lines tell, and how such lines are read: nothing in them is believed to fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.outcomes import OutcomeClass


@dataclass(frozen=True)
class Said:
    """The agent said something."""

    text: str


@dataclass(frozen=True)
class Used:
    """The agent used a tool; `summary` begins with the tool's name."""

    summary: str


def used(tool: object, *about: object) -> Used:
    """Name a tool and what it was used on: the first of `about` that says it."""
    text = next(filter(None, map(text_of, about)), "")
    return Used(f"{text_of(tool)} {text}".rstrip())


@dataclass(frozen=True)
class Ended:
    """The program's last word."""

    outcome: OutcomeClass
    message: str = ""


Heard = Said | Used | Ended


def json_line(line: str) -> dict[str, object]:
    """Read a line that should be a JSON object; anything else is an empty one."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def inside(value: object, *path: str) -> object:
    """Return what is at a path of nested objects, or None."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_of(value: object) -> str:
    """Return a text, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def objects_in(value: object) -> Iterator[dict[str, object]]:
    """Yield the objects of a list."""
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            yield one
