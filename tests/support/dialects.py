"""A recorded turn as each of four providers would send it, whole, streamed or broken off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.adapters.gateway.dialects import Dialect
from bot.adapters.recorded_model import RecordedTurn, chunks, event, played
from tests.support.provider import Usage
from tests.support.provider.answers import Answer
from tests.support.provider.wire import answered
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
    took = Usage(
        input=turn.input_tokens,
        cached=turn.cached_tokens,
        output=turn.output_tokens,
        reasoning=turn.output_tokens // 2,
        written=1,  # to the cache: neither read from it nor plain input
    )
    sent = answered(dialect, Answer(model, turn.text, (), took, "1"), streams=stream)
    return Fault(200, {}, sent.content_type, sent.pieces)


def cut_answer(dialect: Dialect, turn: RecordedTurn) -> Fault:
    """The turn whose connection breaks after its text and before the end of its count."""
    if dialect is Dialect.CHAT:
        return Fault(pieces=tuple(map(event, list(chunks(turn, 0, MODEL))[:-2])), then="cut")
    whole = answer(dialect, turn, stream=True)
    end = 2 if dialect is Dialect.MESSAGES else 1
    return replace(whole, pieces=whole.pieces[:-end], then="cut")


def without_question(turn: RecordedTurn) -> Fault:
    """A chat stream from a provider that was not asked for its count."""
    return Fault(pieces=(*map(event, list(chunks(turn, 0, MODEL))[:-1]), DONE))
