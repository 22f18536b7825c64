"""All runs of a repository, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from bot.core.report import RunLine
from bot.render.report import RUN_STYLES, table_of
from bot.render.terminal import plain, without_trailing_space
from bot.render.words import elapsed

NONE_HERE = 'No run was recorded here yet. Begin with: orchestrate run "…"'


def print_runs(
    console: Console, runs: Sequence[RunLine], now: datetime, none: str = NONE_HERE
) -> None:
    """Print one line a run, the latest first; or that there is `none`."""
    if not runs:
        console.print(Text(none))
        return
    on_github = any(run.pull_request for run in runs)
    table = table_of("run", *(["pull"] if on_github else []), "status", "age")
    table.expand = True  # so that only the task gives way
    table.add_column("task", no_wrap=True, overflow="ellipsis", ratio=1)
    for run in runs:
        status = Text("unreadable", style="red")
        if run.status is not None:
            status = Text(run.status.value, style=RUN_STYLES.get(run.status, "cyan"))
        if run.is_stopped(now):
            status = Text("stopped", style="yellow")
        age = elapsed(run.requested_at, now) if run.requested_at else "–"
        what = plain(run.trouble or run.task, "red" if run.trouble else "", 300)
        pull = [f"#{run.pull_request}" if run.pull_request else "–"] if on_github else []
        table.add_row(plain(run.run), *pull, status, age, what)
    with without_trailing_space(console):
        console.print(table)
