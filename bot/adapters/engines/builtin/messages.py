"""The conversation: its messages, how they go over the wire, how large they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field, JsonValue

from bot.core.base import Strict

CHARACTERS_PER_TOKEN = 4
_OVERHEAD_TOKENS = 4  # what roles and separators take, about, for each message

INTERRUPTED = "The process was stopped here; whether this was done is not known. Look first."


class ToolCall(Strict):
    """A tool that the model asks for; `arguments` is its JSON, exactly as it wrote it."""

    id: str
    name: str
    arguments: str
    # Gemini signs its calls here and refuses a conversation in which the signature is missing.
    extra_content: JsonValue = None


class Message(Strict):
    """One message. `stub` is the line that may stand for a tool's result once it is old."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    stub: str = Field(default="", exclude_if=lambda stub: not stub)


def tokens_in(messages: Sequence[Message]) -> int:
    """Estimate how many tokens messages are, from their characters."""
    return sum(_characters(message) // CHARACTERS_PER_TOKEN for message in messages) + (
        _OVERHEAD_TOKENS * len(messages)
    )


def _characters(message: Message) -> int:
    calls = sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
    return len(message.content) + calls


def on_the_wire(messages: Sequence[Message]) -> list[dict[str, object]]:
    """Write messages as the endpoint takes them.

    Neighbouring user messages are joined: chat templates of several local models insist that
    user and assistant take turns.
    """
    wire: list[dict[str, object]] = []
    for message in messages:
        if message.role == "user" and wire and wire[-1]["role"] == "user":
            wire[-1]["content"] = f"{wire[-1]['content']}\n\n{message.content}"
        else:
            wire.append(_one(message))
    return wire


def _one(message: Message) -> dict[str, object]:
    one: dict[str, object] = {"role": message.role, "content": message.content}
    if message.role == "tool":
        one["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        one["content"] = message.content or None
        one["tool_calls"] = [_call(call) for call in message.tool_calls]
    return one


def _call(call: ToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": _sound(call.arguments)}
    one: dict[str, object] = {"id": call.id, "type": "function", "function": function}
    if call.extra_content is not None:
        one["extra_content"] = call.extra_content
    return one


def _sound(arguments: str) -> str:
    """Endpoints parse arguments again: what is no JSON object would fail the whole request."""
    try:
        sound = isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        sound = False
    return arguments if sound else json.dumps({"not_json": arguments})


def mended(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Make a transcript that was cut off whole: every call has its result, no result is alone."""
    return tuple(_mended(messages))


def _mended(messages: Sequence[Message]) -> Iterator[Message]:
    waiting: list[ToolCall] = []
    for message in messages:
        if message.role == "tool":
            answered = next((call for call in waiting if call.id == message.tool_call_id), None)
            if answered is not None:
                waiting.remove(answered)
                yield message
            continue
        yield from _interrupted(waiting)
        waiting = list(message.tool_calls)
        yield message
    yield from _interrupted(waiting)


def _interrupted(calls: Sequence[ToolCall]) -> Iterator[Message]:
    for call in calls:
        yield Message(role="tool", tool_call_id=call.id, content=INTERRUPTED)
