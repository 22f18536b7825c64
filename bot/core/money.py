"""How many dollars may still go out: what people approved, under every cap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from bot.core.accounts import Accounts
from bot.core.base import MICRO_USD, ZERO_USD
from bot.core.config import LimitSettings
from bot.core.events import ApprovalGranted
from bot.core.ledger import Billing, month_of, sums
from bot.core.plan import Kind, Workstream
from bot.core.routing import Cover, Ladder
from bot.core.state import RunState
from bot.core.tracks import PaidHandOut


def cover_left(state: RunState, now: datetime, accounts: Accounts) -> dict[str, Decimal]:
    """Return what approvals still cover, by provider: granted, less spent, less reserved.

    A yes to another plan covers nothing, nor does one whose time is over. Never more than the
    run's budget leaves, where it has one, nor than other runs have left of the provider's month.
    """
    this_month, caps = _used_in(month_of(now), state), state.policy.month_caps
    purse = budget_left(state)
    left = sums((one.provider, one.left_usd) for one in approvals(state) if one.holds_at(now))
    for provider in left:
        if provider in caps:
            month = caps[provider] - accounts.others(provider)
            left[provider] = min(left[provider], month - this_month.get(provider, ZERO_USD))
        if purse is not None:
            left[provider] = min(left[provider], purse)
    return left


@dataclass(frozen=True)
class Approval:
    """A yes to money, and how much of it is gone: spent, or reserved."""

    grant: ApprovalGranted
    provider: str
    used_usd: Decimal = ZERO_USD

    @property
    def left_usd(self) -> Decimal:
        """What is left of it, as long as it holds."""
        return self.grant.usd - self.used_usd

    def holds_at(self, now: datetime) -> bool:
        """Whether its time is not over."""
        return self.grant.until is None or now < self.grant.until


def approvals(state: RunState) -> tuple[Approval, ...]:
    """Return every yes to money that holds for the plan, with what was taken of it.

    A hand-out takes from those that held when it began, first from what ends first.
    """
    found = [Approval(grant, grant.provider) for grant in state.holding if grant.provider]
    found.sort(key=lambda one: (one.grant.until is None, one.grant.until or one.grant.at))
    for hand_out in sorted(state.paid, key=lambda one: one.started.at):
        _take(found, hand_out)
    return tuple(sorted(found, key=lambda one: one.grant.at))


def _take(found: list[Approval], hand_out: PaidHandOut) -> None:
    """Take what a hand-out has spent or reserved from its provider's approvals, in their order."""
    began, wanted = hand_out.started, hand_out.usd
    mine = [n for n, one in enumerate(found) if one.provider == began.provider]
    held = [n for n in mine if found[n].holds_at(began.at)]
    for n in held:
        taken = min(wanted, max(found[n].left_usd, ZERO_USD))
        found[n] = replace(found[n], used_usd=found[n].used_usd + taken)
        wanted -= taken
    for n in (held or mine)[-1:]:  # it cost more than was reserved
        found[n] = replace(found[n], used_usd=found[n].used_usd + wanted)


def kept_back(state: RunState, cover: Cover) -> dict[str, Decimal]:
    """Return what of each provider's cover only fixes may spend: what is done shall be delivered.

    It is a part of all that the run may spend, less what fixes have spent already.
    """
    used = _by_provider(state.paid)
    mended = _by_provider(one for one in state.paid if _is_fix(state, one.started.workstream))
    part = Decimal(state.policy.delivery_percent) / 100
    kept = {}
    for provider, left in cover.items():
        whole = (left + used.get(provider, ZERO_USD)) * part
        kept[provider] = max(whole.quantize(MICRO_USD) - mended.get(provider, ZERO_USD), ZERO_USD)
    return kept


def _is_fix(state: RunState, name: str) -> bool:
    workstream = state.workstreams.get(name)
    return workstream is not None and workstream.kind is Kind.FIX


def share_of(left: Decimal, workstream: Workstream, others: Iterable[Workstream]) -> Decimal:
    """Return a workstream's part of what is left, beside others that could run now, too.

    Its budget where the plan gives one; of the rest, all others get as much as each other.
    """
    if workstream.budget_usd:
        return min(workstream.budget_usd, left)
    others = tuple(others)
    free = left - sum((other.budget_usd for other in others), ZERO_USD)
    sharers = 1 + sum(not other.budget_usd for other in others)
    if free <= 0:  # the budgets promise more than there is
        free, sharers = left, 1 + len(others)
    return (free / sharers).quantize(MICRO_USD, ROUND_DOWN)


def month_caps(ladder: Ladder, limits: LimitSettings) -> dict[str, Decimal]:
    """Return the monthly cap of each paid provider of a ladder."""
    paid = {rung.tier.provider for rung in ladder.rungs if rung.tier.billing is Billing.PAID}
    return {name: month_cap(name, limits) for name in sorted(paid)}


def month_cap(provider: str, limits: LimitSettings) -> Decimal:
    """Return what a provider may be paid in a month."""
    return limits.provider_month.get(provider, limits.provider_month_usd)


def budget_left(state: RunState) -> Decimal | None:
    """Return what a run's budget leaves for all providers together; None: it has none."""
    budget = state.policy.budget_usd
    return None if budget is None else budget - _used_usd(state)


def reserve(cover: Cover, provider: str, amount: Decimal, purse: Decimal | None) -> Cover:
    """Take an amount out of the cover; `purse` is what the run's budget leaves then, if it has one.

    That is one purse for all providers.
    """
    left = {name: usd - amount if name == provider else usd for name, usd in cover.items()}
    return left if purse is None else {name: min(usd, purse) for name, usd in left.items()}


def cap_reached(state: RunState, provider: str, accounts: Accounts, now: datetime) -> str:
    """Say which cap keeps an approval from covering an answer; empty: none does."""
    least, purse = _least_usd(state, provider), budget_left(state)
    if purse is not None and (little := _too_little(purse, least, "used up")):
        budget = f"the run's budget of ${state.policy.budget_usd:.2f}"
        return f"{budget} {little}; resume with a larger --max-usd"
    if (cap := state.policy.month_caps.get(provider)) is None:
        return ""
    used = _used_in(month_of(now), state).get(provider, ZERO_USD) + accounts.others(provider)
    little = _too_little(cap - used, least, "reached")
    return little and f"the monthly cap for {provider} {little}; limits.provider_month_usd sets it"


def _too_little(left: Decimal, least: Decimal, gone: str) -> str:
    if left <= 0:
        return f"is {gone}"
    return f"leaves ${left:.4f}, less than an answer may cost" if left < least else ""


def _least_usd(state: RunState, provider: str) -> Decimal:
    """Return what one answer of a provider's cheapest model needs, beside what is then kept."""
    tiers = [rung.tier for rung in state.policy.ladder.rungs if rung.tier.provider == provider]
    least = min((tier.least_usd for tier in tiers), default=ZERO_USD)
    return least * 100 / (100 - state.policy.delivery_percent)


def _used_usd(state: RunState) -> Decimal:
    """Sum up what a run has spent and reserved with all providers."""
    return sum((one.usd for one in state.paid), ZERO_USD)


def _used_in(month: str, state: RunState) -> dict[str, Decimal]:
    """Sum up what counts against a month's caps: what fell in it, and what still runs."""
    return _by_provider(one for one in state.paid if one.counts_in(month))


def _by_provider(paid: Iterable[PaidHandOut]) -> dict[str, Decimal]:
    return sums((one.started.provider, one.usd) for one in paid)
