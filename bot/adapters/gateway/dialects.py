"""The four ways to ask a model: what a request asks for, what is let through, how to refuse it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from urllib.parse import quote, unquote

from bot.adapters.gateway.reach import fields_of, reaches_further, tools_unseen
from bot.core.ledger import Billing
from bot.core.routing import Tier

_DOOR = r"/(?P<door>[\w-]{20,64})(?:/v1|/v1beta)?/"
_GEMINI = r"models/(?P<model>[^/]+):(?P<action>generateContent|streamGenerateContent)"
_PATH = re.compile(rf"{_DOOR}(?:(?P<plain>chat/completions|responses|messages)|{_GEMINI})")
# What a provider puts before tools, and in the place of each description that it knows itself.
_UNSEEN_TOKENS = 1_000


class Dialect(StrEnum):
    """A protocol, named for its last word in an address."""

    CHAT = "chat/completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    GEMINI = "gemini"


class Caches(Enum):
    """For how long a provider keeps a prompt that it may charge for keeping."""

    NOTHING = "nothing"
    MINUTES = "minutes"
    AN_HOUR = "an hour"


class Trouble(StrEnum):
    """Why a request gets no answer of a model."""

    BAD = "bad"
    MODEL = "model"
    TOO_LARGE = "too large"
    OVER = "over"  # nothing more is sent


@dataclass(frozen=True)
class Refusal:
    """A request that is answered here."""

    trouble: Trouble
    because: str


@dataclass(frozen=True)
class Place:
    """Which door was knocked at, and in which way."""

    door: str
    dialect: Dialect
    model: str = ""  # Gemini has it in the path
    streams: bool = False  # the same


@dataclass(frozen=True)
class Asked:
    """A request as it goes on: only what is written here reaches the provider."""

    dialect: Dialect
    path: str  # below the provider's base
    body: Mapping[str, object]
    streams: bool
    most_output: int  # tokens that the answer may have
    is_limited: bool  # the provider is told so
    unseen_tokens: int = 0  # of the prompt, which are not in the request
    hide_usage: bool = False  # we asked for the count, the client did not
    data: bytes = field(init=False)

    def __post_init__(self) -> None:
        # Written anew: of two fields with one name a provider might read the other.
        data = json.dumps(self.body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        object.__setattr__(self, "data", data.encode("utf-8", "replace"))  # half a pair: "?"

    @property
    def most_input(self) -> int:
        """A bound for the tokens of the prompt, for none is shorter than a byte."""
        return len(self.data) + self.unseen_tokens

    @property
    def caches(self) -> Caches:
        """Whether the provider may keep the prompt at a price: OpenAI does it unasked."""
        asked = b'"cache_control"' in self.data
        if asked and b'"1h"' in self.data:
            return Caches.AN_HOUR
        unasked = self.dialect in {Dialect.CHAT, Dialect.RESPONSES}
        return Caches.MINUTES if asked or unasked else Caches.NOTHING

    def without_usage(self) -> Asked:
        """Return it for a provider that does not know how to be asked for the count."""
        options = self.body.get("stream_options")
        given = options if isinstance(options, dict) else {}
        own = {name: value for name, value in given.items() if name != "include_usage"}
        body = {name: value for name, value in self.body.items() if name != "stream_options"}
        body |= {"stream_options": own} if own else {}
        return replace(self, body=body, hide_usage=False)


def read_place(path: str) -> Place | None:
    """Read an address below the gateway; None: nothing is there."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    if plain := found["plain"]:
        return Place(found["door"], Dialect(plain))
    streams = found["action"] == "streamGenerateContent"
    return Place(found["door"], Dialect.GEMINI, unquote(found["model"]), streams)


def read_request(place: Place, alt: str, data: bytes, tier: Tier) -> Asked | Refusal:
    """Read a request for a tier, and refuse what reaches further than its model."""
    try:
        body = json.loads(data)
        if not isinstance(body, dict):
            return Refusal(Trouble.BAD, "The request is no JSON object.")
        return _read(place, alt, body, tier)
    except (ValueError, RecursionError):  # also an infinity, which JSON cannot write
        return Refusal(Trouble.BAD, "The request is no JSON that can be passed on.")


