"""What an attempt's model calls cost, as the ledger writes it."""

from __future__ import annotations

from bot.core.handoff import Completion
from bot.core.ledger import LedgerLine, Tokens
from bot.core.model_calls import Caller, call_line
from bot.core.routing import Tier
from bot.ports import ModelCall


def ledger_lines(
    completion: Completion, tier: Tier, calls: tuple[ModelCall, ...]
) -> tuple[LedgerLine, ...]:
    """Write one line a call, named so that writing it twice is writing it once."""
    return tuple(_line(completion, tier, call) for call in calls)


def _line(said: Completion, tier: Tier, call: ModelCall) -> LedgerLine:
    began = call.began or said.started_at
    caller = Caller(said.run, said.workstream, said.attempt, tier, began, said.finished_at)
    tokens = Tokens(
        call.input_tokens,
        call.output_tokens,
        call.cached_tokens,
        call.written_tokens,
        call.written_for_an_hour_tokens,
    )
    line = call_line(caller, call.n, call.model_returned or call.model_requested, tokens)
    cost, known = line.cost_usd, line.cost_known
    if not call.counted and call.usd is not None:
        cost = max(cost, call.usd.quantize(cost))  # it may have cost what was set aside
    known = known and (call.counted or tier.is_free)
    return line.model_copy(update={"cost_usd": cost, "cost_known": known})
