"""The ledger: one line a model call, a reservation or an approval, and sums over them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from bot.core.base import ZERO_USD, Moment, RunId, Strict, Usd, digest


class Billing(StrEnum):
    """Who pays for a tier's calls."""

    FREE = "free"
    PAID = "paid"
    SUBSCRIPTION = "subscription"  # paid elsewhere; the cost is notional


@dataclass(frozen=True)
class Tokens:
    """What a call took. What was read from a cache, or written to one, is part of the input."""

    input: int
    output: int
    cached: int = 0
    written: int = 0
    written_for_an_hour: int = 0  # which costs more than the usual few minutes

    @property
    def plain(self) -> int:
        """Input that no cache had to do with."""
        return max(self.input - self.cached - self.written - self.written_for_an_hour, 0)


class LedgerLine(Strict):
    """One committed fact about money. Lines are never rewritten; the same id is the same fact."""

    id: str
    entry: Literal["reserve", "spend", "release", "approve"] = "spend"
    reservation: str | None = None
    at: Moment
    run: RunId
    workstream: str | None = None
    attempt: int | None = None
    tier: str = ""
    provider: str
    model: str = ""
    billing: Billing
    input_tokens: int = 0
    cached_tokens: int = 0
    written_tokens: int = 0  # to a cache
    written_for_an_hour_tokens: int = 0  # the same
    output_tokens: int = 0
    cost_usd: Usd = ZERO_USD
    cost_known: bool = True
    approval: str | None = None
    justification: str | None = None
    by: str | None = None  # who approved
    until: Moment | None = None  # an approval covers what goes out before then

    @property
    def tokens(self) -> Tokens:
        """What the call took."""
        return Tokens(
            self.input_tokens,
            self.output_tokens,
            self.cached_tokens,
            self.written_tokens,
            self.written_for_an_hour_tokens,
        )

    @property
    def month(self) -> str:
        """The month that the line counts in, in UTC: 2026-11."""
        return month_of(self.at)


def month_of(at: Moment) -> str:
    """Name a moment's month in UTC, as ledger files are named."""
    return at.astimezone(UTC).strftime("%Y-%m")


def call_id(run: RunId, workstream: str, attempt: int, began: Moment, nth: int) -> str:
    """Name the nth model call of an attempt that began then: written twice, it is one line.

    An attempt whose lease ran out is handed out again under its number, and a job can be run
    again: each spends for itself, and only its beginning tells it from the others.
    """
    return digest("spend", run, workstream, attempt, began.astimezone(UTC).isoformat(), nth)


def new_lines(known: Iterable[LedgerLine], more: Iterable[LedgerLine]) -> tuple[LedgerLine, ...]:
    """Return the lines of `more` that are not known yet, each once, in their order."""
    seen = {line.id for line in known}
    fresh = []
    for line in more:
        if line.id not in seen:
            seen.add(line.id)
            fresh.append(line)
    return tuple(fresh)


def spent(lines: Iterable[LedgerLine]) -> Decimal:
    """Return the dollars that were really spent: paid calls only, subscriptions are notional."""
    return sum(
        (line.cost_usd for line in lines if line.entry == "spend" and line.billing == Billing.PAID),
        ZERO_USD,
    )


def sums(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Add up dollars by whom or what they are for."""
    found: defaultdict[str, Decimal] = defaultdict(lambda: ZERO_USD)
    for name, usd in amounts:
        found[name] += usd
    return dict(found)


class Total(Strict):
    """Sums of the calls that share a key. Only paid calls cost anything."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Usd = ZERO_USD
    unknown: int = 0  # paid calls whose cost nobody knows
    notional_usd: Usd = ZERO_USD  # what a subscription's calls would have cost

    def plus(self, line: LedgerLine) -> Total:
        """Add one call."""
        is_paid = line.billing is Billing.PAID
        is_notional = line.billing is Billing.SUBSCRIPTION
        return Total(
            calls=self.calls + 1,
            input_tokens=self.input_tokens + line.input_tokens,
            output_tokens=self.output_tokens + line.output_tokens,
            cost_usd=self.cost_usd + (line.cost_usd if is_paid else ZERO_USD),
            unknown=self.unknown + (is_paid and not line.cost_known),
            notional_usd=self.notional_usd + (line.cost_usd if is_notional else ZERO_USD),
        )


def totals(lines: Iterable[LedgerLine], key: Callable[[LedgerLine], str]) -> dict[str, Total]:
    """Sum the calls by provider, tier, run or whatever `key` says, sorted by key."""
    sums: defaultdict[str, Total] = defaultdict(Total)
    for line in lines:
        if line.entry == "spend":
            sums[key(line)] = sums[key(line)].plus(line)
    return dict(sorted(sums.items()))