def _read(place: Place, alt: str, body: dict[str, object], tier: Tier) -> Asked | Refusal:
    fields = fields_of(body)
    settings = _settings(place.dialect, fields or {})
    if fields is None or settings is None:
        return Refusal(Trouble.BAD, "Two fields differ only in how their names are written.")
    models = (body.get("model", place.model), fields.get("model", tier.model), place.model)
    if models != (tier.model, tier.model, place.model and tier.model):
        return Refusal(Trouble.MODEL, f"This address serves {tier.model}, and no other model.")
    if because := reaches_further(fields, settings, tier):
        return Refusal(Trouble.BAD, because)
    most = _most_output(place.dialect, {**fields, **settings})
    if isinstance(most, Refusal):
        return most
    if most is None and tier.billing is Billing.PAID:
        body = _limited(place.dialect, body, tier.max_output_tokens)
    streams = place.streams or body.get("stream") is True
    hide_usage = place.dialect is Dialect.CHAT and streams and not _asks_for_usage(body)
    if hide_usage:
        options = body.get("stream_options")
        given = options if isinstance(options, dict) else {}
        body = {**body, "stream_options": {**given, "include_usage": True}}
    return Asked(
        dialect=place.dialect,
        path=_path(place, alt, tier),
        body=body,
        streams=streams,
        most_output=tier.max_output_tokens if most is None else most,
        is_limited=most is not None or tier.billing is Billing.PAID,
        unseen_tokens=_UNSEEN_TOKENS * tools_unseen(fields),
        hide_usage=hide_usage,
    )


def _path(place: Place, alt: str, tier: Tier) -> str:
    if place.dialect is not Dialect.GEMINI:
        return place.dialect.value
    action = "streamGenerateContent" if place.streams else "generateContent"
    query = "?alt=sse" if alt == "sse" else ""
    return f"models/{quote(tier.model, safe='')}:{action}{query}"


def _asks_for_usage(body: Mapping[str, object]) -> bool:
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


_LIMITS = {
    Dialect.CHAT: ("maxtokens", "maxcompletiontokens"),
    Dialect.RESPONSES: ("maxoutputtokens",),
    Dialect.MESSAGES: ("maxtokens",),
    Dialect.GEMINI: ("maxoutputtokens",),
}
_MANY = {"n", "candidatecount", "bestof"}


def _settings(dialect: Dialect, fields: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the fields that Gemini has in a place of their own; None: two are one to some."""
    given = fields.get("generationconfig") if dialect is Dialect.GEMINI else None
    return fields_of(given) if isinstance(given, dict) else {}


def _most_output(dialect: Dialect, settings: Mapping[str, object]) -> int | Refusal | None:
    """Return how many tokens an answer may have by the request; None: it does not say."""
    given = [settings[name] for name in _LIMITS[dialect] if settings.get(name) is not None]
    limits = [n for n in given if type(n) is int and 1 <= n <= 10_000_000]
    if len(limits) != len(given):
        return Refusal(Trouble.BAD, "A limit of the answer is no number that makes sense.")
    # One of several that ends would pass for the end of all, were the connection cut there.
    if any(settings.get(name) not in (None, 1) for name in _MANY):
        return Refusal(Trouble.BAD, "Several answers at once are not passed on: ask for one.")
    return max(limits, default=None)


_OURS = {
    Dialect.CHAT: "max_completion_tokens",
    Dialect.RESPONSES: "max_output_tokens",
    Dialect.MESSAGES: "max_tokens",
}


def _limited(dialect: Dialect, body: dict[str, object], most: int) -> dict[str, object]:
    """Say how long the answer may be, where the request does not."""
    if dialect is not Dialect.GEMINI:
        return {**body, _OURS[dialect]: most}
    name = "generation_config" if "generation_config" in body else "generationConfig"
    given = body.get(name)
    return {**body, name: {**(given if isinstance(given, dict) else {}), "maxOutputTokens": most}}


_STATUS = {
    Trouble.BAD: (400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
    Trouble.MODEL: (404, "model_not_found", "not_found_error", "NOT_FOUND"),
    Trouble.TOO_LARGE: (413, "request_too_large", "request_too_large", "INVALID_ARGUMENT"),
    # What every program takes as the end at its first sight; "429" some repeat for a minute.
    Trouble.OVER: (403, "access_denied", "permission_error", "PERMISSION_DENIED"),
}


def refused(dialect: Dialect, refusal: Refusal) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a refusal, as the protocol's provider would write it."""
    status, code, kind, name = _STATUS[refusal.trouble]
    # Two vendors' libraries would try some of these again otherwise.
    headers = {"Content-Type": "application/json", "x-should-retry": "false"}
    error: dict[str, object] = {"message": refusal.because}
    if dialect is Dialect.GEMINI:
        error |= {"code": status, "status": name}
    elif dialect is Dialect.MESSAGES:
        error |= {"type": kind}
    else:
        error |= {"type": code, "code": code, "param": None}
    whole = {"type": "error"} if dialect is Dialect.MESSAGES else {}
    return status, headers, json.dumps({**whole, "error": error}).encode()
