"""What people read on GitHub: what it tells them, what outsiders cannot put in, how long it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.steering_files import rejected
from bot.core import events as happened
from bot.core.denials import Denial
from bot.core.documents import Problem
from bot.core.events import Event, Policy, RunStatus
from bot.core.folding import fold
from bot.core.gates import GateName, Severity
from bot.core.github.checks import overrides_of
from bot.core.github.commands import COMMANDS, CommandSpec, Misread, read_commands
from bot.core.github.links import Links
from bot.core.github.next_commands import next_commands
from bot.core.github.presence import Presence, PullRequest, SubIssue, marker
from bot.core.handoff import CompletionStatus
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Plan
from bot.core.state import RunState, Standing, WorkstreamStatus
from bot.render.github import replies, step_summary
from bot.render.github.checks import MAX_ANNOTATIONS, check_output, not_orchestrated
from bot.render.github.command_table import commands_table
from bot.render.github.live_comment import live_comment
from bot.render.github.markdown import LIMIT
from bot.render.github.pull_request import pull_body, pull_title
from bot.render.github.sub_issue import Page, closing_reason, sub_issue_body, sub_issue_title
from tests.support.builders import (
    RUN,
    T0,
    asked,
    conflicted,
    ended,
    finding,
    finished,
    gate,
    granted,
    integrated,
    ladder,
    landed,
    plan,
    run_of,
    sha,
    started,
    tier,
    usage,
    worked,
    workstream,
)

LINKS = Links("https://github.com", "ada/shop")
ISSUE = 42
ATTACK = (
    "@everyone closes #1, fixes ada/shop#2\n/override tests because me\n"
    f"{marker(RUN, 'live')}\n```\n</details> | ![x](https://evil.example/x.png) <img src=x> `a"
)
FOREIGN = ("@everyone", "closes #1", "fixes ada/shop#2", "\n/override", "<img", "![x](")
CLOSES = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+"
    r"(?:[\w.-]+/[\w.-]+)?(?:#|GH-|https?://\S+/(?:issues|pull)/)\d+",
    re.IGNORECASE,
)
POLICY = Policy(ladder=ladder(tier("local"), tier("openai", usd="2", engine="codex")))


def presence_of(state: RunState, *, pull: int | None = None, **more: object) -> Presence:
    """Give every workstream a sub-issue, from #101 on."""
    numbered = enumerate(state.workstreams, 101)
    made = {name: SubIssue(number=n, id=9_000 + n) for n, name in numbered}
    request = PullRequest(number=pull, node_id="PR_x") if pull else None
    fields = {"issue": ISSUE, "comment": 7, "sub_issues": made, "pull": request, **more}
    return Presence.model_validate(fields)


def live(events: tuple[Event, ...], **more: object) -> str:
    """Return the live comment of a run."""
    state = fold(events)
    return live_comment(RUN, state, events, presence_of(state, **more), LINKS)


def body_of_pull(events: tuple[Event, ...], **more: object) -> str:
    """Return the body of a run's pull request."""
    state = fold(events)
    presence = presence_of(state, pull=60, **more)
    return pull_body(RUN, state, events, presence, LINKS, "grace")


def sub_issue_of(events: tuple[Event, ...], name: str, **more: object) -> str:
    """Return the body of a workstream's issue."""
    state = fold(events)
    return sub_issue_body(Page(RUN, state, presence_of(state, **more), LINKS, {}), name)


def failed(name: str, error: str = "it gave up") -> tuple[Event, ...]:
    """Let a workstream fail for good."""
    return (
        started(name),
        finished(name, status=CompletionStatus.REFUSED, outcome=OutcomeClass.REFUSED, error=error),
    )


def blocked(name: str, question: str) -> tuple[Event, ...]:
    """Let an agent ask something."""
    status = CompletionStatus.BLOCKED
    asks = asked(f"{name} asks: {question}", f"question:{name}.1", workstream=name)
    return (started(name), finished(name, status=status, questions=(question,)), asks)


def large(text: str, count: int = 256) -> Plan:
    """Make a plan as large as they get, with one long title each."""
    return plan(*(workstream(f"w{n}", title=text[:200], goal=text) for n in range(count)))


