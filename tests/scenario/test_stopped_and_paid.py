"""Runs that were stopped in the middle of an attempt: each call is paid for once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.scenario.test_gateway_run import counted, world_of
from tests.scenario.test_kill import wait_until
from tests.support.scripted_model import Fault, ScriptedModel, call, finish
from tests.support.world import World, plan, work

WRITES = counted(call("write_file", path="a.txt", content="a\n"), 1001)
HANGS = [WRITES, Fault(then="hang")]
ENDS = [WRITES, call("todo", done=[1]), finish()]
ONE = plan(work("a", engine="builtin"))


def stop_in_mid_attempt(
    world: World, model: ScriptedModel, how: signal.Signals, run: str | None = None
) -> None:
    """Start or resume a run, and stop it once its model was asked twice more."""
    asked = len(model.requests)
    again = ("--resume", run) if run else ()
    running = world.start_run(None if run else ONE, *again)
    wait_until(lambda: len(model.requests) == asked + 2)
    running.signal(how)
    running.end()


@pytest.mark.parametrize(
    "stops",
    [
        pytest.param([signal.SIGINT], id="Ctrl-C"),
        pytest.param([signal.SIGKILL], id="killed"),
        pytest.param([signal.SIGINT, signal.SIGKILL], id="Ctrl-C, then killed"),
        pytest.param([signal.SIGKILL, signal.SIGINT], id="killed, then Ctrl-C"),
    ],
)
def test_every_call_is_on_the_ledger_once_however_a_run_was_stopped(
    tmp_path: Path, stops: list[signal.Signals]
) -> None:
    with ScriptedModel([*HANGS * len(stops), *ENDS]) as model:
        world = world_of(tmp_path, model)
        for how in stops:
            stop_in_mid_attempt(world, model, how, *world.runs())
        [run] = world.runs()
        done = world.resume(run)
    assert done.exit_code == 0, done
    lines = [line["input_tokens"] for line in world.ledger_lines()]
    assert len(lines) == len(model.requests)
    assert lines.count(1001) == len(stops) + 1
