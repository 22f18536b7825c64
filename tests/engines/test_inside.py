"""Every agent program at work in the sandbox, from a home of a user's and as another user."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.wiring.tiers import engines
from tests.support import stories
from tests.support.agents_user import agents_user, needs_another_user, python_for_others
from tests.support.engine_stories import (
    KEY,
    KEY_NAME,
    acknowledged,
    counted,
    engine_world,
    every_program,
    handed_in,
    needed,
    tier,
    told,
)
from tests.support.provider import Provider, Script, Turn, shell, tool, write
from tests.support.real_engines import ENGINES
from tests.support.sandboxes import needs_sandbox, path_with_sandbox, with_sandbox
from tests.support.stories import Story, story
from tests.support.world import World, plan, work

TOOL_SERVER = Path(__file__).parents[1] / "support" / "tool_server.py"
SERVERS = """
version: 1
servers:
  - {name: demo, use_when: Say ping to it., roles: [builder], command: [demo-tools]}
"""
LOOK = """\
import pathlib, socket
seen = sum(pathlib.Path(path).exists() for path in {hidden!r})
with socket.socket() as neighbour:
    reached = neighbour.connect_ex(("127.0.0.1", {port})) == 0
print(f"seen={{seen}} reached={{reached}}")
"""
PING = tool("ping", text="to you")
PLAN = plan(work("one", files=["one.txt", "look.py"], acceptance=[{"run": "test -s one.txt"}]))
THINKS = (
    "{{id: one, title: One, kind: implementation, files: [one.txt, look.py], goal: Have one, "
    "engine: {}, acceptance: [{{run: test -s one.txt}}]}}"
)
pytestmark = needs_sandbox
__all__ = ["agents_user"]


@pytest.fixture
def neighbour() -> Iterator[int]:
    """A port of this machine's that no agent has business with."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@every_program
def test_a_program_does_its_work_in_a_sandbox_and_reaches_its_door_alone(
    engine: str, tmp_path: Path, neighbour: int
) -> None:
    needed(engine)
    home = tmp_path / "home"
    secret, git = home / ".ssh/id_ed25519", home / "repo/.git/config"
    look = LOOK.format(hidden=[str(secret), str(git)], port=neighbour)
    with Provider({told("one"): at_work(engine, look, PING)}) as provider:
        world = at_home(home, tier(engine, provider))
        done = world.start_run(PLAN).end(300)
    assert done.exit_code == 0, done
    said = provider.requests[-1].text
    assert "seen=0 reached=False" in said
    assert "Not run: " in said
    assert "pong to you" in said
    [finished] = (e for e in world.events(done.id) if e["type"] == "workstream.finished")
    assert finished["completion"]["isolation"] == "sandbox"
    assert finished["completion"]["verification_result"] == "the command exits with 0"
    assert secret.read_text() == "KEY"


@needs_another_user
@every_program
def test_a_program_does_its_work_in_a_job_as_the_agents_user_and_in_a_sandbox(
    engine: str, agents_user: str, neighbour: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed(engine)
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-"))
    folder.chmod(0o755)  # pytest's own folders are closed to others
    secret = folder / "key"
    secret.write_text("KEY")
    look = LOOK.format(hidden=[str(secret)], port=neighbour)
    with Provider({told("one"): at_work(engine, look)}) as provider:
        settings = {"tiers": [tier(engine, provider)], "agents": {"sandbox": "required"}}
        with story(folder, monkeypatch, **settings) as shop:
            on_a_runner(shop, folder, agents_user, monkeypatch)
            put_engine(engine, folder / "engines")
            shop.ask(stories.plan(THINKS.format(engine)))
            attempts = shop.state().track("one").attempts
    shutil.rmtree(folder)
    [done] = [one.completion for one in attempts if one.completion]
    assert (done.status, done.error, done.isolation) == ("success", None, "sandbox")
    said = provider.requests[-1].text
    assert "seen=0 reached=False" in said
    assert "Not run: " in said


@needs_another_user
def test_a_program_reads_a_head_in_a_job_as_the_agents_user_and_in_a_sandbox(
    agents_user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed("gemini")
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-"))
    folder.chmod(0o755)  # pytest's own folders are closed to others
    script = Script(acknowledged("gemini", "review"), *handed_in("gemini", score=3))
    with Provider({"# Review of one commit": script}) as provider:
        settings = {
            "tiers": [tier("gemini", provider)],
            "agents": {"sandbox": "required"},
            "review": {"analyzers": []},
        }
        with story(folder, monkeypatch, **settings) as shop:
            on_a_runner(shop, folder, agents_user, monkeypatch)
            put_engine("gemini", folder / "engines")
            shop.repository.push("mine", {"mine.txt": "mine\n"}, by="alice", start="main")
            shop.repository.open_pull(by="alice", head="mine")
            shop.run_pull_events()
            check = shop.check("orchestrate/review")
    shutil.rmtree(folder)
    assert shop.errors() == []
    assert (check.conclusion, "an agent on first" in str(check.summary)) == ("failure", True)


def on_a_runner(shop: Story, folder: Path, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the jobs the agents' user, a Python that it may run, bubblewrap and engines."""
    monkeypatch.setattr(sys, "executable", python_for_others(folder))
    monkeypatch.setenv("PATH", path_with_sandbox())
    monkeypatch.setenv("ORCHESTRATE_ENGINES", str(folder / "engines"))
    monkeypatch.setenv(KEY_NAME, KEY)
    engines.cache_clear()
    shop.variables |= {"ORCHESTRATE_AGENT_USER": user, "ORCHESTRATE_SCRATCH": str(folder)}


def at_work(engine: str, look: str, *using: Turn) -> Script:
    """Look around, try what is forbidden, use tools, do the work and hand it in."""
    steps = (
        acknowledged(engine, "one"),
        write("look.py", look),
        shell("python3 look.py"),
        shell("git push origin main"),
        *using,
        write("one.txt", "1\n"),
        *handed_in(engine),
    )
    return Script(*(counted(step, number) for number, step in enumerate(steps, 1)))


def at_home(home: Path, one: dict[str, object]) -> World:
    """A world in a newcomer's home: secrets, the engine as it is installed, other programs."""
    world = with_sandbox(engine_world(home, one, agents={"sandbox": "required"}))
    world.repo.write("agents/mcp.yaml", SERVERS)
    world.repo.commit("Describe our servers")
    for name, text in {
        ".ssh/id_ed25519": "KEY",
        ".local/lib/demo/tool_server.py": TOOL_SERVER.read_text(),
        ".local/bin/demo-tools": f"#!/bin/sh\nexec {sys.executable} -P "
        f"{home}/.local/lib/demo/tool_server.py\n",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    (home / ".local/bin/demo-tools").chmod(0o755)
    put_engine(str(one["engine"]), home / ".cache/orchestrate/engines")
    path = f"{home}/.local/bin:{world.env['PATH']}"
    unset = dict.fromkeys(("XDG_STATE_HOME", "XDG_CACHE_HOME", "ORCHESTRATE_ENGINES"), "")
    world.env |= {"HOME": str(home), "PATH": path, **unset}
    return world


def put_engine(name: str, folder: Path) -> None:
    """Have a program where one that was installed is."""
    shutil.copytree(ENGINES / name, folder / name, symlinks=True, copy_function=second_name)


def second_name(source: str, target: str) -> None:
    """Take the place of a copy where the disk allows it: programs have hundreds of megabytes."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
