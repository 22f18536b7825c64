"""Agents that look for the provider's key, in each program and in ours: it is nowhere."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from tests.support import key_hunt
from tests.support.engine_stories import (
    KEY_NAME,
    acknowledged,
    engine_world,
    every_engine,
    handed_in,
    needed,
    tier,
    told,
)
from tests.support.provider import Provider, Refused, Script, shell, write
from tests.support.world import Outcome, World, plan, work

PLACES = {"environment", "environ", "cmdline", "file", "memory", "door"}
PLAN = plan(work("a", files=["a.txt", "hunt.py"], acceptance=[{"run": "test -s a.txt"}]))


@every_engine
def test_an_agent_that_looks_for_the_key_finds_it_nowhere(engine: str, tmp_path: Path) -> None:
    needed(engine)
    key = f"sk-{secrets.token_hex(16)}"
    with Provider({told("a"): hunting(engine, key)}) as provider:
        world = engine_world(tmp_path, tier(engine, provider))
        world.env[KEY_NAME] = key
        done = world.start_run(PLAN).end(300)
    said = provider.requests[-1].text
    assert done.exit_code == 0, done
    looked = re.search(r"LOOKED ([\w= ]+)", said)
    assert looked, said[-2000:]
    assert {one.partition("=")[0] for one in looked[1].split()} == PLACES
    assert not re.findall(r"FOUND \w+", said)
    assert key in str(provider.requests[-1].headers)
    assert key not in "".join(request.text for request in provider.requests)
    assert_nowhere(world, done, key)


def test_the_hunt_finds_a_key_that_is_there(tmp_path: Path) -> None:
    key = f"sk-{secrets.token_hex(16)}"
    with Provider({told("a"): hunting("builtin", key)}) as provider:
        passed = {"pass_env": ["A_NAME"]}
        world = engine_world(tmp_path, tier("builtin", provider), agents=passed)
        world.env["A_NAME"] = key
        world.run(PLAN)
    assert "FOUND environment" in provider.requests[-1].text


@every_engine
def test_a_key_that_the_provider_repeats_reaches_nobody(engine: str, tmp_path: Path) -> None:
    needed(engine)
    key = f"sk-{secrets.token_hex(16)}"
    refused = Refused(401, f"Incorrect API key provided: {key}. Look at your account.")
    with Provider({told("a"): Script(write("a.txt", "a\n"), ever=refused)}) as provider:
        world = engine_world(tmp_path, tier(engine, provider))
        world.env[KEY_NAME] = key
        done = world.start_run(PLAN).end(300)
        assert done.exit_code == 1, done
    assert "Incorrect API key provided: [key]" in str(done.workstream("a")["error"])
    assert_nowhere(world, done, key)


def hunting(engine: str, key: str) -> Script:
    """Look for a key, and do what was asked besides."""
    return Script(
        acknowledged(engine, "a"),
        write("hunt.py", Path(key_hunt.__file__).read_text()),
        shell(f"python3 hunt.py {key[:9]} {key[9:]}"),
        write("a.txt", "a\n"),
        *handed_in(engine),
    )


def assert_nowhere(world: World, done: Outcome, key: str) -> None:
    """No file that is left, no commit and nothing that was printed holds it."""
    left = [path for path in world.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in left if key.encode() in path.read_bytes()]
    assert key not in world.repo.git("log", "--all", "-p") + done.stdout + done.stderr
