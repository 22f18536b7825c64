"""Which paths a gitignore-style pattern means, and whether two patterns can mean the same path.

Patterns are git's: `src/**`, `*.md` (at any depth, for it has no slash), `docs/` (all below).
`./README.md` is that one file at the top; git would write `/README.md`, which reads as absolute.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import takewhile

import pathspec

_ANY_DEPTH = "**"
# Names that are files, never folders (unlike next.js, socket.io or conf.d).
_FILE_NAME = re.compile(
    r".+\.(?:py|pyi|md|rst|go|rs|tsx?|jsx|java|kt|cs|cc?|cpp|hp?p?|rb|php|swift|sh|sql|txt|json|ya?ml"
    r"|toml|ini|cfg|html|s?css|lock|xml|csv|ipynb)"
)


@lru_cache(maxsize=4096)
def _spec(patterns: tuple[str, ...]) -> pathspec.GitIgnoreSpec:
    return pathspec.GitIgnoreSpec.from_lines(
        line for pattern in patterns for line in _as_git_writes(pattern)
    )


def _as_git_writes(pattern: str) -> tuple[str, ...]:
    """Spell `./x` as git does, and let `!x` take away what lies below x too, always."""
    negated, body = pattern.startswith("!"), pattern.removeprefix("!")
    anchored = _is_anchored(body)
    body = "/" + body[2:] if body.startswith("./") else body
    if not negated:
        return (body,)
    below = f"!{'' if anchored else '**/'}{body.rstrip('/')}/**"
    return (below,) if body.endswith("/") else (f"!{body}", below)


def _is_anchored(pattern: str) -> bool:
    return pattern.startswith("./") or "/" in pattern.rstrip("/")


def owns(patterns: Sequence[str], path: str) -> bool:
    """Whether `path` (from the top of the repository) is meant by the patterns."""
    return _spec(tuple(patterns)).match_file(path)


def is_readable(pattern: str) -> bool:
    """Whether a pattern means what it says: `[z-a]`, `x\\` and a space at the end do not."""
    if pattern[-1:].isspace():
        return False  # git drops it
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a class that Python's next version reads in another way
        try:
            _spec.__wrapped__((pattern,))
        except (pathspec.patterns.gitignore.GitIgnorePatternError, re.error, Warning):
            return False
    return True


def owned(patterns: Sequence[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that the patterns mean, sorted."""
    return tuple(sorted(_spec(tuple(patterns)).match_files(paths)))


def may_meet(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, str] | None:
    """Return a pattern of each side that can mean one path, whether or not it exists yet.

    Never misses a possible meeting (taking it that nobody names a folder `a.py`). A later negated
    pattern (`!tests/**`) counts where it takes away all that the other side's pattern means;
    where it takes away less it is passed over: at worst two workstreams wait for each other that
    need not.
    """
    for i, mine in enumerate(ours):
        if mine.startswith("!"):
            continue
        for j, other in enumerate(theirs):
            if other.startswith("!") or not _meet(mine, other):
                continue
            if not _takes_away(ours[i + 1 :], other) and not _takes_away(theirs[j + 1 :], mine):
                return mine, other
    return None


def _takes_away(later: Sequence[str], pattern: str) -> bool:
    """Whether a negation among `later` covers everything that `pattern` can mean."""
    return any(n.startswith("!") and _covers(n[1:], pattern) for n in later)


def _covers(wide: str, narrow: str) -> bool:
    if wide in {narrow, "**"}:
        return True
    folder = wide.removeprefix("./").removesuffix("**")
    if not wide.endswith("/**") or re.search(r"[*?\[\\]", folder):
        return False
    inside = narrow.removeprefix("./")
    return inside.startswith(folder) and len(inside.rstrip("/")) > len(folder)


@lru_cache(maxsize=65536)
def _meet(a: str, b: str) -> bool:
    return any(_paths_meet(left, right) for left in _variants(a) for right in _variants(b))


def _variants(pattern: str) -> tuple[tuple[str, ...], ...]:
    """Spell a pattern out as anchored segments: the path itself, and everything below it."""
    anchored = _is_anchored(pattern)
    body = pattern.removeprefix("./")
    only_below = body.endswith("/")
    segments = tuple(part for part in body.split("/") if part)
    if not anchored:
        segments = (_ANY_DEPTH, *segments)
    below = (*segments, "*", _ANY_DEPTH)
    if only_below:
        return (below,)
    is_file = segments and _FILE_NAME.fullmatch(segments[-1])
    return (segments,) if is_file else (segments, below)


def _paths_meet(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether some path is matched by both segment lists; `**` stands for any number of them."""
    return _rows_meet(a, b, _ANY_DEPTH, _names_meet)


@lru_cache(maxsize=65536)
def _names_meet(a: str, b: str) -> bool:
    """Whether some file name is matched by both; a character class counts as any character."""
    if not re.search(r"[*?\[\\]", a + b):
        return a == b
    ours, theirs = _letters(a), _letters(b)
    if not (_ends_fit(_ends(a)[0], _ends(b)[0]) and _ends_fit(_ends(a)[1], _ends(b)[1])):
        return False
    if "*" in ours and "*" in theirs:
        return True  # the stars take in what stands between the ends of the other
    return _rows_meet(ours, theirs, "*", _letters_meet)


def _rows_meet(
    a: Sequence[str], b: Sequence[str], many: str, meet: Callable[[str, str], bool]
) -> bool:
    """Whether some row fits both; `many` stands for any number of items, `meet` judges two."""
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(a) and j == len(b):
            return True
        many_a, many_b = i < len(a) and a[i] == many, j < len(b) and b[j] == many
        if many_a:
            todo += [(i + 1, j)] + ([(i, j + 1)] if j < len(b) else [])
        if many_b:
            todo += [(i, j + 1)] + ([(i + 1, j)] if i < len(a) else [])
        if i < len(a) and j < len(b) and not many_a and not many_b and meet(a[i], b[j]):
            todo.append((i + 1, j + 1))
    return False


@lru_cache(maxsize=4096)
def _ends(name: str) -> tuple[str, str]:
    """Return the literal letters that a pattern begins with, and those it ends with, reversed."""
    letters = _letters(name)
    first, last = (
        "".join(takewhile(lambda letter: letter not in {"*", "?"}, row))
        for row in (letters, reversed(letters))
    )
    return first, last


def _ends_fit(a: str, b: str) -> bool:
    return a.startswith(b) or b.startswith(a)


@lru_cache(maxsize=4096)
def _letters(name: str) -> tuple[str, ...]:
    """Split a file-name pattern: `*`, `?` (also for a class), or one literal character."""
    parts = re.findall(r"\*+|\?|\[!?\]?[^\]]*\]|\\.|.", name, flags=re.DOTALL)
    return tuple(
        "*" if p.startswith("*") else "?" if p == "?" or (p[0] == "[" and len(p) > 1) else p[-1]
        for p in parts
    )


def _letters_meet(a: str, b: str) -> bool:
    return a in {b, "?"} or b == "?"
