"""What a run came to: its report, its exit code, and what a person would type next."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from bot.core.events import Event, Policy, RunStatus
from bot.core.folding import fold
from bot.core.report import exit_code, make_report, next_steps, open_questions
from bot.errors import Exit
from tests.support.builders import (
    BASE,
    RUN,
    asked,
    ended,
    finding,
    finished,
    gate,
    granted,
    integrated,
    iteration,
    ladder,
    landed,
    left_out,
    plan,
    requested,
    retried,
    run_of,
    sha,
    started,
    tier,
    usage,
    worked,
    workstream,
)

TWO = plan(workstream("a"), workstream("b"))
WAITS = plan(workstream("a", approval=True))
DIFF = f"git diff main...orchestrate/{RUN}/combined"
MERGE = f"git merge orchestrate/{RUN}/combined"
LOG = f"orchestrate log {RUN}"
AGAIN = f"orchestrate run --resume {RUN}"
BOTH = (worked("a"), worked("b"), integrated("a", "b"))
PAID = Policy(ladder=ladder(tier("groq", usd="0.59")))
FREE = Policy(ladder=ladder(tier()))


@dataclass(frozen=True)
class Ending:
    """A run's events, and what a person should be told."""

    events: tuple[Event, ...]
    exit: Exit
    status: RunStatus
    steps: tuple[str, ...]


