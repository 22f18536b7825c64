"""Several runs on one ledger and one cap, over real git: the same dollars go to one of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from threading import Barrier

from bot.adapters.git import Repository
from bot.adapters.github.origin import Origin, Remote, refspecs
from bot.adapters.ledger_branch import LedgerBranch
from bot.core.base import RunId
from bot.core.ledger import LedgerLine, month_of
from bot.core.reservations import reservations, taken
from bot.drivers.settling import Hands
from tests.support.github import FakeGithub
from tests.support.repos import make_repo
from tests.support.spender import PROVIDER, Spent, drive, drive_together


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


def test_of_two_jobs_with_clones_of_their_own_one_gets_the_last_dollars(tmp_path: Path) -> None:
    cap = Decimal("0.5")
    with FakeGithub() as github:
        github.create_repository("acme/widget", files={"README.md": "hello\n"})
        token = github.job_token("acme/widget", {"contents": "write"})
        remote = Remote(f"{github.url}/acme/widget.git", token)

        def job(run: str) -> Spent:
            specs = refspecs("main", RunId(run))
            origin = Origin.clone(tmp_path / run, remote, "main", specs, lambda _: None)
            hands = Hands(overtaken=lambda _: origin.fetch())
            both_have_cloned.wait(60)
            return drive(origin, RunId(run), cap, 1, hands)

        both_have_cloned = Barrier(2)
        with ThreadPoolExecutor() as pool:
            spent = list(pool.map(job, ["41", "42"]))
        seen = Origin.clone(tmp_path / "seen", remote, "main", refspecs("main"), lambda _: None)
        [held] = reservations(LedgerBranch(seen).lines())
    [first] = [run for run in spent if run.hand_outs]
    [other] = [run for run in spent if not run.hand_outs]
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
