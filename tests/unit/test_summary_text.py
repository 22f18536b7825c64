"""The summary, the log and the list of runs, word for word, and safe whatever is in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bot.core.base import RunId
from bot.core.events import Event, Policy, RunStatus
from bot.core.folding import fold
from bot.core.metrics import Cost
from bot.core.report import RunLine, make_report
from bot.render.log import print_log
from bot.render.report import print_summary
from bot.render.status import print_runs
from bot.render.words import defused, dollars, duration
from tests.support.builders import (
    RUN,
    asked,
    at,
    conflicted,
    ended,
    finding,
    finished,
    gate,
    granted,
    integrated,
    ladder,
    plan,
    requested,
    run_of,
    started,
    tier,
    usage,
    worked,
    workstream,
)

PLAN = plan(workstream("build"), workstream("guide"), workstream("tidy", needs=["guide"]))
POLICY = Policy(ladder=ladder(tier(), tier("groq", usd="2.00")))
STORY = run_of(
    PLAN,
    worked("build", 0, 60, usage=usage(50_000, 4_000), files_changed=3),
    started("guide", 0),
    finished("guide", 0, 65, usage=usage(9_000, 1_000), files_changed=2),
    conflicted("guide", ["build"], ["README.md"], 65),
    integrated("build", seconds=66),
    gate("tests", "passed", head="build", value=42, because="42 tests passed"),
    gate(
        "review",
        "failed",
        head="build",
        value=6.5,
        threshold=7,
        because="6.5 points",
        findings=tuple(finding(f"flaw {n}") for n in range(5)),
    ),
    gate("docs", "not_run", head="build", because="no changelog was found"),
    ended(RunStatus.FAILED, "review failed; guide left out"),
    policy=POLICY,
)


def terminal(width: int = 100) -> Console:
    """Make a terminal whose every byte can be read."""
    return Console(file=StringIO(), width=width, height=30, force_terminal=True)


def paper(width: int = 100) -> Console:
    """Make what a pipe is: no colours."""
    return Console(file=StringIO(), width=width)


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def summary(console: Console, events: Sequence[Event] = STORY, seconds: float = 200) -> str:
    state = fold(events)
    print_summary(console, make_report(state, events, RUN), state, at(seconds))
    return printed(console)


SUMMARY = """\
Run 7f3a failed after 1m 39s
Add pagination
review failed; guide left out
1 of 3 workstreams landed on orchestrate/7f3a/combined at 80754af9

  workstream  engine         state      tries    time  files     cost
  build       builtin/local  landed         1  1m 00s      3     free
  guide       builtin/local  left out       1  1m 05s      2     free
  tidy        –              cancelled      –       –      –        –

  tidy: needs guide, which was left out

Gates
  tests     passed       42           42 tests passed
  review    failed   6.5/10   ≥ 7/10  6.5 points
    src/api.py:12: medium: flaw 0
    src/api.py:12: medium: flaw 1
    src/api.py:12: medium: flaw 2
    … and 2 more
  docs      not run                   no changelog was found

Conflicts
  guide and build both changed README.md; guide was left out

Figures
  execution    1m 05s  agents    2m 05s        parallel         96%
  utilization  96%     makespan  1.00 × least  first-time pass  50%
  planning     0.0s    launch    0.0s          integration      1.0s
  Cost: free; the same tokens on groq: $0.1280
  Agents ran as the bot's own user, with no sandbox.

Next
  git diff main...orchestrate/7f3a/combined
  orchestrate retry 7f3a guide
  orchestrate run --resume 7f3a
  orchestrate log 7f3a