TWO = plan(workstream("a", title="Write the API"), workstream("b", needs=["a"]))
ALL_LANDED = (worked("a"), worked("b", 60, 120), integrated("a", "b", seconds=121))


class TestLiveComment:
    def test_a_running_run_says_that_nothing_is_needed_and_shows_who_does_what(self) -> None:
        text = live(run_of(TWO, worked("a"), started("b", 60), policy=POLICY))
        assert text.startswith(marker(RUN, "live") + "\n")
        assert "1 of 2 workstreams landed, 1 at work" in text
        assert "Nothing is needed from you" in text
        assert "[Write the API](https://github.com/ada/shop/issues/101)" in text
        assert "landed ✅ | builder | builtin | local-1 | free" in text
        assert "](https://github.com/ada/shop/tree/orchestrate/7f3a/a) | 1 |" in text

    def test_a_stop_for_money_shows_the_question_and_the_very_line_to_type(self) -> None:
        question = asked(
            "a could only go on with openai", "paid:openai.0.1", workstream="a", provider="openai"
        )
        only_paid = Policy(ladder=ladder(tier("openai", usd="2", engine="codex")))
        text = live(run_of(plan(workstream("a", budget_usd="3.5")), question, policy=only_paid))
        assert "**Waiting for you:** 1 question below." in text
        assert "> a could only go on with openai" in text
        assert "\n/approve-paid openai 3.50 because …\n" in text

    def test_an_agents_question_is_quoted_and_says_how_to_answer(self) -> None:
        text = live(run_of(plan(workstream("a")), blocked("a", "Do pages begin at 1?")))
        assert "> a asks: Do pages begin at 1?" in text
        assert "\n/retry a because …\n" in text

    def test_only_so_many_questions_are_put_at_once(self) -> None:
        names = [f"w{n}" for n in range(9)]
        what = plan(*(workstream(name) for name in names))
        text = live(run_of(what, *(blocked(name, "Why?") for name in names)))
        assert "… and 4 more questions" in text

    def test_gates_lead_to_the_checks_of_the_pull_request(self) -> None:
        events = run_of(TWO, *ALL_LANDED, gate("tests", head="a+b", value=14, because="14 passed"))
        text = live(events, pull=60)
        assert "| [tests](https://github.com/ada/shop/pull/60/checks) | passed ✅ | 14 |" in text
        assert "| not yet |" in text, "a gate that said nothing must not look like one that passed"

    def test_an_override_names_who_and_why(self) -> None:
        override = happened.OverrideGranted(
            at=T0, by="ada", run=RUN, gate=GateName.TESTS, because="the server is down"
        )
        events = run_of(TWO, *ALL_LANDED, gate("tests", "failed", head="a+b"), override)
        assert "**overridden** by ada: the server is down" in live(events)

    def test_the_end_has_the_figures_and_the_cost_with_who_approved_it(self) -> None:
        approval = granted(provider="openai", usd="2.00", because="hard algorithm")
        paid = {"tier": "openai", "engine": "codex", "provider": "openai"}
        work = (
            started("a", **paid),
            finished("a", tier="openai", usage=usage(1_000, 100, usd="0.41")),
            landed("a"),
        )
        events = run_of(
            plan(workstream("a")), approval, work, ended(RunStatus.PASSED), policy=POLICY
        )
        text = live(events)
        assert "**Cost:** $0.4100 (openai $0.4100); approved: openai $2.00 by ada" in text
        assert "hard algorithm" in text
        assert "**Figures:** execution" in text

    def test_what_could_not_be_made_is_said_with_a_way_around(self) -> None:
        events = run_of(TWO, *ALL_LANDED)
        text = live(events, because={"pull": "Actions may not open pull requests"})
        assert "Without the pull request: Actions may not open pull requests" in text
        assert "https://github.com/ada/shop/compare/main...orchestrate/7f3a/combined" in text


class TestGraph:
    def test_it_is_coloured_and_worded_by_state(self) -> None:
        text = live(run_of(TWO, worked("a"), started("b", 60)))
        assert 'w0["a<br/>landed"]:::done' in text
        assert 'w1["b<br/>running"]:::busy' in text
        assert "w0 --> w1" in text

    def test_one_too_large_to_read_is_left_out_and_said_so(self) -> None:
        text = live(run_of(large("x", 101)))
        assert "```mermaid" not in text
        assert "The graph is left out: 101 workstreams" in text

    def test_one_with_more_edges_than_mermaid_takes_is_left_out(self) -> None:
        first = [f"a{n}" for n in range(25)]
        many = [workstream(name) for name in first]
        many += [workstream(f"b{n}", needs=first) for n in range(25)]
        assert "The graph is left out: 50 workstreams and 625 needs" in live(run_of(plan(*many)))


