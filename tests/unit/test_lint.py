"""What the plan linter mends, what it only reports, and what it never does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.graph import find_cycle, upstream
from bot.core.plan import Complexity, Kind, Plan, Workstream, collide
from bot.core.planning.lint import Author, lint
from bot.core.planning.ownership import excluded

PERSON, BOT = Author.PERSON, Author.BOT


def plan(*streams, complexity="standard"):
    return Plan(task="do it", complexity=complexity, workstreams=[stream(s) for s in streams])


def stream(fields):
    return Workstream.model_validate({"goal": f"do {fields['id']} part"} | fields)


def linted(*streams, by=BOT, files=(), complexity="standard"):
    return lint(plan(*streams, complexity=complexity), files, written_by=by)


def said(result):
    return "\n".join(map(str, result.notes))


CODE = {"files": ["src/a.py"], "kind": "implementation"}
REVIEW = {"id": "zz-review", "kind": "review"}


@pytest.mark.parametrize("by", [PERSON, BOT])
def test_two_that_own_one_file_run_after_each_other_smaller_id_first(by):
    result = linted(
        {"id": "two", "files": ["src/**"]}, {"id": "one", "files": ["src/new.py"]}, REVIEW, by=by
    )
    assert result.plan["two"].waits_for == ("one",)
    assert "'two' now needs 'one'" in said(result)


def test_an_order_that_is_there_is_kept_although_the_larger_id_is_first():
    result = linted(
        {"id": "one", "files": ["src/**"], "needs": ["two"]}, {"id": "two", "files": ["src/a.py"]}
    )
    assert result.plan.needs["one"] == ("two",)
    assert result.plan.needs["two"] == ()


def test_excluded_pairs_and_shared_files_are_the_plans_own_word():
    result = linted(
        {"id": "a", "files": ["x.py"], "shares": ["CHANGELOG.md"]},
        {
            "id": "b",
            "files": ["x.py"],
            "shares": ["CHANGELOG.md"],
            "needs": [{"id": "a", "type": "exclude"}],
        },
        {"id": "c", "files": ["src/c.py"], "shares": ["CHANGELOG.md"]},
        by=PERSON,
    )
    assert all(not w.waits_for for w in result.plan.workstreams)


def test_many_that_own_all_form_one_line_without_needless_edges():
    result = linted(*({"id": f"w{n}"} for n in range(9)), by=PERSON)
    assert sum(len(w.needs) for w in result.plan.workstreams) == 8
    assert all(w.files == ("**",) for w in result.plan.workstreams)


def test_one_workstream_that_names_no_files_owns_all_and_nobody_is_bothered():
    result = linted({"id": "all"}, by=PERSON, complexity="simple")
    assert result.plan["all"].files == ("**",)
    assert result.notes == ()


def test_who_changes_nothing_owns_nothing():
    result = linted({"id": "look", "kind": "check"}, {"id": "see", "kind": "check"}, by=PERSON)
    assert result.plan["look"].files == ()
    assert all(not w.needs for w in result.plan.workstreams)


def test_code_without_quality_gains_a_review_of_all_in_a_plan_of_ours():
    result = linted({"id": "a", **CODE}, {"id": "b", "files": ["b.py"]})
    review = result.plan["review"]
    assert review.kind is Kind.REVIEW
    assert review.waits_for == ("a", "b")


def test_code_without_quality_is_reported_in_a_persons_plan():
    result = linted({"id": "a", **CODE}, {"id": "b", "files": ["b.py"]}, by=PERSON)
    assert len(result.plan.workstreams) == 2
    assert "no workstream reviews" in said(result)


def test_a_simple_task_has_the_gates_alone():
    assert linted({"id": "a", **CODE}, complexity="simple").notes == ()


def test_a_full_plan_without_quality_is_reported_and_not_made_too_large():
    result = linted(*({"id": f"w{n}", "files": [f"src/{n}.py"]} for n in range(256)))
    assert len(result.plan.workstreams) == 256
    assert "no workstream reviews" in said(result)


CHAIN = (
    {"id": "a", "files": ["a/**"]},
    {"id": "b", "files": ["b/**"], "needs": ["a"]},
    {"id": "c", "files": ["c/**"], "needs": ["b"]},
    {**REVIEW, "needs": ["c"]},
)


def test_a_serial_plan_of_ours_is_planned_again_and_the_review_still_sees_all():
    result = linted(*CHAIN)
    assert [result.plan.needs[n] for n in "abc"] == [(), (), ()]
    assert set(result.plan.needs["zz-review"]) == {"a", "b", "c"}
    assert "serial" in said(result)


def test_a_serial_plan_of_a_persons_is_reported_and_stays():
    result = linted(*CHAIN, by=PERSON)
    assert result.plan == plan(*CHAIN)
    assert "serial" in said(result)


REASONS = {
    "both own a file": ({"files": ["x/**"]}, {"files": ["x/a.py"]}),
    "the later one reads what the earlier one writes": (
        {"files": ["docs/api.md"]},
        {"files": ["src/**"], "artifacts": ["docs/api.md"]},
    ),
    "the text names the earlier one": (
        {"files": ["a/**"]},
        {"files": ["b/**"], "goal": "Build on first"},
    ),
    "the text speaks of an order": (
        {"files": ["a/**"]},
        {"files": ["b/**"], "goal": "Once the types are there, use them"},
    ),
    "research comes before what uses it": (
        {"kind": "research"},
        {"files": ["b/**"]},
    ),
    "a person's approval lies between": ({"files": ["a/**"]}, {"files": ["b"], "approval": True}),
    "the later one's commands use the earlier one's files": (
        {"files": ["tools/gen.py"]},
        {"files": ["b/**"], "run": ["python tools/gen.py"]},
    ),
    "tests that must pass need the code": (
        {"files": ["a/**"]},
        {"kind": "tests", "files": ["tests/**"], "acceptance": [{"run": "pytest -q"}]},
    ),
}


@pytest.mark.parametrize(("early", "late"), REASONS.values(), ids=REASONS.keys())
def test_an_order_with_a_reason_is_kept(early, late):
    result = linted({"id": "first", **early}, {"id": "second", **late, "needs": ["first"]}, REVIEW)
    assert result.plan.needs["second"] == ("first",)


def test_an_order_that_went_over_a_needless_edge_is_kept_directly():
    result = linted(
        {"id": "a", "files": ["a/**"]},
        {"id": "b", "files": ["b/**"], "needs": ["a"]},
        {"id": "c", "files": ["c/**"], "needs": ["b"], "artifacts": ["a/types.py"]},
        REVIEW,
    )
    assert result.plan.needs["c"] == ("a",)


def test_one_workstream_in_disguise_is_merged_in_a_plan_of_ours():
    steps = [
        {"id": "s1", "files": ["src/a.py"], "goal": "first"},
        {"id": "s2", "files": ["src/a.py"], "goal": "second", "needs": ["s1"]},
        {**REVIEW, "needs": ["s2"]},
    ]
    result = linted(*steps)
    assert [w.id for w in result.plan.workstreams] == ["s1", "zz-review"]
    assert result.plan["s1"].goal == "1. first\n2. second"
    assert result.plan.needs["zz-review"] == ("s1",)
    reported = linted(*steps, by=PERSON)
    assert len(reported.plan.workstreams) == 3
    assert "in disguise" in said(reported)


def test_a_fix_after_a_review_of_the_same_file_is_no_disguise():
    result = linted(
        {"id": "make", "files": ["a.py"]},
        {"id": "look", "kind": "review", "needs": ["make"]},
        {"id": "mend", "kind": "fix", "files": ["a.py"], "needs": ["look"]},
    )
    assert len(result.plan.workstreams) == 3


def test_steps_that_differ_in_who_must_agree_are_never_merged():
    result = linted(
        {"id": "a", "files": ["a.py"]},
        {"id": "b", "files": ["a.py"], "needs": ["a"], "approval": True},
        REVIEW,
    )
    assert result.plan["b"].approval
    assert not result.plan["a"].approval


owned_patterns = st.sampled_from(
    ["src/**", "src/a.py", "src/b.py", "docs/**", "*.md", "./README.md", "tests/**", "!src/a.py"]
)
kinds = st.sampled_from(["implementation", "tests", "docs", "review", "fix", "research"])
goals = st.sampled_from(["do it", "after that, go on", "use w1"])


@st.composite
def plans(draw):
    """Random plans whose needs point at earlier workstreams, written in any order."""
    count = draw(st.integers(1, 7))
    names = [f"w{n}" for n in draw(st.permutations(range(count)))]
    streams = []
    for at, name in enumerate(names):
        before = draw(st.sets(st.sampled_from(names[:at]), max_size=3)) if at else set()
        types = st.sampled_from(["finish", "finish", "finish", "stack", "exclude"])
        needs = [{"id": need, "type": draw(types)} for need in sorted(before)]
        files = draw(st.lists(owned_patterns, max_size=2, unique=True))
        shares = draw(st.lists(st.just("CHANGELOG.md"), max_size=1))
        fields = {"kind": draw(kinds), "goal": draw(goals), "files": files, "shares": shares}
        streams.append({"id": name, "needs": needs, **fields})
    streams = draw(st.permutations(streams))
    return plan(*streams, complexity=draw(st.sampled_from([*Complexity])))


FILES = ("src/a.py", "src/b.py", "docs/x.md", "README.md", "tests/test_a.py")


def unordered(result):
    streams = result.workstreams
    needs = result.needs
    for at, a in enumerate(streams):
        for b in streams[at + 1 :]:
            if a.id not in upstream(needs, [b.id]) and b.id not in upstream(needs, [a.id]):
                yield a, b


@settings(max_examples=150, deadline=None)
@given(plans(), st.sampled_from(Author))
def test_no_two_that_may_run_together_own_one_file(before, by):
    after = lint(before, FILES, written_by=by).plan
    assert not find_cycle(after.needs)
    for a, b in unordered(after):
        on_purpose = any(n.id in {a.id, b.id} for w in (a, b) for n in w.needs)
        assert on_purpose or not collide(a, b)


@settings(max_examples=150, deadline=None)
@given(plans(), st.sampled_from(Author))
def test_linting_twice_changes_nothing_more(before, by):
    once = lint(before, FILES, written_by=by).plan
    assert lint(once, FILES, written_by=by).plan == once


@settings(max_examples=150, deadline=None)
@given(plans())
def test_a_persons_plan_keeps_its_workstreams_and_only_gains_edges(before):
    after = lint(before, FILES, written_by=PERSON).plan
    for old, new in zip(before.workstreams, after.workstreams, strict=True):
        assert set(old.needs) <= set(new.needs)
        changed = {n for n in type(old).model_fields if getattr(old, n) != getattr(new, n)}
        assert changed <= ({"needs"} if old.files else {"needs", "files"})


@settings(max_examples=100, deadline=None)
@given(plans())
def test_every_order_that_has_a_reason_survives_in_a_plan_of_ours(before):
    after = lint(before, FILES, written_by=BOT).plan
    present = after.by_id
    for late in before.workstreams:
        for early in upstream(before.needs, [late.id]):
            # An exclude need keeps two apart in whatever order; it is none itself.
            overlap = collide(before[early], late) and not excluded(before[early], late)
            if overlap and early in present and late.id in present:
                assert early in upstream(after.needs, [late.id])
