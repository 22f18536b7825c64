"""Makes a conversation fit: old tool results become one line, then old turns a list of deeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.adapters.engines.builtin.messages import Message, tokens_in

KEPT_TURNS = 6
_SUMMARY = "Earlier steps, shortened by the program to save room. What was done, in order:"
_SUMMARY_LINES = 40
_LINE = 160
_TOLD = 500


@dataclass(frozen=True)
class _Parts:
    """A conversation as compaction sees it: what is never touched, and turns, oldest first.

    A turn is a message of the user or of the model together with the results of all its calls,
    so that whatever is done to turns, a call and its result stay together.
    """

    head: tuple[Message, ...]
    turns: tuple[tuple[Message, ...], ...]

    def flat(self) -> tuple[Message, ...]:
        return self.head + tuple(message for turn in self.turns for message in turn)


def compacted(messages: Sequence[Message], budget_tokens: int) -> tuple[Message, ...]:
    """Return the conversation in at most `budget_tokens` (estimated), or as near as it can.

    System and first prompt stay as they are; so do the last six turns, or, where those alone are
    too much, the last three or at least the last one.
    """
    parts = _split(messages)
    for keep in (KEPT_TURNS, KEPT_TURNS // 2, 1):
        parts = _without_old_results(parts, keep, budget_tokens)
        if tokens_in(parts.flat()) <= budget_tokens:
            break
        parts = _summarised(parts, keep)
        if tokens_in(parts.flat()) <= budget_tokens:
            break
    return parts.flat()


def _split(messages: Sequence[Message]) -> _Parts:
    first = next((n for n, message in enumerate(messages) if message.role == "user"), -1)
    turns: list[tuple[Message, ...]] = []
    for message in messages[first + 1 :]:
        if message.role == "tool" and turns:
            turns[-1] += (message,)
        else:
            turns.append((message,))
    return _Parts(tuple(messages[: first + 1]), tuple(turns))


def _without_old_results(parts: _Parts, keep: int, budget_tokens: int) -> _Parts:
    """Replace tool results by their stubs, oldest first, until it fits."""
    turns = list(parts.turns)
    size = tokens_in(parts.flat())
    for number, turn in enumerate(turns[: max(0, len(turns) - keep)]):
        if size <= budget_tokens:
            break
        turns[number] = tuple(_stubbed(message) for message in turn)
        size += tokens_in(turns[number]) - tokens_in(turn)
    return replace(parts, turns=tuple(turns))


def _stubbed(message: Message) -> Message:
    if message.role != "tool" or len(message.content) <= len(message.stub):
        return message
    return message.model_copy(update={"content": message.stub or message.content[:_LINE]})


def _summarised(parts: _Parts, keep: int) -> _Parts:
    """Replace all but the last turns by one message that lists what was done in them."""
    old, recent = parts.turns[:-keep], parts.turns[-keep:]
    if not old:
        return parts
    lines = [line for turn in old for line in _deeds(turn)]
    dropped = len(lines) - _SUMMARY_LINES
    if dropped > 0:
        lines = [f"- ({dropped} older lines dropped)", *lines[-_SUMMARY_LINES:]]
    summary = Message(role="user", content="\n".join([_SUMMARY, *lines]))
    return replace(parts, turns=((summary,), *recent))


def _deeds(turn: tuple[Message, ...]) -> Iterator[str]:
    first, results = turn[0], turn[1:]
    if first.role == "user":
        if first.content.startswith(_SUMMARY):
            yield from first.content.splitlines()[1:]
        else:
            yield f"- you were told: {_one_line(first.content, _TOLD)}"
        return
    if first.content.strip():
        yield f"- you said: {_one_line(first.content, _LINE)}"
    for message in results:
        yield f"- {_one_line(message.stub or message.content, _LINE)}"


def _one_line(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
