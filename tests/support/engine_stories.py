"""Runs of real agent programs against a scripted provider: tiers, scripts, and where they are.

with Provider({told("a"): work_of("claude", "a")}) as provider:
    world = engine_world(tmp_path, tier("claude", provider))
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
import yaml

from bot.adapters.gateway.gateway import Gateway
from bot.core.engine_programs import EngineName
from bot.core.names import ACKNOWLEDGEMENT_FILE, CLAIM_FILE
from bot.core.sending import Patience
from bot.wiring import gateway
from tests.support.provider import Provider, Script, Turn, say, shell, tool, write
from tests.support.real_engines import ENGINES, real_engine
from tests.support.world import GATES_OFF, World, make_world

PROGRAMS = tuple(name.value for name in EngineName)
USUAL = "codex"  # the program that stands for all of them in `make test`: it starts fast
KEY = "sk-very-secret-0123456789"
KEY_NAME = "SCRIPTED_API_KEY"
MODEL = "scripted-1"
_ROWS = tuple(
    pytest.param(name, marks=() if name == USUAL else pytest.mark.every_engine) for name in PROGRAMS
)
every_program = pytest.mark.parametrize("engine", _ROWS)
every_engine = pytest.mark.parametrize("engine", ["builtin", *_ROWS])
_TODO = [{"id": number, "text": "as it stands", "done": True} for number in (1, 2)]


def needed(engine: str) -> None:
    """Skip the test where an engine's program is not installed."""
    if engine != "builtin":
        real_engine(engine)


def tier(engine: str, provider: Provider, name: str = "first", **more: object) -> dict[str, object]:
    """A free tier on the scripted provider, asked by an engine."""
    version = "v1beta" if engine == "gemini" else "v1"
    return {
        **{"name": name, "engine": engine, "provider": name, "model": MODEL, "billing": "free"},
        **{"base_url": f"{provider.url}/{version}", "key_env": KEY_NAME},
        **{"context_tokens": 200_000, **more},
    }


def engine_world(folder: Path, *tiers: Mapping[str, object], **settings: object) -> World:
    """A repository whose settings name these tiers, and engines where they were installed."""
    written = GATES_OFF + yaml.safe_dump({"tiers": [dict(one) for one in tiers], **settings})
    world = make_world(folder, settings=written)
    world.env |= {"ORCHESTRATE_ENGINES": str(ENGINES), KEY_NAME: KEY}
    return world


def told(workstream: str) -> str:
    """What an agent's prompt says of its workstream, and no other prompt does."""
    return f"# Workstream `{workstream}` of run"


def acknowledged(engine: str, workstream: str) -> Turn:
    """The turn that says how the work was understood."""
    if engine == "builtin":
        return tool("^acknowledge$", understood="I write a file")
    said = {"workstream": workstream, "understood": "I write a file", "questions": []}
    return write(ACKNOWLEDGEMENT_FILE, json.dumps(said))


def handed_in(engine: str, **more: object) -> tuple[Turn, ...]:
    """The turns that hand the work back and end the conversation."""
    said = {"status": "success", "verification_result": "the command exits with 0", **more}
    if engine == "builtin":
        marked = tool("^todo$", done=[1, 2])  # the goal and one criterion
        return (marked, tool("^finish$", **said))
    return (write(CLAIM_FILE, json.dumps({**said, "todo": _TODO})), say("All is done."))


def work_of(engine: str, workstream: str, *doing: Turn) -> Script:
    """A whole conversation: acknowledge, work, hand in; by default one file is written."""
    file = f"{workstream}.txt"
    usual = (write(file, f"{workstream}\n"), shell(f"test -s {file} && echo it holds"))
    steps = (acknowledged(engine, workstream), *(doing or usual), *handed_in(engine))
    return Script(*(counted(step, number) for number, step in enumerate(steps, 1)))


def hurried() -> None:
    """Let this process's gateway wait for moments where others wait for minutes."""
    quick = Patience(silence_seconds=3, backoff_seconds=0.02)
    gateway.Gateway = partial(Gateway, patience=quick)  # type: ignore[assignment, misc]


def counted(step: Turn, number: int) -> Turn:
    """Give a turn a count that no other has."""
    return step.took(
        input=1000 * number + 7, cached=100 * number, output=10 * number + 3, reasoning=number
    )
