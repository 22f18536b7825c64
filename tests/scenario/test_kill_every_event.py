"""A run in which everything happens that can happen, killed at any write of its record."""

from __future__ import annotations

import os
import shlex
import signal
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from bot.adapters.recorded_model import (
    Asked,
    Conversation,
    RecordedCall,
    RecordedModel,
    RecordedTurn,
    Reply,
    Session,
    error_reply,
)
from bot.core.events import Event
from tests.support.killer import Killer
from tests.support.world import Outcome, World, make_world, plan, work

SETTINGS = """\
tests: {{command: python -m unittest -q}}
coverage: {{enabled: false}}
review: {{enabled: false}}
docs: {{enabled: false}}
agents: {{paid_without_sandbox: true}}
tiers:
- {{name: small, engine: builtin, provider: us, model: small, billing: free, base_url: "{0}"}}
- {{name: dear, engine: builtin, provider: acme, model: dear, billing: paid, base_url: "{0}",
    input_usd_per_million: "1", output_usd_per_million: "2"}}
"""
FILES = {
    "x.txt": "0\n",
    "price.py": "def price(n):\n    return n * 2\n",
    "test_price.py": "import unittest\n\nfrom price import price\n\n\n"
    "class T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(price(2), 4)\n",
}
ANSWER = "Green, please, for it matters"
PLAN = plan(
    work("first", "echo first > x.txt", files=[], shares=["x.txt"]),
    work("late", "echo late > x.txt", files=[], shares=["x.txt"], approval=True),
    work("dearer", engine="builtin", files=["price.py"]),
    work("asker", engine="builtin"),
)
ENDS = {"first": "landed", "late": "left_out", "dearer": "landed", "asker": "landed"}
ENDS["fix-2"] = "landed"
AT_ONCE = 2  # model calls, of dearer and asker: each is written down before it is sent

ONLY_OF_KILLS = {"workstream.progressed"}  # on a resume: nobody works on that attempt any more
NOT_LOCAL = {"override.granted", "run.cancelled"}  # no command of this machine records them


def writes(match: str, path: str, content: str, todo: tuple[int, ...] = (1,)) -> Conversation:
    """A model that writes one file, ticks its todo off and is done, all in one turn."""
    understood = call("acknowledge", understood="all")
    write, ticked = call("write_file", path=path, content=content), call("todo", done=list(todo))
    done = call("finish", status="success", verification_result="written")
    turn = RecordedTurn(calls=(understood, write, ticked, done))
    return Conversation(match=match, turns=(turn,))


def call(name: str, **arguments: Any) -> RecordedCall:
    return RecordedCall(name=name, arguments=arguments)


QUESTION = RecordedTurn(calls=(call("finish", status="blocked", questions=["Which colour?"]),))


class Model(RecordedModel):
    """Answers by what it is told, however often; the free tier has no quota for `dearer`."""

    def __init__(self) -> None:
        talks = (
            Conversation(match="Workstream `asker`", turns=(QUESTION,)),
            writes(ANSWER, "asker.txt", "green\n"),
            writes("Workstream `dearer`", "price.py", "def price(n):\n    return n * 3\n"),
            writes("Workstream `fix-2`", "price.py", "def price(n):\n    return 2 * n\n", (1, 2)),
        )
        super().__init__(Session(model="any", conversations=talks))
        self.asked = 0

    def reply_to(self, asked: Asked) -> Reply:
        self.asked += 1
        said = str([message.content for message in asked.messages])
        if asked.model == "small" and "Workstream `dearer`" in said:
            return error_reply(429, "insufficient_quota", "You exceeded your current quota.")
        return super().reply_to(asked)


def unarmed() -> dict[str, str]:
    """The environment of a command that nobody kills."""
    return {"PATH": os.environ["PATH"]}


