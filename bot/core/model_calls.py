"""A call to a model, as the ledger writes it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.base import Moment, RunId
from bot.core.ledger import LedgerLine, Tokens, call_id
from bot.core.routing import Tier


@dataclass(frozen=True)
class Caller:
    """The attempt that calls, and when its process began and ended."""

    run: RunId
    workstream: str
    attempt: int
    tier: Tier
    began: Moment
    ended: Moment


def call_line(caller: Caller, nth: int, model: str, tokens: Tokens) -> LedgerLine:
    """Write its nth call, from 1, at the tier's price; written twice it is one line."""
    tier = caller.tier
    cost, known = tier.charge(tokens)
    return LedgerLine(
        id=call_id(caller.run, caller.workstream, caller.attempt, caller.began, nth),
        at=caller.ended,
        run=caller.run,
        workstream=caller.workstream,
        attempt=caller.attempt,
        tier=tier.name,
        provider=tier.provider,
        model=model,
        billing=tier.billing,
        input_tokens=tokens.input,
        cached_tokens=tokens.cached,
        written_tokens=tokens.written,
        written_for_an_hour_tokens=tokens.written_for_an_hour,
        output_tokens=tokens.output,
        cost_usd=cost,
        cost_known=known,
    )
