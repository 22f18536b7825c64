"""Comments and shell idioms that a change adds to hide lines from coverage or from analyzers."""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.core.diff import FileChange
from bot.core.gates import Severity

_PYTHON = frozenset({"py", "pyi"})
_C_LIKE = frozenset({"js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte", "go"})
_RUST = frozenset({"rs"})
_SCRIPTS = frozenset({"sh", "bash", "yml", "yaml", "toml", "cfg", "ini", "json", "mk", "makefile",
                      "justfile"})  # fmt: skip
_RUNNERS = (
    r"(?:pytest|unittest|tox|nox|coverage|npm|pnpm|yarn|npx|jest|vitest|mocha|go test|cargo|make)\b"
)


@dataclass(frozen=True)
class Mark:
    """Something that hides code: `pattern` after the first `opens` of a line."""

    rule: str
    what: str
    severity: Severity
    suffixes: frozenset[str]
    opens: re.Pattern[str]
    pattern: re.Pattern[str]

    def is_in(self, line: str) -> bool:
        """Whether a line has the mark. Two searches in turn keep this linear for any line."""
        opened = self.opens.search(line)
        return opened is not None and self.pattern.search(line, opened.end()) is not None


@dataclass(frozen=True)
class Added:
    """A mark that the change adds."""

    mark: Mark
    path: str
    line: int
    text: str


def _hidden(suffixes: frozenset[str], opens: str, pattern: str) -> Mark:
    what = "hides code from coverage"
    rule = "weakened-test/hidden"
    return Mark(rule, what, Severity.HIGH, suffixes, re.compile(opens), re.compile(pattern))


def _muted(suffixes: frozenset[str], opens: str, pattern: str) -> Mark:
    what = "silences an analyzer"
    rule = "weakened-test/muted"
    return Mark(rule, what, Severity.MEDIUM, suffixes, re.compile(opens), re.compile(pattern))


MARKS = (
    _hidden(_PYTHON, "#", r"\bpragma:\s*no\s*(?:cover|branch)\b"),
    _hidden(_C_LIKE, "/[/*]", r"\b(?:istanbul|c8|v8|node:coverage)\s+(?:ignore|disable)\b"),
    _hidden(_RUST, "", r"coverage\(off\)|tarpaulin_include|LCOV_EXCL|no_coverage"),
    _muted(
        _PYTHON,
        "#",
        r"\bnoqa\b|\b(?:type|pyright):\s*ignore\b|\bmypy:\s*ignore-errors\b"
        r"|\bpylint:\s*disable\b|\bnosec\b",
    ),
    _muted(
        _C_LIKE,
        "/[/*]",
        r"\beslint-disable|@ts-(?:ignore|expect-error|nocheck)\b|\bnolint\b|#nosec\b"
        r"|\bbiome-ignore\b",
    ),
    _muted(_RUST, "", r"#!?\[(?:allow|expect)\("),
    Mark(
        "weakened-test/ignored",
        "lets a failing test command pass",
        Severity.HIGH,
        _SCRIPTS,
        re.compile(_RUNNERS),
        re.compile(r"(?:\|\||;)\s*(?:true\b|:(?:\s|$|[\"'])|exit 0\b)"),
    ),
)


def added_marks(
    changes: tuple[FileChange, ...], head_texts: Mapping[str, str]
) -> tuple[Added, ...]:
    """Return marks that the change adds; a line that moved or only kept its mark adds none."""
    return tuple(added for mark in MARKS for added in _added(mark, changes, head_texts))


def _added(
    mark: Mark, changes: tuple[FileChange, ...], head_texts: Mapping[str, str]
) -> Iterator[Added]:
    concerned = [change for change in changes if _suffix(change.path) in mark.suffixes]
    gone = [line.strip() for change in concerned for line in change.removed_lines.values()]
    moved = Counter(text for text in gone if mark.is_in(text))
    fresh: list[tuple[FileChange, list[Added]]] = []
    for change in concerned:
        here: list[Added] = []
        for found in _in_added_lines(mark, change, head_texts.get(change.path)):
            if moved[found.text] > 0:
                moved[found.text] -= 1
            else:
                here.append(found)
        fresh.append((change, here))
    for change, here in fresh:
        kept = 0
        for line in change.removed_lines.values():
            if moved[line.strip()] > 0:
                moved[line.strip()] -= 1
                kept += 1
        yield from here[kept:]


def _in_added_lines(mark: Mark, change: FileChange, text: str | None) -> Iterator[Added]:
    """Yield the marks in the lines that a change adds; in Python only those that are comments."""
    comments: Mapping[int, str] | None = None
    for number, line in sorted(change.added_lines.items()):
        if not mark.is_in(line):
            continue
        if mark.suffixes == _PYTHON:
            if comments is None:
                comments = _comments(text, change)
            if not mark.is_in(comments.get(number, "")):
                continue
        yield Added(mark, change.path, number, line.strip())


def _comments(text: str | None, change: FileChange) -> Mapping[int, str]:
    """Return the comments of Python code by line; whole lines where it is not read as tokens."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text or "").readline))
    except (tokenize.TokenError, SyntaxError):
        return change.added_lines
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _suffix(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].lower()
