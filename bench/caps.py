"""Many runs at once spend under one cap: is it ever passed, and what does holding it cost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from bench.figures import Figure, seconds_of
from bench.repositories import git, make_repository
from bot.core.ledger import LedgerLine, month_of
from bot.core.reservations import taken
from tests.support.spender import GRANTED, PROVIDER, Spent, drive_together

RUNS = 32
CAP = Decimal(20)
KILLED = {f"run{n}": 2 for n in range(0, RUNS, 4)}  # in the middle of their second hand-out


def bench_caps() -> Iterable[Figure]:
    """Let 32 runs, each with a yes to more than its part, spend from one ledger; kill eight."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "repository"
        make_repository(folder, {"README": "x\n"}, {})
        runs, spent = [f"run{n}" for n in range(RUNS)], list[Spent]()
        took = seconds_of(lambda: spent.extend(drive_together(folder, runs, CAP, KILLED)))
        states = list(_ledgers(folder))
    most = max(taken(lines, month_of(lines[-1].at)).get(PROVIDER, Decimal(0)) for lines in states)
    really = sum((run.usd for run in spent), Decimal(0))
    over = max(most, really) - CAP
    note = f"{RUNS} processes, ${GRANTED * RUNS} approved, {len(states)} states of the ledger"
    yield Figure("caps: passed by", float(max(over, Decimal(0))), "$", bound=0, note=note)
    note = f"${really:.2f} really spent of ${CAP}, ${most:.2f} taken at most"
    yield Figure("caps: taken of the cap", float(most / CAP), note=note)
    hand_outs, tries = sum(run.hand_outs for run in spent), sum(run.tries for run in spent)
    note = f"{hand_outs} hand-outs; {tries} writes tried, {len(KILLED)} runs killed"
    yield Figure("caps: writes tried per state of the ledger", tries / len(states), note=note)
    yield Figure("caps: a hand-out", took / max(hand_outs, 1) * 1000, "ms")


def _ledgers(folder: Path) -> Iterator[tuple[LedgerLine, ...]]:
    """Yield the ledger as each of its commits has it, the oldest first."""
    for commit in git(folder, "rev-list", "--reverse", "orchestrate/ledger").split():
        files = git(folder, "ls-tree", "-r", "--name-only", commit, "ledger/").split()
        texts = (git(folder, "show", f"{commit}:{path}") for path in files)
        lines = (line for text in texts for line in text.splitlines())
        yield tuple(LedgerLine.model_validate_json(line) for line in lines)
