"""A run that is killed at any moment and resumed comes out as if nothing had happened."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from bot.adapters.recorded_model import (
    Asked,
    Conversation,
    RecordedCall,
    RecordedModel,
    RecordedTurn,
    Reply,
    Session,
)
from tests.support.killer import Killer
from tests.support.world import Outcome, World, make_world, plan, work

SETTINGS = """\
tests: {command: python -m unittest -q}
coverage: {enabled: false}
review: {enabled: false}
docs: {enabled: false}
"""
FILES = {
    "shop/__init__.py": "",
    "shop/price.py": "def price(n):\n    return n * 2\n",
    "test_price.py": "import unittest\n\nfrom shop.price import price\n\n\n"
    "class T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(price(2), 4)\n",
}
SLOW = 'f="$PWD/{0}.txt"; echo begun > "$f"; sleep 0.15; echo done >> "$f"'


def turn(name: str, **arguments: object) -> RecordedTurn:
    return RecordedTurn(
        calls=(RecordedCall.model_validate({"name": name, "arguments": arguments}),)
    )


class CountingModel(RecordedModel):
    """Plays its session and counts what it was asked."""

    def __init__(self) -> None:
        turns = (
            turn("write_file", path="d.txt", content="by a model\n"),
            turn("todo", done=[1]),
            turn("finish", status="success", verification_result="written"),
        )
        talk = Conversation(match="Workstream `d`", turns=turns)
        super().__init__(Session(model="recorded-1", conversations=(talk,)))
        self.asked = 0

    def reply_to(self, asked: Asked) -> Reply:
        self.asked += 1
        return super().reply_to(asked)


PLAN = plan(
    work("a", SLOW.format("a")),
    work("b", SLOW.format("b")),
    work("c", SLOW.format("c"), needs=["a"]),
    work("d", engine="builtin"),
    work("e", "cat d.txt a.txt > e.txt", needs=["d", "a"]),
)


def make(tmp_path: Path, model: RecordedModel) -> World:
    world = make_world(tmp_path, FILES, settings=SETTINGS)
    world.env |= {"ORCHESTRATE_BASE_URL": model.base_url, "ORCHESTRATE_MODEL": "recorded-1"}
    return world


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_run_that_is_killed_at_any_write_ends_as_if_it_had_not_been(tmp_path: Path, side: str):
    with CountingModel() as model:
        world, killer = make(tmp_path, model), Killer(tmp_path / "killer")
        usual = world.env | {"PATH": os.environ["PATH"]}
        undisturbed = world.run(PLAN)
        assert undisturbed.exit_code == 0, undisturbed
        tree = world.tree(undisturbed.report["head_sha"])
        before = world.untouched()
        for at in range(1, 100):
            known, model.asked = set(world.runs()), 0
            world.env |= killer.arm(at, side)
            killed = world.run(PLAN)
            world.env = dict(usual)
            if killed.exit_code == 0:
                break
            assert killed.exit_code == -signal.SIGKILL, killed
            for run in set(world.runs()) - known:
                resumed = world.resume(run)
                assert resumed.exit_code == 0, f"{side} write {at}: {resumed}"
                check(world, resumed, tree, model.asked)
            assert world.untouched() == before, f"{side} write {at}"
        assert at > 6, "the plan was too short to be killed often"
        world.command("clean")
        assert world.worktrees() == []


def check(world: World, resumed: Outcome, tree: str, asked: int) -> None:
    run = resumed.id
    assert set(resumed.statuses.values()) == {"landed"}
    assert world.tree(resumed.report["head_sha"]) == tree
    assert world.refs()[f"refs/heads/orchestrate/{run}/combined"] == resumed.report["head_sha"]
    events = Counter(event["id"] for event in world.events(run))
    assert set(events.values()) == {1}, "an event twice"
    calls = Counter(line["id"] for line in world.ledger_lines() if line["run"] == run)
    assert set(calls.values()) == {1}, "a ledger line twice"
    assert asked <= len(calls) <= asked + 1, "a call is written down before it is sent"
    rescued = world.refs(f"refs/orchestrate/rescue/{run}/")
    for ref in rescued:
        assert set(world.files(ref)) >= set(FILES), ref


def begun(world: World, name: str) -> bool:
    return any(world.folder.glob(f"state/orchestrate/*/*/worktrees/{name}.1/{name}.txt"))


def in_work(world: World, name: str) -> list[str]:
    files = world.folder.glob(f"state/orchestrate/*/*/worktrees/{name}.1/{name}.txt")
    with contextlib.suppress(FileNotFoundError):  # it is just being removed
        return [file.read_text() for file in files]
    return []


def wait_until(holds: object, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.02)


def sleepers(mark: str) -> list[str]:
    """Processes of an agent's that still run, by a number in their command line."""
    out = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in out.stdout.splitlines() if f"sleep {mark}" in line]


LATE = 'f="$PWD/{0}.txt"; echo begun >> "$f"; sleep {1}; echo late >> "$f"'


def test_agents_of_a_killed_run_are_ended_and_their_work_is_kept(tmp_path: Path):
    world = make_world(tmp_path)
    before = world.untouched()
    text = plan(
        work("a", LATE.format("a", "1.2345")),
        work("b", f"setsid sh -c {LATE.format('b', '1.2345')!r}; sleep 1.3"),
    )
    running = world.start_run(text)
    wait_until(lambda: begun(world, "a") and begun(world, "b"))
    running.signal(signal.SIGKILL)
    assert running.end().exit_code == -signal.SIGKILL
    assert sleepers("1.2345"), "agents outlive the bot when nobody may end them"

    [run] = world.runs()
    resumed = world.resume(run)

    assert resumed.exit_code == 0, resumed
    combined = world.files(resumed.report["branch"])
    assert {name: combined[name] for name in ("a.txt", "b.txt")} == {
        "a.txt": "begun\nlate",
        "b.txt": "begun\nlate",
    }
    for name in ("a", "b"):
        assert world.files(f"refs/orchestrate/rescue/{run}/{name}.1")[f"{name}.txt"] == "begun"
    assert world.untouched() == before
    assert world.worktrees() == []
    assert not sleepers("1.2345")


