"""Answers of the endpoint: server-sent events, or one JSON document, put together."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, ValidationError

from bot.adapters.engines.builtin.messages import CHARACTERS_PER_TOKEN, ToolCall

_MAX_EVENT = 4_000_000


class BadAnswer(Exception):
    """The endpoint sent what is no part of a chat answer; the message says what."""


class AnswerError(Exception):
    """An error object came where an answer was expected; `body` is its JSON text."""

    def __init__(self, body: str) -> None:
        super().__init__(body)
        self.body = body


@dataclass(frozen=True)
class Answer:
    """What the model said. Token counts are None where the endpoint told none."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str | None
    model: str | None
    input_tokens: int | None = None
    cached_tokens: int = 0
    output_tokens: int | None = None

    @property
    def output_estimate(self) -> int:
        """How many tokens the answer is, from its characters."""
        calls = sum(len(call.name) + len(call.arguments) for call in self.tool_calls)
        return (len(self.text) + calls) // CHARACTERS_PER_TOKEN


def event_data(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of each server-sent event, however the bytes were cut; skip comments."""
    data: list[str] = []
    for line in _lines(chunks):
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []
    if data:
        yield "\n".join(data)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        if len(rest) > _MAX_EVENT:
            raise BadAnswer(f"a line of more than {_MAX_EVENT:,} characters")
        yield from (line.removesuffix("\r") for line in lines)
    if rest:
        yield rest


def _as_text(value: Any) -> Any:  # noqa: ANN401 - runs before the field's own type is checked
    """Content may be text, nothing, or a list of parts of which some are text."""
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return value or ""


def _as_json(value: Any) -> Any:  # noqa: ANN401 - runs before the field's own type is checked
    """Arguments ought to be JSON text; some servers send the object itself."""
    return json.dumps(value) if isinstance(value, dict) else value or ""


def _count_or_none(value: Any) -> int | None:  # noqa: ANN401 - whatever the endpoint counts in
    return value if type(value) is int and value >= 0 else None


Text = Annotated[str, BeforeValidator(_as_text)]
Count = Annotated[int | None, BeforeValidator(_count_or_none)]


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Function(_Lenient):
    name: str | None = None
    arguments: Annotated[str, BeforeValidator(_as_json)] = ""


class _Call(_Lenient):
    index: int | None = None
    id: str | None = None
    function: _Function = _Function()
    extra_content: JsonValue = None


class _Part(_Lenient):
    content: Text = ""
    refusal: Text = ""
    tool_calls: tuple[_Call, ...] | None = None


class _Choice(_Lenient):
    delta: _Part | None = None
    message: _Part | None = None
    finish_reason: str | None = None


class _Details(_Lenient):
    cached_tokens: Count = None


class _Usage(_Lenient):
    prompt_tokens: Count = None
    completion_tokens: Count = None
    prompt_tokens_details: _Details | None = None


class _Chunk(_Lenient):
    model: str | None = None
    choices: tuple[_Choice, ...] | None = None
    usage: _Usage | None = None
    error: JsonValue = None


@dataclass
class _Started:
    """A tool call that is still coming in."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extra_content: JsonValue = None


class Assembler:
    """Puts the pieces of one answer together, from a stream or from a single document."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._calls: list[_Started] = []
        self._model: str | None = None
        self._usage: _Usage | None = None
        self._finish_reason: str | None = None
        self.closed = False  # the endpoint's last word has come

    @property
    def complete(self) -> bool:
        """Whether the endpoint said that this was all; a stream that just ends was cut."""
        return self.closed or self._finish_reason not in (None, "error")

    def add(self, data: str) -> None:
        """Take in the data of one event. Raises BadAnswer or AnswerError."""
        if data.strip() == "[DONE]":
            self.closed = True
            return
        chunk = _chunk(data)
        if chunk.error:
            raise AnswerError(json.dumps({"error": chunk.error}))
        self._model = chunk.model or self._model
        self._usage = chunk.usage or self._usage
        for choice in (chunk.choices or ())[:1]:
            self._finish_reason = choice.finish_reason or self._finish_reason
            part = choice.delta or choice.message or _Part()
            self._text.append(part.content or part.refusal)
            for call in part.tool_calls or ():
                self._add_call(call)

    def add_document(self, text: str) -> None:
        """Take in a whole answer, from an endpoint that does not stream."""
        if not _chunk(text).choices and not _chunk(text).error:
            raise BadAnswer("a document without choices")
        self.add(text)
        self.closed = self._finish_reason != "error"

    def _add_call(self, call: _Call) -> None:
        started = self._started(call)
        started.id = started.id or call.id or ""
        started.name = started.name or call.function.name or ""
        started.arguments.append(call.function.arguments)
        started.extra_content = started.extra_content or call.extra_content

    def _started(self, call: _Call) -> _Started:
        """Find the call that a piece belongs to: by index, if its id does not say otherwise.

        Some servers leave the index out, others number every call 0: a piece with a name and an
        id of its own begins a new call.
        """
        known = [one for one in self._calls if call.index is None or one.index == call.index]
        if known:
            last = known[-1]
            begins = bool(call.function.name and last.name) and call.id != last.id
            if not begins or (call.index is not None and not (call.id and last.id)):
                return last
        self._calls.append(_Started(call.index))
        return self._calls[-1]

    def answer(self) -> Answer:
        """Return what has come so far."""
        usage = self._usage or _Usage()
        details = usage.prompt_tokens_details or _Details()
        return Answer(
            text="".join(self._text),
            tool_calls=tuple(
                ToolCall(
                    id=call.id or f"call_{number}",
                    name=call.name,
                    arguments="".join(call.arguments) or "{}",
                    extra_content=call.extra_content,
                )
                for number, call in enumerate(self._calls)
            ),
            finish_reason=self._finish_reason,
            model=self._model,
            input_tokens=usage.prompt_tokens,
            cached_tokens=details.cached_tokens or 0,
            output_tokens=usage.completion_tokens,
        )


def _chunk(data: str) -> _Chunk:
    try:
        if "\\ud" in data.lower():  # half a character cannot be stored: it becomes U+FFFD
            whole = json.dumps(json.loads(data), ensure_ascii=False)
            data = whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return _Chunk.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadAnswer(f"{where or 'answer'}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise BadAnswer("not JSON") from error
