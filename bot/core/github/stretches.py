"""Where a Markdown text is not prose: code and comments, found in time linear in its length.

As CommonMark reads them at the top level of a comment; where that needs the whole grammar, a
doubtful stretch counts as code, so that nothing in it is taken for a command or an answer.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
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
    r"""^[ \t]*+(?:$|>|[#]{1,6}[ \t]|[-*+][ \t]|\d{1,9}[.)][ \t]|(?=```|~~~|<!--|<pre\b))
    |(?P<ticks>`++)""",
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_CLOSES = {"<!--": re.compile("-->"), "<pre": re.compile("</pre>", re.IGNORECASE)}


def same_length(body: str) -> str:
    """Return a text with \\n for every line end and each character at its old place."""
    return body.replace("\r\n", " \n").replace("\r", "\n")


def stretches(text: str) -> Iterator[Stretch]:
    """Yield code and comments in order, without overlap. Line ends must be \\n."""
    paragraphs = _Paragraphs(text)
    ends = {mark: _Next(closing, text) for mark, closing in _CLOSES.items()}
    at = 0
    while token := _TOKEN.search(text, at):
        at = token.end()
        found: Stretch | None = None
        if token["fence"]:
            found = _fence(text, token)
        elif token["ticks"] and (end := paragraphs.closings.get(token.start())):
            found = Stretch(token.start(), end, StretchKind.CODE)
        elif token["open"]:
            found = _markup(token, ends[token["open"].lower()], paragraphs)
        if found:
            yield found
            at = found.end


def _fence(text: str, token: re.Match[str]) -> Stretch:
    mark = token["fence"]
    closing = re.compile(rf"^ {{0,3}}{mark[0]}{{{len(mark)},}}+[ \t]*$", re.MULTILINE)
    closed = closing.search(text, token.end())
    inside = text[token.end() + 1 : closed.start() if closed else len(text)]
    end = closed.end() if closed else len(text)
    indent = token.start("fence") - token.start()
    inside = re.sub(rf"^ {{0,{indent}}}", "", inside, flags=re.MULTILINE) if indent else inside
    return Stretch(token.start(), end, StretchKind.FENCE, token["info"].strip(), inside)


def _markup(token: re.Match[str], ends: _Next, paragraphs: _Paragraphs) -> Stretch | None:
    """Find where markup ends: at a line's beginning wherever that is, else in its paragraph."""
    kind = StretchKind.COMMENT if token["open"] == "<!--" else StretchKind.HTML
    end = ends.after(token.end())
    if token["block"] is None:
        end = end if end and end <= paragraphs.end(token.end()) else None
        return Stretch(token.start(), end, kind) if end else None
    return Stretch(token.start(), end or len(token.string), kind)


class _Next:
    """Finds what comes next after places further and further on, looking at nothing twice."""

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self._found = pattern.finditer(text)
        self._next = next(self._found, None)

    def after(self, at: int) -> int | None:
        """Return the end of the first match that begins at `at` or later."""
        while self._next and self._next.start() < at:
            self._next = next(self._found, None)
        return self._next.end() if self._next else None


class _Paragraphs:
    """Where paragraphs end, and which runs of backticks belong together in one.

    `closings` gives, for the start of a run, the end of the next one of its length.
    """

    def __init__(self, text: str) -> None:
        self.closings: dict[int, int] = {}
        self._breaks: list[int] = [len(text)]
        open_runs: dict[int, int] = {}  # length of a run → where the next one so long ends
        for found in reversed(list(_BREAK_OR_RUN.finditer(text))):
            ticks = found["ticks"]
            if ticks is None:
                open_runs.clear()
                self._breaks.append(found.start())
                continue
            if len(ticks) in open_runs:
                self.closings[found.start()] = open_runs[len(ticks)]
            open_runs[len(ticks)] = found.end()
        self._breaks.reverse()

    def end(self, at: int) -> int:
        """Return where the paragraph around `at` ends."""
        return self._breaks[bisect_left(self._breaks, at)]


class Prose:
    """Answers whether a place in a text is prose."""

    def __init__(self, text: str) -> None:
        self._found: Sequence[Stretch] = tuple(stretches(text))
        self._starts = [stretch.start for stretch in self._found]

    def holds(self, at: int) -> bool:
        """Return whether the character at `at` is neither code nor comment."""
        before = bisect_right(self._starts, at) - 1
        return before < 0 or self._found[before].end <= at
