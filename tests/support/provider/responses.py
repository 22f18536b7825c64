"""OpenAI's responses."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.provider.answers import Answer, Json, halves
from tests.support.provider.chat import error as error  # both write it alike
from tests.support.provider.script import Refused
from tests.support.provider.tools import Call

_CREATED = 1_780_000_000


def document(answer: Answer) -> Json:
    """The answer in one piece."""
    took = answer.usage
    count = {
        "input_tokens": took.input,
        "input_tokens_details": {"cached_tokens": took.cached},
        "output_tokens": took.output,
        "output_tokens_details": {"reasoning_tokens": took.reasoning},
        "total_tokens": took.input + took.output,
    }
    items = [_message(answer, answer.text)] if answer.text else []
    output = [*items, *map(_item, answer.calls)]
    return {**_begun(answer), "status": "completed", "output": output, "usage": count}


def events(answer: Answer) -> Iterator[Json]:
    """The answer as a stream, numbered as OpenAI's is."""
    for number, event in enumerate(_events(answer)):
        yield {**event, "sequence_number": number}


def broken_off(refused: Refused) -> Json:
    """The event by which a stream says that it failed."""
    failed = {"code": refused.code or "server_error", "message": refused.message}
    response = {"id": "resp_failed", "object": "response", "status": "failed", "error": failed}
    return {"type": "response.failed", "response": {**response, "output": [], "usage": None}}


def _events(answer: Answer) -> Iterator[Json]:
    yield {"type": "response.created", "response": _begun(answer)}
    yield {"type": "response.in_progress", "response": _begun(answer)}
    if answer.text:
        yield from _said(answer)
    for index, call in enumerate(answer.calls, 1 if answer.text else 0):
        yield from _called(call, index)
    yield {"type": "response.completed", "response": document(answer)}


def _said(answer: Answer) -> Iterator[Json]:
    whole = _message(answer, answer.text)
    place = {"item_id": whole["id"], "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": answer.text, "annotations": []}
    begun = {**whole, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": 0, "item": begun}
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
    for piece in filter(None, halves(answer.text)):
        yield {"type": "response.output_text.delta", **place, "delta": piece}
    yield {"type": "response.output_text.done", **place, "text": answer.text}
    yield {"type": "response.content_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", "output_index": 0, "item": whole}


def _called(call: Call, index: int) -> Iterator[Json]:
    whole = _item(call)
    is_text = isinstance(call.arguments, str)
    field = "input" if is_text else "arguments"
    kind = "custom_tool_call_input" if is_text else "function_call_arguments"
    place = {"item_id": whole["id"], "output_index": index}
    begun = {**whole, "status": "in_progress", field: ""}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    for piece in halves(call.written):
        yield {"type": f"response.{kind}.delta", **place, "delta": piece}
    yield {"type": f"response.{kind}.done", **place, field: call.written}
    yield {"type": "response.output_item.done", "output_index": index, "item": whole}


def _begun(answer: Answer) -> Json:
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": _CREATED,
        "status": "in_progress",
        "model": answer.model,
        "output": [],
        "error": None,
        "usage": None,
    }


def _message(answer: Answer, text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": []}
    head = {"id": f"msg_{answer.id}", "type": "message", "role": "assistant"}
    return {**head, "status": "completed", "content": [part]}


def _item(call: Call) -> Json:
    namespace = {"namespace": call.namespace} if call.namespace else {}
    head = {"call_id": call.id, "name": call.name, "status": "completed", **namespace}
    if isinstance(call.arguments, str):
        return {"id": f"ctc_{call.id}", "type": "custom_tool_call", **head, "input": call.written}
    return {"id": f"fc_{call.id}", "type": "function_call", **head, "arguments": call.written}