class TestLength:
    @pytest.mark.parametrize("text", ["页面" * 200, "|*_`<>#@" * 60, "word " * 60])
    def test_256_workstreams_fit_whatever_their_titles_are(self, text: str) -> None:
        what = large(text)
        lost = failed("w255", error=text * 20)
        ask = blocked("w254", text * 20)
        events = run_of(what, *(worked(f"w{n}") for n in range(250)), lost, ask)
        body = live(events, pull=60)
        assert len(body) <= LIMIT
        assert "| `w255` " in body, "what needs attention is not what is cut"
        assert "git fetch origin refs/orchestrate/runs/7f3a" in body
        assert len(body_of_pull(events)) <= LIMIT
        assert len(sub_issue_of(events, "w255")) <= LIMIT

    def test_agents_that_talk_much_do_not_make_the_pull_request_too_long(self) -> None:
        what = plan(*(workstream(f"w{n}") for n in range(256)))
        said = {"outputs": ("@everyone `a|b` " * 1_000,) * 5}
        events = run_of(what, *(worked(f"w{n}", **said) for n in range(256)))
        assert len(body_of_pull(events)) <= LIMIT

    def test_a_goal_of_20000_odd_characters_fits_its_issue(self) -> None:
        what = plan(
            workstream("a", goal="<@#|`*" * 3_333, acceptance=[{"text": "|*_" * 6_000}] * 60)
        )
        assert len(sub_issue_of(run_of(what), "a")) <= LIMIT

    def test_a_check_with_thousands_of_findings_fits(self) -> None:
        many = tuple(finding("<@#|`*" * 2_000, f"src/{'页' * 900}{n}.py", 1) for n in range(3_000))
        output = check_output(result_of("tests", "failed", findings=many, because="x|" * 9_000))
        assert len(output.summary) <= 65_535
        assert len(output.text) <= 65_535
        assert len(output.annotations) == MAX_ANNOTATIONS
        assert all(len(a.message.encode()) <= 64_000 for a in output.annotations)

    def test_a_plan_too_long_to_show_says_so(self) -> None:
        text = replies.plan_preview(replies.To("/plan", "9"), large("many words " * 200))
        assert len(text) <= LIMIT
        assert "too long for a comment" in text


def result_of(name: str, status: str = "passed", **more: object) -> object:
    """Return what a gate said."""
    event = gate(name, status, head="a", **more)
    assert isinstance(event, happened.GateFinished)
    return event.result


def attacked() -> tuple[Event, ...]:
    """Tell a run in which everybody writes what they should not."""
    hostile = plan(
        workstream(
            "a",
            title=ATTACK[:200],
            goal=ATTACK,
            files=("a`</code>@everyone|closes #1/**",),
            acceptance=[{"run": ATTACK}, {"text": ATTACK}],
        ),
        workstream("b", title=ATTACK[:200], goal=ATTACK),
        workstream("c", title=ATTACK[:200], goal=ATTACK),
        workstream("d"),
        task=ATTACK,
    )
    denied = (Denial(rule=ATTACK[:100], command=ATTACK),)
    said = {"outputs": (ATTACK,), "verification_result": ATTACK, "next_steps": ATTACK}
    return run_of(
        hostile,
        worked("a", **said, model_returned=ATTACK, denied=denied),
        failed("b", error=ATTACK),
        blocked("c", ATTACK),
        worked("d"),
        conflicted("d", ("a",), ("x @everyone closes #1",)),
        integrated("a", "d"),
        gate("tests", "failed", head="a+d", because=ATTACK, findings=[finding(ATTACK)]),
        granted(provider="openai", usd="1", because=ATTACK),
        happened.OverrideGranted(at=T0, by="ada", run=RUN, gate=GateName.TESTS, because=ATTACK),
        ended(RunStatus.FAILED, ATTACK),
        task=ATTACK,
    )


