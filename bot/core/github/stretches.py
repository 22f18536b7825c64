"""Where a Markdown text is not prose: code and comments, found in time linear in its length.

As CommonMark reads them at the top level of a comment; where that needs the whole grammar, a
doubtful stretch counts as code, so that nothing in it is taken for a command or an answer.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class StretchKind(StrEnum):
    """What a stretch is; `html` is preformatted text, which GitHub shows as code."""

    FENCE = "fence"
    CODE = "code"
    COMMENT = "comment"
    HTML = "html"


@dataclass(frozen=True)
class Stretch:
    """A part of a text from `start` up to `end`; `info` and `inside` are a fence's."""

    start: int
    end: int
    kind: StretchKind
    info: str = ""
    inside: str = ""


_TOKEN = re.compile(
    r"""\\.
    |^[ ]{0,3}(?P<fence>`{3,}+(?=[^`\n]*$)|~{3,}+)(?P<info>[^\n]*)$
    |(?P<ticks>`++)
    |(?P<block>^[ ]{0,3}+)?+(?P<open><!--|<pre\b)""",
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_BREAK_OR_RUN = re.compile(
    r"""^[ \t]*+(?:$|>|[#]{1,6}[ \t]|[-*+][ \t]|\d{1,9}[.)][ \t]|(?=```|~~~))
    |(?P<ticks>`++)""",
    re.VERBOSE | re.MULTILINE,
)
_CLOSES = {"<!--": re.compile("-->"), "<pre": re.compile("</pre>", re.IGNORECASE)}


def same_length(body: str) -> str:
    """Return a text with \\n for every line end and each character at its old place."""
    return body.replace("\r\n", " \n").replace("\r", "\n")


def stretches(text: str) -> Iterator[Stretch]:
    """Yield code and comments in order, without overlap. Line ends must be \\n."""
    closings = _closings(text)
    unclosed: set[str] = set()
    at = 0
    while token := _TOKEN.search(text, at):
        at = token.end()
        found: Stretch | None = None
        if token["fence"]:
            found = _fence(text, token)
        elif token["ticks"] and (end := closings.get(token.start())):
            found = Stretch(token.start(), end, StretchKind.CODE)
        elif token["open"]:
            found = _markup(text, token, unclosed)
        if found:
            yield found
            at = found.end


def _fence(text: str, token: re.Match[str]) -> Stretch:
    mark = token["fence"]
    closing = re.compile(rf"^ {{0,3}}{mark[0]}{{{len(mark)},}}+[ \t]*$", re.MULTILINE)
    closed = closing.search(text, token.end())
    inside = text[token.end() + 1 : closed.start() if closed else len(text)]
    end = closed.end() if closed else len(text)
    return Stretch(token.start(), end, StretchKind.FENCE, token["info"].strip(), inside)


def _markup(text: str, token: re.Match[str], unclosed: set[str]) -> Stretch | None:
    """Find where markup ends; one that never does hides the rest only if it begins a line."""
    mark = token["open"].lower()
    kind = StretchKind.COMMENT if mark == "<!--" else StretchKind.HTML
    closed = None if mark in unclosed else _CLOSES[mark].search(text, token.end())
    if closed:
        return Stretch(token.start(), closed.end(), kind)
    unclosed.add(mark)  # so that it is not looked for again
    return None if token["block"] is None else Stretch(token.start(), len(text), kind)


def _closings(text: str) -> dict[int, int]:
    """Say for each run of backticks where the run ends that closes it in the same paragraph."""
    closings: dict[int, int] = {}
    open_runs: dict[int, int] = {}  # length of a run → where the next one so long ends
    for found in reversed(list(_BREAK_OR_RUN.finditer(text))):
        ticks = found["ticks"]
        if ticks is None:
            open_runs.clear()
            continue
        if len(ticks) in open_runs:
            closings[found.start()] = open_runs[len(ticks)]
        open_runs[len(ticks)] = found.end()
    return closings


class Prose:
    """Answers whether a place in a text is prose."""

    def __init__(self, text: str) -> None:
        self._found: Sequence[Stretch] = tuple(stretches(text))
        self._starts = [stretch.start for stretch in self._found]

    def holds(self, at: int) -> bool:
        """Return whether the character at `at` is neither code nor comment."""
        before = bisect_right(self._starts, at) - 1
        return before < 0 or self._found[before].end <= at
