"""Plans, events and completions for tests in one line each, with believable defaults.

Moments are seconds after T0; a commit is named by any text, see `sha`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.core import events as happened
from bot.core.base import RunId, Sha
from bot.core.events import Event, Policy, RunStatus
from bot.core.gates import Finding, GateName, GateResult
from bot.core.handoff import Completion, CompletionStatus, Usage
from bot.core.ledger import Billing
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Plan, Workstream
from bot.core.routing import Ladder, Rung, Tier

T0 = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
RUN = RunId("7f3a")


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after T0."""
    return T0 + timedelta(seconds=seconds)


def sha(text: str) -> Sha:
    """Return a commit id that is always the same for a text."""
    return Sha(hashlib.sha1(text.encode()).hexdigest())


BASE = sha("base")


def workstream(name: str, **more: object) -> Workstream:
    """Describe a workstream that owns a folder of its own name."""
    fields = {"id": name, "goal": f"Write {name}", "files": (f"{name}/**",), **more}
    return Workstream.model_validate(fields)


def plan(*workstreams: Workstream, task: str = "Add pagination", **more: object) -> Plan:
    """Make a plan of workstreams, e.g. plan(workstream("a"), workstream("b", needs=["a"]))."""
    return Plan.model_validate({"task": task, "workstreams": workstreams, **more})


def tier(name: str = "local", *, usd: str | None = None, **more: object) -> Tier:
    """Describe a builtin tier; with `usd` a million tokens it is paid, in and out alike."""
    fields: dict[str, object] = {
        "name": name,
        "engine": "builtin",
        "provider": name,
        "model": f"{name}-1",
        "billing": Billing.PAID if usd else Billing.FREE,
        "input_usd_per_million": Decimal(usd) if usd else None,
        "output_usd_per_million": Decimal(usd) if usd else None,
    }
    return Tier.model_validate({**fields, **more})


def ladder(*tiers: Tier) -> Ladder:
    """Make a ladder of usable tiers."""
    return Ladder(rungs=tuple(Rung(tier=one) for one in tiers))


def completion(name: str, begin: float = 0, end: float = 60, **more: object) -> Completion:
    """Describe an attempt that succeeded between two moments and changed one file."""
    fields: dict[str, object] = {
        "run": RUN,
        "workstream": name,
        "attempt": 1,
        "status": CompletionStatus.SUCCESS,
        "engine": "builtin",
        "tier": "local",
        "base_sha": BASE,
        "head_sha": sha(name),
        "files_changed": 1,
        "started_at": at(begin),
        "finished_at": at(end),
    }
    return Completion.model_validate({**fields, **more})


def usage(read: int = 0, written: int = 0, usd: str = "0", *, known: bool = True) -> Usage:
    """Describe what an attempt took from its model in one request."""
    return Usage(
        requests=1,
        input_tokens=read,
        output_tokens=written,
        cost_usd=Decimal(usd),
        cost_known=known,
    )


def requested(seconds: float = 0, *, task: str = "Add pagination", **more: object) -> Event:
    """Ask for a run on `main`."""
    fields = {"base_sha": BASE, "base_ref": "main", "policy": Policy(), **more}
    return happened.RunRequested.model_validate(
        {"at": at(seconds), "run": RUN, "task": task, **fields}
    )


def proposed(what: Plan, seconds: float = 0, source: str = "file plan.yaml") -> Event:
    """Propose a plan that a person wrote."""
    return happened.PlanProposed(at=at(seconds), run=RUN, plan=what, source=source)


def accepted(what: Plan, seconds: float = 0) -> Event:
    """Accept a plan."""
    return happened.PlanAccepted(at=at(seconds), run=RUN, plan_hash=what.hash)


def started(name: str, seconds: float = 0, attempt: int = 1, **more: object) -> Event:
    """Hand an attempt out to the local tier."""
    fields: dict[str, object] = {
        "tier": "local",
        "engine": "builtin",
        "provider": "local",
        "because": "the first free tier",
        "base_sha": BASE,
        "lease_until": at(seconds + 1_500),
    }
    about = {"at": at(seconds), "run": RUN, "workstream": name, "attempt": attempt}
    return happened.WorkstreamStarted.model_validate({**about, **fields, **more})


def finished(
    name: str,
    begin: float = 0,
    end: float = 60,
    attempt: int = 1,
    outcome: OutcomeClass = OutcomeClass.DONE,
    **more: object,
) -> Event:
    """End an attempt; `more` goes into its completion."""
    return happened.WorkstreamFinished(
        at=at(end),
        run=RUN,
        workstream=name,
        attempt=attempt,
        completion=completion(name, begin, end, attempt=attempt, **more),
        outcome=outcome,
    )