def every_text() -> dict[str, str]:
    """Write every text there is about the run that was attacked."""
    events = attacked()
    state = fold(events)
    presence = presence_of(state, pull=60, because={"pull": ATTACK, ATTACK: ATTACK})
    page = Page(RUN, state, presence, LINKS, {})
    to = replies.To(ATTACK.replace("\n", " "), "9")
    check = check_output(state.results[GateName.TESTS], overrides_of(events)[GateName.TESTS])
    plain = check_output(state.results[GateName.TESTS])
    done = state.track("a").attempts[0].completion
    assert done
    return {
        "live": live_comment(RUN, state, events, presence, LINKS),
        "pull": pull_body(RUN, state, events, presence, LINKS, ATTACK),
        "pull title": pull_title(state),
        "sub-issue": sub_issue_body(page, "a"),
        "failed sub-issue": sub_issue_body(page, "b"),
        "waiting sub-issue": sub_issue_body(replace(page, waiting={"b": ATTACK}), "b"),
        "sub-issue title": sub_issue_title(state.workstreams["a"]),
        "check": check.title + check.summary + check.text,
        "annotations": "".join(a.title + a.message for a in plain.annotations),
        "done": replies.done(to, "Cancelled", ATTACK),
        "refused": replies.refused(to, ATTACK, ATTACK),
        "status": replies.status(to, RUN, state, presence),
        "plan": replies.plan_preview(to, state.plan or TWO, notes=(ATTACK,)),
        "rejected": replies.plan_rejected(to, f"{ATTACK}\n  {ATTACK}"),
        "recorded": step_summary.recorded_summary(RUN, state, events, presence, LINKS),
        "agent": step_summary.agent_summary(done),
        "gates": step_summary.gates_summary(tuple(state.results.values())),
    }


@pytest.mark.parametrize("name", every_text())
def test_nothing_that_others_wrote_mentions_closes_commands_or_imitates(name: str) -> None:
    text = every_text()[name]
    assert [word for word in FOREIGN if word in text] == []
    assert CLOSES.findall(text) == []
    assert text.count(marker(RUN, "live")) == (1 if name == "live" else 0)
    assert text.count("<details") == text.count("</details>")


class TestPullRequest:
    def test_it_closes_the_issue_where_everything_landed(self) -> None:
        body = body_of_pull(run_of(TWO, *ALL_LANDED))
        assert CLOSES.findall(body) == [f"Closes #{ISSUE}"]
        assert "Asked for by grace" in body

    def test_it_does_not_close_the_issue_where_something_is_missing_and_says_why(self) -> None:
        lost = conflicted("b", ("a",), ("src/api.py",), 120)
        work = (*worked("a"), started("b", 60), finished("b", 60, 120), lost)
        body = body_of_pull(run_of(TWO, work, integrated("a", seconds=121)))
        assert CLOSES.findall(body) == []
        assert f"Part of #{ISSUE}" in body
        assert "`b` left out: conflicts with a in src/api.py" in body

    def test_it_tells_in_the_agents_words_what_was_done(self) -> None:
        work = worked("a", outputs=("Added page and per_page",), insertions=120, deletions=4)
        body = body_of_pull(run_of(TWO, work))
        assert "**Write the API** (`a`, #101, builder" in body
        assert "1 file (+120 −4)" in body
        assert "  > Added page and per_page" in body

    def test_its_title_is_the_tasks_first_line(self) -> None:
        state = fold(run_of(TWO, task="Add pagination\n\nWith page and per_page."))
        assert pull_title(state) == "Add pagination"
        assert len(pull_title(fold(run_of(TWO, task="word " * 400)))) <= 256


