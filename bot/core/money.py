"""How many dollars may still go out: what people approved, under every cap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from bot.core.base import ZERO_USD
from bot.core.ledger import Billing, LedgerLine, spent
from bot.core.routing import Ladder
from bot.core.state import Attempt, RunState


def cover_left(state: RunState) -> dict[str, Decimal]:
    """Return what approvals still cover, by provider: granted, less spent, less reserved.

    A yes to another plan covers nothing. Never more than the run's budget leaves, where it has
    one, nor than the provider's monthly cap left when the run was asked for.
    """
    used = _used(state)
    left: dict[str, Decimal] = {}
    for grant in state.holding:
        if grant.provider:
            left[grant.provider] = left.get(grant.provider, ZERO_USD) + grant.usd
    budget, months = state.policy.budget_usd, state.policy.month_left
    for provider in left:
        mine = used.get(provider, ZERO_USD)
        left[provider] -= mine
        if provider in months:
            left[provider] = min(left[provider], months[provider] - mine)
        if budget is not None:
            left[provider] = min(left[provider], budget - sum(used.values(), ZERO_USD))
    return left


def month_left(ladder: Ladder, cap: Decimal, lines: Iterable[LedgerLine]) -> dict[str, Decimal]:
    """Return what a monthly cap leaves each paid provider of a ladder beside these lines."""
    lines = tuple(lines)
    paid = {rung.tier.provider for rung in ladder.rungs if rung.tier.billing is Billing.PAID}
    return {
        provider: max(cap - spent(line for line in lines if line.provider == provider), ZERO_USD)
        for provider in sorted(paid)
    }


def reserve(
    state: RunState, cover: Mapping[str, Decimal], provider: str, amount: Decimal
) -> dict[str, Decimal]:
    """Take an amount out of the cover; a run's budget is one purse for all providers."""
    one_purse = state.policy.budget_usd is not None
    return {
        name: left - amount if one_purse or name == provider else left
        for name, left in cover.items()
    }


def cap_reached(state: RunState, provider: str) -> str:
    """Say which cap keeps an approval from covering more; empty: none does."""
    used = _used(state)
    budget, month = state.policy.budget_usd, state.policy.month_left.get(provider)
    if budget is not None and sum(used.values(), ZERO_USD) >= budget:
        return f"the run's budget of ${budget:.2f} is used up; resume with a larger --max-usd"
    if month is not None and used.get(provider, ZERO_USD) >= month:
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
