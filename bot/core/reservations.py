"""Dollars that are set aside before an attempt runs, as the ledger has them.

A `reserve` line takes them out of a provider's month, the attempt's `spend` lines name it, and one
`release` line ends it and gives back what was not used. What is neither spent nor given back stays
taken: nobody knows what became of it, and an unknown is not free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from bot.core.base import ZERO_USD
from bot.core.ledger import Billing, LedgerLine, sums


@dataclass(frozen=True)
class Reservation:
    """One `reserve` line, and what is left of it."""

    line: LedgerLine
    left_usd: Decimal  # neither spent nor given back
    is_open: bool  # nobody has ended it: its attempt runs, or was lost

    def counts_in(self, month: str) -> bool:
        """Whether a month has to answer for it: its own, and any later one while it is open."""
        return self.line.month == month or (self.is_open and self.line.month < month)


def reservations(lines: Iterable[LedgerLine]) -> tuple[Reservation, ...]:
    """Return every reservation of which something is left or that is open, in their order."""
    made: dict[str, LedgerLine] = {}
    gone: dict[str, Decimal] = {}
    ended: set[str] = set()
    for line in lines:
        if line.entry == "reserve":
            made[line.id] = line
        elif line.reservation is not None and line.entry in {"spend", "release"}:
            gone[line.reservation] = gone.get(line.reservation, ZERO_USD) + line.cost_usd
            if line.entry == "release":
                ended.add(line.reservation)
    found = (
        Reservation(
            line, max(line.cost_usd - gone.get(name, ZERO_USD), ZERO_USD), name not in ended
        )
        for name, line in made.items()
    )
    return tuple(one for one in found if one.left_usd or one.is_open)


def taken(lines: Iterable[LedgerLine], month: str) -> dict[str, Decimal]:
    """Return what each provider's month has lost already: paid calls and what is reserved."""
    lines = tuple(lines)
    paid = (
        (line.provider, line.cost_usd)
        for line in lines
        if line.entry == "spend" and line.billing is Billing.PAID and line.month == month
    )
    return sums((*paid, *reserved(lines, month).items()))


def reserved(lines: Iterable[LedgerLine], month: str) -> dict[str, Decimal]:
    """Return what of each provider's month is reserved, and neither spent nor given back."""
    counting = (one for one in reservations(lines) if one.counts_in(month))
    return sums((one.line.provider, one.left_usd) for one in counting)
