"""What was spent, for people at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.core.ledger import Total
from bot.core.reservations import Reservation
from bot.render.costs import held_because, money
from bot.render.terminal import plain, without_trailing_space


def print_costs(
    console: Console,
    heading: str,
    rows: Mapping[str, Total],
    spent_usd: Decimal,
    held: Sequence[Reservation] = (),
    month: str | None = None,
) -> None:
    """Print the sums by what `heading` names, what was really spent, and what is reserved."""
    if not rows and not held:
        when = f"of {month}" if month else "yet"
        console.print(Text(f"The ledger has no model call {when}."))
        return
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(heading, no_wrap=True, overflow="ellipsis")
    notional = any(row.notional_usd for row in rows.values())
    columns = ["calls", "tokens in", "tokens out", "cost", *(["notional"] if notional else [])]
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in rows.items():
        tokens = (f"{row.input_tokens:,}", f"{row.output_tokens:,}")
        worth = (f"${row.notional_usd:.4f}",) if notional else ()
        table.add_row(plain(name), f"{row.calls:,}", *tokens, money(row), *worth)
    with without_trailing_space(console):
        console.print(table)
        console.print(Text(f"\nReally spent: ${spent_usd:.4f}", style="bold"))
        for one in held:
            console.print(plain(_held(one)))


def _held(one: Reservation) -> str:
    line = one.line
    whose = f"{line.workstream} of run {line.run}, attempt {line.attempt}"
    why = held_because(one)
    return f"Reserved: ${one.left_usd:.4f} with {line.provider} for {whose}; {why}."
