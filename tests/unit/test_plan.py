"""Plans that people write: every problem in one go, each with its line, its place and its fix."""

from __future__ import annotations

import pytest

from bot.core.plan import MAX_WORKSTREAMS, NeedType, Plan, Workstream, collide, read_plan


def plan_of(*streams, head="version: 1\ntask: do it\n"):
    return head + "workstreams:\n" + "".join(f"  - {{{s}}}\n" for s in streams)


def problems(text):
    found = read_plan(text)
    assert not isinstance(found, Plan)
    return found


def said(text):
    return "\n".join(f"{p} {p.fix}" for p in problems(text))


def test_what_is_left_out_follows_from_what_is_there():
    plan = read_plan(plan_of("id: a, kind: docs, goal: Write it", "id: b, goal: g, run: make"))
    assert plan["a"].role == "technical-writer"
    assert plan["a"].title == "Write it"
    assert plan["b"].engine == "shell"
    assert plan["b"].run == ("make",)


def test_order_follows_needs_and_then_the_writing():
    plan = read_plan(
        plan_of("id: c, goal: g, needs: [b]", "id: b, goal: g", "id: a, goal: g, needs: []")
    )
    assert plan.order == ("b", "c", "a")


def test_the_hash_names_the_content_and_not_the_layout():
    one = read_plan(plan_of("id: a, goal: g"))
    other = read_plan(plan_of("goal: g, id: a, kind: implementation"))
    changed = read_plan(plan_of("id: a, goal: h"))
    assert one.hash == other.hash
    assert one.hash != changed.hash


WRONG = {
    "an unknown key, with the nearest": ("id: a, goal: g, neds: []", "'needs'"),
    "a kind that there is not": ("id: a, goal: g, kind: test", "Did you mean 'tests'"),
    "an id with capitals": ("id: Build It, goal: g", "Did you mean 'build-it'"),
    "a reserved id": ("id: combined, goal: g", "reserved"),
    "an absolute path": ("id: a, goal: g, files: [/etc/passwd]", "from the top of the repository"),
    "a path that leaves the repository": ("id: a, goal: g, files: ['../x']", "without '..'"),
    "a path that leaves it backwards": ("id: a, goal: g, files: ['..\\x']", "without '..'"),
    "a pattern that means nothing": ("id: a, goal: g, files: ['src/[z-a].py']", "is no pattern"),
    "a pattern that ends in the middle": ("id: a, goal: g, shares: ['src/\\']", "is no pattern"),
    "an artifact outside": ("id: a, goal: g, artifacts: ['~/.ssh/id']", "absolute"),
    "commands for a model's engine": ("id: a, goal: g, engine: builtin, run: [ls]", "shell"),
    "a shell engine with nothing to do": ("id: a, goal: g, engine: shell", "Add run"),
    "a criterion that is two": ("id: a, goal: g, acceptance: [{run: x, text: y}]", "one of them"),
    "a need of nobody": ("id: a, goal: g, needs: [b]", "no workstream"),
    "a need of itself": ("id: a, goal: g, needs: [a]", "needs itself"),
    "a timeout of nothing": ("id: a, goal: g, timeout_minutes: 0", "greater than 0"),
    "not a number": ("id: a, goal: g, budget_usd: .nan", "finite"),
    "no goal": ("id: a", "'goal' is missing"),
}


@pytest.mark.parametrize(("stream", "expected"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_workstream_is_named_with_line_and_fix(stream, expected):
    assert expected in said(plan_of(stream))
    assert all(problem.line == 4 for problem in problems(plan_of(stream)))


def test_the_same_id_twice_names_both_places():
    assert "first in workstreams[0]" in said(plan_of("id: a, goal: g", "id: a, goal: g"))


def test_a_circle_is_spelled_out_with_the_edge_to_take_away():
    text = said(plan_of("id: a, goal: g, needs: [b]", "id: b, goal: g, needs: [a]"))
    assert "a -> b -> a" in text
    assert "Let 'a' not need 'b'" in text


def test_two_that_only_exclude_each_other_are_no_circle():
    plan = read_plan(
        plan_of(
            "id: a, goal: g, needs: [{id: b, type: exclude}]",
            "id: b, goal: g, needs: [{id: a, type: exclude}]",
        )
    )
    assert plan["a"].needs[0].type is NeedType.EXCLUDE
    assert plan["a"].waits_for == ()


def test_structure_is_judged_although_other_fields_are_wrong():
    text = said(
        plan_of(
            "id: Build, goal: g, needs: [tests, nope]",
            "id: tests, goal: g, needs: [docs]",
            "id: docs, kind: docz, goal: g, needs: [tests]",
            "7",
        ).replace("{7}", "7")
    )
    for expected in ("'Build' does not match", "'docz'", "'nope'", "tests -> docs -> tests"):
        assert expected in text
    assert "needs 'tests', which" not in text


def test_several_circles_are_all_named():
    text = said(
        plan_of(
            "id: a, goal: g, needs: [b]",
            "id: b, goal: g, needs: [a]",
            "id: c, goal: g, needs: [d]",
            "id: d, goal: g, needs: [c]",
        )
    )
    assert text.count("in a circle") == 2


def test_everybody_needing_everybody_is_refused():
    names = [f"w{n}" for n in range(MAX_WORKSTREAMS)]
    streams = [
        f"id: {name}, goal: g, needs: [{', '.join(n for n in names if n != name)}]"
        for name in names
    ]
    assert "in a circle" in said(plan_of(*streams))


def test_ten_thousand_workstreams_are_one_problem():
    found = problems(plan_of(*(f"id: w{n}, goal: g" for n in range(10_000))))
    assert [str(p) for p in found] == ["line 4: workstreams: 10,000 workstreams, of at most 256"]


NO_PLANS = ["", "[]", "just words", "7", "workstreams: 7\ntask: x", "task: x\nworkstreams: []"]


@pytest.mark.parametrize("text", NO_PLANS)
def test_what_is_no_plan_is_refused(text):
    assert problems(text)


def stream(**fields):
    return Workstream.model_validate({"goal": "g"} | fields)


COLLISIONS = {
    "the same file": ({"files": ["a.py"]}, {"files": ["a.py"]}, True),
    "one owns what the other shares": ({"files": ["a.md"]}, {"shares": ["a.md"]}, True),
    "both share it on purpose": ({"shares": ["a.md"]}, {"shares": ["a.md"]}, False),
    "different files": ({"files": ["src/a.py"]}, {"files": ["src/b.py"]}, False),
    "a need says so": ({}, {"needs": [{"id": "a", "type": "exclude"}]}, True),
}


@pytest.mark.parametrize(("a", "b", "expected"), COLLISIONS.values(), ids=COLLISIONS.keys())
def test_collide(a, b, expected):
    one, other = stream(id="a", **a), stream(id="b", **b)
    assert collide(one, other) is expected
    assert collide(other, one) is expected
