"""What a model may say in a plan, and what stays ours."""

from __future__ import annotations

import pytest

from bot.core.plan import Criterion, Plan, read_plan
from bot.core.planning.adopt import MOST_MINUTES, adopted, refused


def plan(text: str, **more: object) -> Plan:
    found = read_plan(f"version: 1\ntask: t\nworkstreams: [{text}]\n")
    assert isinstance(found, Plan)
    return Plan(**{name: getattr(found, name) for name in Plan.model_fields} | more)


@pytest.mark.parametrize(
    ("stream", "protected", "said"),
    [
        ("{id: a, goal: g, files: [src/**]}", (), ""),
        ("{id: a, goal: g, files: ['**']}", (), ""),
        ("{id: a, goal: g, engine: claude}", (), "names its engine"),
        ("{id: a, goal: g, run: [ls]}", (), "commands"),
        ("{id: a, goal: g, files: [.github/**]}", (), "protected files: .github/**"),
        ("{id: a, goal: g, files: ['./agents/roles/builder.md']}", (), "protected"),
        ("{id: a, goal: g, shares: ['**/CODEOWNERS'], files: [a]}", (), "protected"),
        ("{id: a, goal: g, files: [deploy/prod.yml]}", ("deploy/",), "protected"),
        ("{id: a, goal: g, files: [deploy/prod.yml], approval: true}", ("deploy/",), "protected"),
    ],
)
def test_what_is_refused(stream: str, protected: tuple[str, ...], said: str) -> None:
    found = refused(plan(stream), protected)
    assert said in found
    assert bool(found) is bool(said)


def test_task_class_gates_and_limits_are_those_of_our_own_plan() -> None:
    frame = plan("{id: x, goal: g}", task="the task", complexity="critical")
    theirs = plan("{id: a, goal: g}", gates={"review_min": 0}, limits={"budget_usd": 9})
    found, notes = adopted(theirs, frame)
    assert found == Plan(**{n: getattr(frame, n) for n in Plan.model_fields} | {
        "workstreams": theirs.workstreams})  # fmt: skip
    assert notes == ("the model's gates are not taken", "the model's limits are not taken")


def test_no_command_no_money_and_no_endless_time_comes_from_a_model() -> None:
    stream = "{id: a, goal: g, budget_usd: 5, timeout_minutes: 300, acceptance: [{run: sh x}]}"
    found, notes = adopted(plan(stream), plan("{id: x, goal: g}"))
    [workstream] = found.workstreams
    assert (workstream.budget_usd, workstream.timeout_minutes) == (0, MOST_MINUTES)
    assert workstream.acceptance == (Criterion(text="This command exits with 0: sh x"),)
    assert notes == ("1 commands among the model's criteria are words now",)
