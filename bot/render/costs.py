"""COSTS.md: a month's model calls, what they cost, and who approved that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal

from bot.core.base import ZERO_USD, RunId
from bot.core.config import LimitSettings
from bot.core.github.defuse import inline
from bot.core.github.links import Links
from bot.core.github.run_ids import issue_of
from bot.core.ledger import Billing, LedgerLine, Total, totals
from bot.core.money import month_cap
from bot.core.reservations import Reservation, reservations, taken
from bot.render.github.markdown import link, paragraphs, table
from bot.render.words import allowed

_BILLINGS = {
    Billing.FREE: "free",
    Billing.PAID: "paid",
    Billing.SUBSCRIPTION: "subscription (paid for elsewhere)",
}


def money(total: Total) -> str:
    """Write what was really spent, and that part of it is unknown where it is."""
    unknown = f" + {total.unknown} unknown" if total.unknown else ""
    return f"${total.cost_usd:.4f}{unknown}"


@dataclass(frozen=True)
class CostsPage:
    """Writes COSTS.md, with the monthly caps and the repository's address where they are known."""

    limits: LimitSettings | None = None
    links: Links | None = None

    def page(self, lines: Sequence[LedgerLine], month: str) -> str:
        """Render one month, such as 2026-11."""
        held = [one for one in reservations(lines) if one.counts_in(month)]
        gone = taken(lines, month)
        lines = [line for line in lines if line.month == month]
        [total] = totals(lines, lambda _: "all").values() or [Total()]
        return paragraphs(
            f"# Costs in {month}",
            f"**{money(total)}** really spent. The month is UTC's. Every model call is a line in "
            f"[ledger/{month}.jsonl](ledger/{month}.jsonl), which is never rewritten.",
            *_section("By provider", self._providers(lines, gone)),
            *_section("Free and paid", _billings(lines)),
            *_section("By run", self._runs(lines)),
            *_section("Reserved", self._reserved(held)),
            *_section("Approved", self._approvals(lines)),
        )

    def _providers(self, lines: Sequence[LedgerLine], gone: Mapping[str, Decimal]) -> str:
        """Hold what each provider was paid against the cap; an approval alone counts as nothing."""
        paid = {line.provider for line in lines if line.billing is Billing.PAID} | set(gone)
        found = {name: Total() for name in paid} | totals(lines, lambda line: line.provider)
        head = ["provider", "calls", "tokens in", "tokens out", "really spent"]
        rows = [
            [_name(name), *_figures(found[name]), money(found[name])]
            + ([self._left(name, gone) if name in paid else "–"] if self.limits else [])
            for name in sorted(found)
        ]
        if self.limits:
            head.append("left of the month's cap")
        return table(head, rows, numbers=len(head) - 1) if rows else ""

    def _left(self, provider: str, gone: Mapping[str, Decimal]) -> str:
        assert self.limits is not None, "only a cap leaves something"
        cap = month_cap(provider, self.limits)
        left = max(cap - gone.get(provider, ZERO_USD), ZERO_USD)
        return f"${left:.4f} of ${cap:.2f}"

    def _reserved(self, held: Iterable[Reservation]) -> str:
        """Show whose money is neither spent nor given back: it counts against the cap."""
        rows = [
            (
                f"{one.line.at.astimezone(UTC):%m-%d %H:%M}",
                self._run(one.line.run),
                f"{_name(one.line.workstream or '–')}, attempt {one.line.attempt}",
                _name(one.line.provider),
                f"${one.left_usd:.4f}",
                held_because(one),
            )
            for one in held
        ]
        head = ("since", "run", "workstream", "provider", "reserved", "")
        return table(head, rows) if rows else ""

    def _runs(self, lines: Iterable[LedgerLine]) -> str:
        found = totals(lines, lambda line: line.run)
        rows = [[self._run(name), *_figures(row), money(row)] for name, row in found.items()]
        head = ("run", "calls", "tokens in", "tokens out", "really spent")
        return table(head, rows, numbers=4) if rows else ""

    def _approvals(self, lines: Iterable[LedgerLine]) -> str:
        rows = [
            (
                f"{line.at.astimezone(UTC):%m-%d %H:%M}",
                self._run(line.run),
                _name(line.provider),
                allowed(line.cost_usd),
                _name(line.by or "–"),
                f"{line.until.astimezone(UTC):%Y-%m-%d %H:%M}" if line.until else "the run's end",
                inline(line.justification or "–", 300),
            )
            for line in lines
            if line.entry == "approve"
        ]
        head = ("when", "run", "provider", "up to", "by", "until", "because")
        return table(head, rows) if rows else ""

    def _run(self, name: str) -> str:
        issue = issue_of(RunId(name))
        text = _name(name)
        return link(text, self.links.issue(issue)) if self.links and issue else text


NOTHING_KNOWN = CostsPage()


def held_because(one: Reservation) -> str:
    """Say why money is neither spent nor given back, and what ends that."""
    if not one.is_open:
        return "nobody knows what it cost"
    here = f"`orchestrate run --resume {_name(one.line.run)}` or `orchestrate clean`"
    return f"held until its attempt ends; where that was stopped: {here}, on GitHub `/cancel`"


def _billings(lines: Iterable[LedgerLine]) -> str:
    found = totals(lines, lambda line: line.billing.value)
    rows = []
    for billing, words in _BILLINGS.items():
        row = found.get(billing.value)
        if row is not None:
            worth = f"would be ${row.notional_usd:.4f}" if row.notional_usd else ""
            cost = money(row) if billing is Billing.PAID else worth or "nothing"
            rows.append([words, *_figures(row), cost])
    return table(("", "calls", "tokens in", "tokens out", "cost"), rows, numbers=4) if rows else ""


def _section(head: str, body: str) -> tuple[str, ...]:
    return (f"## {head}", body) if body else ()


def _figures(total: Total) -> tuple[str, str, str]:
    return f"{total.calls:,}", f"{total.input_tokens:,}", f"{total.output_tokens:,}"


def _name(text: str) -> str:
    return inline(text, 100)
