"""What was spent, as people read it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.ledger import Billing, LedgerLine, Total, totals


def money(total: Total) -> str:
    """Write a cost, and that part of it is unknown where it is."""
    unknown = f" + {total.unknown} unknown" if total.unknown else ""
    return f"${total.cost_usd:.4f}{unknown}"


def costs_page(lines: Sequence[LedgerLine], month: str) -> str:
    """Render COSTS.md: a month by provider, by run, and what was free."""
    this_month = [line for line in lines if line.month == month]
    sections = [
        f"# Costs\n\nMonth {month}, in UTC. One line a model call is in `ledger/{month}.jsonl`.",
        _table("Provider", totals(this_month, lambda line: line.provider)),
        _table("Run", totals(this_month, lambda line: line.run)),
        _table("Billing", totals(this_month, lambda line: Billing(line.billing).value)),
    ]
    return "\n\n".join(sections) + "\n"


def _table(head: str, rows: dict[str, Total]) -> str:
    body = [
        f"| {name} | {row.calls} | {row.input_tokens:,} | {row.output_tokens:,} | {money(row)} |"
        for name, row in rows.items()
    ]
    header = f"| {head} | Calls | Input tokens | Output tokens | Cost |"
    return "\n".join([header, "| --- | ---: | ---: | ---: | ---: |", *body])