@dataclass
class Person:
    """Runs the plan and types what the report says, until nobody waits for a person.

    What is killed is resumed, and that is killed once more, at its first write.
    """

    world: World
    killer: Killer
    side: str
    killed: int = 0

    def carry_through(self) -> Outcome | None:
        """Return how the run ended; None: killed before anything of it was recorded."""
        known = set(self.world.runs())
        seen = self.watched(self.world.run(PLAN))
        runs = set(self.world.runs()) - known
        if not runs:
            return None
        [run] = runs
        while seen.exit_code in {3, -signal.SIGKILL}:
            if seen.exit_code == 3:
                self.answer(seen)
            seen = self.watched(self.world.resume(run))
        return seen

    def answer(self, asks: Outcome) -> None:
        for step in asks.report["next_steps"]:
            _, *typed = shlex.split(step.replace("…", ANSWER))
            if typed[0] == "run":
                continue
            said = self.watched(self.world.command(*typed))
            if said.exit_code:
                return

    def watched(self, seen: Outcome) -> Outcome:
        if seen.exit_code == -signal.SIGKILL:
            self.killed += 1
            again = self.killer.arm(1, self.side) if self.killed == 1 else unarmed()
            self.world.env |= again
        else:
            assert seen.exit_code in {0, 1, 3}, seen
        return seen


@pytest.mark.parametrize("side", ["before", "after"])
def test_whatever_had_happened_when_it_was_killed_the_run_ends_as_if_it_had_not_been(
    tmp_path: Path, side: str
):
    """Every second write is killed before it and after it; killing at all takes twice as long.

    So each state of the record is met once: those with an even number of writes when the next
    one was just to come, the others when what follows from the last one had not begun.
    """
    with Model() as model:
        world = make_world(tmp_path, FILES, settings=SETTINGS.format(model.base_url))
        before, killer = world.untouched(), Killer(tmp_path / "killer")
        undisturbed = Person(world, killer, side).carry_through()
        assert undisturbed is not None
        types = recorded(world, undisturbed.id)
        assert types == every_type() - ONLY_OF_KILLS - NOT_LOCAL
        assert world.untouched() == before
        check(world, undisturbed, undisturbed, model.asked)
        for at in range(1, 100, 2):
            person, model.asked = Person(world, killer, side), 0
            world.env |= killer.arm(at, side)
            ended = person.carry_through()
            world.env |= unarmed()
            if not person.killed:
                break
            if ended is not None:
                check(world, ended, undisturbed, model.asked)
                types |= recorded(world, ended.id)
            assert world.untouched() == before, f"{side} write {at}"
        assert at > 10, "the run was too short to be killed often"
        assert types == every_type() - NOT_LOCAL
        world.command("clean")
        assert world.worktrees() == []


def every_type() -> set[str]:
    return {kind.model_fields["type"].default for kind in get_args(Event)}


def recorded(world: World, run: str) -> set[str]:
    return {event["type"] for event in world.events(run)}


def check(world: World, ended: Outcome, undisturbed: Outcome, asked: int) -> None:
    report, as_it_was, run = ended.report, undisturbed.report, ended.id
    assert ended.exit_code == 1, "late was left out"
    assert ended.statuses == ENDS
    assert world.tree(report["head_sha"]) == world.tree(as_it_was["head_sha"])
    assert world.refs()[f"refs/heads/{report['branch']}"] == report["head_sha"]
    for same in ("conflicts", "gates", "iterations"):
        assert report[same] == as_it_was[same], same
    events = world.events(run)
    assert set(Counter(event["id"] for event in events).values()) == {1}, "an event twice"
    check_ledger(world, run, events, asked)


def check_ledger(world: World, run: str, events: list[dict[str, Any]], asked: int) -> None:
    lines = [line for line in world.ledger_lines() if line["run"] == run]
    assert set(Counter(line["id"] for line in lines).values()) == {1}, "a ledger line twice"
    [approval] = [line for line in lines if line["entry"] == "approve"]
    assert approval["id"] in {event["id"] for event in events}, "a yes that nobody said"
    spent = [line for line in lines if line["entry"] == "spend"]
    assert asked <= len(spent) <= asked + AT_ONCE, "a call without its line, or lines without calls"
    paid = [line for line in spent if line["billing"] == "paid"]
    assert {line["approval"] for line in paid} == {approval["id"]}
    used = [Decimal(event["usd"]) for event in events if event["type"] == "approval.used"]
    assert sum(used) == sum(Decimal(line["cost_usd"]) for line in paid)
