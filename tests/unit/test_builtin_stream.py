"""Answers are put together the same however an endpoint sends them and the network cuts them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.engines.builtin.inputs import declarations
from bot.adapters.engines.builtin.stream import (
    Answer,
    AnswerError,
    Assembler,
    BadAnswer,
    event_data,
)
from bot.adapters.recorded_model import RecordedCall, RecordedTurn, chunks, event

TURN = RecordedTurn(
    text="Ich prüfe das – 好的 🙂",
    calls=(
        RecordedCall(name="read_file", arguments={"path": "ä/b.py"}),
        RecordedCall(name="run", arguments={"command": "echo 'x\ny'"}),
    ),
    input_tokens=120,
    cached_tokens=20,
    output_tokens=9,
)


def assembled(pieces: list[bytes]) -> Answer:
    assembler = Assembler()
    for data in event_data(pieces):
        assembler.add(data)
    assert assembler.complete
    return assembler.answer()


@given(st.lists(st.integers(0, 2_000)), st.booleans())
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int], crlf: bool) -> None:
    data = b": ping\n\n" + b"".join(
        b"data:" + json.dumps(one, ensure_ascii=False).encode() + b"\n\n"
        for one in chunks(TURN, 0, "m")
    )
    data = data.replace(b"\n", b"\r\n") if crlf else data
    ends = sorted({cut for cut in cuts if cut < len(data)} | {len(data)})
    pieces = [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    answer = assembled(pieces)
    assert answer.text == TURN.text
    assert [json.loads(one.arguments) for one in answer.tool_calls] == [
        dict(one.arguments) for one in TURN.calls
    ]
    assert (answer.input_tokens, answer.cached_tokens, answer.output_tokens) == (120, 20, 9)


def pieces_of(*calls: dict[str, object]) -> list[bytes]:
    """A stream in which each event carries one piece of a tool call."""
    deltas = [{"choices": [{"delta": {"tool_calls": [one]}}]} for one in calls]
    return [event(one) for one in [*deltas, {"choices": [{"finish_reason": "tool_calls"}]}]]


def piece(name: str | None, arguments: object, **more: object) -> dict[str, object]:
    return {"function": {"name": name, "arguments": arguments}, **more}


TWO = [("a", '{"x":1}'), ("b", '{"y":2}')]
WAYS = {
    "by index, in pieces": [
        piece("a", '{"x"', index=0, id="1"),
        piece("b", '{"y"', index=1, id="2"),
        piece(None, ":1}", index=0),
        piece(None, ":2}", index=1),
    ],
    "every call numbered 0, with ids": [
        piece("a", '{"x":1}', index=0, id="1"),
        piece("b", '{"y":2}', index=0, id="2"),
    ],
    "no index at all": [piece("a", '{"x":1}', id="1"), piece("b", '{"y":2}', id="2")],
    "no index and no ids": [piece("a", '{"x":1}'), piece("b", '{"y":2}')],
    "id and name in every piece": [
        piece("a", '{"x"', index=0, id="1"),
        piece("a", ":1}", index=0, id="1"),
        piece("b", '{"y":2}', index=1, id="2"),
    ],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_two_calls_stay_two_however_they_are_numbered(way: list[dict[str, object]]) -> None:
    answer = assembled(pieces_of(*way))
    assert [(one.name, one.arguments) for one in answer.tool_calls] == TWO
    assert len({one.id for one in answer.tool_calls}) == 2


def test_arguments_may_come_as_an_object() -> None:
    [one] = assembled(pieces_of(piece("a", {"x": 1}, index=0))).tool_calls
    assert json.loads(one.arguments) == {"x": 1}


def test_half_a_character_becomes_a_mark_that_can_be_stored() -> None:
    data = '{"choices": [{"delta": {"content": "a\\ud83d"}, "finish_reason": "stop"}]}'
    assembler = Assembler()
    assembler.add(data)
    assert assembler.answer().text == "a\N{REPLACEMENT CHARACTER}"


def test_token_counts_that_are_none_are_not_believed() -> None:
    data = {"choices": [], "usage": {"prompt_tokens": -5, "completion_tokens": "many"}}
    assembler = Assembler()
    assembler.add(json.dumps(data))
    assert (assembler.answer().input_tokens, assembler.answer().output_tokens) == (None, None)


@pytest.mark.parametrize("data", ["{", "[]", "null", '{"choices": 5}', "[" * 100_000])
def test_what_is_no_answer_is_called_that(data: str) -> None:
    with pytest.raises(BadAnswer):
        Assembler().add(data)


def test_an_error_object_in_a_stream_is_not_an_answer() -> None:
    with pytest.raises(AnswerError):
        Assembler().add('{"error": {"message": "no"}}')


def test_every_tool_is_described_without_what_simple_parsers_choke_on() -> None:
    text = json.dumps(declarations())
    for word in ("$ref", "$defs", "anyOf", "additionalProperties", '"title"', "null"):
        assert word not in text
    names = [one["function"]["name"] for one in declarations()]  # type: ignore[index]
    assert len(set(names)) == len(names) == 9
