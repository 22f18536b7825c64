"""How close scheduling comes to the shortest time that a plan could take."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from statistics import mean

from bench.figures import Figure
from bot.core import events as happened
from bot.core.accounts import Accounts
from bot.core.actions import Integrate, PublishWorkstream, StartWorkstream
from bot.core.base import RunId, Sha
from bot.core.decide import decide
from bot.core.events import Event, Policy
from bot.core.folding import fold
from bot.core.graph import longest_remaining
from bot.core.handoff import Completion, CompletionStatus
from bot.core.journal import Journal
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Plan

PLANS, AT_ONCE = 200, 4
DURATION_SIGMA, ESTIMATE_SIGMA, MEDIAN_SECONDS = 0.7, 0.5, 300.0
_RUN, _BASE, _BEGIN = RunId("bench"), Sha("0" * 40), datetime(2026, 1, 1, tzinfo=UTC)

Seconds = Mapping[str, float]  # by workstream


def bench_scheduling() -> Iterable[Figure]:
    """Schedule 200 random plans on a simulated clock with the real `decide` and `fold`."""
    chance = random.Random(1)
    known, guessed, waves = [], [], []
    for _ in range(PLANS):
        plan = random_plan(chance)
        real = {w.id: _log_normal(chance, DURATION_SIGMA, MEDIAN_SECONDS) for w in plan.workstreams}
        estimated = {n: _log_normal(chance, ESTIMATE_SIGMA, s) for n, s in real.items()}
        bound = lower_bound(plan, real)
        known.append(makespan(plan, real, real) / bound)
        guessed.append(makespan(plan, real, estimated) / bound)
        waves.append(in_waves(plan, real) / bound)
    name, note = "scheduling: makespan / lower bound", f"mean of {PLANS} plans, worst {{:.2f}}"
    yield Figure(name, mean(known), bound=1.02, note=note.format(max(known)))
    yield Figure(f"{name}, estimates off", mean(guessed), note=note.format(max(guessed)))
    yield Figure(f"{name}, in waves", mean(waves), note=note.format(max(waves)))


def random_plan(chance: random.Random) -> Plan:
    """Make a plan of 8 to 20 workstreams; seven in ten need one to three of those before them."""
    streams = []
    for n in range(chance.randint(8, 20)):
        needs = (
            chance.sample(range(n), min(n, chance.randint(1, 3))) if chance.random() < 0.7 else ()
        )
        streams.append(
            {
                "id": f"w{n}",
                "goal": "Work",
                "run": "true",
                "files": [f"w{n}/**"],
                "needs": [f"w{need}" for need in needs],
                "timeout_minutes": 360,
            }
        )
    return Plan.model_validate({"task": "Work", "workstreams": streams})


def lower_bound(plan: Plan, seconds: Seconds) -> float:
    """Return what no schedule can beat: the critical path, or the work shared out evenly."""
    return max(*longest_remaining(plan.needs, seconds).values(), sum(seconds.values()) / AT_ONCE)


def makespan(plan: Plan, real: Seconds, expected: Seconds) -> float:
    """Drive a run on a simulated clock until everything has landed; return its seconds."""
    state, now = fold(_beginning(plan, expected)), 0.0
    ends: list[tuple[float, StartWorkstream]] = []
    while True:
        events: list[Event] = []
        journal = Journal(_RUN, _BEGIN + timedelta(seconds=now))
        for action in decide(state, journal.at, Accounts()):
            match action:
                case StartWorkstream():
                    events.append(journal.started(action, state, _BASE))
                    heapq.heappush(ends, (now + real[action.id], action))
                case PublishWorkstream():
                    events.append(journal.published(action.id, 1, action.id, action.head_sha))
                case Integrate():
                    return now
                case other:
                    raise RuntimeError(f"nothing else can come of these plans: {other}")
        if not events:
            now, ended = heapq.heappop(ends)
            events = [_finished(ended, now)]
        state = fold(events, state)


def in_waves(plan: Plan, seconds: Seconds) -> float:
    """Return the seconds where each level waits for the whole level before it."""
    levels: dict[int, list[float]] = {}
    depth = longest_remaining(_followers(plan), dict.fromkeys(plan.needs, 1.0))
    for name, level in depth.items():
        levels.setdefault(int(level), []).append(seconds[name])
    return sum(_shared_out(level) for level in levels.values())


def _followers(plan: Plan) -> dict[str, list[str]]:
    return {name: [w.id for w in plan.workstreams if name in w.waits_for] for name in plan.needs}


def _shared_out(level: Iterable[float]) -> float:
    """Longest first, each to whoever is free first: as good as waves get."""
    free = [0.0] * AT_ONCE
    for seconds in sorted(level, reverse=True):
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def _beginning(plan: Plan, expected: Seconds) -> tuple[Event, ...]:
    about = {"at": _BEGIN, "run": _RUN}
    policy = Policy(max_parallel=AT_ONCE)
    return (
        happened.RunRequested(**about, task=plan.task, base_sha=_BASE, policy=policy),
        happened.PlanProposed(**about, plan=plan, source="bench"),
        happened.PlanAccepted(**about, plan_hash=plan.hash, expected_seconds=dict(expected)),
    )


def _finished(start: StartWorkstream, now: float) -> Event:
    at = _BEGIN + timedelta(seconds=now)
    completion = Completion(
        run=_RUN,
        workstream=start.id,
        attempt=start.attempt,
        status=CompletionStatus.SUCCESS,
        engine=start.tier.engine,
        tier=start.tier.name,
        base_sha=_BASE,
        head_sha=_BASE,
        started_at=at,
        finished_at=at,
    )
    return happened.WorkstreamFinished(
        at=at,
        run=_RUN,
        workstream=start.id,
        attempt=start.attempt,
        completion=completion,
        outcome=OutcomeClass.DONE,
    )


def _log_normal(chance: random.Random, sigma: float, median: float) -> float:
    return median * chance.lognormvariate(0, sigma)
