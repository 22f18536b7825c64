"""A terminal, and text in it: styles, widths, and nothing of what anybody wrote as markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from typing import IO

from rich.console import Console
from rich.text import Text

from bot.core.state import WorkstreamStatus
from bot.render.words import defused

PLAIN_WIDTH = 100  # where nobody says how wide it is
NARROW = 80  # below, columns that matter less are left out

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


Now = Callable[[], datetime]