"""


def test_the_summary_says_what_changed_what_passed_what_it_cost_and_what_to_type():
    assert summary(paper()) == SUMMARY


def test_a_gate_that_counts_what_is_missing_allows_at_most_so_many():
    undocumented = gate("docs", "failed", head="build", value=2, threshold=0, because="2 of 9")
    events = run_of(PLAN, worked("build"), integrated("build"), undocumented)
    assert "\n  docs      failed        2      ≤ 0  2 of 9\n" in summary(paper(), events)


def test_a_narrow_terminal_keeps_states_figures_and_whole_commands():
    text = summary(paper(60))
    assert max(map(len, text.splitlines())) <= 60
    assert "  guide       left out   1m 05s     free\n" in text
    assert "\n  git diff main...orchestrate/7f3a/combined\n" in text


def test_commands_are_never_broken_over_lines():
    text = summary(paper(30))
    assert "\n  git diff main...orchestrate/7f3a/combined\n" in text


@pytest.mark.parametrize(
    ("seconds", "stands"),
    [
        pytest.param(200, "is running", id="its attempt gave a sign"),
        pytest.param(2_000, "is stopped", id="nobody works on it any more"),
    ],
)
def test_a_run_that_has_not_ended_says_whether_somebody_works_on_it(seconds, stands):
    events = run_of(plan(workstream("a")), started("a", 1))
    assert summary(paper(), events, seconds).startswith(f"Run 7f3a {stands}\n")


def test_a_question_is_shown_with_the_command_that_answers_it():
    waits = plan(workstream("a", approval=True))
    events = run_of(waits, asked("May a start?", "workstream:a", workstream="a"))
    text = summary(paper(), events)
    assert text.startswith("Run 7f3a is waiting\n")
    assert "\nA person must decide\n  May a start?\n" in text
    assert "\n  orchestrate approve 7f3a a\n" in text


def test_the_log_has_one_line_an_event_with_its_reason():
    console = paper()
    events = run_of(
        plan(workstream("a")),
        worked("a", 1, 66, insertions=9),
        asked("Long words. " * 30, "paid:groq", 4_000, provider="groq"),
        granted(5_000, provider="groq", usd="2.00", because="it is\nurgent"),
        requested(5_001, cause="resume 1"),
    )
    print_log(console, events)
    start = "1405df66"
    assert printed(console).splitlines() == [
        "Run 7f3a, 2026-11-21, times in UTC",
        f"10:00:00     +0.0s  run  7f3a asked for on main at {start}: Add pagination",
        "10:00:00     +0.0s  run  plan of 1 workstream from file plan.yaml",
        f"10:00:00     +0.0s  run  plan {plan(workstream('a')).hash} accepted",
        "10:00:01     +1.0s  a    attempt 1 handed out to builtin on local: the first free tier",
        "10:01:06   +1m 06s  a    attempt 1 ended: success, 1 file (+9 -0), 1m 05s",
        "10:01:06   +1m 06s  a    landed at 86f7e437: it merges with all that landed",
        f"11:06:40   +1h 06m  run  asks a person: {'Long words. ' * 30}".rstrip(),
        "11:23:20   +1h 23m  run  approved $2.00 with groq by ada: it is urgent",
        f"11:23:21   +1h 23m  run  7f3a asked for again on main at {start}: Add pagination",
    ]


def test_runs_are_listed_with_status_age_and_task_readable_or_not():
    console = paper()
    runs = (
        RunLine(run=RUN, status=RunStatus.PASSED, requested_at=at(0), task="Add\npagination"),
        RunLine(run=RunId("bad"), trouble="The record cannot be read"),
        RunLine(run=RunId("busy"), status=RunStatus.RUNNING, alive_until=at(7_301), task="Go"),
        RunLine(run=RunId("left"), status=RunStatus.RUNNING, alive_until=at(7_300), task="On"),
    )
    print_runs(console, runs, at(7_300))
    assert printed(console).splitlines() == [
        "run   status         age  task",
        "7f3a  passed      2h 01m  Add pagination",
        "bad   unreadable       –  The record cannot be read",
        "busy  running          –  Go",
        "left  stopped          –  On",
    ]


ATTACKS = {
    "a colour": "\x1b[31mred\x1b[0m",
    "a cleared screen": "\x1b[2J\x1b[H",
    "a window title": "\x1b]0;owned\x07",
    "a clipboard write": "\x1b]52;c;cm0gLXJmIC8=\x1b\\",
    "a link": "\x1b]8;;http://evil.invalid\x1b\\click\x1b]8;;\x1b\\",
    "an 8-bit sequence": "\x9b31m\x9d0;owned\x9c",
    "a device question": "\x1bP$qm\x1b\\\x1b[6n\x05",
    "a carriage return": "failed\rpassed",
    "backspaces": "failed\b\b\b\b\b\bpassed",
    "text that runs backwards": "\u202edessap\u202c",
    "a null": "\0",
    "markup": "[bold red]x[/][link=http://evil.invalid]y[/link][/]",
    "a closing tag for nothing": "[/nothing]",
    "a letter under a heap of marks": "e" + "\u0301" * 500,
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize("console", [terminal, paper])
def test_what_an_agent_writes_does_nothing_to_the_terminal(console, attack):
    evil = f"before {attack} after"
    events = run_of(
        plan(workstream("a", title=evil[:100]), task=evil),
        started("a", because=evil),
        finished("a", status="failed", error=evil),
        asked(evil, "question:a.1", workstream="a"),
        conflicted("a", ["b"], [evil]),
        integrated("a"),
        gate("tests", "failed", head="a", because=evil, findings=(finding(evil, path=None),)),
        ended(RunStatus.FAILED, evil),
        policy=POLICY,
        task=evil,
    )
    screen = console(200)
    print_log(screen, events)
    text = summary(screen, events)
    assert "before" in text
    assert "after" in text
    ours = re.sub(r"\x1b\[[0-9;]*m", "", text) if console is terminal else text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", ours)
    assert "\u0301" * 5 not in ours
    assert "[31m" not in ours
    if "[bold" in attack:
        assert attack in ours
    text.encode()


@given(st.text(max_size=200))
def test_whatever_it_is_made_of_a_defused_text_is_one_printable_line(text):
    line = defused(text)
    assert "\n" not in line
    assert all(char.isprintable() or char in "\u200c\u200d" for char in line)


def test_what_is_no_character_at_all_is_marked_as_such():
    assert defused("a\udcff\0b") == "a\ufffd\ufffdb"


def test_a_text_without_end_is_cut():
    assert len(defused("x" * 10_000_000, 50)) == 50


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (59.6, "1m 00s"), (3_599.7, "1h 00m")),
        *((7_390, "2h 03m"), (86_399.6, "1d 00h"), (180_000, "2d 02h"), (None, "–")),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("usd", "known", "text"),
    [
        ("0", True, "free"),
        ("0", False, "unknown"),
        ("0.0057", True, "$0.0057"),
        ("12.3456", True, "$12.35"),
        ("0.5", False, "$0.5000 + unknown"),
    ],
)
def test_free_and_unknown_are_different_things(usd, known, text):
    assert dollars(Cost(usd=usd, known=known)) == text


def test_a_yes_to_money_whose_time_passed_while_the_run_was_stopped_is_shown_as_over():
    stopped = run_of(PLAN, policy=POLICY)
    short, longer = (
        granted(
            provider="groq", usd="2", because="it is hard", until=at(seconds), cause=str(seconds)
        )
        for seconds in (150, 900)
    )
    text = summary(paper(), (*stopped, short, longer))
    assert text.count("$2.00 with groq") == 2
    assert text.count("which is over") == 1
