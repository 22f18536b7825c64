"""Progress on a screen that is drawn over, and as lines; what engines print can harm neither."""

from __future__ import annotations

import re
import threading
from io import StringIO

from rich.console import Console

from bot.core.events import Policy
from bot.core.folding import fold
from bot.core.state import RunState
from bot.render.live import LiveScreen, PlainScreen, progress, screen_for
from tests.support.builders import (
    T0,
    asked,
    at,
    conflicted,
    finished,
    gate,
    integrated,
    iteration,
    ladder,
    plan,
    run_of,
    started,
    tier,
    usage,
    worked,
    workstream,
)


class Clock:
    """A time that tests move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self):
        return at(self.seconds)


def paper(width: int = 100) -> Console:
    return Console(file=StringIO(), width=width)


def drawn(state: RunState, lines: dict[str, str] | None = None, width=100, rows=20) -> list[str]:
    console = paper(width)
    console.print(progress(state, lines or {}, at(100), width, rows))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


THREE = plan(
    workstream("build"), workstream("docs", role="tutor"), workstream("late", needs=["docs"])
)
POLICY = Policy(ladder=ladder(tier("groq", usd="1.00")))


def test_each_workstream_has_a_row_and_the_totals_stand_below():
    state = fold(
        run_of(
            THREE,
            worked("build", 0, 60, tier="groq", usage=usage(1, 1, "0.0200"), files_changed=3),
            started("docs", 28),
            policy=POLICY,
        )
    )
    assert drawn(state, {"docs": "reading\x1b[2J [b]api.py[/b]"}) == [
        "build  builder  builtin/local  landed   1m 00s  $0.0200  3 files",
        "docs   tutor    builtin/local  running  1m 12s           reading [b]api.py[/b]",
        "late   builder                 pending                   waits for docs",
        "run 7f3a · 1 of 3 landed · 1 running · 1m 40s · $0.0200",
    ]


def test_a_narrow_terminal_gets_state_time_and_the_last_line():
    state = fold(run_of(THREE, started("docs", 28)))
    rows = drawn(state, {"docs": "reading " + "x" * 90}, width=60)
    assert rows[1].startswith("docs   running  1m 12s  reading xxx")
    assert max(map(len, rows)) <= 60


def test_a_usual_terminal_keeps_its_room_for_what_agents_say():
    state = fold(run_of(THREE, started("docs", 28)))
    [row] = [row for row in drawn(state, {"docs": "reads"}, width=80) if "docs" in row[:4]]
    assert row == "docs   builtin/local  running  1m 12s    reads"


def test_of_very_many_the_urgent_ones_are_shown_and_the_others_counted():
    many = plan(*(workstream(f"w{n:03}") for n in range(200)))
    events = run_of(many, *(worked(f"w{n:03}") for n in range(100)), started("w150"))
    rows = drawn(fold(events), rows=5)
    assert len(rows) == 7
    assert any(row.startswith("w150") and "running" in row for row in rows)
    assert rows[-2] == "… and 195 more: 100 landed, 95 ready"


def terminal() -> Console:
    xterm = {"TERM": "xterm-256color"}
    return Console(file=StringIO(), width=80, height=24, force_terminal=True, _environ=xterm)


def shown_on(console: Console) -> list[str]:
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_a_live_screen_leaves_nothing_but_what_was_printed_before():
    console = terminal()
    screen = screen_for(console, Clock().now, json=False)
    assert isinstance(screen, LiveScreen)
    with screen:
        screen.show(fold(run_of(THREE, started("docs"))))
        screen.line("docs", "\x1b]0;owned\x07\x1b[2Jreading")
    text = console.file.getvalue()
    assert "reading" in text
    assert "owned" not in text
    assert "\x1b[2J" not in text
    assert text.endswith("\x1b[2K")  # the last line was wiped
    assert "\x1b[?25h" in text  # the cursor is back


def test_what_holds_for_the_whole_run_stays_on_a_live_screen():
    """That agents run without a sandbox is said before there is a run to be drawn."""
    console = terminal()
    with LiveScreen(console, Clock().now) as screen:
        screen.line("sandbox", "none, agents run as you: bubblewrap is not installed")
        screen.show(fold(run_of(THREE, started("docs"))))
    lines = shown_on(console)
    assert lines[0] == "sandbox: none, agents run as you: bubblewrap is not installed"


ASKED = run_of(
    plan(workstream("build")),
    asked("build needs groq", "paid:groq.0.1", workstream="build", provider="groq"),
    policy=POLICY,
)
YES = 'orchestrate approve-paid 7f3a groq 2.00 --because "…"'


def test_a_live_screen_says_what_to_type_while_a_run_waits_for_a_yes():
    console = terminal()
    with LiveScreen(console, Clock().now) as screen:
        screen.show(fold(ASKED))
    assert shown_on(console)[-2:] == ["Type in another terminal:", f"  {YES}"]


def test_lines_say_once_what_a_run_waits_for():
    console = paper()
    with PlainScreen(console, Clock().now) as screen:
        for _ in range(3):
            screen.show(fold(ASKED))
    assert console.file.getvalue().count(f"[run] waits for: {YES}\n") == 1


def test_lines_tell_each_event_once_and_in_order():
    console, clock = paper(), Clock()
    with PlainScreen(console, clock.now) as screen:
        events = run_of(
            THREE,
            worked("build", 1, 60),
            started("docs", 28),
            finished("docs", 28, 61),
            conflicted("docs", ["build"], ["README.md"], 61),
            integrated("build", seconds=62),
            gate("tests", "failed", head="build", because="1 of 9 failed"),
            iteration(2, workstream("fix-2")),
            started("fix-2", 75),
        )
        for upto in (3, 3, 7, len(events)):
            screen.show(fold(events[:upto]))
    assert console.file.getvalue().splitlines() == [
        "[run] 7f3a asked for on main at 1405df66: Add pagination",
        "[run] plan of 3 workstreams from file plan.yaml",
        f"[run] plan {THREE.hash} accepted",
        "[build] attempt 1 handed out to builtin on local: the first free tier",
        "[docs] attempt 1 handed out to builtin on local: the first free tier",
        "[build] attempt 1 ended: success, 1 file (+0 -0), 59s",
        "[build] landed at 80754af9: it merges with all that landed",
        "[docs] attempt 1 ended: success, 1 file (+0 -0), 33s",
        "[docs] left out: conflicts with build in README.md",
        "[run] combined at 80754af9: it holds build",
        "[tests gate] failed: 1 of 9 failed",
        "[run] iteration 2 begins with fix-2: tests failed",
        "[fix-2] attempt 1 handed out to builtin on local: the first free tier",
    ]


def test_a_run_that_goes_on_does_not_tell_its_past_again():
    console, clock = paper(), Clock()
    clock.seconds = 50
    with PlainScreen(console, clock.now) as screen:
        screen.show(fold(run_of(THREE, worked("build", 0, 40), started("docs", 60))))
    told = [" ".join(line.split()[:3]) for line in console.file.getvalue().splitlines()]
    assert told == ["[run] 7f3a asked", "[docs] attempt 1"]


def test_an_engine_that_never_stops_talking_is_quoted_every_few_seconds():
    console, clock = paper(), Clock()
    with PlainScreen(console, clock.now) as screen:
        for tenth in range(100):
            clock.seconds = tenth / 10
            screen.line("build", f"step {tenth}\x1b[31m\r\n")
        screen.line("docs", "   ")
    assert console.file.getvalue() == "[build] step 0\n[build] step 50\n"


def test_lines_from_many_threads_stay_whole():
    console = paper()
    with PlainScreen(console, lambda: T0) as screen:
        threads = [
            threading.Thread(target=screen.line, args=(f"w{n}", "word " * 60)) for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 20
    assert all(re.fullmatch(r"\[w\d+\] (word ?)+", line) for line in lines)


def test_with_json_nothing_but_the_report_goes_to_stdout(capsys):
    with screen_for(paper(), Clock().now, json=True) as screen:
        screen.line("build", "reading")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "[build] reading\n")
