"""What an attempt came to, and whether an agent that stopped is sent back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.handoff import Claim, CompletionStatus, TodoItem, Unreadable, Verification
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Workstream
from bot.core.verdict import Evidence, LetGo, SendBack, Stop, after_stop, judge
from tests.support.builders import workstream

SRC = workstream("a", files=("src/**",))
SAYS = Claim(status="success", verification_result="12 passed")
GOOD = Evidence(OutcomeClass.DONE, "", changed=("src/app.py",), claim=SAYS)
OPEN = TodoItem(id=1, text="write the test")
FAILS = Verification(criterion="pytest -q", exit_code=1, passed=False)


def judged(evidence: Evidence, stream: Workstream = SRC, *protected: str) -> tuple[str, str]:
    found = judge(stream, evidence, protected)
    return found.status.value, found.error or ""


@pytest.mark.parametrize(
    ("known", "status", "error"),
    [
        pytest.param({}, "success", "", id="nothing speaks against it"),
        pytest.param(
            {"refused": "a symlink that leads out"},
            "refused",
            "a symlink that leads out",
            id="contents that a rule kept out",
        ),
        pytest.param(
            {"changed": ("src/app.py", "docs/x.md")},
            "refused",
            "it changed files that it does not own: docs/x.md",
            id="a file of somebody else's",
        ),
        pytest.param(
            {"questions": ("Which port?", "And why?")},
            "blocked",
            "it asks: Which port? And why?",
            id="a question",
        ),
        pytest.param(
            {"outcome": OutcomeClass.QUOTA, "message": "429"}, "quota", "429", id="no quota"
        ),
        pytest.param(
            {"outcome": OutcomeClass.RATE_LIMIT}, "quota", "rate_limit", id="too long a wait"
        ),
        pytest.param({"outcome": OutcomeClass.TIMEOUT}, "partial", "timeout", id="the time was up"),
        pytest.param({"outcome": OutcomeClass.LIMIT}, "partial", "limit", id="a limit of ours"),
        pytest.param({"outcome": OutcomeClass.CRASH}, "failed", "crash", id="a crash"),
        pytest.param({"outcome": OutcomeClass.GAVE_UP}, "failed", "gave_up", id="it gave up"),
        pytest.param({"claim": None}, "failed", "it handed back no completion", id="no completion"),
        pytest.param(
            {"claim": None, "claim_is_due": False}, "success", "", id="commands claim nothing"
        ),
        pytest.param(
            {"claim": Unreadable("no JSON object")},
            "failed",
            "its completion cannot be read: no JSON object",
            id="a corrupt completion",
        ),
        pytest.param(
            {"claim": Claim(status="failed", verification_result="2 failed")},
            "failed",
            "2 failed",
            id="it says itself that it failed",
        ),
        pytest.param(
            {"verification": (FAILS,)},
            "failed",
            "'pytest -q' does not hold (exit 1)",
            id="a criterion that does not hold, whatever it claims",
        ),
        pytest.param(
            {"verification": (FAILS.model_copy(update={"exit_code": None}),)},
            "failed",
            "'pytest -q' does not hold (ended by its time limit)",
            id="a criterion that did not end",
        ),
        pytest.param(
            {"verification": (Verification(criterion="it is fast"),)},
            "success",
            "",
            id="words that nobody can run",
        ),
        pytest.param(
            {"todo": (OPEN, OPEN.model_copy(update={"done": True, "text": "x"}))},
            "failed",
            "left undone: write the test",
            id="an item of the list left open",
        ),
        pytest.param(
            {"changed": ()}, "no_change", "it changed nothing: 12 passed", id="nothing changed"
        ),
    ],
)
def test_an_attempt_is_judged_by_what_was_measured(
    known: dict[str, object], status: str, error: str
) -> None:
    assert judged(replace(GOOD, **known)) == (status, error)


def test_a_kind_that_changes_nothing_succeeds_without_a_change() -> None:
    review = workstream("a", kind="review")
    assert judged(replace(GOOD, changed=()), review)[0] == "success"


def test_what_is_worse_wins() -> None:
    everything = Evidence(
        OutcomeClass.CRASH,
        "it crashed",
        changed=("docs/x.md",),
        refused="a secret",
        claim=Unreadable("cut off"),
        questions=("Why?",),
        todo=(OPEN,),
        verification=(FAILS,),
    )
    found = []
    for calm in (
        {"refused": ""},
        {"changed": ("src/x.py",)},
        {"questions": ()},
        {"outcome": OutcomeClass.DONE},
        {"claim": SAYS},
        {"verification": ()},
        {"todo": ()},
    ):
        found.append(judged(everything))
        everything = replace(everything, **calm)
    found.append(judged(everything))
    assert [status for status, _ in found] == [
        *("refused", "refused", "blocked", "failed", "failed", "failed", "failed", "success")
    ]
    assert [error.split(":")[0] for _, error in found][3:6] == [
        "it crashed",
        "its completion cannot be read",
        "'pytest -q' does not hold (exit 1)",
    ]


ALL = workstream("a", files=("**",))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(".github/workflows/ci.yml", id="a workflow"),
        pytest.param(".GitHub/workflows/ci.yml", id="a workflow where case does not matter"),
        pytest.param(".github/workflows/a\nb.yml", id="a workflow with a line end in its name"),
        pytest.param("AGENTS.md", id="what agents read first"),
        pytest.param("agents.MD", id="the same where case does not matter"),
        pytest.param("deep/down/AGENTS.md", id="the same in a folder"),
        pytest.param("x\ny/AGENTS.md", id="the same in a folder with a line end in its name"),
        pytest.param("docs/.claude/settings.json", id="an agent's settings in a folder"),
        pytest.param("agents/roles/builder.md", id="a role"),
        pytest.param("CODEOWNERS", id="who must review"),
        pytest.param("docs/CODEOWNERS", id="who must review, in docs"),
        pytest.param(".gitattributes", id="what git runs"),
        pytest.param("sub/.gitattributes", id="what git runs, in a folder"),
        pytest.param(".gitmodules", id="where submodules come from"),
        pytest.param(".husky/pre-commit", id="a hook"),
        pytest.param(".orchestrate/completion.json", id="the hand-over folder"),
        pytest.param("deploy/prod.yaml", id="what the settings protect"),
        pytest.param(
            "Deploy/prod.yaml", id="what the settings protect, where case does not matter"
        ),
    ],
)
def test_a_protected_path_is_refused_even_to_who_owns_everything(path: str) -> None:
    status, error = judged(replace(GOOD, changed=("src/x.py", path)), ALL, "deploy/**")
    assert status == "refused"
    assert error == f"it changed protected files: {path}"
    approved = ALL.model_copy(update={"approval": True})
    assert judged(replace(GOOD, changed=(path,)), approved, "deploy/**")[0] == "refused", (
        "an approval of everything names nothing"
    )


@pytest.mark.parametrize(
    "path", ["src/agents/x.py", "docs/github/x.md", "my-agents.md.txt", "src/orchestrate/x.py"]
)
def test_what_only_looks_protected_is_not(path: str) -> None:
    assert judged(replace(GOOD, changed=(path,)), ALL)[0] == "success"


@pytest.mark.parametrize(
    "pattern", [".github/**", ".github/", ".github", ".github/workflows/ci.yml", "./.github/**"]
)
def test_an_approved_workstream_may_change_the_protected_paths_that_it_names(pattern: str) -> None:
    change = replace(GOOD, changed=(".github/workflows/ci.yml",))
    named = workstream("a", files=("src/**", pattern), approval=True)
    assert judged(change, named) == ("success", "")
    assert judged(change, named.model_copy(update={"approval": False}))[0] == "refused"
    also = replace(GOOD, changed=(".github/workflows/ci.yml", "AGENTS.md"))
    assert judged(also, named)[1] == "it changed protected files: AGENTS.md"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("src/a b.py", "success", id="a space"),
        pytest.param("src/naïve/文.py", "success", id="other alphabets"),
        pytest.param("SRC/app.py", "refused", id="another folder where case matters"),
        pytest.param("srcs/app.py", "refused", id="a folder that begins alike"),
        pytest.param("x/src/app.py", "refused", id="a folder of that name elsewhere"),
        pytest.param("src", "refused", id="a file in the folder's place"),
    ],
)
def test_ownership_is_by_the_path_as_git_spells_it(path: str, status: str) -> None:
    assert judged(replace(GOOD, changed=(path,)))[0] == status


def test_files_that_it_shares_are_its_own_too_and_long_lists_are_cut() -> None:
    shares = workstream("a", files=("src/**",), shares=("CHANGES.md",))
    assert judged(replace(GOOD, changed=("CHANGES.md",)), shares)[0] == "success"
    many = tuple(f"docs/{n}.md" for n in range(9))
    assert judged(replace(GOOD, changed=many))[1].endswith("docs/4.md and 4 more")


@given(st.lists(st.text(min_size=1, max_size=12), max_size=4))
def test_any_path_is_judged(paths: list[str]) -> None:
    assert judge(SRC, replace(GOOD, changed=tuple(paths)), ()).status in CompletionStatus


# An agent that stopped

LEFT = replace(GOOD, todo=(OPEN,))


def stops(*trees: str) -> tuple[Stop, ...]:
    return tuple(Stop.of(LEFT, tree) for tree in trees)


def test_an_agent_with_open_items_is_sent_back_with_them() -> None:
    both = replace(LEFT, verification=(FAILS,))
    assert Stop.of(both, "t").open_items == ("write the test", "pytest -q")
    assert after_stop(stops("t1"), LEFT, 5) == SendBack(1.0)


def test_each_time_it_waits_longer_but_never_more_than_a_minute() -> None:
    trees = [f"t{n}" for n in range(20)]
    pauses = [after_stop(stops(*trees[: n + 1]), LEFT, 99) for n in range(10)]
    assert [p.pause_seconds for p in pauses if isinstance(p, SendBack)] == [
        *(1, 2, 4, 8, 16, 32, 60, 60, 60, 60)
    ]


@pytest.mark.parametrize(
    ("trees", "evidence", "cap", "because"),
    [
        pytest.param(["t"], GOOD, 5, "nothing is open", id="nothing is open"),
        pytest.param(["t"], LEFT, 0, "it was sent back 0 times", id="the cap is nought"),
        pytest.param(["t", "u", "v"], LEFT, 2, "it was sent back 2 times", id="the cap is reached"),
        pytest.param(
            ["t", "t"], LEFT, 5, "it got no further since it was sent back", id="no progress"
        ),
        pytest.param(
            ["t"], replace(LEFT, questions=("?",)), 5, "it asks a person", id="it asks a person"
        ),
        pytest.param(
            ["t"],
            replace(LEFT, outcome=OutcomeClass.QUOTA),
            5,
            "its engine ended with quota",
            id="its tier is exhausted",
        ),
        pytest.param(
            ["t"],
            replace(LEFT, outcome=OutcomeClass.TIMEOUT),
            5,
            "its engine ended with timeout",
            id="its time is up",
        ),
    ],
)
def test_an_agent_is_let_go(trees: list[str], evidence: Evidence, cap: int, because: str) -> None:
    seen = tuple(Stop.of(evidence, tree) for tree in trees)
    assert after_stop(seen, evidence, cap) == LetGo(because)


def test_a_tick_or_another_tree_is_progress() -> None:
    two = replace(LEFT, todo=(OPEN, TodoItem(id=2, text="write docs")))
    ticked = (Stop.of(two, "t"), Stop.of(LEFT, "t"))
    assert after_stop(ticked, LEFT, 5) == SendBack(2.0)
    assert after_stop(stops("t", "u"), LEFT, 5) == SendBack(2.0)


def test_one_that_gave_up_is_sent_back_too() -> None:
    assert isinstance(
        after_stop(stops("t"), replace(LEFT, outcome=OutcomeClass.GAVE_UP), 5), SendBack
    )
    refused = replace(LEFT, outcome=OutcomeClass.GAVE_UP, refused="a secret")
    assert isinstance(after_stop(stops("t"), refused, 5), LetGo)
