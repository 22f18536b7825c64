"""A step as bytes: what goes over the wire in a protocol, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bot.adapters.gateway.dialects import Dialect
from tests.support.provider import chat, gemini, messages, responses
from tests.support.provider.answers import Answer, Json
from tests.support.provider.script import Cut, Refused, Usage, Wrong

_MALFORMED = '{"choices": [{"delta": '
_BROKEN_OFF = Refused(500, "The server had an error while processing your request.")


@dataclass(frozen=True)
class Sent:
    """What is sent: `whole` says whether it ends as it should. Silence is never ended."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    pieces: tuple[bytes, ...] = ()
    whole: bool = True
    silent: bool = False
    count: Usage | None = None  # that it tells, where it tells one to its end


@dataclass(frozen=True)
class _Protocol:
    document: Callable[[Answer], Json]
    events: Callable[[Answer], Iterator[Json]]
    error: Callable[[Refused], Json]


_PROTOCOLS = {
    Dialect.CHAT: _Protocol(chat.document, chat.events, chat.error),
    Dialect.RESPONSES: _Protocol(responses.document, responses.events, responses.error),
    Dialect.MESSAGES: _Protocol(messages.document, messages.events, messages.error),
    Dialect.GEMINI: _Protocol(gemini.document, gemini.events, gemini.error),
}


def answered(dialect: Dialect, answer: Answer, *, streams: bool) -> Sent:
    """Write an answer."""
    if not streams:
        return _one_piece(200, _PROTOCOLS[dialect].document(answer))
    pieces = tuple(_event(event) for event in _PROTOCOLS[dialect].events(answer))
    done = (b"data: [DONE]\n\n",) if dialect is Dialect.CHAT else ()
    return Sent(content_type="text/event-stream", pieces=(*pieces, *done))


def refused(dialect: Dialect, refusal: Refused) -> Sent:
    """Write an HTTP error."""
    if refusal.body:
        pieces = (refusal.body.encode(),)
        return Sent(refusal.status, refusal.headers, pieces=pieces)
    return replace(
        _one_piece(refusal.status, _PROTOCOLS[dialect].error(refusal)), headers=refusal.headers
    )


def cut(proper: Sent, where: Cut) -> Sent:
    """End the connection before or amid what would have been a proper answer."""
    if where is Cut.BEFORE:
        return replace(proper, pieces=(), whole=False)
    return replace(proper, pieces=_first_half(proper), whole=False)


def wrong(dialect: Dialect, proper: Sent, what: Wrong) -> Sent:
    """Send something else than what would have been a proper answer."""
    is_stream = proper.content_type == "text/event-stream"
    match what:
        case Wrong.SILENCE:
            return replace(proper, pieces=(), silent=True, whole=False)
        case Wrong.JSON:
            text = f"data: {_MALFORMED}\n\n" if is_stream else _MALFORMED
            return replace(proper, pieces=(text.encode(),))
        case Wrong.EVENT:
            is_responses = dialect is Dialect.RESPONSES
            written = responses.broken_off if is_responses else _PROTOCOLS[dialect].error
            body = written(_BROKEN_OFF)
            if not is_stream:
                return _one_piece(200, body)
            return replace(proper, pieces=(*_first_half(proper), _event(body)))


def _first_half(proper: Sent) -> tuple[bytes, ...]:
    if len(proper.pieces) == 1:
        return (proper.pieces[0][: len(proper.pieces[0]) // 2],)
    return proper.pieces[: len(proper.pieces) // 2]


def _one_piece(status: int, body: Json) -> Sent:
    return Sent(status, pieces=(json.dumps(body).encode(),))


def _event(body: Json) -> bytes:
    name = f"event: {body['type']}\n" if "type" in body else ""
    return f"{name}data: {json.dumps(body)}\n\n".encode()
