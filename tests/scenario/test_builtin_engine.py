"""The builtin engine's agent at work: real HTTP, real git, real commands, a scripted model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from bot.adapters.engines.builtin.job import BuiltinJob, Endpoint, Limits
from bot.adapters.engines.builtin.session import read_session, read_usage
from bot.adapters.engines.builtin.signals import (
    Ended,
    Say,
    Signal,
    TodoState,
    ToolUsed,
    read_signal,
)
from bot.adapters.engines.builtin.work import work
from bot.adapters.engines.denials import noted
from bot.adapters.processes import LocalProcesses
from bot.adapters.recorded_model import RecordedTurn
from bot.core.constraints import Rules
from bot.core.denials import NOTES_FILE, Denial
from bot.core.handoff import Acknowledgement, Claim, read_said
from bot.core.outcomes import OutcomeClass
from tests.support.scripted_model import (
    DONE,
    Fault,
    ScriptedModel,
    Step,
    call,
    calls,
    cut,
    document,
    finish,
    raw_call,
    refusal,
    say,
    stream,
    without_usage,
)

KEY = "sk-very-secret-0123456789"
PATH = os.environ["PATH"]


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    top.mkdir()
    env = {"PATH": PATH, "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", str(top)], check=True, env=env)
    (top / "src").mkdir()
    (top / "src" / "app.py").write_text("def add(a, b):\n    return a - b\n")
    (top / ".gitignore").write_text("*.log\n")
    (top / "noise.log").write_text("def add\n")
    (top / ".orchestrate").mkdir()
    (top / ".git/info/exclude").write_text(".orchestrate/\n")
    todo = [{"id": 1, "text": "mend add", "done": False}]
    delegation = {"workstream": "implement", "todo": todo}
    (top / ".orchestrate" / "delegation.json").write_text(json.dumps(delegation))
    return top


def limits(**changes: object) -> Limits:
    usual = {
        "max_requests": 30,
        "max_input_tokens": 1_000_000,
        "max_output_tokens": 100_000,
        "seconds": 30,
        "silence_seconds": 5,
    }
    return Limits.model_validate(usual | changes)


def job_for(worktree: Path, model: ScriptedModel, **changes: object) -> BuiltinJob:
    endpoint = Endpoint.model_validate(
        {
            "base_url": model.base_url,
            "model": "scripted-1",
            "api_key": KEY,
            "context_tokens": 32_000,
            "max_output_tokens": 2_000,
        }
        | dict(changes.pop("endpoint", {}))  # type: ignore[call-overload]
    )
    usual = {
        "endpoint": endpoint,
        "worktree": str(worktree),
        "system": "You are a builder.",
        "prompt": "Mend add.",
        "session_file": str(worktree.parent / "session.jsonl"),
        "usage_file": str(worktree.parent / "usage.jsonl"),
        "limits": limits(),
        "environment": {"PATH": PATH, "HOME": str(worktree.parent), "GIT_CONFIG_NOSYSTEM": "1"},
        "command_timeout_seconds": 10,
    }
    return BuiltinJob.model_validate(usual | changes)


def do(worktree: Path, *script: Step, **changes: object) -> tuple[Ended, list[Signal], list[str]]:
    """Do a job against a script in this process; return its end, its signals, its tool results."""
    with ScriptedModel(script) as model:
        signals: list[Signal] = []
        job = job_for(worktree, model, **changes)
        ended = work(job, LocalProcesses(), signals.append)
    results = [one.content for one in read_session(Path(job.session_file)) if one.role == "tool"]
    return ended, signals, results


def start(job: BuiltinJob) -> subprocess.Popen[str]:
    argv = [sys.executable, "-P", "-m", "bot.adapters.engines.builtin"]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=job.worktree, env={"PATH": PATH},
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(job.as_stdin())
    process.stdin.close()
    process.stdin = None
    return process


def test_the_process_reads_edits_runs_and_hands_in_and_shows_its_key_to_nobody(
    worktree: Path,
) -> None:
    spy = (
        "cat /proc/$PPID/cmdline /proc/$PPID/environ /proc/self/environ; env; "
        "ls -l /proc/$PPID/fd/0; python3 -c 'import src.app as a; print(a.add(2, 3))'"
    )
    script = [
        call("acknowledge", understood="mend add"),
        calls(call("list_files"), call("search", pattern=r"def\s+add")),
        call("read_file", path="src/app.py"),
        call("edit_file", path="src/app.py", old="return a - b", new="return a + b"),
        call("write_file", path="docs/new/note.md", content="# Note\n"),
        call("run", command=spy),
        call("todo", done=[1], add=["tell people"]),
        finish(outputs=["src/app.py"], verification_result="add(2, 3) is 5", next_steps="none"),
    ]
    with ScriptedModel(script) as model:
        job = job_for(worktree, model)
        process = start(job)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    signals = [read_signal(line) for line in out.splitlines()]
    assert None not in signals
    assert signals[-1] == Ended(outcome=OutcomeClass.DONE, message="The agent says: success.")

    assert (worktree / "src/app.py").read_text() == "def add(a, b):\n    return a + b\n"
    assert (worktree / "docs/new/note.md").read_text() == "# Note\n"
    claim = read_said(Claim, (worktree / ".orchestrate/completion.json").read_bytes())
    assert isinstance(claim, Claim)
    assert [(item.id, item.done) for item in claim.todo] == [(1, True), (2, False)]
    noted = (worktree / ".orchestrate/acknowledgement.json").read_bytes()
    acknowledgement = read_said(Acknowledgement, noted)
    assert isinstance(acknowledgement, Acknowledgement)
    assert acknowledgement.workstream == "implement"

    session = (worktree.parent / "session.jsonl").read_text()
    usage = (worktree.parent / "usage.jsonl").read_text()
    results = [one.content for one in read_session(Path(job.session_file)) if one.role == "tool"]
    _, listed, found, numbered, *_ = results
    assert listed.splitlines() == [".gitignore", "src/app.py"]
    assert numbered == "1\tdef add(a, b):\n2\t    return a - b"
    assert found == "src/app.py:1:def add(a, b):"
    # Root may look: the pipe that the key came through is gone. Anybody else may not even look.
    assert ("-> /dev/null" if os.geteuid() == 0 else "Permission denied") in session
    assert KEY not in out + session + usage
    assert all(one.headers["Authorization"] == f"Bearer {KEY}" for one in model.requests)
    assert len(read_usage(Path(job.usage_file))) == len(script)


def test_an_endpoint_that_repeats_the_key_does_not_make_it_known(worktree: Path) -> None:
    with ScriptedModel([say(f"Your key is {KEY}."), refusal(401, f"Bad key {KEY}")]) as model:
        process = start(job_for(worktree, model))
        out, _ = process.communicate(timeout=20)
    assert "Your key is [key]." in out
    assert "Bad key [key]" in out
    records = [one.read_text() for one in worktree.parent.glob("*.jsonl")]
    assert len(records) == 2
    assert KEY not in "".join([out, *records])


AT_ONCE = [
    ("quota by code", refusal(429, "You exceeded it", code="insufficient_quota"), "quota"),
    ("nothing paid for", refusal(402, "Payment required"), "quota"),
    ("a limit for the day", refusal(429, "Rate limit: free-models-per-day"), "quota"),
    ("a wait longer than a minute", refusal(429, "Slow down", retry_after="3600"), "rate_limit"),
    ("a wait that only the text tells", refusal(429, "Please try again in 7m12s"), "rate_limit"),
    ("a key that is not known", refusal(401, f"Incorrect API key: {KEY}"), "authentication"),
    ("a key that may not", refusal(403, "Forbidden"), "authentication"),
    ("a model that is not there", refusal(404, "No such model"), "bad_request"),
    ("a redirect", refusal(307, "moved", location="http://127.0.0.1:9/v1"), "bad_request"),
    ("a web page", Fault(content_type="text/html", pieces=(b"<html>hi</html>",)), "bad_request"),
    (
        "an error object in a stream",
        Fault(pieces=(b'data: {"error": {"code": 402, "message": "no credits"}}\n\n',)),
        "quota",
    ),
    (
        "the provider's filter",
        Fault(pieces=(*stream(finish_reason="content_filter"), DONE)),
        "refused",
    ),
]


@pytest.mark.parametrize(
    ("fault", "outcome"), [row[1:] for row in AT_ONCE], ids=[row[0] for row in AT_ONCE]
)
def test_what_waiting_cannot_mend_ends_at_once(worktree: Path, fault: Fault, outcome: str) -> None:
    ended, _, _ = do(worktree, fault)
    assert ended.outcome == outcome, ended.message
    assert "\n" not in ended.message


BROKEN_JSON = Fault(pieces=(b"data: {oops\n\n",))
STEADY = [
    ("a connection that closes", Fault(then="cut"), 3, "crash"),
    ("answers that break off", cut(say("I am about to")), 3, "crash"),
    ("answers that are not JSON", BROKEN_JSON, 3, "crash"),
]


@pytest.mark.parametrize(
    ("fault", "requests", "outcome"), [row[1:] for row in STEADY], ids=[row[0] for row in STEADY]
)
def test_what_may_pass_is_tried_again_and_not_for_ever(
    worktree: Path, fault: Fault, requests: int, outcome: str
) -> None:
    ended, _, _ = do(worktree, *[fault] * requests)
    assert ended.outcome == outcome, ended.message


def test_troubles_that_pass_do_not_stop_the_work(worktree: Path) -> None:
    ended, signals, _ = do(
        worktree,
        cut(call("write_file", path="half.txt", content="never")),
        call("write_file", path="whole.txt", content="yes"),
        finish(),
    )
    assert ended.outcome is OutcomeClass.DONE
    assert (worktree / "whole.txt").exists()
    assert not (worktree / "half.txt").exists()
    assert sum("asking again" in one.text for one in signals if isinstance(one, Say)) == 1
    known = [(one.cost_known, one.finished) for one in read_usage(worktree.parent / "usage.jsonl")]
    assert known == [(False, False), (True, True), (True, True)]


def test_no_connection_is_a_crash_that_says_where_to(worktree: Path) -> None:
    with ScriptedModel([]) as model:
        job = job_for(worktree, model)
    ended = work(job, LocalProcesses(), lambda signal: None)
    assert ended.outcome is OutcomeClass.CRASH
    assert model.base_url in ended.message


def test_an_endpoint_that_says_nothing_is_left_when_the_time_is_up(worktree: Path) -> None:
    began = time.monotonic()
    ended, _, _ = do(worktree, Fault(then="hang"), limits=limits(seconds=0.3))
    assert ended.outcome is OutcomeClass.TIMEOUT
    assert time.monotonic() - began < 3
    [call] = read_usage(worktree.parent / "usage.jsonl")
    assert (call.finished, call.cost_known) == (False, False)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(document(finish()), id="one document instead of a stream"),
        pytest.param(without_usage(finish()), id="no token counts"),
        pytest.param(
            Fault(
                pieces=(
                    b": ping\r\n\r\n",
                    *raw_call("finish", '{"status": "success"}').pieces[:1],
                    b": ping\n\n",
                    *raw_call("finish", "").pieces[1:2],
                ),
                then="cut",
            ),
            id="pings between the events and no end after the reason",
        ),
    ],
)
def test_other_ways_of_answering_are_understood(worktree: Path, step: Step) -> None:
    ended, _, _ = do(worktree, step)
    assert ended.outcome is OutcomeClass.DONE, ended.message


def test_fields_that_an_endpoint_does_not_know_are_left_out_next_time(worktree: Path) -> None:
    with ScriptedModel(
        [
            refusal(400, "Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead."),
            refusal(422, "Extra inputs are not permitted: stream_options"),
            finish(),
        ]
    ) as model:
        ended = work(job_for(worktree, model), LocalProcesses(), lambda signal: None)
    assert ended.outcome is OutcomeClass.DONE
    last = model.requests[-1].body
    assert "max_completion_tokens" in last
    assert not {"max_tokens", "stream_options"} & last.keys()


def test_a_model_that_stops_is_reminded_once(worktree: Path) -> None:
    ended, _, _ = do(worktree, say("All done!"), finish("no_change", next_steps="it was right"))
    assert ended.outcome is OutcomeClass.DONE
    ended, _, _ = do(worktree, say("All done!"), say("Really."))
    assert (ended.outcome, ended.message) == (
        OutcomeClass.GAVE_UP,
        "The model stopped without calling finish, twice.",
    )
    ended, _, _ = do(worktree, say(""), say(""))
    assert ended.outcome is OutcomeClass.GAVE_UP


def test_a_model_that_goes_in_circles_is_stopped(worktree: Path) -> None:
    ended, _, _ = do(worktree, *[call("read_file", path="src/app.py")] * 5)
    assert ended.outcome is OutcomeClass.GAVE_UP
    assert "5 times in a row" in ended.message


def test_calls_that_cannot_be_carried_out_are_explained_and_change_nothing(
    worktree: Path,
) -> None:
    torn = '{"path": "torn.c", "content": "int main() {\\n}'
    ended, _, results = do(
        worktree,
        raw_call("write_file", torn),
        raw_call("write_file", torn, finish_reason="length"),
        raw_call("read_file", '```json\n{"path": "src/app.py",}\n```'),
        call("fly", to="the moon"),
        call("read_file", file="src/app.py"),
        call("edit_file", path="src/app.py", old="return a- b", new=""),
        call("finish", status="blocked"),
        finish(),
    )
    assert ended.outcome is OutcomeClass.DONE
    assert not (worktree / "torn.c").exists()
    torn_one, cut_off, mended, unknown, wrong, edit, blocked, handed_in = results
    assert "Nothing was done" in torn_one
    assert "torn.c" in torn_one
    assert "output limit" in cut_off
    assert mended.startswith("The arguments of read_file are not valid JSON")
    assert "1\tdef add(a, b):" in mended
    assert "There is no tool 'fly'" in unknown
    assert "It takes: path, first_line (optional)" in wrong
    assert "nearest is at line 2:\n    return a - b" in edit
    assert "at least one question" in blocked
    assert handed_in == "Handed in."


ESCAPES = [
    "../out.txt",
    "{outside}/out.txt",
    "link/out.txt",
    "file-link.txt",
    ".git/config",
    "src/../.GIT/config",
    "a\0b",
]


@pytest.mark.parametrize("path", ESCAPES, ids=lambda path: repr(path))
def test_no_tool_leaves_the_worktree_or_enters_git(worktree: Path, path: str) -> None:
    outside = worktree.parent
    (worktree / "link").symlink_to(outside)
    (worktree / "file-link.txt").symlink_to(outside / "out.txt")
    (outside / "out.txt").write_text("outside")
    config = (worktree / ".git/config").read_text()
    path = path.format(outside=outside)
    _, _, results = do(
        worktree,
        call("read_file", path=path),
        call("write_file", path=path, content="owned"),
        call("edit_file", path=path, old="o", new="owned"),
        finish(),
    )
    assert all(result.startswith("error: ") for result in results[:3]), results
    assert (outside / "out.txt").read_text() == "outside"
    assert (worktree / ".git/config").read_text() == config


def test_the_hand_over_is_written_by_its_own_tools_only(worktree: Path) -> None:
    (worktree / "way").symlink_to(".orchestrate")
    claim = '{"status": "success"}'
    _, _, results = do(
        worktree,
        call("write_file", path=".orchestrate/completion.json", content=claim),
        call("write_file", path="way/completion.json", content=claim),
        call("read_file", path=".orchestrate/delegation.json"),
        finish("blocked", questions=["Which?"]),
    )
    assert "acknowledge and finish only" in results[0]
    assert "acknowledge and finish only" in results[1]
    assert "mend add" in results[2]
    said = read_said(Claim, (worktree / ".orchestrate/completion.json").read_bytes())
    assert isinstance(said, Claim)
    assert said.status == "blocked"


def test_a_model_is_told_that_tools_write_the_hand_over_that_its_prompt_speaks_of(
    worktree: Path,
) -> None:
    with ScriptedModel([finish()]) as model:
        work(job_for(worktree, model), LocalProcesses(), lambda _: None)
    told = json.dumps(model.requests[0].body["messages"])
    assert "write acknowledgement.json and completion.json for you" in told


def test_a_hand_over_folder_that_leads_elsewhere_is_not_followed(worktree: Path) -> None:
    elsewhere = worktree.parent / "elsewhere"
    (worktree / ".orchestrate").rename(elsewhere)
    (worktree / ".orchestrate").symlink_to(elsewhere)
    _, _, results = do(worktree, finish(), say("No."), say("No."))
    assert "symbolic link" in results[0]
    assert not (elsewhere / "completion.json").exists()


def test_commands_are_held_to_the_rules_and_the_clock(worktree: Path) -> None:
    ended, signals, results = do(
        worktree,
        call("run", command="cd . && bash -c 'g''it push origin main' > pushed; touch ran"),
        call("run", command="sleep 30", timeout_seconds=1),
        call("run", command="seq 100000; exit 3"),
        finish(),
        deny=Rules().also(("git push",)),
    )
    assert results[0] == (
        "error: Not run: 'git push origin main'. Rule role-1: The role's rules forbid it."
    )
    assert not (worktree / "ran").exists()
    shown = [signal.summary for signal in signals if isinstance(signal, ToolUsed)]
    assert "Rule role-1" in shown[0]
    assert ended.message.endswith("1 command was denied by rules.")
    [notes] = worktree.parent.rglob(NOTES_FILE)
    assert noted(notes) == (Denial(rule="role-1", command="git push origin main"),)
    assert results[1].startswith("ended by us after 1 s")
    lines = results[2].splitlines()
    assert (lines[0], lines[1], lines[-1]) == ("exit 3", "1", "100000")
    assert len(results[2]) < 25_000
    assert "lines left out" in results[2]


MONEY = {"max_usd": Decimal("0.01"), "input_usd_per_million": 1, "output_usd_per_million": 1}
REACHED = [
    ("requests", limits(max_requests=1), 1, "limit"),
    ("input tokens", limits(max_input_tokens=2_500), 1, "limit"),
    ("output tokens", limits(max_output_tokens=50), 1, "limit"),
    ("dollars", limits(**MONEY, paid=True), 1, "limit"),
    ("no price", limits(max_usd=1, paid=True), 0, "refused"),
    ("nothing approved", limits(paid=True), 0, "refused"),
]


@pytest.mark.parametrize(
    ("held", "requests", "outcome"), [row[1:] for row in REACHED], ids=[row[0] for row in REACHED]
)
def test_a_limit_stops_the_work_before_the_request(
    worktree: Path, held: Limits, requests: int, outcome: str
) -> None:
    turn = RecordedTurn(calls=call("list_files").calls, input_tokens=7_900)
    ended, _, _ = do(worktree, *[turn] * requests, limits=held)
    assert ended.outcome == outcome, ended.message


def test_a_conversation_that_is_too_long_is_shortened_once(worktree: Path) -> None:
    (worktree / "long.txt").write_text("word word word word\n" * 1_000)
    too_long = refusal(400, "This model's maximum context length is 8192 tokens")
    reads = [call("read_file", path="long.txt", first_line=n) for n in range(1, 9)]
    ended, _, _ = do(worktree, *reads, too_long, finish())
    assert ended.outcome is OutcomeClass.DONE
    (worktree.parent / "session.jsonl").unlink()
    ended, _, _ = do(worktree, *reads, too_long, too_long)
    assert ended.outcome is OutcomeClass.CONTEXT_TOO_LONG


def test_old_results_make_room_before_the_context_is_full(worktree: Path) -> None:
    (worktree / "long.txt").write_text("word word word word\n" * 1_000)
    reads = [call("read_file", path="long.txt", first_line=n) for n in range(1, 12)]
    reads = [turn.model_copy(update={"input_tokens": 0}) for turn in reads]
    with ScriptedModel([*reads, finish()]) as model:
        job = job_for(worktree, model, endpoint={"context_tokens": 8_000})
        ended = work(job, LocalProcesses(), lambda signal: None)
    assert ended.outcome is OutcomeClass.DONE
    assert all(len(json.dumps(one.body["messages"])) < 8_000 * 4 for one in model.requests)
    assert "dropped]" in json.dumps(model.requests[-1].body)


def test_a_second_process_goes_on_where_the_first_was_sent_away(worktree: Path) -> None:
    do(worktree, call("todo", done=[1]), say("Bye."), say("Bye."))
    with ScriptedModel([finish()]) as model:
        job = job_for(worktree, model, prompt="Open: nothing. Hand in.")
        signals: list[Signal] = []
        work(job, LocalProcesses(), signals.append)
    texts = json.dumps(model.requests[0].body["messages"])
    assert "Mend add." in texts
    assert "Open: nothing. Hand in." in texts
    assert isinstance(signals[0], TodoState)
    assert signals[0].items[0].done
    assert [one.n for one in read_usage(Path(job.usage_file))] == [1, 2, 3, 4]


def test_a_killed_process_leaves_records_that_the_next_one_goes_on_from(worktree: Path) -> None:
    command = "echo $$ > pid; exec sleep 30"
    with ScriptedModel([call("list_files"), call("run", command=command)]) as model:
        job = job_for(worktree, model)
        process = start(job)
        assert process.stdout is not None
        wait_for(lambda: (worktree / "pid").read_text().endswith("\n"))
        process.kill()
        process.communicate()
    os.kill(int((worktree / "pid").read_text()), signal.SIGKILL)  # it had nobody left to end it
    with Path(job.session_file).open("a") as session:
        session.write('{"role": "assistant", "content": "torn')
    assert [one.finished for one in read_usage(Path(job.usage_file))] == [True, True]
    assert "whether this was done is not known" in read_session(Path(job.session_file))[-1].content
    ended, _, _ = do(worktree, finish())
    assert ended.outcome is OutcomeClass.DONE


def test_a_model_that_may_only_read_gets_no_command_and_writes_no_file(worktree: Path) -> None:
    plan = ".orchestrate/plan.yaml"
    script = [
        call("run", command="touch was-run"),
        call("write_file", path="src/app.py", content="gone"),
        call("edit_file", path="src/app.py", old="return a - b", new="return 0"),
        call("write_file", path=plan, content="version: 1\n"),
        call("read_file", path="src/app.py"),
        finish(score=9),
    ]
    with ScriptedModel(script[:3] + script[4:]) as model:
        work(job_for(worktree, model, only_writes=()), LocalProcesses(), lambda _: None)
    offered = json.dumps(model.requests[0].body["tools"])
    assert '"finish"' in offered
    assert not any(f'"{name}"' in offered for name in ("run", "write_file", "edit_file"))
    session = read_session(worktree.parent / "session.jsonl")
    told = [one.content for one in session if one.role == "tool"]
    assert [text.startswith("error: There is no tool") for text in told[:3]] == [True] * 3
    assert "return a - b" in told[3]
    (worktree.parent / "session.jsonl").unlink()
    _, _, told = do(worktree, *script, only_writes=(plan,))
    assert [text.startswith("error: ") for text in told[:4]] == [True, True, True, False]
    assert (worktree / plan).read_text() == "version: 1\n"
    assert (worktree / "src/app.py").read_text() == "def add(a, b):\n    return a - b\n"
    assert not (worktree / "was-run").exists()


def test_a_process_that_is_told_to_stop_says_so_and_ends_its_command(worktree: Path) -> None:
    command = "echo $$ > pid; exec sleep 30"
    with ScriptedModel([call("run", command=command)]) as model:
        process = start(job_for(worktree, model))
        wait_for(lambda: (worktree / "pid").read_text().endswith("\n"))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (1, "")
    last = read_signal(out.splitlines()[-1])
    assert isinstance(last, Ended)
    assert last.outcome is OutcomeClass.TIMEOUT
    wait_for(lambda: is_gone(int((worktree / "pid").read_text())))


def test_a_job_that_is_not_one_is_refused_without_repeating_it(worktree: Path) -> None:
    argv = [sys.executable, "-m", "bot.adapters.engines.builtin"]
    bad = json.dumps({"endpoint": {"api_key": KEY, "base_url": "ftp://x"}})
    done = subprocess.run(argv, input=bad, capture_output=True, text=True, env={"PATH": PATH})
    last = read_signal(done.stdout)
    assert isinstance(last, Ended)
    assert last.outcome is OutcomeClass.BAD_REQUEST
    assert "endpoint.base_url" in last.message
    assert KEY not in done.stdout + done.stderr


def is_gone(pid: int) -> bool:
    """Whether a process ended and was reaped, which the system does in its own time."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_for(seen: object) -> None:
    """Wait until something shows, ten seconds at most."""
    assert callable(seen)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if seen():
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError("it did not show in ten seconds")
