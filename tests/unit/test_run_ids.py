"""Every run of an issue gets an id of its own, whatever else has one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.base import RunId
from bot.core.github.run_ids import issue_of, next_run, runs_of


@pytest.mark.parametrize(
    ("taken", "run"),
    [
        ([], "42"),
        (["42"], "42-2"),
        (["42", "42-2", "42-10"], "42-11"),
        (["42-3"], "42-4"),
        (["4", "421", "142-2", "k3x9", "42-x", "42-1", "42-02"], "42"),
    ],
    ids=["the first", "the second", "by number", "a gap is not filled", "others do not count"],
)
def test_the_next_run_comes_after_the_last(taken, run):
    assert next_run(42, taken) == run


@given(st.integers(1, 10**9), st.integers(1, 12))
def test_runs_stay_in_order_and_know_their_issue(issue, many):
    runs: list[RunId] = []
    for _ in range(many):
        runs.append(next_run(issue, runs))
    assert runs_of(issue, reversed(runs)) == tuple(runs)
    assert {issue_of(run) for run in runs} == {issue}


@pytest.mark.parametrize("run", ["k3x9", "0", "042", "42-", "42-1", "٤٢", "42\n", "4" * 40])
def test_a_run_of_a_laptop_has_no_issue(run):
    assert issue_of(run) is None
