"""Where a month ends: what was spent, what the days that are left may bring, and the cap.

A plain estimate. A day that is left brings the mean of two means: that of the month's days so far
(today counts as a whole one), and that of the last seven days, which may reach into the month
before. So a busy week weighs more than the weeks before it, and one busy day does not weigh all.
"""

from __future__ import annotations

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal

from bot.core.base import MICRO_USD, ZERO_USD, Strict, Usd
from bot.core.config import LimitSettings
from bot.core.ledger import Billing, LedgerLine
from bot.core.money import month_cap
from bot.core.reservations import reserved
from bot.core.routing import Tier
from bot.errors import UserError

RECENT_DAYS = 7


class ProviderForecast(Strict):
    """What a provider is paid in the month, in dollars."""

    spent_usd: Usd
    reserved_usd: Usd  # and neither spent nor given back: it counts as gone
    cap_usd: Usd
    unknown: int  # paid calls whose cost nobody knows: it is at least the rest
    daily_usd: Usd  # what a day that is left is expected to bring
    forecast_usd: Usd  # at the month's end, with what is reserved, if no cap stopped it
    cap_on: date | None  # when the cap was or would be reached; None: not in this month


class FreeUse(Strict):
    """What a free tier was used in a day, in UTC; limits are None where nobody knows them."""

    requests_today: int
    tokens_today: int
    requests_most: int  # on the month's busiest day
    tokens_most: int
    requests_per_day: int | None
    tokens_per_day: int | None


class Forecast(Strict):
    """What `orchestrate costs --forecast --json` prints."""

    month: str
    today: date
    days_gone: int  # of the month, with today
    days_left: int
    spent_usd: Usd
    reserved_usd: Usd
    forecast_usd: Usd
    providers: Mapping[str, ProviderForecast]
    free: Mapping[str, FreeUse]


def forecast(
    lines: Iterable[LedgerLine],
    month: str,
    today: date,
    *,
    limits: LimitSettings,
    tiers: Iterable[Tier],
) -> Forecast:
    """Estimate a month such as 2026-11 from all lines of the ledger; a past one is as it was.

    `tiers` name who may be paid, and the limits of free ones. Raises UserError for a month that
    has not begun.
    """
    lines, tiers = tuple(lines), tuple(tiers)
    first = date.fromisoformat(f"{month}-01")
    if first > today:
        raise UserError(f"{month} has not begun.", fix="Without --month it is this month's.")
    last = first.replace(day=monthrange(first.year, first.month)[1])
    span = _Span(first, min(today, last), last)
    calls = [line for line in lines if line.entry == "spend" and span.counts(_day(line))]
    held = reserved(lines, month)
    providers = {
        name: _provider(
            [line for line in calls if line.provider == name],
            span,
            month_cap(name, limits),
            held.get(name, ZERO_USD),
        )
        for name in sorted(_paid_providers(calls, tiers) | set(held))
    }
    return Forecast(
        month=month,
        today=today,
        days_gone=span.gone,
        days_left=span.left,
        spent_usd=sum((one.spent_usd for one in providers.values()), ZERO_USD),
        reserved_usd=sum((one.reserved_usd for one in providers.values()), ZERO_USD),
        forecast_usd=sum((one.forecast_usd for one in providers.values()), ZERO_USD),
        providers=providers,
        free=_free_use(lines, tiers, month, today),
    )


@dataclass(frozen=True)
class _Span:
    """A month's days: up to now, which is its last day where it is over, and after it."""

    first: date
    now: date
    last: date

    @property
    def gone(self) -> int:
        return (self.now - self.first).days + 1

    @property
    def left(self) -> int:
        return (self.last - self.now).days

    def counts(self, day: date) -> bool:
        """Whether a day is of the month, or of the last seven."""
        return self.first <= day <= self.last or self.is_recent(day)

    def is_recent(self, day: date) -> bool:
        return self.now - timedelta(days=RECENT_DAYS) < day <= self.last

    def days(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(self.gone + self.left))


def _provider(
    calls: Iterable[LedgerLine], span: _Span, cap: Decimal, reserved: Decimal
) -> ProviderForecast:
    by_day: defaultdict[date, Decimal] = defaultdict(lambda: ZERO_USD)
    unknown = 0
    for line in calls:
        if line.billing is Billing.PAID:
            by_day[_day(line)] += line.cost_usd
            unknown += not line.cost_known and _day(line) >= span.first
    spent = sum((usd for day, usd in by_day.items() if day >= span.first), ZERO_USD)
    recent = sum((usd for day, usd in by_day.items() if span.is_recent(day)), ZERO_USD)
    daily = ((spent / span.gone + recent / RECENT_DAYS) / 2).quantize(MICRO_USD)
    return ProviderForecast(
        spent_usd=spent,
        reserved_usd=reserved,
        cap_usd=cap,
        unknown=unknown,
        daily_usd=daily,
        forecast_usd=spent + reserved + daily * span.left,
        cap_on=_reached(cap - reserved, by_day, daily, span),
    )


def _reached(
    cap: Decimal, by_day: Mapping[date, Decimal], daily: Decimal, span: _Span
) -> date | None:
    """Return the first day at whose end the cap is used up."""
    sofar = ZERO_USD
    for day in span.days():
        sofar += by_day.get(day, ZERO_USD) + (daily if day > span.now else ZERO_USD)
        if sofar >= cap:
            return day
    return None


def _paid_providers(calls: Iterable[LedgerLine], tiers: Iterable[Tier]) -> set[str]:
    found = {line.provider for line in calls if line.billing is Billing.PAID}
    return found | {tier.provider for tier in tiers if tier.billing is Billing.PAID}


def _free_use(
    lines: Iterable[LedgerLine], tiers: Iterable[Tier], month: str, today: date
) -> dict[str, FreeUse]:
    """Count free calls by tier and day; tiers with a limit are there without a call too."""
    requests: defaultdict[str, Counter[date]] = defaultdict(Counter)
    tokens: defaultdict[str, Counter[date]] = defaultdict(Counter)
    for line in lines:
        if line.entry == "spend" and line.billing is Billing.FREE and line.month == month:
            requests[line.tier][_day(line)] += 1
            tokens[line.tier][_day(line)] += line.input_tokens + line.output_tokens
    known = {tier.name: tier for tier in tiers if tier.billing is Billing.FREE}
    limited = {t.name for t in known.values() if t.requests_per_day or t.tokens_per_day}
    found = {}
    for name in sorted(limited | set(requests)):
        tier = known.get(name)
        found[name] = FreeUse(
            requests_today=requests[name][today],
            tokens_today=tokens[name][today],
            requests_most=max(requests[name].values(), default=0),
            tokens_most=max(tokens[name].values(), default=0),
            requests_per_day=tier.requests_per_day if tier else None,
            tokens_per_day=tier.tokens_per_day if tier else None,
        )
    return found


def _day(line: LedgerLine) -> date:
    return line.at.astimezone(UTC).date()
