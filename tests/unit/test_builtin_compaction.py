"""A conversation that is made to fit stays a conversation, and keeps what it is about."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.engines.builtin.compaction import KEPT_TURNS, compacted
from bot.adapters.engines.builtin.messages import Message, ToolCall, mended, on_the_wire, tokens_in

HEAD = (
    Message(role="system", content="You are a builder."),
    Message(role="user", content="Mend add."),
)


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    if draw(st.booleans()) and draw(st.booleans()):
        return (Message(role="user", content="again " * draw(st.integers(1, 50))),)
    count = draw(st.integers(0, 3))
    calls = tuple(ToolCall(id=f"c{n}", name="read_file", arguments="{}") for n in range(count))
    said = Message(role="assistant", content="I look." * draw(st.integers(0, 9)), tool_calls=calls)
    results = tuple(
        Message(
            role="tool",
            tool_call_id=one.id,
            content="x" * draw(st.sampled_from([5, 400, 20_000])),
            stub="[read_file src/a.py: 312 lines, dropped]",
        )
        for one in calls
    )
    return (said, *results)


def is_whole(messages: tuple[Message, ...]) -> bool:
    """Whether every call is followed by its results, and no result stands alone."""
    return mended(messages) == messages


@given(st.lists(turns(), max_size=30), st.integers(0, 40_000))
def test_pairs_stay_together_and_it_fits_or_nothing_is_left_to_drop(
    made: list[tuple[Message, ...]], budget: int
) -> None:
    messages = HEAD + tuple(message for turn in made for message in turn)
    shorter = compacted(messages, budget)
    assert shorter[:2] == HEAD
    assert is_whole(shorter)
    if made:
        assert shorter[-len(made[-1]) :] == made[-1]
    if tokens_in(messages) <= budget:
        assert shorter == messages
    if tokens_in(shorter) > budget:
        assert sum(message.role != "tool" for message in shorter[2:]) <= 2


@given(st.lists(turns(), min_size=KEPT_TURNS, max_size=30))
def test_the_last_six_turns_are_kept_where_there_is_room(made: list[tuple[Message, ...]]) -> None:
    last = tuple(message for turn in made[-KEPT_TURNS:] for message in turn)
    messages = HEAD + tuple(message for turn in made for message in turn)
    room_for_a_summary = 40 * 200 // 4 + 100
    shorter = compacted(messages, tokens_in(HEAD + last) + room_for_a_summary)
    assert shorter[-len(last) :] == last


def a_read(number: int, size: int) -> tuple[Message, ...]:
    call = ToolCall(id="c", name="read_file", arguments=f'{{"path": "{number}.py"}}')
    stub = f"[read_file {number}.py: 9 lines, dropped]"
    result = Message(role="tool", tool_call_id="c", content="x" * size, stub=stub)
    return (Message(role="assistant", tool_calls=(call,)), result)


def test_the_oldest_results_go_first_and_only_as_many_as_must() -> None:
    messages = HEAD + tuple(one for n in range(10) for one in a_read(n, 4_000))
    shorter = compacted(messages, tokens_in(messages) - 1_500)
    contents = [one.content for one in shorter if one.role == "tool"]
    assert contents[:2] == [
        "[read_file 0.py: 9 lines, dropped]",
        "[read_file 1.py: 9 lines, dropped]",
    ]
    assert contents[2:] == ["x" * 4_000] * 8


def test_what_was_done_survives_shortening_twice() -> None:
    messages = HEAD + tuple(one for n in range(20) for one in a_read(n, 400))
    once = compacted(messages, 900)
    twice = compacted((*once, *(one for n in range(20, 30) for one in a_read(n, 400))), 1_000)
    text = "\n".join(one.content for one in twice)
    assert all(f"read_file {n}.py" in text for n in range(24))
    assert text.count("Earlier steps") == 1


def test_a_call_that_was_cut_off_gets_a_result_that_says_so() -> None:
    call, result = a_read(1, 10)
    stray = result.model_copy(update={"tool_call_id": "other"})
    whole = mended([*HEAD, call, stray, HEAD[1]])
    assert [one.role for one in whole] == ["system", "user", "assistant", "tool", "user"]
    assert "not known" in whole[3].content


def test_over_the_wire_users_and_model_take_turns_and_arguments_are_json() -> None:
    broken = ToolCall(id="c", name="run", arguments='{"command": "ls')
    wire = on_the_wire([*HEAD, HEAD[1], Message(role="assistant", tool_calls=(broken,))])
    assert [one["role"] for one in wire] == ["system", "user", "assistant"]
    assert wire[1]["content"] == "Mend add.\n\nMend add."
    assert "not_json" in str(wire[2]["tool_calls"])
