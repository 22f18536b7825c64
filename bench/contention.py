"""Several processes write to one run's record and one ledger: is anything lost, and how slowly."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, seconds_of
from bench.repositories import git, make_repository
from bot.adapters.event_ref import Batch, EventRef, Overtaken
from bot.adapters.git import Repository
from bot.adapters.ledger_branch import LedgerBranch
from bot.core.base import RunId
from bot.core.events import TierExhausted
from bot.core.ledger import Billing, LedgerLine

WRITERS, BATCHES = 8, 20
_RUN, _AT = RunId("bench"), datetime(2026, 1, 1, tzinfo=UTC)


def bench_contention() -> Iterable[Figure]:
    """Append 20 batches each from 8 processes at once; nothing may be lost or be there twice."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "repository"
        make_repository(folder, {"README": "x\n"}, {})
        tries = 0

        def write_all() -> None:
            nonlocal tries
            argv = [sys.executable, "-m", "bench.contention", str(folder)]
            writers = [
                subprocess.Popen([*argv, str(n)], stdout=subprocess.PIPE) for n in range(WRITERS)
            ]
            tries = sum(int(writer.communicate()[0]) for writer in writers)

        took = seconds_of(write_all)
        _check(Repository.open(str(folder)))
        bare = seconds_of(lambda: _bare(folder))
    appends = WRITERS * BATCHES
    note = f"{WRITERS} processes; {took / appends * 1000:.0f} ms for {bare / appends * 1000:.0f} ms"
    yield Figure("contention: append / git update-ref", took / bare, note=note)
    note = f"{appends} batches of an event and a ledger line, none lost, none twice"
    yield Figure("contention: tries per append", tries / appends, "tries", note=note)


def write(folder: str, writer: int) -> int:
    """Append this writer's batches, each until it is written; return the number of tries."""
    record = EventRef(Repository.open(folder), _RUN)
    tries = 0
    for n in range(BATCHES):
        batch = _batch(f"{writer}-{n}")
        written = False
        while not written:
            record.load()
            tries += 1
            try:
                record.append(batch, _AT)
                written = True
            except Overtaken:
                continue
    return tries


def _batch(name: str) -> Batch:
    event = TierExhausted(at=_AT, run=_RUN, tier=f"tier-{name}", because="bench")
    line = LedgerLine(
        id=name,
        at=_AT,
        run=_RUN,
        workstream="w",
        attempt=1,
        tier="t",
        provider="p",
        billing=Billing.FREE,
    )
    return Batch((event,), {}, spend=(line,))


def _check(repository: Repository) -> None:
    names = sorted(f"{writer}-{n}" for writer in range(WRITERS) for n in range(BATCHES))
    events = EventRef(repository, _RUN).load()
    assert (
        sorted(e.tier.removeprefix("tier-") for e in events if e.type == "tier.exhausted") == names
    )
    assert sorted(line.id for line in LedgerBranch(repository).lines()) == names


def _bare(folder: Path) -> None:
    """Move a ref as often, by one process and with nothing to write."""
    head = git(folder, "rev-parse", "HEAD")
    for n in range(WRITERS * BATCHES):
        git(folder, "update-ref", f"refs/bare/{n}", head)


if __name__ == "__main__":
    print(write(sys.argv[1], int(sys.argv[2])))