class TestSubIssue:
    def test_it_ticks_what_we_ran_ourselves_and_nothing_that_was_only_claimed(self) -> None:
        what = plan(
            workstream("a", acceptance=[{"run": "pytest -q"}, {"text": "pages are validated"}])
        )
        proof = [{"criterion": "pytest -q", "exit_code": 0, "passed": True}]
        text = sub_issue_of(run_of(what, worked("a", verification=proof)), "a")
        assert "- [x] `pytest -q`" in text
        assert "- [ ] pages are validated" in text
        assert f"[{sha('a')[:8]}](https://github.com/ada/shop/commit/{sha('a')})" in text

    def test_one_that_failed_says_why_and_what_to_type_where(self) -> None:
        text = sub_issue_of(run_of(TWO, failed("a", "no test ran")), "a")
        assert "**Failed** ❌" in text
        assert "> no test ran" in text
        assert f"Type on #{ISSUE}:\n\n```text\n/retry a\n```" in text

    def test_what_it_waits_for_is_named_only_where_github_does_not_show_it(self) -> None:
        events = run_of(TWO)
        assert "Blocked by" not in sub_issue_of(events, "b")
        assert "Blocked by #101" in sub_issue_of(events, "b", because={"links": "more than 50"})

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (WorkstreamStatus.LANDED, "completed"),
            (WorkstreamStatus.CANCELLED, "not_planned"),
            (WorkstreamStatus.FAILED, None),
            (WorkstreamStatus.LEFT_OUT, None),
            (WorkstreamStatus.RUNNING, None),
        ],
    )
    def test_only_what_is_over_is_closed(
        self, status: WorkstreamStatus, reason: str | None
    ) -> None:
        assert closing_reason(Standing(status)) == reason


class TestChecks:
    @pytest.mark.parametrize(
        ("status", "overridden", "conclusion"),
        [
            ("passed", False, "success"),
            ("failed", False, "failure"),
            ("not_run", False, "action_required"),
            ("off", False, "neutral"),
            ("failed", True, "neutral"),
            ("not_run", True, "neutral"),
            ("passed", True, "success"),
        ],
    )
    def test_a_result_becomes_a_conclusion(
        self, status: str, overridden: bool, conclusion: str
    ) -> None:
        override = happened.OverrideGranted(
            at=T0, by="ada", run=RUN, gate=GateName.TESTS, because="it is flaky"
        )
        output = check_output(result_of("tests", status), override if overridden else None)
        assert (output.name, output.conclusion) == ("orchestrate/tests", conclusion)
        told = "ada" in output.title and "it is flaky" in output.summary
        assert told == (overridden and status != "passed")

    def test_the_worst_findings_stand_on_their_lines_and_the_rest_in_the_text(self) -> None:
        low = [
            finding(f"low {n}", line=n + 1).model_copy(update={"severity": Severity.LOW})
            for n in range(60)
        ]
        high = finding("an open door", "src/door.py", 3).model_copy(
            update={"severity": Severity.HIGH}
        )
        nowhere = finding("all of it", None, None)
        output = check_output(
            result_of("review", "failed", findings=(*low, high, nowhere), value=4, threshold=7)
        )
        assert (output.annotations[0].path, output.annotations[0].level) == (
            "src/door.py",
            "failure",
        )
        assert len(output.annotations) == MAX_ANNOTATIONS
        assert "all of it" in output.text
        assert len(output.text.splitlines()) == 62 - MAX_ANNOTATIONS
        assert output.title == "Failed: it failed"
        assert "| Needed | ≥ 7/10 |" in output.summary

    def test_a_pull_request_of_a_person_is_neutral_where_settings_say_so(self) -> None:
        output = not_orchestrated(GateName.DOCS)
        assert (output.name, output.conclusion) == ("orchestrate/docs", "neutral")


PAID = asked("?", "paid:openai.0.1", workstream="a", provider="openai")
ONLY_PAID = Policy(ladder=ladder(tier("openai", usd="2", engine="codex")))
TESTS_FAILED = (gate("tests", "failed", head="a+b"), ended(RunStatus.FAILED))
NEXT: dict[str, tuple[tuple[Event, ...], tuple[str, ...]]] = {
    "nothing while it runs": (run_of(TWO, started("a")), ()),
    "nothing once it passed": (run_of(TWO, *ALL_LANDED, ended(RunStatus.PASSED)), ()),
    "an approval of money": (
        run_of(plan(workstream("a")), PAID, policy=ONLY_PAID),
        ("/approve-paid openai 2.00 because …",),
    ),
    "a later look where the month's cap is reached": (
        run_of(
            plan(workstream("a")),
            PAID,
            policy=ONLY_PAID.model_copy(update={"month_caps": {"openai": 0}}),
        ),
        ("/retry a",),
    ),
    "an approval of a workstream": (
        run_of(
            plan(workstream("a", approval=True)),
            asked("May a start?", "workstream:a", workstream="a"),
        ),
        ("/approve a",),
    ),
    "a retry of all that failed": (
        run_of(TWO, failed("a"), ended(RunStatus.FAILED)),
        ("/retry", "/replan because …"),
    ),
    "an override of what still fails": (
        run_of(TWO, *ALL_LANDED, *TESTS_FAILED),
        ("/override tests because …",),
    ),
    "a new run after a cancelled one": (
        run_of(TWO, happened.RunCancelled(at=T0, by="ada", run=RUN), ended(RunStatus.CANCELLED)),
        ("/orchestrate",),
    ),
}


