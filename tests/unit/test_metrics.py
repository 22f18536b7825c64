"""A run's figures, against examples worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.events import Policy
from bot.core.gates import GateName
from bot.core.metrics import Cost, Metrics, measure
from tests.support.builders import (
    accepted,
    asked,
    finished,
    gate,
    granted,
    integrated,
    iteration,
    ladder,
    plan,
    proposed,
    requested,
    run_of,
    started,
    tier,
    usage,
    worked,
    workstream,
)

TWO = plan(workstream("a"), workstream("b"))
CHAIN = plan(workstream("a"), workstream("b", needs=["a"]))


def test_a_run_in_which_nothing_ran_has_no_rate_and_no_ratio():
    assert measure((), None, 8) == Metrics()


def test_two_that_overlap_by_half():
    # a: 0-60, b: 30-90. 120 agent-seconds, 60 of them (2 x 30 s) together, in 90 s.
    got = measure(run_of(TWO, worked("a", 0, 60), worked("b", 30, 90)), TWO, 8)
    assert (got.agent_seconds, got.wall_seconds) == (120, 90)
    assert got.parallelization_rate == 0.5
    assert got.agent_utilization == pytest.approx(120 / (90 * 2))
    assert got.makespan_ratio == 1.5  # 60 s would have been enough
    assert got.schedule_efficiency == pytest.approx(1 / 1.5)


def test_one_slot_makes_all_the_work_the_least_that_was_possible():
    got = measure(run_of(TWO, worked("a", 0, 60), worked("b", 60, 120)), TWO, 1)
    assert (got.makespan_ratio, got.agent_utilization) == (1.0, 1.0)
    assert got.parallelization_rate == 0.0


def test_a_chain_could_never_have_been_faster():
    got = measure(run_of(CHAIN, worked("a", 0, 60), worked("b", 70, 100)), CHAIN, 8)
    assert got.makespan_ratio == pytest.approx(100 / 90)
    assert got.agent_utilization == pytest.approx(90 / 100)  # of one slot: two could never run


def test_every_attempt_is_work_and_lies_on_the_way():
    events = run_of(
        plan(workstream("a")),
        started("a", 0),
        finished("a", 0, 20, status="failed"),
        started("a", 20, attempt=2),
        finished("a", 20, 50, attempt=2),
    )
    got = measure(events, plan(workstream("a")), 8)
    assert (got.agent_seconds, got.makespan_ratio) == (50, 1.0)


def test_an_event_delivered_twice_counts_once():
    events = run_of(TWO, worked("a", 0, 60), worked("b", 30, 90))
    assert measure((*events, *events), TWO, 8) == measure(events, TWO, 8)


def test_waiting_for_a_person_is_not_execution():
    events = run_of(
        CHAIN,
        worked("a", 0, 60),
        asked("May b start?", "workstream:b", 60, workstream="b"),
        granted(5_000, workstream="b"),
        worked("b", 5_010, 5_040),
    )
    got = measure(events, CHAIN, 8)
    assert (got.wall_seconds, got.makespan_ratio) == (90, 1.0)


def test_gates_at_work_are_not_execution_and_a_fix_comes_after_everything():
    events = run_of(
        TWO,
        worked("a", 0, 60),
        worked("b", 0, 40),
        integrated("a", "b", seconds=62),
        gate("tests", "failed", head="a+b", seconds=80),
        iteration(2, workstream("fix-2"), 80),
        worked("fix-2", 80, 100),
        integrated("a", "b", "fix-2", seconds=101, iteration=2),
    )
    got = measure(events, TWO, 8)
    assert (got.wall_seconds, got.makespan_ratio) == (80, 1.0)
    assert got.integration_seconds == 3  # 2 + 1


def test_gates_are_counted_in_the_first_iteration_only_where_they_ran():
    events = run_of(
        TWO,
        worked("a"),
        integrated("a"),
        gate("tests", "failed", head="a"),
        gate("coverage", "passed", head="a"),
        gate("docs", "not_run", head="a"),
        iteration(2, workstream("fix-2")),
        worked("fix-2", 80, 90),
        integrated("a", "fix-2", iteration=2),
        gate("tests", "passed", head="a+fix-2", iteration=2),
    )
    assert measure(events, TWO, 8).first_time_pass_rate == 0.5


@pytest.mark.parametrize(
    ("statuses", "coverage"),
    [
        pytest.param(("passed", "failed"), 1.0, id="a gate that failed has run"),
        pytest.param(("passed", "not_run"), 0.0, id="one that did not run is missing"),
        pytest.param(("passed",), 0.0, id="and so is one that said nothing"),
        pytest.param(("passed", "off"), 1.0, id="one that is off is not missing"),
        pytest.param(("off", "off"), None, id="where all are off there is nothing to cover"),
    ],
)
def test_gate_coverage(statuses, coverage):
    two_gates = Policy(gates=(GateName.TESTS, GateName.DOCS))
    said = [gate(n, s, head="a") for n, s in zip(("tests", "docs"), statuses, strict=False)]
    events = run_of(TWO, worked("a"), integrated("a"), *said, policy=two_gates)
    assert measure(events, TWO, 8).gate_coverage == coverage


def test_a_run_that_changed_nothing_has_no_gate_coverage():
    assert measure(run_of(TWO, worked("a")), TWO, 8).gate_coverage is None


def test_launch_ends_when_all_that_had_room_have_begun():
    three = plan(*(workstream(name) for name in "abc"))
    events = (
        requested(0),
        proposed(three, 4),
        accepted(three, 4),
        *worked("a", 5, 65),
        *worked("b", 6, 66),
        *worked("c", 66, 90),
    )
    got = measure(events, three, 2)
    assert (got.planning_seconds, got.launch_seconds) == (4, 2)


def test_two_that_exclude_each_other_do_not_launch_together():
    apart = plan(workstream("a"), workstream("b", needs=[{"id": "a", "type": "exclude"}]))
    got = measure(run_of(apart, worked("a", 1, 60), worked("b", 60, 90)), apart, 8)
    assert got.launch_seconds == 1


def test_costs_by_tier_provider_and_workstream():
    groq, o3 = tier("groq", usd="2.00"), tier("o3", usd="10.00")
    events = run_of(
        TWO,
        worked("a", usage=usage(1_000_000, 500_000)),
        started("b", 0, tier="groq", provider="groq-inc"),
        finished("b", 0, 60, tier="groq", usage=usage(50_000, 50_000, "0.20")),
        policy=Policy(ladder=ladder(tier(), groq, o3)),
    )
    got = measure(events, TWO, 8)
    spent = Cost(usd=Decimal("0.20"))
    assert got.cost_by_tier == {"groq": spent, "local": Cost()}
    assert got.cost_by_provider == {"groq-inc": spent, "local": Cost()}
    assert got.cost_by_workstream == {"a": Cost(), "b": spent}
    assert (got.first_paid_tier, got.first_paid_tier_usd) == ("groq", Decimal("3.20"))


def test_a_free_call_costs_nothing_even_where_its_tokens_were_not_counted():
    ours = Policy(ladder=ladder(tier()))
    events = run_of(TWO, worked("a", usage=usage(10, 10, known=False)), policy=ours)
    assert measure(events, TWO, 8).cost_by_tier == {"local": Cost(known=True)}


def test_a_cost_that_nobody_knows_stays_unknown_in_every_sum():
    paid = Policy(ladder=ladder(tier(usd="1.00")))
    events = run_of(
        TWO,
        worked("a", usage=usage(10, 10, "0.50")),
        worked("b", usage=usage(10, 10, known=False)),
        policy=paid,
    )
    assert measure(events, TWO, 8).cost_by_tier == {"local": Cost(usd=Decimal("0.50"), known=False)}


def test_without_a_paid_tier_there_is_nothing_to_compare_with():
    got = measure(run_of(TWO, worked("a"), policy=Policy(ladder=ladder(tier()))), TWO, 8)
    assert (got.first_paid_tier, got.first_paid_tier_usd) == (None, None)


@st.composite
def schedules(draw):
    """Draw a plan and let it run greedily on some slots."""
    size = draw(st.integers(1, 8))
    slots = draw(st.integers(1, 4))
    needs = [draw(st.sets(st.integers(0, at - 1))) if at else set() for at in range(size)]
    streams = [workstream(f"w{at}", needs=[f"w{n}" for n in needs[at]]) for at in range(size)]
    free = [0.0] * slots
    ends: list[float] = []
    events = []
    for at in range(size):
        slot = min(range(slots), key=free.__getitem__)
        begin = max([free[slot], *(ends[need] for need in needs[at])])
        ends.append(begin + draw(st.integers(0, 500)))
        free[slot] = ends[at]
        events.append(worked(f"w{at}", begin, ends[at]))
    whole = plan(*streams)
    return whole, run_of(whole, *sorted(events, key=lambda told: told[1].at)), slots


@given(schedules())
def test_no_schedule_beats_the_bound_and_no_rate_is_more_than_all(schedule):
    whole, events, slots = schedule
    got = measure(events, whole, slots)
    assert got.makespan_ratio is None or got.makespan_ratio >= 1 - 1e-9
    for rate in (got.parallelization_rate, got.agent_utilization, got.schedule_efficiency):
        assert rate is None or 0 <= rate <= 1 + 1e-9
