"""What an attempt's model calls cost, for its completion and for the ledger."""

from __future__ import annotations

from decimal import Decimal

from bot.core.base import ZERO_USD
from bot.core.handoff import Completion, Usage
from bot.core.ledger import LedgerLine, call_id
from bot.core.routing import Tier
from bot.ports import ModelCall


def usage_of(tier: Tier, calls: tuple[ModelCall, ...]) -> Usage:
    """Add up what calls used; the cost is known only where each one's is."""
    costs = [_cost_of(tier, call) for call in calls]
    return Usage(
        requests=len(calls),
        input_tokens=sum(call.input_tokens for call in calls),
        cached_tokens=sum(call.cached_tokens for call in calls),
        output_tokens=sum(call.output_tokens for call in calls),
        cost_usd=sum((cost for cost, _ in costs), ZERO_USD),
        cost_known=all(known for _, known in costs),
    )


def ledger_lines(
    completion: Completion, tier: Tier, calls: tuple[ModelCall, ...]
) -> tuple[LedgerLine, ...]:
    """Write one line a call, named so that writing it twice is writing it once."""
    return tuple(_line(completion, tier, call) for call in calls)


def _line(said: Completion, tier: Tier, call: ModelCall) -> LedgerLine:
    cost, known = _cost_of(tier, call)
    return LedgerLine(
        id=call_id(said.run, said.workstream, said.attempt, call.began or said.started_at, call.n),
        at=said.finished_at,
        run=said.run,
        workstream=said.workstream,
        attempt=said.attempt,
        tier=tier.name,
        provider=tier.provider,
        model=call.model_returned or call.model_requested,
        billing=tier.billing,
        input_tokens=call.input_tokens,
        cached_tokens=call.cached_tokens,
        written_tokens=call.written_tokens,
        written_for_an_hour_tokens=call.written_for_an_hour_tokens,
        output_tokens=call.output_tokens,
        cost_usd=cost,
        cost_known=known,
    )


def _cost_of(tier: Tier, call: ModelCall) -> tuple[Decimal, bool]:
    """Price a call, and say whether that is known: of a paid one only where it was counted."""
    exact, known = tier.charge(call.tokens)
    if not call.counted and call.usd is not None:
        exact = max(exact, call.usd.quantize(exact))  # it may have cost what was set aside
    return exact, known and (call.counted or tier.is_free)
