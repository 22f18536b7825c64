"""Plays a recorded model session over HTTP: an OpenAI-compatible endpoint without a model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bot.adapters.loopback import LoopbackServer
from bot.core.base import Strict

_MAX_REQUEST_BYTES = 50_000_000
_TEXT_PIECE = 40  # characters that one event of a stream carries

Count = Annotated[int, Field(ge=0)]


class RecordedCall(Strict):
    """A tool call of the model."""

    name: str
    arguments: Mapping[str, JsonValue] = {}


class RecordedTurn(Strict):
    """One answer of the model. Token counts are as the endpoint would report them."""

    text: str = ""
    calls: tuple[RecordedCall, ...] = ()
    input_tokens: Count = 1000
    cached_tokens: Count = 0
    output_tokens: Count = 50
    delay_seconds: Annotated[float, Field(ge=0, le=60)] = 0


class Conversation(Strict):
    """What the model said in one conversation, recognised by a text in its first messages."""

    match: Annotated[str, Field(min_length=1)]
    turns: tuple[RecordedTurn, ...]


class Session(Strict):
    """A recorded session: any number of conversations, which may be played at once."""

    model: str
    conversations: tuple[Conversation, ...]


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AskedMessage(_Lenient):
    """A message of a request, as far as playing needs it."""

    role: str
    content: JsonValue = None


class Asked(_Lenient):
    """A chat request, as far as playing needs it."""

    model: str
    messages: tuple[AskedMessage, ...]
    stream: bool = False


@dataclass(frozen=True)
class Reply:
    """What goes back: a status and the body, in the pieces in which it is sent."""

    status: int
    content_type: str
    pieces: tuple[bytes, ...]
    delay_seconds: float = 0


class RecordedModel:
    """Serves a session on a port of this machine while it is entered.

    Which turn comes next is told by how many answers the request already contains, so that a
    request may be repeated, and a workstream started anew, without losing the place.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._server = LoopbackServer(_handler_for(self))

    @property
    def base_url(self) -> str:
        """Where clients find it."""
        return f"{self._server.url}/v1"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def reply_to(self, asked: Asked) -> Reply:
        """Play the next turn of the conversation that a request belongs to."""
        beginning = json.dumps([message.content for message in asked.messages[:2]])
        known = [one for one in self._session.conversations if one.match in beginning]
        if not known:
            return error_reply(404, "no_such_conversation", "No recorded conversation matches.")
        conversation = max(known, key=lambda one: len(one.match))
        position = sum(message.role == "assistant" for message in asked.messages)
        if position >= len(conversation.turns):
            message = f"The recording of {conversation.match!r} ends after {position} turns."
            return error_reply(404, "recording_is_over", message)
        return played(conversation.turns[position], position, self._session.model, asked.stream)


def played(turn: RecordedTurn, position: int, model: str, stream: bool) -> Reply:
    """Return a turn as an endpoint sends it: a stream of events, or one document."""
    if stream:
        pieces = tuple(event(chunk) for chunk in chunks(turn, position, model))
        done = b"data: [DONE]\n\n"
        return Reply(200, "text/event-stream", (*pieces, done), turn.delay_seconds)
    message: dict[str, object] = {"role": "assistant", "content": turn.text or None}
    if turn.calls:
        message["tool_calls"] = _calls(turn, position)
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(turn)}
    document = {"model": model, "choices": [choice], "usage": _usage(turn)}
    body = json.dumps(document).encode()
    return Reply(200, "application/json", (body,), turn.delay_seconds)


def chunks(turn: RecordedTurn, position: int, model: str) -> Iterator[dict[str, object]]:
    """Cut a turn into the chunks of a stream, arguments of calls in two halves each."""

    def chunk(delta: dict[str, object], finish_reason: str | None = None) -> dict[str, object]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {"object": "chat.completion.chunk", "model": model, "choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    for at in range(0, len(turn.text), _TEXT_PIECE):
        yield chunk({"content": turn.text[at : at + _TEXT_PIECE]})
    for index, call in enumerate(_calls(turn, position)):
        arguments = json.dumps(dict(turn.calls[index].arguments))
        half = len(arguments) // 2
        function = {"name": turn.calls[index].name, "arguments": arguments[:half]}
        yield chunk({"tool_calls": [{**call, "index": index, "function": function}]})
        yield chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments[half:]}}]})
    yield chunk({}, _finish_reason(turn))
    yield {"object": "chat.completion.chunk", "model": model, "choices": [], "usage": _usage(turn)}


def event(chunk: dict[str, object]) -> bytes:
    """Write one server-sent event."""
    return f"data: {json.dumps(chunk)}\n\n".encode()


def error_reply(status: int, code: str, message: str) -> Reply:
    """Return an error in the form that OpenAI gives it."""
    body = {"error": {"message": message, "type": "invalid_request_error", "code": code}}
    return Reply(status, "application/json", (json.dumps(body).encode(),))


def _calls(turn: RecordedTurn, position: int) -> Sequence[dict[str, object]]:
    return [
        {
            "id": f"call_{position}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
        }
        for index, call in enumerate(turn.calls)
    ]


def _finish_reason(turn: RecordedTurn) -> str:
    return "tool_calls" if turn.calls else "stop"


def _usage(turn: RecordedTurn) -> dict[str, object]:
    return {
        "prompt_tokens": turn.input_tokens,
        "completion_tokens": turn.output_tokens,
        "total_tokens": turn.input_tokens + turn.output_tokens,
        "prompt_tokens_details": {"cached_tokens": turn.cached_tokens},
    }


def _handler_for(model: RecordedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._send(self._reply())

        def _reply(self) -> Reply:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > _MAX_REQUEST_BYTES:
                self.close_connection = True
                return error_reply(411, "length_required", "Say how long the request is.")
            body = self.rfile.read(int(length))
            if not self.path.endswith("/chat/completions"):
                return error_reply(404, "not_found", "Only chat/completions is played here.")
            try:
                return model.reply_to(Asked.model_validate_json(body))
            except ValidationError:
                return error_reply(400, "invalid_request", "This is not a chat request.")

        def _send(self, reply: Reply) -> None:
            time.sleep(reply.delay_seconds)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(sum(map(len, reply.pieces))))
            self.end_headers()
            for piece in reply.pieces:
                self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the output belongs to the command that plays the session."""

    return Handler
