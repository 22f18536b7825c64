"""What an answer says of itself, read while it passes: tokens, model, whether it is whole."""

from __future__ import annotations

import json
import re

from bot.adapters.gateway.dialects import Caches, Dialect
from bot.adapters.gateway.values import (
    Json,
    count_in,
    data_of,
    json_of,
    length_of,
    number_in,
    object_in,
    objects_in,
)
from bot.core.ledger import Tokens
from bot.core.model_ids import as_name

_MAX_HELD_BYTES = 20_000_000  # of one event, or of a document
_CHARACTERS_A_TOKEN = 4  # where nobody counted
_EVENT_END = re.compile(rb"\r?\n\r?\n")
# What an event has to hold to tell more than that the answer goes on.
_TELLS = re.compile(
    rb'"(?:usage|usageMetadata|error|response|message|status|stop_reason|finish_reason'
    rb'|finishReason|promptFeedback)"\s*:\s*(?!null|\s)|"message_stop"|"error"|\[DONE\]'
)
_MAX_LATER_BYTES = 1_000_000
_DEARER = ("priority", "fast", "ultrafast")  # services, at prices that no tier has


class Count:
    """The count of one answer. Cached tokens are part of the input, thoughts of the output."""

    def __init__(self, dialect: Dialect, caches: Caches = Caches.NOTHING) -> None:
        """Know how long a prompt is kept: not every provider says for which price it did."""
        self._dialect = dialect
        self._caches = caches
        self._characters = 0
        self._later: list[bytes] = []  # events that tell nothing unless nobody counts
        self._later_bytes = 0
        self._ended = False
        self._is_dearer = False  # than the tier's price
        self._output: int | None = None
        self._said: dict[str, object] = {}  # of tokens, so far
        self.input_tokens: int | None = None
        self.cached_tokens = 0
        self.written_tokens = 0  # to a cache
        self.written_for_an_hour_tokens = 0
        self.model: str | None = None

    @property
    def known(self) -> bool:
        """Whether the provider counted, the answer came to its end, and the tier's price holds."""
        is_counted = self._output is not None and bool(self.input_tokens)
        return self._ended and is_counted and not self._is_dearer

    @property
    def output_tokens(self) -> int:
        """What the provider counted; where the answer broke off, never less than what was seen."""
        if self.known and self._output:
            return self._output
        self._catch_up()
        return max(self._output or 0, -(-self._characters // _CHARACTERS_A_TOKEN))

    @property
    def has_ended(self) -> bool:
        """Whether the answer came to its end."""
        return self._ended

    @property
    def said_something(self) -> bool:
        """Whether there was anything in it, be it thoughts that are not shown."""
        return bool(self._later or self._characters or (self._output or 0) > 1)

    def tokens(self, input_tokens: int) -> Tokens:
        """Return what the answer took, with the size of its prompt."""
        cached, written = self.cached_tokens, self.written_tokens
        hour = self.written_for_an_hour_tokens
        return Tokens(input_tokens, self.output_tokens, cached, written, hour)

    def read(self, value: object) -> None:
        """Take in an answer, or a part of one."""
        if not isinstance(value, dict):
            return
        match self._dialect:
            case Dialect.CHAT:
                self._chat(value)
            case Dialect.RESPONSES:
                self._responses(value)
            case Dialect.MESSAGES:
                self._messages(value)
            case Dialect.GEMINI:
                self._gemini(value)

    def later(self, events: bytes) -> None:
        """Keep events in the middle of an answer, to be read where its end brings no count."""
        self._later.append(events)
        self._later_bytes += len(events)
        if self._later_bytes > _MAX_LATER_BYTES:
            self._catch_up()

    def _catch_up(self) -> None:
        waiting, self._later, self._later_bytes = b"".join(self._later), [], 0
        for event in _EVENT_END.split(waiting):
            self.read(json_of(data_of(event)))

    def guess(self, size: int) -> None:
        """Go by the size of an answer that cannot be read."""
        self._characters += size

    def _chat(self, value: Json) -> None:
        self._name(value.get("model"))
        for choice in objects_in(value, "choices"):
            self._characters += length_of(choice.get("delta") or choice.get("message"))
            self._ended |= choice.get("finish_reason") is not None
        self._is_dearer |= value.get("service_tier") in _DEARER
        if usage := object_in(value, "usage"):
            told, answered = count_in(usage, "prompt_tokens"), count_in(usage, "completion_tokens")
            if told is not None and answered is not None:  # some count thoughts in the total alone
                answered = max(answered, (count_in(usage, "total_tokens") or 0) - told)
            self._take(told, answered, object_in(usage, "prompt_tokens_details"))

    def _responses(self, value: Json) -> None:
        response = object_in(value, "response") or value
        if isinstance(value.get("delta"), str):
            self._characters += length_of(value["delta"])
        self._name(response.get("model"))
        self._ended |= response.get("status") in ("completed", "incomplete", "failed")
        self._is_dearer |= response.get("service_tier") in _DEARER
        if usage := object_in(response, "usage"):
            told, answered = count_in(usage, "input_tokens"), count_in(usage, "output_tokens")
            self._take(told, answered, object_in(usage, "input_tokens_details"))

    def _take(self, told: int | None, answered: int | None, parts: Json) -> None:
        self.cached_tokens = min(number_in(parts, "cached_tokens"), told or 0)
        written = min(number_in(parts, "cache_write_tokens"), (told or 0) - self.cached_tokens)
        self._write(written, None)
        self.input_tokens, self._output = told, answered

    def _write(self, written: int, for_an_hour: int | None) -> None:
        """Note what went into a cache; where nobody says for how long, as it was asked."""
        if for_an_hour is None:
            for_an_hour = written if self._caches is Caches.AN_HOUR else 0
        self.written_for_an_hour_tokens = for_an_hour
        self.written_tokens = written - for_an_hour

    def _messages(self, value: Json) -> None:
        message = object_in(value, "message") or value
        self._name(message.get("model"))
        self._characters += length_of(value.get("delta"))
        self._ended |= value.get("type") == "message_stop" or (
            value.get("type") == "message" and value.get("stop_reason") is not None
        )
        if usage := object_in(message, "usage"):
            # The last one leaves out some of what the first one said.
            self._said |= {name: said for name, said in usage.items() if said is not None}
            self._count_messages(self._said)

    def _count_messages(self, usage: Json) -> None:
        self._is_dearer |= usage.get("speed") in _DEARER
        parts = object_in(usage, "cache_creation")
        for_an_hour = number_in(parts, "ephemeral_1h_input_tokens")
        minutes = number_in(parts, "ephemeral_5m_input_tokens")
        written = number_in(usage, "cache_creation_input_tokens")
        self._write(written, for_an_hour if for_an_hour + minutes == written else None)
        self.cached_tokens = number_in(usage, "cache_read_input_tokens")
        told = count_in(usage, "input_tokens")
        self.input_tokens = None if told is None else told + self.cached_tokens + written
        self._output = count_in(usage, "output_tokens")

    def _gemini(self, value: Json) -> None:
        self._name(value.get("modelVersion"))
        for candidate in objects_in(value, "candidates"):
            self._characters += length_of(candidate.get("content"))
            self._ended |= candidate.get("finishReason") is not None
        self._ended |= bool(object_in(value, "promptFeedback").get("blockReason"))
        if usage := object_in(value, "usageMetadata"):
            told = count_in(usage, "promptTokenCount")
            answered = count_in({"candidatesTokenCount": 0, **usage}, "candidatesTokenCount")
            if told is not None:
                told += number_in(usage, "toolUsePromptTokenCount")
            if answered is not None:
                answered += number_in(usage, "thoughtsTokenCount")
            self.input_tokens, self._output = told, answered
            self.cached_tokens = min(number_in(usage, "cachedContentTokenCount"), told or 0)

    def _name(self, model: object) -> None:
        if isinstance(model, str) and model:
            self.model = as_name(model)


class Passing:
    """Counts an answer's bytes as they pass; says which of them the client gets."""

    def __init__(self, count: Count, *, is_events: bool, hide_usage: bool) -> None:
        self._count = count
        self._is_events = is_events
        self._hide_usage = hide_usage and is_events
        self._rest = bytearray()
        self._searched = 0  # so far there is no end of an event in it
        self._lost = False  # more than is held: it passes, and is not counted
        self.has_begun = False  # as an answer
        self.is_done = False  # the stream said so
        self.wrong = False  # it is no answer, from its beginning on, or an error
        self.error = ""  # which one

    def through(self, data: bytes) -> bytes:
        """Take the next bytes in; return what goes on to the client now."""
        if self._lost:
            return data
        self._rest += data
        events = self._take_events() if self._is_events else b""
        if len(self._rest) > _MAX_HELD_BYTES:
            events, self._lost = events + bytes(self._rest), True
            self._rest.clear()
        return events if self._hide_usage else data

    def end(self) -> bytes:
        """Take in what is left; return what the client did not get yet."""
        rest = bytes(self._rest)
        self._judge(rest)
        return rest if self._hide_usage else b""

    def _take_events(self) -> bytes:
        """Count the events that are whole, and return them without those only ours to see."""
        end = 0
        for found in _EVENT_END.finditer(self._rest, self._searched):
            end = found.end()
        # An end may be half there.
        self._searched = max(len(self._rest) - end - 3, 0)
        whole = bytes(self._rest[:end])
        del self._rest[:end]
        passing, start = [], 0
        for found in _EVENT_END.finditer(whole):
            event, start = whole[start : found.end()], found.end()
            if self.has_begun and not _TELLS.search(event):
                self._count.later(event)
            elif self._judge(event) and self._hide_usage:
                continue
            passing.append(event)
        return b"".join(passing)

    def _judge(self, event: bytes) -> bool:
        """Count what an event or a document holds; say whether it is nothing but the count."""
        data = data_of(event) if self._is_events else event
        if self._is_events and data.strip() in {b"", b"[DONE]"}:
            self.is_done |= bool(data.strip())
            return False
        value = json_of(data)
        parts = value if isinstance(value, list) and value else [value]
        for part in parts:
            self._count.read(part)
            self.error = self.error or _error_in(part)
        is_answer = all(isinstance(part, dict) for part in parts)
        if not is_answer and not self._is_events:
            self._count.guess(len(data))
        if not is_answer or self.error:
            self.wrong |= not self.has_begun
        self.has_begun |= not self.wrong
        return _is_only_usage(value)


def _is_only_usage(value: object) -> bool:
    return isinstance(value, dict) and value.get("choices") == [] and bool(value.get("usage"))


def _error_in(part: object) -> str:
    """Return an answer that is an error, or in the middle of a stream becomes one."""
    if not isinstance(part, dict):
        return ""
    inner = object_in(part, "response") or part
    if inner.get("error") or part.get("type") == "error":
        return json.dumps(part)
    return ""
