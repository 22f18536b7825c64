"""Texts share a room fairly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.cutting import LEAST, cut_to_fit


def test_a_long_text_leaves_the_short_ones_whole_and_is_cut_at_a_line() -> None:
    long = "line of it\n" * 1_000
    kept = cut_to_fit([long, "short\n", "also short\n"], 2_000)
    assert kept[1:] == ("short\n", "also short\n")
    assert long.startswith(kept[0])
    assert kept[0].endswith("\n")
    assert 1_900 < sum(map(len, kept)) <= 2_000


def test_two_long_texts_get_as_much_as_each_other() -> None:
    first, second = cut_to_fit(["a\n" * 5_000, "b\n" * 50_000], 2_000)
    assert (len(first), len(second)) == (1_000, 1_000)


def test_where_there_are_too_many_some_get_a_readable_piece_and_others_none() -> None:
    kept = cut_to_fit(["x\n" * 500] * 100, 2_000)
    assert {len(text) for text in kept} == {LEAST, 0}


@given(st.lists(st.text(st.sampled_from("ab\n"), max_size=900)), st.integers(0, 3_000))
def test_all_together_never_take_more_than_the_room(texts: list[str], room: int) -> None:
    kept = cut_to_fit(texts, room)
    assert sum(map(len, kept)) <= room
    assert all(text.startswith(part) for text, part in zip(texts, kept, strict=True))
