"""Which paths a gitignore-style pattern means, and whether two patterns can mean the same path.

Patterns are git's: `src/**`, `*.md` (at any depth, for it has no slash), `docs/` (all below).
`./README.md` is that one file at the top; git would write `/README.md`, which reads as absolute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import pathspec

_ANY_DEPTH = "**"


@lru_cache(maxsize=4096)
def _spec(patterns: tuple[str, ...]) -> pathspec.GitIgnoreSpec:
    return pathspec.GitIgnoreSpec.from_lines(
        "/" + pattern[2:] if pattern.startswith("./") else pattern for pattern in patterns
    )


def owns(patterns: Sequence[str], path: str) -> bool:
    """Whether `path` (from the top of the repository) is meant by the patterns."""
    return _spec(tuple(patterns)).match_file(path)


def owned(patterns: Sequence[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that the patterns mean, sorted."""
    return tuple(sorted(_spec(tuple(patterns)).match_files(paths)))


def may_meet(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, str] | None:
    """Return a pattern of each side that can mean one path, whether or not it exists yet.

    Never misses a possible meeting. A negated pattern (`!x`) only takes away, so it is passed
    over: at worst two workstreams wait for each other that need not.
    """
    for mine in ours:
        for other in theirs:
            if not mine.startswith("!") and not other.startswith("!") and _meet(mine, other):
                return mine, other
    return None


@lru_cache(maxsize=65536)
def _meet(a: str, b: str) -> bool:
    return any(_paths_meet(left, right) for left in _variants(a) for right in _variants(b))


def _variants(pattern: str) -> tuple[tuple[str, ...], ...]:
    """Spell a pattern out as anchored segments: the path itself, and everything below it."""
    anchored = pattern.startswith("./") or "/" in pattern.rstrip("/")
    body = pattern.removeprefix("./")
    only_below = body.endswith("/")
    segments = tuple(part for part in body.split("/") if part)
    if not anchored:
        segments = (_ANY_DEPTH, *segments)
    below = (*segments, "*", _ANY_DEPTH)
    return (below,) if only_below else (segments, below)


def _paths_meet(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether some path is matched by both segment lists; `**` stands for any number of them."""
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(a) and j == len(b):
            return True
        deep_a, deep_b = i < len(a) and a[i] == _ANY_DEPTH, j < len(b) and b[j] == _ANY_DEPTH
        if deep_a:
            todo.append((i + 1, j))
            if j < len(b):
                todo.append((i, j + 1))
        if deep_b:
            todo.append((i, j + 1))
            if i < len(a):
                todo.append((i + 1, j))
        if i < len(a) and j < len(b) and not deep_a and not deep_b and _names_meet(a[i], b[j]):
            todo.append((i + 1, j + 1))
    return False


@lru_cache(maxsize=65536)
def _names_meet(a: str, b: str) -> bool:
    """Whether some file name is matched by both; a character class counts as any character."""
    if not re.search(r"[*?\[\\]", a + b):
        return a == b
    ours, theirs = _letters(a), _letters(b)
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(ours) and j == len(theirs):
            return True
        if i < len(ours) and ours[i] == "*":
            todo += [(i + 1, j)] + ([(i, j + 1)] if j < len(theirs) else [])
        if j < len(theirs) and theirs[j] == "*":
            todo += [(i, j + 1)] + ([(i + 1, j)] if i < len(ours) else [])
        if i < len(ours) and j < len(theirs) and _letters_meet(ours[i], theirs[j]):
            todo.append((i + 1, j + 1))
    return False


def _letters(name: str) -> tuple[str, ...]:
    """Split a file-name pattern: `*`, `?` (also for a class), or one literal character."""
    parts = re.findall(r"\*+|\?|\[!?\]?[^\]]*\]|\\.|.", name, flags=re.DOTALL)
    return tuple(
        "*" if p.startswith("*") else "?" if p == "?" or (p[0] == "[" and len(p) > 1) else p[-1]
        for p in parts
    )


def _letters_meet(a: str, b: str) -> bool:
    return a != "*" and b != "*" and (a in {b, "?"} or b == "?")
