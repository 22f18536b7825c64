"""What an attempt's model calls cost, as the ledger writes it."""

from __future__ import annotations

from bot.core.handoff import Completion
from bot.core.ledger import LedgerLine, call_id
from bot.core.routing import Tier
from bot.ports import ModelCall


def ledger_lines(
    completion: Completion, tier: Tier, calls: tuple[ModelCall, ...]
) -> tuple[LedgerLine, ...]:
    """Write one line a call, named so that writing it twice is writing it once."""
    return tuple(_line(completion, tier, call) for call in calls)


def _line(said: Completion, tier: Tier, call: ModelCall) -> LedgerLine:
    line = LedgerLine(
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
    )
    cost, known = tier.charge(line.tokens)
    if not call.counted and call.usd is not None:
        cost = max(cost, call.usd.quantize(cost))  # it may have cost what was set aside
    known = known and (call.counted or tier.is_free)
    return line.model_copy(update={"cost_usd": cost, "cost_known": known})
