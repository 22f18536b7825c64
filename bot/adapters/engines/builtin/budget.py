"""What may still be spent: the one place where limits are checked, before each request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from bot.adapters.engines.builtin.job import Limits
from bot.adapters.engines.builtin.signals import ModelCall
from bot.core.base import ZERO_USD
from bot.core.outcomes import OutcomeClass

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Spent:
    """What the attempt has used so far; where nobody told a number, what was estimated."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def plus(self, call: ModelCall) -> Spent:
        """Return what is spent after a call that has ended."""
        return replace(
            self,
            requests=self.requests + 1,
            input_tokens=self.input_tokens + call.input_tokens,
            output_tokens=self.output_tokens + call.output_tokens,
        )


@dataclass(frozen=True)
class Stop:
    """Why the next request is not sent."""

    outcome: OutcomeClass
    message: str


def may_send(limits: Limits, spent: Spent, prompt_tokens: int, answer_tokens: int) -> Stop | None:
    """Say why a request with a prompt and an answer of at most these sizes is not sent, if so."""
    if limits.paid and (limits.max_usd is None or _price(limits) is None):
        missing = "an amount that was approved" if limits.max_usd is None else "a known price"
        return Stop(OutcomeClass.REFUSED, f"The tier is paid, and there is not {missing}.")
    if spent.requests >= limits.max_requests:
        return _reached(f"{limits.max_requests:,} requests")
    if spent.input_tokens + prompt_tokens > limits.max_input_tokens:
        return _reached(f"{limits.max_input_tokens:,} input tokens")
    if spent.output_tokens >= limits.max_output_tokens:
        return _reached(f"{limits.max_output_tokens:,} output tokens")
    return _beyond_money(limits, spent, prompt_tokens, answer_tokens)


def _beyond_money(
    limits: Limits, spent: Spent, prompt_tokens: int, answer_tokens: int
) -> Stop | None:
    price = _price(limits)
    if limits.max_usd is None or price is None:
        return None
    gone = _cost(price, spent.input_tokens, spent.output_tokens)
    next_one = _cost(price, prompt_tokens, answer_tokens)
    if gone + next_one <= limits.max_usd:
        return None
    return _reached(
        f"${limits.max_usd} (spent ${gone:.4f}; the next call may cost ${next_one:.4f})"
    )


def _price(limits: Limits) -> tuple[Decimal, Decimal] | None:
    """Return dollars a million tokens in and out; cached ones are reckoned at the full price."""
    if limits.input_usd_per_million is None or limits.output_usd_per_million is None:
        return None
    return limits.input_usd_per_million, limits.output_usd_per_million


def _cost(price: tuple[Decimal, Decimal], input_tokens: int, output_tokens: int) -> Decimal:
    total = price[0] * input_tokens + price[1] * output_tokens
    return total / _MILLION if total else ZERO_USD


def _reached(limit: str) -> Stop:
    return Stop(OutcomeClass.LIMIT, f"The limit of {limit} would be passed by the next request.")
