"""The four ways to ask a model: what a request asks for, what is let through, how to refuse it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from urllib.parse import quote, unquote

from bot.core.ledger import Billing
from bot.core.routing import Tier

_DOOR = r"/(?P<door>[\w-]{20,64})(?:/v1|/v1beta)?/"
_GEMINI = r"models/(?P<model>[^/]+):(?P<action>generateContent|streamGenerateContent)"
_PATH = re.compile(rf"{_DOOR}(?:(?P<plain>chat/completions|responses|messages)|{_GEMINI})")

# What lets a provider pick another model, look something up, or charge for more than tokens.
_NOT_OURS = frozenset(
    {"models", "plugins", "preset", "route", "fallbacks", "web_search_options", "background"}
    | {"previous_response_id", "conversation", "prompt", "mcp_servers", "container"}
    | {"cachedcontent", "cached_content"}
)
_PLAIN_SERVICE = frozenset({None, "auto", "default", "standard", "standard_only", "flex"})
# Tools that the client carries out; any other is carried out by the provider, on its network.
_OUR_TOOLS = re.compile(r"function|custom|local_shell|(bash|text_editor|memory|computer)_\d+")
_PICTURES = frozenset(
    {"image_url", "input_image", "input_file", "input_audio", "image", "document", "file"}
    | {"video_url"}
)
_LINKS = frozenset({"image_url", "file_url", "url", "fileUri", "file_uri", "file_id", "fileId"})


class Dialect(StrEnum):
    """A protocol, named for its last word in an address."""

    CHAT = "chat/completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    GEMINI = "gemini"


class Caches(Enum):
    """For how long a provider is asked to keep a prompt."""

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
    hide_usage: bool = False  # we asked for the count, the client did not
    data: bytes = field(init=False)

    def __post_init__(self) -> None:
        # Written anew: of two fields with one name a provider might read the other.
        data = json.dumps(self.body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        object.__setattr__(self, "data", data.encode("utf-8", "replace"))  # half a pair: "?"

    @property
    def most_input(self) -> int:
        """A bound for the tokens of the prompt, for none is shorter than a byte."""
        return len(self.data)

    @property
    def caches(self) -> Caches:
        """Whether the provider is asked to keep the prompt, which it may charge for."""
        if self.dialect is not Dialect.MESSAGES or b'"cache_control"' not in self.data:
            return Caches.NOTHING
        return Caches.AN_HOUR if b'"1h"' in self.data else Caches.MINUTES

    def without_usage(self) -> Asked:
        """Return it for a provider that does not know how to be asked for the count."""
        body = {name: value for name, value in self.body.items() if name != "stream_options"}
        return Asked(self.dialect, self.path, body, self.streams, self.most_output, self.is_limited)


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
    model = body.get("model", place.model)
    if model != tier.model or (place.model and place.model != tier.model):
        return Refusal(Trouble.MODEL, f"This address serves {tier.model}, and no other model.")
    if because := _reaches_further(body, tier):
        return Refusal(Trouble.BAD, because)
    most = _most_output(place.dialect, body)
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


def _reaches_further(body: Mapping[str, object], tier: Tier) -> str:
    names = [name.casefold() for name in body]
    if len(names) != len(set(names)):  # some providers read names in any case
        return "Two fields differ only in upper and lower case."
    given = {name.casefold() for name, value in body.items() if value not in (None, False, [])}
    if beyond := sorted(_NOT_OURS & given):
        return f"{beyond[0]} is not passed on: it reaches further than the tier's model."
    if body.get("service_tier") not in _PLAIN_SERVICE:
        return "service_tier is not passed on: it has another price."
    if not all(_is_our_tool(tool) for tool in _listed(body.get("tools"))):
        return "A tool that the provider carries out is not passed on: switch it off."
    for part in _objects(body):
        if any(_is_link(name, part[name]) for name in _LINKS & part.keys()):
            return "A link that the provider would follow is not passed on: send the data."
        if tier.billing is Billing.PAID and _is_picture(part):
            return "A paid tier takes text only: what a picture costs is not known beforehand."
    return ""


def _is_our_tool(tool: object) -> bool:
    if not isinstance(tool, dict):
        return False
    if tool.get("type") == "namespace":  # a name for tools that belong together
        return all(_is_our_tool(inner) for inner in _listed(tool.get("tools")))
    if tool.get("type") == "tool_search":
        return tool.get("execution") == "client"
    if "type" in tool:
        return isinstance(tool["type"], str) and bool(_OUR_TOOLS.fullmatch(tool["type"]))
    gemini = {"functionDeclarations", "function_declarations"}
    return tool.keys() <= gemini or "input_schema" in tool


def _is_link(name: str, value: object) -> bool:
    if isinstance(value, dict):
        return False  # it is looked into by itself
    return isinstance(value, str) and (name != "url" or "://" in value) and value[:5] != "data:"


def _is_picture(part: Mapping[str, object]) -> bool:
    kind = part.get("type")
    return (isinstance(kind, str) and kind in _PICTURES) or bool(
        part.keys() & {"inlineData", "inline_data"}
    )


def _objects(body: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield every object in what is said; a tool's description and arguments say nothing."""
    spoken = ("messages", "input", "contents", "system", "systemInstruction", "system_instruction")
    waiting: list[object] = [body.get(name) for name in spoken]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.get("type") == "tool_use" or "functionCall" in one or "functionResponse" in one:
                continue
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


_LIMITS = {
    Dialect.CHAT: ("max_tokens", "max_completion_tokens"),
    Dialect.RESPONSES: ("max_output_tokens",),
    Dialect.MESSAGES: ("max_tokens",),
    Dialect.GEMINI: ("maxOutputTokens", "max_output_tokens"),
}
_MANY = {"n", "candidateCount", "candidate_count", "best_of"}


def _most_output(dialect: Dialect, body: Mapping[str, object]) -> int | Refusal | None:
    """Return how many tokens an answer may have by the request; None: it does not say."""
    settings: dict[str, object] = dict(body)
    if dialect is Dialect.GEMINI:
        for name in ("generationConfig", "generation_config"):
            given = body.get(name)
            settings |= given if isinstance(given, dict) else {}
    numbers = {
        name: settings[name]
        for name in (*_LIMITS[dialect], *_MANY)
        if settings.get(name) is not None
    }
    counted = {name: n for name, n in numbers.items() if type(n) is int and 1 <= n <= 10_000_000}
    if counted.keys() != numbers.keys():
        return Refusal(Trouble.BAD, "A limit of the answer is no number that makes sense.")
    limits = [n for name, n in counted.items() if name not in _MANY]
    many = max((n for name, n in counted.items() if name in _MANY), default=1)
    if many > 1 and not limits:
        return Refusal(Trouble.BAD, "Several answers at once need a limit of their length.")
    return max(limits) * many if limits else None


def _limited(dialect: Dialect, body: dict[str, object], most: int) -> dict[str, object]:
    """Say how long the answer may be, where the request does not."""
    if dialect is not Dialect.GEMINI:
        return {**body, _LIMITS[dialect][-1]: most}
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
