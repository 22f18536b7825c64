"""Values in what a provider says, which may be anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

_MAX_TOKENS = 100_000_000  # of one answer; no model takes a hundredth of it
_NO_WORDS = frozenset({"role", "type", "id", "stop_reason", "signature", "thoughtSignature"})

Json = Mapping[str, object]


def data_of(event: bytes) -> bytes:
    """Return what an event carries."""
    return b"\n".join(line[5:] for line in event.splitlines() if line.startswith(b"data:"))


def json_of(text: bytes) -> object:
    """Read JSON; None: it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def object_in(value: Json, name: str) -> Json:
    """Return an object of an object, or an empty one."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def objects_in(value: Json, name: str) -> list[Json]:
    """Return the objects of a list in an object."""
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def count_in(value: Json, name: str) -> int | None:
    """Return a number of tokens; None: it is no such number, and not nothing."""
    found = value.get(name)
    return found if type(found) is int and 0 <= found <= _MAX_TOKENS else None


def number_in(value: Json, name: str) -> int:
    """Return a number of tokens that need not be there."""
    return count_in(value, name) or 0


def length_of(value: object) -> int:
    """Return how many characters of what was said a value holds."""
    total, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, dict):
            waiting += (part for name, part in one.items() if name not in _NO_WORDS)
        elif isinstance(one, list):
            waiting += cast("list[object]", one)
    return total