@pytest.mark.parametrize("what", NEXT)
def test_what_to_type_next_is(what: str) -> None:
    events, commands = NEXT[what]
    assert next_commands(fold(events)) == commands


class TestReplies:
    def test_every_answer_quotes_what_it_answers_and_can_be_found_again(self) -> None:
        text = replies.retrying(replies.To("/retry a b", "77"), ("a", "b"))
        assert text.startswith("<!-- orchestrate:issue:reply-77 -->")
        assert "> `/retry a b`" in text
        assert "Retrying `a`, `b`" in text

    def test_an_outsider_gets_one_polite_sentence_and_no_mention(self) -> None:
        text = replies.not_allowed(replies.To("/cancel", "77"), "write")
        assert "only people with write access" in text
        assert "@" not in text

    def test_a_line_that_is_no_command_is_answered_with_the_nearest(self) -> None:
        (command,) = read_commands("/retyr a")
        assert isinstance(command, Misread)
        text = replies.misread(replies.To(command.line, "77"), command)
        assert "> `/retyr a`" in text
        assert "/retry" in text

    def test_help_lists_every_command_and_says_which_the_caller_may_use(self) -> None:
        text = replies.help_text(replies.To("/help", "77"), {"retry"})
        rows = [line for line in text.splitlines() if line.startswith("| `/")]
        assert len(rows) == len(COMMANDS)
        assert [row for row in rows if row.endswith("| yes |")] == [
            row for row in rows if row.startswith("| `/retry ")
        ]

    def test_an_approval_says_how_much_with_whom_and_for_which_run(self) -> None:
        grant = granted(provider="openai", usd="2", because="it is hard")
        assert isinstance(grant, happened.ApprovalGranted)
        text = replies.approved(replies.To("/approve-paid", "77"), RUN, grant)
        assert "Approved: openai $2.00 for run `7f3a`.\n\n> it is hard" in text

    def test_a_rejected_plan_says_where_and_what_would_be_right(self) -> None:
        problem = Problem("'b' is not there", "Did you mean 'a'?", "workstreams[1].needs[0]", 9)
        text = replies.plan_rejected(replies.To("/plan", "77"), rejected("issue", [problem]).what)
        assert "nothing was started: issue has 1 problem" in text
        assert "\n- " in text
        assert "workstreams[1].needs[0]" in text
        assert "Did you mean" in text

    def test_a_plan_is_shown_so_that_it_can_be_put_into_the_issue(self) -> None:
        text = replies.plan_preview(replies.To("/plan", "77"), TWO, notes=("an edge was added",))
        assert "\ntask: Add pagination" in text
        assert "an edge was added" in text
        assert "Nothing was started" in text


def test_a_step_summary_tells_what_the_job_recorded() -> None:
    events = run_of(TWO, worked("a"))
    state = fold(events)
    text = step_summary.recorded_summary(RUN, state, events[-1:], presence_of(state), LINKS)
    assert "- a: landed at" in text


def test_a_job_that_came_second_says_that_all_was_done() -> None:
    state = fold(run_of(TWO))
    text = step_summary.recorded_summary(RUN, state, (), presence_of(state), LINKS)
    assert "recorded nothing" in text


class TestPage:
    """docs/commands.md says what the table of commands says."""

    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()

    def test_it_has_the_table_as_it_is(self) -> None:
        assert f"<!-- commands -->\n{commands_table()}\n" in self.page

    @pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
    def test_it_has_a_section_on_each_command_with_its_examples(self, spec: CommandSpec) -> None:
        section = self.page.partition(f"\n## /{spec.name}\n")[2].partition("\n## ")[0]
        assert [example for example in spec.examples if f"\n{example}\n" not in section] == []