def landed(name: str, seconds: float = 60, attempt: int = 1) -> Event:
    """Land a workstream's branch."""
    return happened.WorkstreamPublished(
        at=at(seconds),
        run=RUN,
        workstream=name,
        attempt=attempt,
        branch=f"orchestrate/{RUN}/{name}",
        head_sha=sha(name),
    )


def worked(name: str, begin: float = 0, end: float = 60, **more: object) -> tuple[Event, ...]:
    """Start, finish and land a workstream; `more` goes into its completion."""
    return (started(name, begin), finished(name, begin, end, **more), landed(name, end))


def conflicted(
    name: str, others: Iterable[str], files: Iterable[str], seconds: float = 60, attempt: int = 1
) -> Event:
    """Leave a workstream out, for it does not merge."""
    return happened.ConflictFound(
        at=at(seconds),
        run=RUN,
        workstream=name,
        attempt=attempt,
        others=tuple(others),
        files=tuple(files),
    )


def left_out(name: str, *others: str) -> tuple[Event, ...]:
    """Start and finish a workstream whose README.md does not merge with that of others."""
    return (started(name), finished(name), conflicted(name, others, ["README.md"]))


def retried(name: str, attempt: int, seconds: float = 60, answer: str = "") -> Event:
    """Let a person ask for another attempt."""
    return happened.WorkstreamRetried(
        at=at(seconds),
        by="ada",
        run=RUN,
        workstream=name,
        attempt=attempt,
        because="ada asked for it",
        answer=answer,
    )


def integrated(*included: str, seconds: float = 61, iteration: int = 1) -> Event:
    """Combine what landed; the head is named by what it holds."""
    return happened.IntegrationFinished(
        at=at(seconds),
        run=RUN,
        iteration=iteration,
        branch=f"orchestrate/{RUN}/combined",
        head_sha=sha("+".join(included)),
        included=included,
    )


def gates_started(
    *included: str, seconds: float = 62, lasts: float = 600, cause: str = ""
) -> Event:
    """Hand the gates out for the commit that holds `included`."""
    return happened.GatesStarted(
        at=at(seconds),
        run=RUN,
        cause=cause,
        iteration=1,
        head_sha=sha("+".join(included)),
        lease_until=at(seconds + lasts),
    )


def pushed(head: str, *included: str, seconds: float = 64, over: str = "") -> Event:
    """Let a person put commits on the combined branch."""
    return happened.IntegrationFinished(
        at=at(seconds),
        run=RUN,
        cause=f"pushed over {over}",
        iteration=1,
        branch=f"orchestrate/{RUN}/combined",
        head_sha=sha(head),
        included=included,
        pushed=True,
    )


def gate(
    name: str,
    status: str = "passed",
    *,
    head: str,
    seconds: float = 70,
    iteration: int = 1,
    cause: str = "",
    **more: object,
) -> Event:
    """Let a gate say something of the commit that holds `head`, such as a+b."""
    fields = {"name": GateName(name), "status": status, "because": f"it {status}", **more}
    return happened.GateFinished(
        at=at(seconds),
        run=RUN,
        cause=cause,
        iteration=iteration,
        head_sha=sha(head),
        result=GateResult.model_validate(fields),
    )


def finding(message: str, path: str | None = "src/api.py", line: int | None = 12) -> Finding:
    """Find something wrong."""
    return Finding(path=path, line=line, message=message)


def iteration(
    number: int, fix: Workstream, seconds: float = 75, because: str = "tests failed"
) -> Event:
    """Send the work back to be mended."""
    return happened.IterationStarted(
        at=at(seconds), run=RUN, iteration=number, fix=fix, because=because
    )


def asked(question: str, cause: str, seconds: float = 60, **more: object) -> Event:
    """Put a question to a person."""
    return happened.ApprovalRequested.model_validate(
        {"at": at(seconds), "run": RUN, "question": question, "cause": cause, **more}
    )


def granted(seconds: float = 90, **more: object) -> Event:
    """Let a person say yes."""
    return happened.ApprovalGranted.model_validate(
        {"at": at(seconds), "by": "ada", "run": RUN, **more}
    )


def ended(status: RunStatus, because: str = "every gate passed", seconds: float = 99) -> Event:
    """End the run."""
    return happened.RunFinished.model_validate(
        {"at": at(seconds), "run": RUN, "status": status, "because": because}
    )


def run_of(what: Plan, *events: Event | tuple[Event, ...], **request: object) -> tuple[Event, ...]:
    """Tell a run from its request on; `request` goes into that."""
    flat = [e for part in events for e in (part if isinstance(part, tuple) else (part,))]
    return (requested(**request), proposed(what), accepted(what), *flat)


PASSED = run_of(
    plan(workstream("a")),
    worked("a"),
    integrated("a"),
    gate("tests", head="a", because="9 tests passed"),
    ended(RunStatus.PASSED),
)