def test_where_a_killed_run_stands_is_said_at_once(tmp_path: Path):
    """Its attempts were to give a sign for many minutes yet; its machine knows better."""
    world = make_world(tmp_path)
    running = world.start_run(plan(work("a", "echo begun > a.txt; sleep 7.654")))
    wait_until(lambda: begun(world, "a"))
    [run] = world.runs()
    alive = world.command("status", run).stdout
    running.signal(signal.SIGKILL)
    running.end()
    killed, listed = (world.command("status", *which).stdout for which in ([run], []))
    assert alive.startswith(f"Run {run} is running\n")
    assert killed.startswith(f"Run {run} is stopped\n")
    assert f"{run}  stopped" in listed
    assert world.resume(run).exit_code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_ends_everything_and_says_how_to_go_on(
    tmp_path: Path, number: signal.Signals
):
    world = make_world(tmp_path)
    before = world.untouched()
    mark = f"300.{number.value}"
    marker = tmp_path / "go"
    script = f"echo begun > a.txt; [ -e {marker} ] || sleep {mark}; echo done >> a.txt"
    running = world.start_run(plan(work("a", script), work("b", "echo b > b.txt", needs=["a"])))
    wait_until(lambda: begun(world, "a"))
    running.signal(number)
    stopped = running.end(15)

    [run] = world.runs()
    assert stopped.exit_code == 130
    assert f"orchestrate run --resume {run}" in stopped.stderr
    assert not sleepers(mark)
    assert world.worktrees() == []
    assert world.files(f"refs/orchestrate/rescue/{run}/a.1")["a.txt"] == "begun"
    assert world.untouched() == before

    marker.touch()
    resumed = world.resume(run)
    assert resumed.exit_code == 0, resumed
    assert world.files(resumed.report["branch"])["a.txt"] == "begun\ndone"
    assert resumed.workstream("a")["attempts"] == 1
    assert world.untouched() == before


def test_a_run_that_is_killed_in_its_gates_runs_them_again(tmp_path: Path):
    waits = "sh -c 'touch running; [ -e $WAIT ] || sleep 300; python -m unittest -q'"
    settings = SETTINGS.replace("python -m unittest -q", json.dumps(waits))
    settings += "agents: {pass_env: [WAIT]}\n"
    world = make_world(tmp_path, FILES, settings=settings)
    world.env["WAIT"] = str(tmp_path / "go")
    running = world.start_run(plan(work("gates", "echo a > gates.txt")))
    wait_until(lambda: any(world.folder.glob("state/orchestrate/*/*/worktrees/*/running")))
    running.signal(signal.SIGKILL)
    running.end()

    (tmp_path / "go").touch()
    [run] = world.runs()
    resumed = world.resume(run)

    assert resumed.exit_code == 0, resumed
    assert resumed.gate("tests")["status"] == "passed"
    assert world.refs(f"refs/orchestrate/rescue/{run}/") == {}
    assert world.worktrees() == []


def test_a_worktree_that_was_half_made_is_made_anew(tmp_path: Path):
    world, killer = make_world(tmp_path), Killer(tmp_path / "killer")
    usual = dict(world.env)
    world.env |= killer.arm(1, "before", "read-tree")
    assert world.run(plan(work("a", "echo a > a.txt"))).exit_code == -signal.SIGKILL
    world.env = usual
    [run] = world.runs()
    resumed = world.resume(run)
    assert resumed.exit_code == 0, resumed
    assert world.refs(f"refs/orchestrate/rescue/{run}/") == {}, "nobody had worked in it"


def test_work_that_cannot_be_saved_is_kept_and_does_not_stop_the_run(tmp_path: Path):
    world = make_world(tmp_path)
    go = tmp_path / "go"
    script = f"echo a > a.txt; [ -e {go} ] || {{ git init -q inner; sleep 300; }}"
    running = world.start_run(plan(work("a", script)))
    wait_until(lambda: any(world.folder.glob("state/orchestrate/*/*/worktrees/a.1/inner/.git")))
    running.signal(signal.SIGKILL)
    running.end()
    go.touch()
    [run] = world.runs()
    resumed = world.resume(run)
    assert resumed.exit_code == 0, resumed
    assert world.command("clean").exit_code == 0
    [kept] = world.folder.glob("state/orchestrate/*/*/kept/a.1-1")
    assert (kept / "a.txt").read_text() == "a\n"


def test_work_that_was_saved_before_is_not_lost_when_more_is_saved(tmp_path: Path):
    world = make_world(tmp_path)
    text = tmp_path / "text"
    started = plan(work("a", f"cp {text} a.txt; [ -e {text}.go ] || sleep 300"))
    run = ""
    for nth, number in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT)):
        text.write_text(f"{nth}\n")
        running = world.start_run(None, "--resume", run) if run else world.start_run(started)
        wait_until(lambda: f"{nth}\n" in in_work(world, "a"))  # noqa: B023 - called at once
        running.signal(number)
        running.end()
        [run] = world.runs()
    (tmp_path / "text.go").touch()
    done = world.resume(run)
    assert done.exit_code == 0, done
    history = world.repo.git("log", "-p", "-m", f"refs/orchestrate/rescue/{run}/a.1")
    assert {f"+{n}" for n in range(4)} <= set(history.splitlines())
