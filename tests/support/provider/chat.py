"""OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.provider.answers import Answer, Json, halves
from tests.support.provider.script import Refused, Usage
from tests.support.provider.tools import Call

_CREATED = 1_780_000_000


def document(answer: Answer) -> Json:
    """The answer in one piece."""
    message: Json = {
        "role": "assistant",
        "content": answer.text or None,
        **({"tool_calls": [_call(call) for call in answer.calls]} if answer.calls else {}),
    }
    choice = {"index": 0, "message": message, "finish_reason": _reason(answer)}
    return {
        **_head(answer, "chat.completion"),
        "choices": [choice],
        "usage": usage(answer.usage),
    }


def events(answer: Answer) -> Iterator[Json]:
    """The answer as a stream; the count comes in an event of its own, asked for or not."""
    yield _chunk(answer, {"role": "assistant", "content": ""})
    for part in filter(None, halves(answer.text)):
        yield _chunk(answer, {"content": part})
    for index, call in enumerate(answer.calls):
        first, second = halves(call.written)
        whole = _call(call)
        begun = {**whole, "index": index, "function": {"name": call.name, "arguments": first}}
        yield _chunk(answer, {"tool_calls": [begun]})
        rest = {"index": index, "function": {"arguments": second}}
        yield _chunk(answer, {"tool_calls": [rest]})
    yield _chunk(answer, {}, _reason(answer))
    head = _head(answer, "chat.completion.chunk")
    yield {**head, "choices": [], "usage": usage(answer.usage)}


def error(refused: Refused) -> Json:
    """An error, as OpenAI and most that imitate it write one."""
    kind = "invalid_request_error" if refused.status < 429 else "server_error"
    code = refused.code or None
    return {"error": {"message": refused.message, "type": kind, "param": None, "code": code}}


def usage(took: Usage) -> Json:
    """The count."""
    return {
        "prompt_tokens": took.input,
        "completion_tokens": took.output,
        "total_tokens": took.input + took.output,
        "prompt_tokens_details": {"cached_tokens": took.cached},
        "completion_tokens_details": {"reasoning_tokens": took.reasoning},
    }


def _head(answer: Answer, kind: str) -> Json:
    name = f"chatcmpl-{answer.id}"
    return {"id": name, "object": kind, "created": _CREATED, "model": answer.model}


def _chunk(answer: Answer, delta: Json, reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {**_head(answer, "chat.completion.chunk"), "choices": [choice]}


def _call(call: Call) -> Json:
    function = {"name": call.name, "arguments": call.written}
    return {"id": call.id, "type": "function", "function": function}


def _reason(answer: Answer) -> str:
    return "tool_calls" if answer.calls else "stop"
