"""Money of runs that were killed: who is told, and what `orchestrate clean` gives back."""

from __future__ import annotations

import shutil
import signal
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.event_ref import EventRef
from bot.adapters.git import Repository
from bot.adapters.ledger_branch import LedgerBranch
from bot.adapters.run_folder import RunFolder
from bot.core.base import RunId
from bot.core.ledger import month_of
from bot.core.reservations import reservations, taken
from bot.drivers.abandoned import settle_abandoned
from tests.scenario.test_kill import wait_until
from tests.scenario.test_run import ALLOWED, PAID
from tests.support.scripted_model import Fault, ScriptedModel, call
from tests.support.world import GATES_OFF, World, make_world, plan, work

SCRIPT = [call("write_file", path="a.txt", content="a\n"), Fault(then="hang")]


def killed_while_paid(tmp_path: Path, model: ScriptedModel) -> tuple[World, RunId]:
    """Kill a run while its model is silent."""
    world = make_world(tmp_path, settings=GATES_OFF + PAID.format(model.base_url) + ALLOWED)
    asks = world.run(plan(work("a", engine="builtin")))
    yes = (asks.id, "acme", "2.00", "--because", "it matters")
    assert world.command("approve-paid", *yes).exit_code == 0
    running = world.start_run(None, "--resume", asks.id)
    wait_until(lambda: len(model.requests) == 2)
    running.signal(signal.SIGKILL)
    running.end()
    return world, RunId(asks.id)


def test_clean_gives_back_what_a_killed_run_did_not_spend_and_costs_says_so_before(
    tmp_path: Path,
) -> None:
    with ScriptedModel(SCRIPT) as model:
        world, run = killed_while_paid(tmp_path, model)
    ledger = LedgerBranch(Repository.open(str(world.repo.path)))
    [held] = reservations(ledger.lines())
    assert f"orchestrate run --resume {run}" in world.command("costs").stdout
    assert "orchestrate clean" in world.files("orchestrate/ledger")["COSTS.md"]
    cleaned = world.command("clean")
    assert f"settled  {run}/a.1: $" in cleaned.stdout, cleaned
    lines = ledger.lines()
    assert not [one for one in reservations(lines) if one.is_open]
    spent = [line for line in lines if line.entry == "spend"]
    assert [line.cost_known for line in spent] == [True, False]
    assert {line.reservation for line in spent} == {held.line.id}
    now = SystemClock().now()
    most = sum(line.cost_usd for line in spent)
    assert taken(lines, month_of(now))["acme"] == pytest.approx(most, abs=Decimal("0.000002"))
    assert most < held.line.cost_usd / 2
    assert "settled" not in world.command("clean").stdout


def test_what_nobody_knows_of_counts_as_spent_in_its_month_once_its_lease_is_over(
    tmp_path: Path,
) -> None:
    with ScriptedModel(SCRIPT) as model:
        world, run = killed_while_paid(tmp_path, model)
    shutil.rmtree(world.folder / "state")
    repository = Repository.open(str(world.repo.path))
    folder, now = RunFolder(tmp_path / str(run)), SystemClock().now()
    assert settle_abandoned(EventRef(repository, run), folder, now) == ()
    later = now + timedelta(days=40)
    [settled] = settle_abandoned(EventRef(repository, run), folder, later)
    assert not settled.is_known
    lines = LedgerBranch(repository).lines()
    assert taken(lines, month_of(now)) == {"acme": settled.started.reserved_usd}
    assert taken(lines, month_of(later)) == {}
