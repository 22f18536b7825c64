"""The doors of the gateway: what an attempt may ask of its tier, and what it asked."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.adapters.gateway.answers import Count
from bot.adapters.gateway.dialects import Asked, Dialect, Refusal, Trouble
from bot.core.allowance import HeldBack, Limit, Purse, TierAllowance
from bot.core.base import ZERO_USD
from bot.core.ledger import Billing
from bot.core.routing import Tier
from bot.ports import ModelCall

_CHARACTERS_A_TOKEN = 4
_TROUBLE = {
    Limit.MINUTE: Trouble.RATE,
    Limit.DAY: Trouble.RATE,
    Limit.MONEY: Trouble.MONEY,
    Limit.STOPPED: Trouble.MONEY,
}


@dataclass
class Entry:
    """A request that was sent, and what came of it."""

    n: int
    asked: Asked
    usd: Decimal  # that were set aside
    tokens: int  # the same
    count: Count
    reached_model: bool = True  # False: the provider refused it, or never heard of it


@dataclass
class OpenDoor:
    """One attempt's door. It is used by the gateway's thread alone."""

    tier: Tier
    key: str | None
    allowance: TierAllowance
    purse: Purse
    now: Callable[[], datetime]
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    entries: list[Entry] = field(default_factory=list)
    under_way: set[asyncio.Task[object]] = field(default_factory=set)
    met: HeldBack | None = None  # the last limit that kept a request back
    shut: bool = False  # nothing is under way, and nothing will be

    def begin(self, asked: Asked) -> Entry | Refusal:
        """Set aside what a request may take at most, or say why it is not sent."""
        if self.key is not None and not re.fullmatch(r"[!-~]{1,4096}", self.key):
            return Refusal(Trouble.KEY, f"{self.tier.key_env} holds no key that a header can carry")
        usd = self._most_usd(asked)
        if usd is None:
            return Refusal(Trouble.MONEY, f"tier {self.tier.name} is paid, and has no price")
        tokens = asked.most_input // _CHARACTERS_A_TOKEN + asked.most_output
        held_back = self.purse.reserve(usd)
        if held_back is None and (held_back := self.allowance.take(tokens, self.now())):
            self.purse.settle(usd, ZERO_USD)
        if held_back is not None:
            self.met = held_back
            return Refusal(_TROUBLE[held_back.by], held_back.because, held_back.seconds)
        entry = Entry(len(self.entries) + 1, asked, usd, tokens, Count(asked.dialect))
        self.entries.append(entry)
        return entry

    def end(self, entry: Entry) -> None:
        """Put what a request took in the place of what it set aside."""
        call = _call_of(entry, self.tier)
        self.allowance.settle(entry.tokens, call.input_tokens + call.output_tokens)
        cost = ZERO_USD
        if self.tier.billing is Billing.PAID:
            exact = self.tier.cost(call.input_tokens, call.output_tokens)
            # Where nobody counted it may have cost as much as it could.
            cost = exact if call.counted and exact is not None else entry.usd
        self.purse.settle(entry.usd, cost)
        if because := _betrayal(self.tier, entry.count.model):
            self.allowance.stop(because)

    def calls(self) -> tuple[ModelCall, ...]:
        """Return what was sent."""
        return tuple(_call_of(entry, self.tier) for entry in self.entries)

    def _most_usd(self, asked: Asked) -> Decimal | None:
        if self.tier.billing is not Billing.PAID:
            return ZERO_USD
        return self.tier.cost(asked.most_input, asked.most_output)


def _call_of(entry: Entry, tier: Tier) -> ModelCall:
    count, told = entry.count, entry.count.input_tokens
    if told is None:
        told = entry.asked.most_input // _CHARACTERS_A_TOKEN if entry.reached_model else 0
    return ModelCall(
        n=entry.n,
        input_tokens=told,
        cached_tokens=count.cached_tokens,
        output_tokens=count.output_tokens,
        model_requested=tier.model,
        model_returned=count.model,
        counted=count.known or not entry.reached_model,
    )


def _betrayal(tier: Tier, returned: str | None) -> str:
    """Say it where a provider lets a model that costs money answer for its free variant."""
    if tier.billing is not Billing.FREE or returned is None:
        return ""
    if not tier.model.endswith(":free") or returned.endswith(":free"):
        return ""
    return f"tier {tier.name} is stopped: {returned} answered for {tier.model}"


def headers_for(dialect: Dialect, key: str | None) -> dict[str, str]:
    """Return the headers that carry a key in a protocol."""
    if key is None:
        return {}
    match dialect:
        case Dialect.MESSAGES:
            return {"x-api-key": key}
        case Dialect.GEMINI:
            return {"x-goog-api-key": key}
        case _:
            return {"Authorization": f"Bearer {key}"}
