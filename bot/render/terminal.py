"""Text from outside made safe for a terminal, and how times, money and sizes are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import TextIOWrapper
from typing import IO

from rich.console import Console
from rich.text import Text

from bot.core.escapes import without_escapes
from bot.core.metrics import Cost
from bot.core.state import WorkstreamStatus

PLAIN_WIDTH = 100  # where nobody says how wide it is
NARROW = 80  # below, columns that matter less are left out

_NO_TEXT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, direction, surrogate, unassigned
_JOINERS = {"\u200d", "\u200c"}  # needed inside of emoji and scripts, and harmless
_MAX_MARKS = 4  # combining marks on one letter; more are there to cover other lines

STATE_STYLES = {
    WorkstreamStatus.PENDING: "dim",
    WorkstreamStatus.READY: "dim",
    WorkstreamStatus.RUNNING: "cyan",
    WorkstreamStatus.WAITING: "yellow",
    WorkstreamStatus.BLOCKED: "yellow",
    WorkstreamStatus.LANDED: "green",
    WorkstreamStatus.LEFT_OUT: "red",
    WorkstreamStatus.FAILED: "red",
    WorkstreamStatus.CANCELLED: "dim",
}


def defused(text: str, limit: int = 2_000) -> str:
    """Make one harmless line of text that anybody wrote, at most `limit` characters long."""
    head = text[: 4 * limit]
    safe, marks = [], 0
    for char in without_escapes(head):
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks > _MAX_MARKS:
            continue
        if char.isspace():
            safe.append(" ")
        elif category not in _NO_TEXT or char in _JOINERS:
            safe.append(char)
        elif category != "Cf":
            safe.append("\N{REPLACEMENT CHARACTER}")
    line = re.sub(r" {2,}", " ", "".join(safe)).strip()
    return f"{line[: limit - 1]}…" if len(line) > limit or len(text) > len(head) else line


def plain(text: str, style: str = "", limit: int = 2_000) -> Text:
    """Make rich text of what anybody wrote: no markup in it means anything."""
    return Text(defused(text, limit), style=style)


def console_for(stream: IO[str]) -> Console:
    """Make a console that writes to a stream; where it is no terminal, text without colours."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # a stream that knows no Unicode shows "?"
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


@contextmanager
def without_trailing_space(console: Console) -> Iterator[None]:
    """Print what comes without the spaces that fill tables up, where it goes to a file."""
    if console.is_terminal:
        yield
        return
    with console.capture() as captured:
        yield
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def duration(seconds: float | None) -> str:
    """Write a time span: 0.4s, 12s, 1m 05s, 2h 03m, 4d 02h."""
    if seconds is None:
        return "–"
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f}s"
    whole = round(seconds)
    for big, small, size in (("d", "h", 86_400), ("h", "m", 3_600), ("m", "s", 60)):
        if whole >= size:
            rest = whole % size // (size // 24 if big == "d" else size // 60)
            return f"{whole // size}{big} {rest:02d}{small}"
    return f"{whole}s"


def elapsed(begin: datetime, end: datetime) -> str:
    """Write the time between two moments."""
    return duration(max((end - begin) / timedelta(seconds=1), 0.0))


def dollars(cost: Cost) -> str:
    """Write a cost; nothing is "free", and what nobody knows is called unknown."""
    if not cost.usd:
        return "free" if cost.known else "unknown"
    exact = f"${cost.usd:.2f}" if cost.usd >= 1 else f"${cost.usd:.4f}"
    return exact if cost.known else f"{exact} + unknown"


def number(value: float | None, unit: str = "") -> str:
    """Write a figure with at most one digit after the point."""
    if value is None:
        return "–"
    return f"{value:.1f}".removesuffix(".0") + unit


def percent(share: float | None) -> str:
    """Write a share of 1 in per cent."""
    return "–" if share is None else f"{share * 100:.0f}%"


def words(status: str) -> str:
    """Write a status as people do: left out, not run."""
    return status.replace("_", " ")


def count(n: int, noun: str) -> str:
    """Write a number of things: 1 file, 3 files."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


Now = Callable[[], datetime]
