"""How many dollars may still go out: what people approved, under every cap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from bot.core.accounts import Accounts
from bot.core.base import ZERO_USD
from bot.core.ledger import Billing, LedgerLine
from bot.core.routing import Ladder
from bot.core.state import Attempt, RunState


def cover_left(state: RunState, now: datetime, accounts: Accounts) -> dict[str, Decimal]:
    """Return what approvals still cover, by provider: granted, less spent, less reserved.

    A yes to another plan covers nothing, nor does one whose time is over. Never more than the
    run's budget leaves, where it has one, nor than other runs have left of the provider's month.
    """
    used = _used(state)
    left: dict[str, Decimal] = {}
    for grant in state.holding:
        if grant.provider and (grant.until is None or now < grant.until):
            left[grant.provider] = left.get(grant.provider, ZERO_USD) + grant.usd
    budget, caps = state.policy.budget_usd, state.policy.month_caps
    for provider in left:
        mine = used.get(provider, ZERO_USD)
        left[provider] -= mine
        if provider in caps:
            month = caps[provider] - accounts.others(provider)
            left[provider] = min(left[provider], month - mine)
        if budget is not None:
            left[provider] = min(left[provider], budget - sum(used.values(), ZERO_USD))
    return left


def month_caps(ladder: Ladder, cap: Decimal) -> dict[str, Decimal]:
    """Return the monthly cap of each paid provider of a ladder."""
    paid = {rung.tier.provider for rung in ladder.rungs if rung.tier.billing is Billing.PAID}
    return dict.fromkeys(sorted(paid), cap)


def reserve(
    state: RunState, cover: Mapping[str, Decimal], provider: str, amount: Decimal
) -> dict[str, Decimal]:
    """Take an amount out of the cover; a run's budget is one purse for all providers."""
    one_purse = state.policy.budget_usd is not None
    return {
        name: left - amount if one_purse or name == provider else left
        for name, left in cover.items()
    }


def cap_reached(state: RunState, provider: str, accounts: Accounts) -> str:
    """Say which cap keeps an approval from covering more; empty: none does."""
    used = _used(state)
    budget, cap = state.policy.budget_usd, state.policy.month_caps.get(provider)
    if budget is not None and sum(used.values(), ZERO_USD) >= budget:
        return f"the run's budget of ${budget:.2f} is used up; resume with a larger --max-usd"
    if cap is not None and used.get(provider, ZERO_USD) + accounts.others(provider) >= cap:
        return f"the monthly cap for {provider} is reached; limits.provider_month_usd sets it"
    return ""


def covered(lines: Iterable[LedgerLine], state: RunState) -> tuple[LedgerLine, ...]:
    """Name, on each line of a paid call, the approval that covers it and its reason."""
    latest = {grant.provider: grant for grant in state.holding if grant.provider}
    return tuple(
        line.model_copy(update={"approval": grant.id, "justification": grant.because})
        if line.billing is Billing.PAID and (grant := latest.get(line.provider))
        else line
        for line in lines
    )


def _used(state: RunState) -> dict[str, Decimal]:
    """Sum what each provider was paid, or is promised where that is not known yet."""
    used: dict[str, Decimal] = {}
    for track in state.tracks.values():
        amounts = [(a.started.provider, _amount(a)) for a in track.attempts]
        amounts += [(start.provider, start.reserved_usd) for start in track.replaced]
        for provider, amount in amounts:
            used[provider] = used.get(provider, ZERO_USD) + amount
    return used


def _amount(attempt: Attempt) -> Decimal:
    if not attempt.started.reserved_usd:
        return ZERO_USD
    done = attempt.completion
    # A result of an earlier hand-out, on another tier, says nothing of what this one spends.
    if done and done.tier == attempt.started.tier and done.usage.cost_known:
        return done.usage.cost_usd
    return attempt.started.reserved_usd
