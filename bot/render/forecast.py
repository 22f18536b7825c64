"""Where a month ends, for people: by provider against the cap, and free tiers by the day."""

from __future__ import annotations

from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.core.forecast import RECENT_DAYS, Forecast, FreeUse, ProviderForecast
from bot.render.terminal import plain, without_trailing_space
from bot.render.words import count

_CENT = Decimal("0.01")


def print_forecast(console: Console, found: Forecast) -> None:
    """Print what is spent and expected, how that is reckoned, and what free tiers were used."""
    with without_trailing_space(console):
        console.print(plain(_head(found), "bold"))
        if found.providers:
            console.print(_providers(found))
            console.print(plain(_reckoning(found)))
        else:
            console.print("Nobody is paid: no paid tier is known, and no paid call was made.")
        if found.free:
            console.print(Text("\nFree tiers, requests and tokens a day, in UTC", style="bold"))
            console.print(_free(found))


def _head(found: Forecast) -> str:
    if not found.days_left:
        return f"{found.month}: spent {_usd(found.spent_usd)}"
    gone = f"day {found.days_gone} of {found.days_gone + found.days_left}"
    ends = f"about {_usd(found.forecast_usd)} at the end"
    return f"{found.month}, {gone}: spent {_usd(found.spent_usd)}, {ends}"


def _providers(found: Forecast) -> Table:
    table = _table("provider")
    left = found.days_left > 0
    held = any(row.reserved_usd for row in found.providers.values())
    for name in (
        "spent",
        *(["reserved"] if held else []),
        *(("a day", "at the end") if left else ()),
    ):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("cap", overflow="fold")
    for name, row in found.providers.items():
        expected = (_usd(row.daily_usd), _usd(row.forecast_usd)) if left else ()
        reserved = (_usd(row.reserved_usd),) if held else ()
        table.add_row(plain(name), _spent(row), *reserved, *expected, _cap(row, found))
    return table


def _spent(row: ProviderForecast) -> str:
    return _usd(row.spent_usd) + (f" + {row.unknown} unknown" if row.unknown else "")


def _usd(amount: Decimal) -> str:
    """Write dollars and cents; less than a cent is not nothing."""
    return "<$0.01" if 0 < amount < _CENT else f"${amount:.2f}"


def _cap(row: ProviderForecast, found: Forecast) -> Text:
    cap = f"${row.cap_usd:.2f}: "
    if row.cap_on is None:
        return Text(f"{cap}not reached{' this month' if found.days_left else ''}", style="green")
    if row.cap_on <= found.today:
        return Text(f"{cap}reached on {row.cap_on}", style="red")
    return Text(f"{cap}reached about {row.cap_on}", style="yellow")


def _reckoning(found: Forecast) -> str:
    if not found.days_left:
        return "Nothing is estimated: no day is left."
    return (
        f"{count(found.days_left, 'day')} left, each as half the daily mean of this month and half "
        f"that of the last {RECENT_DAYS} days. Today counts as a whole day. "
        "What is reserved counts as spent. A provider's calls stop at the cap."
    )


def _free(found: Forecast) -> Table:
    table = _table("tier")
    is_on = found.month == f"{found.today:%Y-%m}"
    for name in (*(["today"] if is_on else []), "busiest day", "limit"):
        table.add_column(name, overflow="fold")
    for name, use in found.free.items():
        today = [_use(use.requests_today, use.tokens_today)] if is_on else []
        table.add_row(plain(name), *today, _use(use.requests_most, use.tokens_most), _limit(use))
    return table


def _use(requests: int, tokens: int) -> str:
    return f"{requests:,}, {tokens:,} tokens" if requests else "–"


def _limit(use: FreeUse) -> str:
    requests = f"{use.requests_per_day:,}" if use.requests_per_day else ""
    tokens = f"{use.tokens_per_day:,} tokens" if use.tokens_per_day else ""
    return ", ".join(filter(None, [requests, tokens])) or "unknown"


def _table(first: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, overflow="fold")
    return table
