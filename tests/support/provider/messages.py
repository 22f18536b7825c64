"""Anthropic's messages."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.provider.answers import Answer, Json, halves
from tests.support.provider.script import Refused, Usage

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def document(answer: Answer) -> Json:
    """The answer in one piece."""
    content = [_text(answer.text)] if answer.text else []
    content += [_use(call.id, call.name, call.arguments) for call in answer.calls]
    reason = "tool_use" if answer.calls else "end_turn"
    return {**_begun(answer, answer.usage.output), "content": content, "stop_reason": reason}


def events(answer: Answer) -> Iterator[Json]:
    """The answer as a stream: the input is counted in its first event, the output in its last."""
    yield {"type": "message_start", "message": _begun(answer, 1)}
    yield {"type": "ping"}
    if answer.text:
        deltas: list[Json] = [{"type": "text_delta", "text": t} for t in halves(answer.text) if t]
        yield from _block(0, _text(""), deltas)
    for index, call in enumerate(answer.calls, 1 if answer.text else 0):
        deltas = [{"type": "input_json_delta", "partial_json": p} for p in halves(call.written)]
        yield from _block(index, _use(call.id, call.name, {}), deltas)
    ended = {"stop_reason": "tool_use" if answer.calls else "end_turn", "stop_sequence": None}
    count = {"output_tokens": answer.usage.output}
    yield {"type": "message_delta", "delta": ended, "usage": count}
    yield {"type": "message_stop"}


def error(refused: Refused) -> Json:
    """An error, in an answer of its own or in the middle of a stream."""
    kind = _KINDS.get(refused.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": refused.message}}


def usage(took: Usage, output: int) -> Json:
    """The count; what came from the cache or went there is no plain input."""
    return {
        "input_tokens": took.input - took.cached - took.written,
        "cache_read_input_tokens": took.cached,
        "cache_creation_input_tokens": took.written,
        "output_tokens": output,
    }


def _begun(answer: Answer, output: int) -> Json:
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage(answer.usage, output),
    }


def _block(index: int, block: Json, deltas: list[Json]) -> Iterator[Json]:
    yield {"type": "content_block_start", "index": index, "content_block": block}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _use(name: str, tool: str, arguments: object) -> Json:
    return {"type": "tool_use", "id": f"toolu_{name}", "name": tool, "input": arguments}