ENDINGS = {
    "a run that passed is looked at and merged": Ending(
        run_of(TWO, *BOTH, ended(RunStatus.PASSED)),
        Exit.OK,
        RunStatus.PASSED,
        (DIFF, MERGE),
    ),
    "a run that changed nothing has nothing to merge": Ending(
        run_of(TWO, ended(RunStatus.PASSED, "nothing had to be changed")),
        Exit.OK,
        RunStatus.PASSED,
        (LOG,),
    ),
    "what was left out can be tried again": Ending(
        run_of(
            TWO,
            worked("a"),
            left_out("b", "a"),
            integrated("a"),
            ended(RunStatus.FAILED, "b left out"),
        ),
        Exit.FAILED,
        RunStatus.FAILED,
        (DIFF, f"orchestrate retry {RUN} b", AGAIN, LOG),
    ),
    "a gate that did not run is asked again by resuming": Ending(
        run_of(
            TWO,
            *BOTH,
            gate("tests", "not_run", head="a+b"),
            ended(RunStatus.FAILED, "tests did not run"),
        ),
        Exit.FAILED,
        RunStatus.FAILED,
        (DIFF, AGAIN, LOG),
    ),
    "a gate that failed is read about": Ending(
        run_of(TWO, *BOTH, gate("tests", "failed", head="a+b"), ended(RunStatus.FAILED)),
        Exit.FAILED,
        RunStatus.FAILED,
        (DIFF, LOG),
    ),
    "an approval is waited for": Ending(
        run_of(WAITS, asked("May a start?", "workstream:a", workstream="a")),
        Exit.NEEDS_PERSON,
        RunStatus.WAITING,
        (f"orchestrate approve {RUN} a", AGAIN),
    ),
    "an agent's question is answered with a retry": Ending(
        run_of(
            plan(workstream("a")),
            started("a"),
            finished("a", status="blocked", questions=["Which one?"]),
            asked("a asks: Which one?", "question:a.1", workstream="a"),
            policy=FREE,
        ),
        Exit.NEEDS_PERSON,
        RunStatus.WAITING,
        (f'orchestrate retry {RUN} a --answer "…"', AGAIN),
    ),
    "money is asked for with what the plan says it may take": Ending(
        run_of(
            plan(workstream("a", budget_usd="0.50")),
            asked("a could only go on with groq", "paid:groq.0.1", workstream="a", provider="groq"),
            policy=PAID,
        ),
        Exit.NEEDS_PERSON,
        RunStatus.WAITING,
        (f'orchestrate approve-paid {RUN} groq 0.50 --because "…"', AGAIN),
    ),
    "without a plan's word two dollars are proposed": Ending(
        run_of(
            plan(workstream("a")),
            asked("a could only go on with groq", "paid:groq.0.1", workstream="a", provider="groq"),
            policy=PAID,
        ),
        Exit.NEEDS_PERSON,
        RunStatus.WAITING,
        (f'orchestrate approve-paid {RUN} groq 2.00 --because "…"', AGAIN),
    ),
    "without any model the list of them says why": Ending(
        run_of(
            plan(workstream("a")),
            asked("No model can take a", "tier:a.0.1", workstream="a"),
            policy=Policy(),
        ),
        Exit.NEEDS_PERSON,
        RunStatus.WAITING,
        ("orchestrate models", AGAIN),
    ),
    "a run that was killed goes on": Ending(
        run_of(TWO, started("a")),
        Exit.FAILED,
        RunStatus.RUNNING,
        (AGAIN, LOG),
    ),
    "a run that was cancelled is over": Ending(
        run_of(TWO, ended(RunStatus.CANCELLED, "ada did")),
        Exit.FAILED,
        RunStatus.CANCELLED,
        (LOG,),
    ),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_how_a_run_ends(ending):
    state = fold(ending.events)
    report = make_report(state, ending.events, RUN)
    assert exit_code(state) == ending.exit
    assert (report.status, report.next_steps) == (ending.status, ending.steps)


def test_a_question_that_was_answered_is_open_no_more():
    before = run_of(WAITS, asked("May a start?", "workstream:a", workstream="a"))
    assert [q.question for q in open_questions(fold(before))] == ["May a start?"]
    assert open_questions(fold((*before, granted(workstream="a")))) == ()


def test_a_branch_name_that_a_shell_would_read_is_quoted():
    events = (requested(base_ref="refs/heads/a;rm -rf $HOME"), *run_of(TWO, *BOTH)[1:])
    events = (*events, ended(RunStatus.PASSED))
    first, _ = next_steps(fold(events), RUN)
    assert first == f"git diff 'a;rm -rf $HOME...orchestrate/{RUN}/combined'"


def test_the_report_has_exactly_the_fields_that_were_promised():
    events = run_of(
        TWO,
        worked("a", usage=usage(10, 2)),
        left_out("b", "a"),
        integrated("a"),
        gate("tests", "failed", head="a", value=3, findings=(finding("no"),)),
        policy=FREE,
    )
    report = json.loads(make_report(fold(events), events, RUN).model_dump_json())
    assert " ".join(report) == (
        "run status base_sha branch head_sha workstreams conflicts gates iterations metrics "
        "cost_usd approvals next_steps issue pull_request"
    )
    assert report["workstreams"][0] == {
        "id": "a",
        "status": "landed",
        "branch": f"orchestrate/{RUN}/a",
        "head_sha": sha("a"),
        "engine": "builtin",
        "tier": "local",
        "attempts": 1,
        "started_at": "2026-11-21T10:00:00Z",
        "finished_at": "2026-11-21T10:01:00Z",
        "files_changed": 1,
        "cost_usd": "0.000000",
        "error": None,
        "waiting": None,
    }
    assert report["workstreams"][1]["error"] == "conflicts with a in README.md"
    assert report["conflicts"] == [
        {"workstreams": ["b", "a"], "files": ["README.md"], "resolved": False}
    ]
    assert list(report["gates"][0]) == ["name", "status", "value", "threshold", "findings"]
    assert (report["base_sha"], report["head_sha"]) == (BASE, sha("a"))


def test_a_conflict_is_resolved_once_the_one_left_out_has_landed():
    events = run_of(
        TWO,
        worked("a"),
        left_out("b", "a"),
        retried("b", 2),
        started("b", 70, attempt=2),
        finished("b", 70, 80, attempt=2),
        landed("b", 80, attempt=2),
    )
    report = make_report(fold(events), events, RUN)
    assert report.conflicts[0].resolved
    assert (report.workstreams[1].attempts, report.workstreams[1].error) == (2, None)


def test_only_what_the_gates_say_of_the_last_commit_is_reported_in_their_own_order():
    events = run_of(
        TWO,
        *BOTH,
        gate("tests", "failed", head="a+b"),
        iteration(2, workstream("fix-2")),
        worked("fix-2"),
        integrated("a", "b", "fix-2", iteration=2),
        gate("docs", "passed", head="a+b+fix-2", iteration=2),
        gate("tests", "passed", head="a+b+fix-2", iteration=2),
    )
    report = make_report(fold(events), events, RUN)
    assert [(g.name, g.status) for g in report.gates] == [("tests", "passed"), ("docs", "passed")]
    assert report.iterations == 2


def test_a_cost_that_nobody_knows_is_null_and_not_zero():
    events = run_of(TWO, worked("a", tier="groq", usage=usage(1, 1, known=False)), policy=PAID)
    report = make_report(fold(events), events, RUN)
    assert report.cost_usd is None
    assert [w.cost_usd for w in report.workstreams] == [None, 0]


def test_a_run_that_was_only_asked_for_can_be_reported():
    report = make_report(fold([requested()]), [requested()], RUN)
    assert (report.status, report.workstreams, report.head_sha) == (RunStatus.PLANNING, (), None)
