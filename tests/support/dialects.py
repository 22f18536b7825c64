"""A recorded turn as each of four providers would send it, whole, streamed or broken off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from bot.adapters.gateway.dialects import Dialect
from bot.adapters.recorded_model import RecordedTurn, chunks, event, played
from tests.support.scripted_model import DONE, MODEL, Fault

Json = Mapping[str, object]


def request(dialect: Dialect, *, stream: bool = False, **more: object) -> tuple[str, Json]:
    """Where a client of a protocol asks, below the door, and with what."""
    said = {"role": "user", "content": "Mend add."}
    streamed = {"stream": True} if stream else {}
    match dialect:
        case Dialect.CHAT | Dialect.MESSAGES:
            body: Json = {"model": MODEL, "messages": [said], "max_tokens": 100, **streamed}
        case Dialect.RESPONSES:
            body = {"model": MODEL, "input": [said], "max_output_tokens": 100, **streamed}
        case Dialect.GEMINI:
            contents = [{"role": "user", "parts": [{"text": "Mend add."}]}]
            body = {"contents": contents, "generationConfig": {"maxOutputTokens": 100}}
    return path_of(dialect, stream=stream), {**body, **more}


def path_of(dialect: Dialect, *, stream: bool = False, model: str = MODEL) -> str:
    """Where a client of a protocol asks."""
    if dialect is not Dialect.GEMINI:
        return f"/v1/{dialect}"
    action = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/{model}:{action}"


def answer(
    dialect: Dialect, turn: RecordedTurn, *, stream: bool = False, model: str = MODEL
) -> Fault:
    """The turn as the provider sends it."""
    if dialect is Dialect.CHAT:
        reply = played(turn, 0, model, stream)
        return Fault(200, {}, reply.content_type, reply.pieces)
    if stream:
        return Fault(pieces=tuple(map(_event, _STREAMS[dialect](turn, model))))
    body = json.dumps(_DOCUMENTS[dialect](turn, model)).encode()
    return Fault(200, {}, "application/json", (body,))


def cut_answer(dialect: Dialect, turn: RecordedTurn) -> Fault:
    """The turn whose connection breaks after its text and before the end of its count."""
    if dialect is Dialect.CHAT:
        return Fault(pieces=tuple(map(event, list(chunks(turn, 0, MODEL))[:-2])), then="cut")
    whole = answer(dialect, turn, stream=True)
    return replace(
        whole, pieces=whole.pieces[: 3 if dialect is Dialect.MESSAGES else 2], then="cut"
    )


def without_question(turn: RecordedTurn) -> Fault:
    """A chat stream from a provider that was not asked for its count."""
    return Fault(pieces=(*map(event, list(chunks(turn, 0, MODEL))[:-1]), DONE))


def _event(body: Json) -> bytes:
    name = f"event: {body['type']}\n" if "type" in body else ""
    return f"{name}data: {json.dumps(body)}\n\n".encode()


def _response(turn: RecordedTurn, model: str) -> Json:
    text = {"type": "output_text", "text": turn.text}
    usage = {
        "input_tokens": turn.input_tokens,
        "input_tokens_details": {"cached_tokens": turn.cached_tokens},
        "output_tokens": turn.output_tokens,
    }
    output = [{"type": "message", "role": "assistant", "content": [text]}]
    return {"model": model, "status": "completed", "output": output, "usage": usage}


def _response_stream(turn: RecordedTurn, model: str) -> list[Json]:
    begun = {"model": model, "status": "in_progress", "output": [], "usage": None}
    return [
        {"type": "response.created", "response": begun},
        {"type": "response.output_text.delta", "delta": turn.text},
        {"type": "response.completed", "response": _response(turn, model)},
    ]


def _message_usage(turn: RecordedTurn, output: int) -> Json:
    written = 1  # to the cache: neither read from it nor plain input
    return {
        "input_tokens": turn.input_tokens - turn.cached_tokens - written,
        "cache_read_input_tokens": turn.cached_tokens,
        "cache_creation_input_tokens": written,
        "output_tokens": output,
    }


def _message(turn: RecordedTurn, model: str) -> Json:
    return {
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": turn.text}],
        "stop_reason": "end_turn",
        "usage": _message_usage(turn, turn.output_tokens),
    }


def _message_stream(turn: RecordedTurn, model: str) -> list[Json]:
    begun = {"content": [], "stop_reason": None, "usage": _message_usage(turn, 1)}
    delta = {"type": "text_delta", "text": turn.text}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": {**_message(turn, model), **begun}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": turn.output_tokens}},
        {"type": "message_stop"},
    ]


def _candidate(turn: RecordedTurn, model: str, *, ended: bool = True) -> Json:
    thoughts = turn.output_tokens // 2
    content = {"role": "model", "parts": [{"text": turn.text}]}
    candidate: Json = {"content": content, "index": 0}
    usage = {
        "promptTokenCount": turn.input_tokens,
        "cachedContentTokenCount": turn.cached_tokens,
        "candidatesTokenCount": turn.output_tokens - thoughts if ended else 1,
        "thoughtsTokenCount": thoughts if ended else 0,
    }
    candidate = {**candidate, "finishReason": "STOP"} if ended else candidate
    return {"candidates": [candidate], "modelVersion": model, "usageMetadata": usage}


def _candidate_stream(turn: RecordedTurn, model: str) -> list[Json]:
    nothing = turn.model_copy(update={"text": ""})
    begun = [_candidate(turn, model, ended=False), _candidate(nothing, model, ended=False)]
    return [*begun, _candidate(nothing, model)]


_DOCUMENTS = {
    Dialect.RESPONSES: _response,
    Dialect.MESSAGES: _message,
    Dialect.GEMINI: _candidate,
}
_STREAMS = {
    Dialect.RESPONSES: _response_stream,
    Dialect.MESSAGES: _message_stream,
    Dialect.GEMINI: _candidate_stream,
}
