"""A run that spends money on a ledger which others write to, in a process of its own.

`python -m tests.support.spender FOLDER RUN CAP DIES` waits for a line, drives the run until nothing
is handed out any more, and prints a line of JSON for what it has spent, asked, and tried to write.
With a number for DIES it ends like a killed process, in the middle of that hand-out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from types import MappingProxyType

from bot.adapters.clock import SystemClock
from bot.adapters.event_ref import Batch, EventRef
from bot.adapters.git import Repository
from bot.core.base import RunId, Sha
from bot.core.events import ApprovalGranted, Policy, RunRequested
from bot.core.handoff import Completion, CompletionStatus, Usage
from bot.core.ledger import LedgerLine, call_id
from bot.core.outcomes import OutcomeClass
from bot.drivers.settling import Attempting, Fact, Hands, Proposal, Settler
from bot.usecases.attempt import Result
from tests.support.builders import ladder, plan, tier, workstream

PROVIDER = "acme"
DEAR = tier("dear", usd="1", provider=PROVIDER)
PLAN = plan(workstream("a", budget_usd="0.5"), workstream("b", budget_usd="0.5"))
GRANTED = Decimal(2)  # to each run
HANDS = Hands()
NOBODY: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Spent:
    """What a run came to; a run that was killed says it, too, as far as it came."""

    run: str
    usd: Decimal = Decimal(0)  # really paid
    hand_outs: int = 0
    questions: tuple[str, ...] = ()
    tries: int = 0  # writes, those that were overtaken too
    died: bool = False


class CountingRecord(EventRef):
    """A record that counts how often somebody tried to write it."""

    tries = 0

    def append(self, batch: Batch, at: datetime) -> None:
        """Write a batch."""
        self.tries += 1
        super().append(batch, at)


def drive(
    repository: Repository, run: RunId, cap: Decimal, dies: int = 0, hands: Hands = HANDS
) -> Spent:
    """Run the plan's workstreams, each attempt of which fails and costs something."""
    clock, random = SystemClock(), Random(f"{run}")
    record = CountingRecord(repository, run)
    settler = Settler(record, repository, clock, lambda _: Proposal(PLAN, "file", (), ""), hands)
    base = repository.resolve("HEAD")
    assert base is not None
    policy = Policy(ladder=ladder(DEAR), month_caps={PROVIDER: cap})
    now = clock.now()
    about = {"at": now, "run": run, "by": "ada"}
    request = RunRequested.model_validate(
        about | {"task": "Spend", "base_sha": base, "policy": policy}
    )
    yes = ApprovalGranted.model_validate(about | {"provider": PROVIDER, "usd": GRANTED})
    facts = [Fact(lambda _: (request, yes))]
    usd, hand_outs = Decimal(0), 0
    while slow := settler.settle(facts):
        facts = []
        for work in slow:
            assert isinstance(work, Attempting)
            hand_outs += 1
            cost = (work.start.reserved_usd * random.randint(1, 10) / 10).quantize(
                Decimal("0.000001")
            )
            usd += cost
            if hand_outs == dies:
                return Spent(run, usd, hand_outs, (), record.tries, died=True)
            result = _result(run, work, base, cost, clock.now())
            ended = tuple(settler.journal().finished(result.completion, result.outcome, None))
            facts.append(Fact(lambda _, ended=ended: ended, result))  # type: ignore[misc]
    asked = tuple(q.question for q in settler.state.asked)
    return Spent(run, usd, hand_outs, asked, record.tries)


def _result(run: RunId, work: Attempting, base: Sha, cost: Decimal, now: datetime) -> Result:
    start = work.start
    done = Completion(
        run=run,
        workstream=start.id,
        attempt=start.attempt,
        status=CompletionStatus.FAILED,
        engine=DEAR.engine,
        tier=DEAR.name,
        usage=Usage(requests=1, cost_usd=cost),
        base_sha=base,
        started_at=now,
        finished_at=now,
        error="it crashed",
    )
    line = LedgerLine(
        id=call_id(run, start.id, start.attempt, now, 1),
        at=now,
        run=run,
        workstream=start.id,
        attempt=start.attempt,
        tier=DEAR.name,
        provider=PROVIDER,
        billing=DEAR.billing,
        cost_usd=cost,
    )
    return Result(done, OutcomeClass.CRASH, (line,))


def drive_together(
    folder: Path, runs: Sequence[str], cap: Decimal, dying: Mapping[str, int] = NOBODY
) -> list[Spent]:
    """Drive each run in a process of its own, all from one moment on.

    `dying` says in the middle of which hand-out a run is killed.
    """
    argv = [sys.executable, "-m", "tests.support.spender", str(folder)]
    here = Path(__file__).parents[2]
    processes = [
        subprocess.Popen(
            [*argv, run, str(cap), str(dying.get(run, 0))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=here,
        )
        for run in runs
    ]  # fmt: skip
    for process in processes:
        assert process.stdout
        process.stdout.readline()  # it has everything loaded
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    found = [json.loads(process.communicate()[0]) for process in processes]
    return [Spent(**one | {"usd": Decimal(one["usd"])}) for one in found]


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    repository, name = Repository.open(sys.argv[1]), RunId(sys.argv[2])
    spent = drive(repository, name, Decimal(sys.argv[3]), int(sys.argv[4]))
    print(json.dumps(vars(spent), default=str), flush=True)
    os._exit(0)
