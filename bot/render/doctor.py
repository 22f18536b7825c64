"""What `doctor` found, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.core.health import Check, Health
from bot.render.terminal import plain, without_trailing_space
from bot.render.words import count

_STYLES = {Health.OK: "green", Health.WARNING: "yellow", Health.FAILURE: "red"}


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """Print each check with its fix, and the sums."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        detail = plain(check.detail)
        if check.fix and check.health is not Health.OK:
            detail.append_text(Text("\n")).append_text(plain(check.fix, "cyan"))
        table.add_row(Text(check.health.value, style=_STYLES[check.health]), check.name, detail)
    sums = [sum(c.health is kind for c in checks) for kind in (Health.FAILURE, Health.WARNING)]
    text = count(sums[0], "failure") + (f", {count(sums[1], 'warning')}" if sums[1] else "")
    with without_trailing_space(console):
        console.print(Padding(table, (0, 0, 1, 0), expand=False))
        console.print(Text(text, style="bold red" if sums[0] else "bold green"))
