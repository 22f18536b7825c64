"""What the ledger says at a moment: what others took of a month, and what today used of tiers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from bot.core.base import ZERO_USD, RunId
from bot.core.ledger import LedgerLine, month_of
from bot.core.reservations import taken


@dataclass(frozen=True)
class Use:
    """What a tier was used in a day, in UTC, by all runs together."""

    requests: int = 0
    tokens: int = 0  # in and out


@dataclass(frozen=True)
class Accounts:
    """The ledger as one run reads it, so that it decides on what all others did."""

    others_usd: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    today: Mapping[str, Use] = field(default_factory=lambda: MappingProxyType({}))  # by tier

    def others(self, provider: str) -> Decimal:
        """Return what other runs spent and hold of a provider's month."""
        return self.others_usd.get(provider, ZERO_USD)

    def used_today(self, tier: str) -> Use:
        """Return what a tier was used today, by this run too."""
        return self.today.get(tier, Use())


def accounts_of(lines: Iterable[LedgerLine], run: RunId, now: datetime) -> Accounts:
    """Sum up a ledger for a run: its own dollars are left out, for its events know them sooner."""
    lines = tuple(lines)
    others = (line for line in lines if line.run != run)
    return Accounts(taken(others, month_of(now)), _today(lines, now))


def _today(lines: Iterable[LedgerLine], now: datetime) -> dict[str, Use]:
    day = now.astimezone(UTC).date()
    found: dict[str, Use] = {}
    for line in lines:
        if line.entry == "spend" and line.at.astimezone(UTC).date() == day:
            sofar = found.get(line.tier, Use())
            tokens = sofar.tokens + line.input_tokens + line.output_tokens
            found[line.tier] = Use(sofar.requests + 1, tokens)
    return found
