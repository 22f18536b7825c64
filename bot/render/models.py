"""The ladder, for people: a table where there is room for one, else a few lines a rung."""

from __future__ import annotations

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from bot.core.ledger import Billing
from bot.core.models import FRESH, Model, Models, by_tier
from bot.core.plan import Kind
from bot.core.routing import Tier
from bot.render.terminal import plain, without_trailing_space

WIDE = 170  # what the table needs with the catalog's names
NOBODY = "Nobody serves here yet: do what stands beside any of them."


def print_models(console: Console, found: Models) -> None:
    """Print each rung in order, who is first for what, and which entries are old."""
    with without_trailing_space(console):
        console.print(_table(found) if console.width >= WIDE else _list(found))
        console.print()
        if any(first.tier for first in found.first):
            console.print(Text("First to serve", style="bold"))
            console.print(_first(found))
        else:
            console.print(plain(NOBODY, "bold yellow"))
        if found.outdated:
            console.print(Text("\n").append_text(plain(_reminder(found.outdated), "yellow")))


def _table(found: Models) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("#", "tier", "engine", "provider", "model", "billing", "limits"):
        table.add_column(name, overflow="fold", justify="right" if name == "#" else "left")
    for name in ("in / out $ a million", "checked", "here"):
        table.add_column(name, overflow="fold")
    for rung in found.rungs:
        tier = rung.tier
        words = (tier.name, tier.engine, tier.provider, tier.model or "–", tier.billing)
        figures = (_limits(tier) or "–", _price(tier) or "–", _checked(rung))
        table.add_row(str(rung.order), *map(plain, (*words, *figures)), _here(rung))
    return table


def _list(found: Models) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    widest = max((_named(rung.tier).cell_len for rung in found.rungs), default=0)
    for rung in found.rungs:
        tier = rung.tier
        head = Table.grid(padding=(0, 2, 0, 0))  # so that a long reason goes on below itself
        head.add_column(min_width=widest, overflow="fold")
        head.add_column(overflow="fold")
        head.add_row(_named(tier), _here(rung))
        who = f"{tier.engine}, {tier.provider}" + (f", {tier.model}" if tier.model else "")
        price = f"${_price(tier)} a million tokens in / out" if _price(tier) else ""
        checked = f"checked on {_checked(rung)}" if tier.checked_on else ""
        facts = "; ".join(filter(None, [_limits(tier), price, checked]))
        below = (plain(line, "dim") for line in filter(None, [who, facts]))
        table.add_row(str(rung.order), Group(head, *below))
    return table


def _named(tier: Tier) -> Text:
    return plain(f"{tier.name} ({tier.billing})")


def _here(rung: Model) -> Text:
    if rung.why_not:
        return plain(rung.why_not, "yellow")
    paid = rung.tier.billing is Billing.PAID
    serves = Text("serves after a yes", "cyan") if paid else Text("serves", "green")
    return (
        serves.append("; ").append_text(plain(rung.ran_out, "yellow")) if rung.ran_out else serves
    )


def _limits(tier: Tier) -> str:
    limits = (
        (tier.requests_per_minute, "requests a minute"),
        (tier.requests_per_day, "requests a day"),
        (tier.tokens_per_day, "tokens a day"),
    )
    return ", ".join(f"{most:,} {what}" for most, what in limits if most is not None)


def _price(tier: Tier) -> str:
    prices = (tier.input_usd_per_million, tier.output_usd_per_million)
    if None in prices:
        return ""
    return " / ".join(f"{price:.2f}" for price in prices)


def _checked(rung: Model) -> str:
    day = rung.tier.checked_on
    return f"{day}{' (old)' if rung.outdated else ''}" if day else "–"


def _first(found: Models) -> Table:
    table = Table.grid(padding=(0, 2, 0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for first, kinds in by_tier(found.first).items():
        name = plain(first.tier or "nobody")
        if first.needs_approval:
            name.append(", after a yes")
        table.add_row(name, ", ".join(kinds) if len(kinds) < len(Kind) else "all kinds of work")
    return table


def _reminder(names: tuple[str, ...]) -> str:
    return (
        f"{', '.join(names)}: not compared with the provider's page for more than {FRESH.days} "
        "days. Look there, then set checked_on."
    )
