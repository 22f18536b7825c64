"""Gemini's generateContent and streamGenerateContent."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.provider.answers import Answer, Json, halves
from tests.support.provider.script import Refused, Usage

_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def document(answer: Answer) -> Json:
    """The answer in one piece."""
    return _part(answer, [*_texts(answer.text), *_calls(answer)], ended=True)


def events(answer: Answer) -> Iterator[Json]:
    """The answer as a stream; each part counts anew, the last one for good."""
    for text in filter(None, halves(answer.text)):
        yield _part(answer, _texts(text), ended=False)
    if answer.calls:
        yield _part(answer, _calls(answer), ended=False)
    yield _part(answer, _texts(""), ended=True)


def error(refused: Refused) -> Json:
    """An error, in an answer of its own or in the middle of a stream."""
    name = _NAMES.get(refused.status, "UNKNOWN")
    return {"error": {"code": refused.status, "message": refused.message, "status": name}}


def usage(took: Usage, *, ended: bool) -> Json:
    """The count; thoughts are told beside the candidates."""
    candidates = took.output - took.reasoning if ended else 1
    thoughts = took.reasoning if ended else 0
    return {
        "promptTokenCount": took.input,
        "cachedContentTokenCount": took.cached,
        "candidatesTokenCount": candidates,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": took.input + candidates + thoughts,
    }


def _part(answer: Answer, parts: list[Json], *, ended: bool) -> Json:
    candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
    candidate = {**candidate, "finishReason": "STOP"} if ended else candidate
    return {
        "candidates": [candidate],
        "modelVersion": answer.model,
        "responseId": answer.id,
        "usageMetadata": usage(answer.usage, ended=ended),
    }


def _texts(text: str) -> list[Json]:
    return [{"text": text}]


def _calls(answer: Answer) -> list[Json]:
    return [
        {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}}
        for call in answer.calls
    ]
