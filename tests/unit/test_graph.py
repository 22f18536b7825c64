"""Orders over what needs what, held against the plainest way to say the same."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.core.graph import find_cycle, longest_remaining, reverse, topological, upstream

names = st.sampled_from("abcdef")
graphs = st.dictionaries(names, st.sets(st.sampled_from("abcdefz")), min_size=1)


@st.composite
def acyclic(draw):
    """A graph whose needs point at letters before."""
    return {
        name: draw(st.sets(st.sampled_from("abcdef"[:at]))) if at else set()
        for at, name in enumerate("abcdef")
    }


def reaches(needs, start, goal):
    return goal in upstream({k: set(v) & needs.keys() for k, v in needs.items()}, [start])


@given(graphs)
def test_a_cycle_is_found_where_something_needs_itself_in_the_end(needs):
    cycle = find_cycle(needs)
    assert bool(cycle) == any(reaches(needs, name, name) for name in needs)
    if cycle:
        assert cycle[0] == cycle[-1]
        assert all(b in needs[a] for a, b in pairwise(cycle))


@given(acyclic())
def test_everything_comes_after_what_it_needs(needs):
    order = topological(needs)
    assert sorted(order) == sorted(needs)
    assert all(order.index(need) < order.index(name) for name in needs for need in needs[name])


def test_ties_go_by_the_key():
    needs = {"a": (), "b": (), "c": ("z",)}
    assert topological(needs) == ("a", "b", "c")
    assert topological(needs, key=lambda name: -ord(name)) == ("c", "b", "a")


def test_upstream_leaves_out_the_names_asked_for():
    needs = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    assert upstream(needs, ["c"]) == {"a", "b"}
    assert reverse(needs) == {"a": {"b"}, "b": {"c"}, "c": set(), "d": set()}


@given(acyclic(), st.dictionaries(names, st.integers(1, 9)))
def test_the_longest_way_is_ones_own_time_and_the_longest_that_follows(needs, seconds):
    longest = longest_remaining(needs, seconds)
    for name in needs:
        after = [longest[other] for other in needs if name in needs[other]]
        assert longest[name] == seconds.get(name, 0) + max(after, default=0)
