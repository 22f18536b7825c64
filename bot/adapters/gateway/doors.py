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
from bot.adapters.gateway.call_file import CallFile
from bot.adapters.gateway.dialects import Asked, Caches, Dialect
from bot.adapters.gateway.recording import Exchange, Recording
from bot.core.allowance import Limit, Purse, TierAllowance
from bot.core.base import ZERO_USD
from bot.core.ledger import Billing, Tokens
from bot.core.outcomes import OutcomeClass
from bot.core.provider_failures import Failure
from bot.core.routing import Tier
from bot.core.sending import Again, Over, Standing, after_limit, in_time
from bot.ports import ModelCall

_CHARACTERS_A_TOKEN = 4


@dataclass
class Entry:
    """A request that was sent, and what came of it."""

    n: int
    asked: Asked
    usd: Decimal  # that were set aside
    tokens: int  # the same
    count: Count
    reached_model: bool = True  # False: the provider refused it, or never heard of it
    kept: bytearray | None = None  # its answer, where that is recorded


@dataclass
class OpenDoor:
    """One attempt's door. It is used by the gateway's thread alone."""

    tier: Tier
    key: str | None
    allowance: TierAllowance
    purse: Purse
    now: Callable[[], datetime]
    call_file: CallFile
    until: datetime | None = None  # when the attempt is over
    recording: Recording | None = None
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    under_way: set[asyncio.Task[object]] = field(default_factory=set)
    standing: Standing = field(default_factory=Standing)
    settled: asyncio.Event = field(default_factory=asyncio.Event)  # the next request is counted
    shut: bool = False  # nothing is under way, and nothing will be
    waits: str = ""  # for what, where a request is kept until it may be sent
    _calls: dict[int, ModelCall] = field(default_factory=dict)  # by their number
    _entries: dict[int, Entry] = field(default_factory=dict)  # that are not counted yet

    def __post_init__(self) -> None:
        """Take over what an earlier process had sent for the same attempt."""
        for call in self.call_file.before:
            self._calls[call.n] = call
            self.purse.take(call.usd or ZERO_USD)

    def seconds_left(self) -> float:
        """Return how long the attempt still goes on."""
        return (self.until - self.now()).total_seconds() if self.until else 86_400.0

    def begin(self, asked: Asked) -> Entry | Again | Over | None:
        """Set aside what a request may take at most, or say why it is not sent.

        None: once another request of this door is counted, it may be.
        """
        if because := self._never(asked):
            return because
        usd = self._most_usd(asked) or ZERO_USD
        tokens = asked.most_input // _CHARACTERS_A_TOKEN + asked.most_output
        held_back = self.purse.reserve(usd)
        if held_back is None and (held_back := self.allowance.take(tokens, self.now())):
            self.purse.settle(usd, ZERO_USD)
        if held_back is not None:
            if held_back.by is Limit.MONEY and self._entries and not self.purse.is_empty_for(usd):
                self.settled.clear()
                return None
            return after_limit(held_back, self.seconds_left(), self.now())
        n = max(self._calls, default=0) + 1
        kept = None if self.recording is None else bytearray()
        count = Count(asked.dialect, asked.caches)
        entry = Entry(n, asked, usd, tokens, count, kept=kept)
        self._entries[n] = entry
        self._calls[n] = self._call_of(entry)
        self.call_file.write(self._calls[n])  # before it is sent: we may be killed while it is
        return entry

    def end(self, entry: Entry) -> None:
        """Put what a request took in the place of what it set aside."""
        del self._entries[entry.n]
        call = self._calls[entry.n] = self._call_of(entry)
        self.call_file.write(call)
        self.allowance.settle(entry.tokens, call.input_tokens + call.output_tokens)
        self.purse.settle(entry.usd, call.usd or ZERO_USD)
        self.settled.set()
        if because := _betrayal(self.tier, entry.count.model):
            self.allowance.stop(because)
            self.standing.failed(Over(OutcomeClass.QUOTA, because, is_final=True))

    def record(self, entry: Entry, status: int, content_type: str, *, is_whole: bool) -> None:
        """Put an exchange into the recording, if there is one."""
        if self.recording is not None and entry.kept is not None:
            exchange = Exchange(
                tier=self.tier.name,
                path=entry.asked.path,
                request=entry.asked.data.decode(),
                status=status,
                content_type=content_type,
                answer=entry.kept.decode("utf-8", "replace"),
                is_whole=is_whole,
            )
            self.recording.write(exchange)

    def answered(self, failure: Failure | None) -> None:
        """Note that a client has its answer, or what of it there was."""
        if failure is None:
            self.standing.answered()
            return
        failure = in_time(failure, self.seconds_left())
        at_once = {OutcomeClass.AUTHENTICATION, OutcomeClass.QUOTA, OutcomeClass.TIMEOUT}
        self.failed(Over(failure.outcome, failure.message, failure.outcome in at_once))

    def failed(self, over: Over) -> None:
        """Note that a request came to nothing; a long wait is one for all doors of the tier."""
        self.standing.failed(over)
        if over.is_final and over.back_at is not None and over.outcome is OutcomeClass.RATE_LIMIT:
            self.allowance.park(over.back_at, over.message)

    def calls(self) -> tuple[ModelCall, ...]:
        """Return what was sent, also by an earlier process."""
        under_way = {n: self._call_of(entry) for n, entry in self._entries.items()}
        return tuple(call for _, call in sorted({**self._calls, **under_way}.items()))

    def _never(self, asked: Asked) -> Over | None:
        name = self.tier.name
        if self.key is not None and not re.fullmatch(r"[!-~]{1,4096}", self.key):
            because = f"{self.tier.key_env} holds no key that a header can carry"
            return Over(OutcomeClass.AUTHENTICATION, because, is_final=True)
        if self._most_usd(asked) is None:
            because = f"tier {name} is paid, and has no price"
            return Over(OutcomeClass.REFUSED, because, is_final=True)
        return None

    def _most_usd(self, asked: Asked) -> Decimal | None:
        if self.tier.billing is not Billing.PAID:
            return ZERO_USD
        size, answer = asked.most_input, asked.most_output
        for_an_hour = size if asked.caches is Caches.AN_HOUR else 0
        for_minutes = size if asked.caches is Caches.MINUTES else 0
        usual = self.tier.cost(Tokens(size, answer))
        kept = self.tier.cost(Tokens(size, answer, 0, for_minutes, for_an_hour))
        return None if usual is None or kept is None else max(usual, kept)

    def _call_of(self, entry: Entry) -> ModelCall:
        count, told = entry.count, entry.count.input_tokens
        if not told:
            told = entry.asked.most_input // _CHARACTERS_A_TOKEN if entry.reached_model else 0
        counted = count.known or not entry.reached_model
        usd: Decimal | None = None
        if self.tier.billing is Billing.PAID:
            # Where nobody counted it may have cost as much as it could.
            exact = self.tier.cost(count.tokens(told)) if counted else None
            usd = entry.usd if exact is None else exact
        return ModelCall(
            n=entry.n,
            input_tokens=told,
            cached_tokens=count.cached_tokens,
            output_tokens=count.output_tokens,
            model_requested=self.tier.model,
            model_returned=count.model,
            counted=counted,
            written_tokens=count.written_tokens,
            written_for_an_hour_tokens=count.written_for_an_hour_tokens,
            usd=usd,
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
