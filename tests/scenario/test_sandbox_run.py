"""Runs whose agents are in a sandbox, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

from bot.core.handoff import CompletionStatus
from tests.scenario.test_github_run import PLAN
from tests.scenario.test_run import PAID
from tests.support.sandboxes import needs_sandbox, with_sandbox
from tests.support.scripted_model import ScriptedModel, call, calls, finish
from tests.support.stories import Opens
from tests.support.world import GATES_OFF, make_world, plan, work

TESTED = GATES_OFF.replace("tests: {enabled: false}", "tests: {command: python3 -m unittest}")
REQUIRED = "agents: {sandbox: required}\n"


@needs_sandbox
def test_agents_criteria_and_gates_are_in_a_sandbox_and_the_work_lands(tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    beside.write_text("SECRET")
    inside = f"touch {tmp_path}/left; ! cat {beside} && echo ok >> a.txt"
    test = (
        "import os, unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n"
        f"        self.assertFalse(os.path.exists({str(beside)!r}))\n"
    )
    world = with_sandbox(make_world(tmp_path, {"test_it.py": test}, settings=TESTED))
    checked = work("a", inside, acceptance=[{"run": f"test -s a.txt && ! cat {beside}"}])
    done = world.run(plan(checked))
    assert done.exit_code == 0, done
    [finished] = [e for e in world.events(done.id) if e["type"] == "workstream.finished"]
    assert finished["completion"]["isolation"] == "sandbox"
    assert not (tmp_path / "left").exists()
    assert "SECRET" not in str(done)
    assert world.worktrees() == []


@needs_sandbox
def test_a_test_command_that_the_sandbox_stops_says_so_and_what_helps(tmp_path: Path) -> None:
    tool = tmp_path / "home/venvs/shop/bin/check"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho 3 passed in 0.01s\n")
    tool.chmod(0o755)
    settings = GATES_OFF.replace("tests: {enabled: false}", f"tests: {{command: {tool}}}")
    world = with_sandbox(make_world(tmp_path, settings=settings))
    world.env["HOME"] = str(tmp_path / "home")
    stopped = world.run(plan(work("a", "echo a > a.txt", acceptance=[{"run": str(tool)}])))
    told = f"PATH; agents.sandbox: off shows all. Not shown: {tool}"
    assert told in str(stopped.workstream("a")["error"])
    stopped = world.run(plan(work("a", "echo a > a.txt")))
    events = world.events(stopped.id)
    [tests] = (e["result"] for e in events if "result" in e and e["result"]["name"] == "tests")
    assert told in tests["because"]
    world.env["PATH"] = f"{tool.parent}:{world.env['PATH']}"
    done = world.run(plan(work("a", "echo a > a.txt", acceptance=[{"run": str(tool)}])))
    assert done.exit_code == 0, done


@needs_sandbox
def test_a_paid_tier_serves_from_a_sandbox_and_its_agent_reaches_nothing_else(
    tmp_path: Path,
) -> None:
    look = "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {0}), 5)'"
    with ScriptedModel([]) as neighbour:
        port = neighbour.base_url.split(":")[2].split("/")[0]
        script = [
            calls(call("write_file", path="a.txt", content="a\n")),
            call("run", command=look.format(port)),
            call("todo", done=[1]),
            finish(),
        ]
        with ScriptedModel(script) as model:
            world = with_sandbox(
                make_world(tmp_path, settings=GATES_OFF + PAID.format(model.base_url))
            )
            asks = world.run(plan(work("a", engine="builtin")), "--max-usd", "3")
            yes = (asks.id, "acme", "3.00", "--because", "it matters")
            assert world.command("approve-paid", *yes).exit_code == 0
            done = world.resume(asks.id, "--max-usd", "3")
            told = str(model.requests[2].body)
        assert neighbour.requests == []
    assert done.exit_code == 0, done
    assert "ConnectionRefused" in told


def test_where_one_is_required_and_there_is_none_nothing_starts(tmp_path: Path) -> None:
    world = make_world(tmp_path, settings=GATES_OFF + REQUIRED)
    done = world.run(plan(work("a", f"touch {tmp_path}/ran")))
    assert done.exit_code == 2
    assert (
        "agents.sandbox is required, and there is none here: bubblewrap makes none" in done.stderr
    )
    assert not (tmp_path / "ran").exists()


def test_a_run_without_one_says_so_and_doctor_what_mends_it(tmp_path: Path) -> None:
    world = make_world(tmp_path, settings=GATES_OFF)
    done = world.run(plan(work("a", "echo a > a.txt")))
    assert done.exit_code == 0, done
    assert "[sandbox] none, agents run as you: bubblewrap makes none" in done.stderr
    [finished] = [e for e in world.events(done.id) if e["type"] == "workstream.finished"]
    assert finished["completion"].get("isolation", "none") == "none"
    assert "Agents run as you" in world.command("doctor").stdout


def test_on_github_an_attempt_that_requires_one_is_refused_with_the_reason(opens: Opens) -> None:
    with opens(agents={"sandbox": "required"}) as shop:
        shop.ask(PLAN)
        first = shop.state().track("one").attempts[0].completion
    assert first
    assert first.status is CompletionStatus.REFUSED
    assert "agents.sandbox is required, and there is none here" in str(first.error)
