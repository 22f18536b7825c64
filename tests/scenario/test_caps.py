"""Several runs on one ledger and one cap, over real git: the same dollars go to one of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from bot.adapters.git import Repository
from bot.adapters.ledger_branch import LedgerBranch
from bot.core.ledger import LedgerLine, month_of
from bot.core.reservations import reservations, taken
from tests.support.repos import make_repo
from tests.support.spender import PROVIDER, drive_together


def each_ledger(folder: Path) -> Iterator[tuple[LedgerLine, ...]]:
    """The ledger as every one of its commits has it."""
    git = ["git", "-C", str(folder)]
    log = [*git, "rev-list", "--reverse", "orchestrate/ledger"]
    for commit in subprocess.check_output(log, text=True).split():
        paths = subprocess.check_output([*git, "ls-tree", "-r", "--name-only", commit], text=True)
        files = [path for path in paths.split() if path.startswith("ledger/")]
        shown = [subprocess.check_output([*git, "show", f"{commit}:{path}"]) for path in files]
        lines = (line for text in shown for line in text.splitlines())
        yield tuple(LedgerLine.model_validate_json(line) for line in lines)


def test_of_two_runs_at_once_one_gets_the_last_dollars_and_the_other_says_why(
    tmp_path: Path,
) -> None:
    folder = make_repo(tmp_path / "shop", {"x": "1\n"}).path
    cap = Decimal("0.5")  # what one workstream of one run reserves
    spent = drive_together(folder, ["one", "two"], cap, dying={"one": 1, "two": 1})
    [first] = [run for run in spent if run.hand_outs]
    [other] = [run for run in spent if not run.hand_outs]
    [held] = reservations(LedgerBranch(Repository.open(str(folder))).lines())
    assert (held.line.run, held.left_usd) == (first.run, cap)
    assert any(f"monthly cap for {PROVIDER} is reached" in q for q in other.questions)


def test_no_state_of_the_ledger_has_more_than_the_cap_taken_and_the_dead_keep_what_they_held(
    tmp_path: Path,
) -> None:
    folder = make_repo(tmp_path / "shop", {"x": "1\n"}).path
    runs, cap = [f"run{n}" for n in range(6)], Decimal(4)
    spent = drive_together(folder, runs, cap, dying=dict.fromkeys(runs[:2], 3))
    really, month = sum(run.usd for run in spent), ""
    for lines in each_ledger(folder):
        month = month_of(lines[-1].at)
        assert taken(lines, month).get(PROVIDER, 0) <= cap
    assert really <= taken(lines, month)[PROVIDER]
    dead = {run.run for run in spent if run.died}
    assert {one.line.run for one in reservations(lines) if one.is_open} == dead
