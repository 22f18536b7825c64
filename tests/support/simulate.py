"""Plays whole runs with a simulated clock: what core decides is done, and a world answers.

Every answer of a world is a function of names (workstream, attempt, gate, commit), so that a run
that was killed and taken up again meets the same world as one that was not.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from itertools import count
from random import Random

from bot.core.accounts import accounts_of
from bot.core.actions import (
    Action,
    AskHuman,
    FinishRun,
    Integrate,
    MakePlan,
    PublishWorkstream,
    RunGates,
    StartIteration,
    StartWorkstream,
)
from bot.core.base import RunId, Sha, digest
from bot.core.decide import decide
from bot.core.events import (
    ApprovalGranted,
    Event,
    OverrideGranted,
    PlanAccepted,
    PlanProposed,
    Policy,
    RunRequested,
    WorkstreamRetried,
)
from bot.core.folding import fold
from bot.core.gates import GateName, GateResult
from bot.core.handoff import Completion, CompletionStatus, Usage
from bot.core.journal import Journal
from bot.core.ledger import LedgerLine, call_id, new_lines
from bot.core.outcomes import OutcomeClass
from bot.core.paying import covered, reservation_lines
from bot.core.plan import Kind, NeedType, Plan, Workstream
from bot.core.routing import Ladder, Rung
from bot.core.routing_rules import RoutingRule
from bot.core.state import RunState, WorkstreamStatus
from bot.core.tracks import Attempt
from bot.core.waking import wakes_at
from tests.support.builders import BASE, RUN, T0, finding, plan, sha, tier, workstream

_DECISIONS_AT_ONCE = 2_000


class Endless(AssertionError):
    """Core goes on deciding although nothing changes any more."""


@dataclass(frozen=True)
class Outcome:
    """What one attempt comes to. `seconds` beyond its lease: it is handed out a second time."""

    status: CompletionStatus = CompletionStatus.SUCCESS
    outcome: OutcomeClass = OutcomeClass.DONE
    seconds: float = 60
    changes: bool = True
    usd: Decimal = Decimal(0)  # of a paid tier, at most what was reserved
    cost_known: bool = True
    merges: bool = True
    back_in: float | None = None  # seconds, of a tier that ran out


def _succeeds(_: Workstream, __: int) -> Outcome:
    return Outcome()


def _passes(name: GateName, _: Sha, __: int) -> GateResult:
    return GateResult(name=name, status="passed", because="it passed")


def _nobody(_: RunState, __: int) -> tuple[Event, ...]:
    return ()


@dataclass(frozen=True)
class World:
    """What answers a run: agents, gates, and a person who is asked once nothing else goes on."""

    attempt: Callable[[Workstream, int], Outcome] = _succeeds
    gate: Callable[[GateName, Sha, int], GateResult] = _passes  # of a commit, in an iteration
    person: Callable[[RunState, int], tuple[Event, ...]] = _nobody  # the nth time; (): goes away
    gate_seconds: float = 30


@dataclass(frozen=True)
class Step:
    """One decision: what was known, and what was decided."""

    now: datetime
    state: RunState
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class HandOut:
    """A workstream that was handed out, and what was known just before."""

    start: StartWorkstream
    now: datetime
    state: RunState


@dataclass(frozen=True)
class Played:
    """A run as it went, from its request to its end, or to where only a person can help.

    `starts` and `ends` are seconds after the request, of a workstream's first hand-out and of its
    landing.
    """

    events: tuple[Event, ...]
    state: RunState
    now: datetime
    steps: tuple[Step, ...]
    hand_outs: tuple[HandOut, ...]
    starts: Mapping[str, float]
    ends: Mapping[str, float]
    writes: int  # batches that were written, or should have been

    @property
    def makespan(self) -> float:
        """Seconds from the first hand-out to the last landing."""
        return max(self.ends.values(), default=0.0) - min(self.starts.values(), default=0.0)


def play(
    plan: Plan,
    world: World | None = None,
    *,
    policy: Policy | None = None,
    expected_seconds: Mapping[str, float] | None = None,
    dies_before_writing: Collection[int] = (),
    dies_after_writing: Collection[int] = (),
) -> Played:
    """Play a run of a plan to its end, or to where it waits and the person has gone away.

    The driver writes batches numbered from 0. Where it dies, what runs is lost, and it is asked
    for again half a minute later, as a local run is.
    """
    driver = _Driver(
        plan,
        world or World(),
        policy or Policy(),
        dict(expected_seconds or {}),
        frozenset(dies_before_writing),
        frozenset(dies_after_writing),
    )
    driver.drive()
    return driver.played()


def play_together(
    plans: Mapping[RunId, Plan],
    world: World,
    policy: Policy,
    dies_after_writing: Collection[int],
    look: Callable[[list[LedgerLine], Mapping[str, Decimal]], None],
) -> None:
    """Play runs on one ledger side by side; each is killed after these writes of its own.

    After every step `look` is shown the ledger, and what each provider was really paid.
    """
    ledger: list[LedgerLine] = []
    really: dict[str, Decimal] = {}
    after = frozenset(dies_after_writing)
    drivers = [
        _Driver(one, world, policy, {}, frozenset(), after, run=run, ledger=ledger, really=really)
        for run, one in plans.items()
    ]
    queue = [(T0, n, driver.turns()) for n, driver in enumerate(drivers)]
    while queue:
        _, n, turns = heapq.heappop(queue)
        following = next(turns, None)
        look(ledger, really)
        if following is not None:
            heapq.heappush(queue, (following, n, turns))


@dataclass
class _Driver:
    """A driver in one process: the record is a list, and work is a moment at which it is over."""

    plan: Plan
    world: World
    policy: Policy
    expected: dict[str, float]
    dies_before: frozenset[int]
    dies_after: frozenset[int]
    events: list[Event] = field(default_factory=list)
    state: RunState = field(default_factory=RunState)
    now: datetime = T0
    over: list[tuple[datetime, int, StartWorkstream | RunGates | None]] = field(
        default_factory=list
    )
    order: Iterable[int] = field(default_factory=count)
    writes: int = 0
    steps: list[Step] = field(default_factory=list)
    hand_outs: list[HandOut] = field(default_factory=list)
    run: RunId = RUN
    ledger: list[LedgerLine] = field(default_factory=list)  # of all runs
    drafted_lines: list[LedgerLine] = field(default_factory=list)
    really: dict[str, Decimal] = field(default_factory=dict)  # by provider, known or not

    def drive(self) -> None:
        for _ in self.turns():
            pass

    def turns(self) -> Iterator[datetime]:
        """Go on step by step; each step is at the moment that it says before it."""
        self.settle(self.request())
        turn = 0
        while True:
            wakes = wakes_at(self.state, self.now)
            if wakes is not None and (not self.over or wakes < self.over[0][0]):
                self.now = wakes
                self.settle(())
                continue
            if self.over:
                yield self.over[0][0]
                self.now, _, work = heapq.heappop(self.over)
                self.settle(self.facts_of(work))
                continue
            said = self.world.person(self.state, turn)
            if not said:
                return
            turn += 1
            yield self.now + timedelta(minutes=10)
            self.now += timedelta(minutes=10)
            self.write(said)
            self.settle(())

    def request(self) -> tuple[Event, ...]:
        """Ask for the run, or ask again and release what nobody works on any more."""
        asked = RunRequested(
            at=self.now,
            run=self.run,
            cause=f"resume {self.state.requests}" if self.state.requests else "",
            task=self.plan.task,
            base_sha=BASE,
            policy=self.policy,
        )
        journal = Journal(self.run, self.now)
        lost = [journal.lost(a, "its process is gone", self.taken(a)) for a in self.state.running]
        return (asked, *lost)

    def taken(self, attempt: Attempt) -> Decimal | None:
        """What a lost attempt took until then, as its purse says; of some nobody knows."""
        stream = self.state.workstreams[attempt.started.workstream]
        known = self.world.attempt(stream, attempt.number).cost_known
        return self.half(attempt) if known else None

    def half(self, attempt: Attempt) -> Decimal:
        stream = self.state.workstreams[attempt.started.workstream]
        outcome = self.world.attempt(stream, attempt.number)
        most = min(outcome.usd, attempt.started.reserved_usd)
        return (most / 2).quantize(Decimal("0.000001"), ROUND_UP)

    def facts_of(self, work: StartWorkstream | RunGates | None) -> tuple[Event, ...]:
        journal = Journal(self.run, self.now)
        if work is None:
            return ()
        if isinstance(work, RunGates):
            results = [self.world.gate(n, work.head_sha, work.iteration) for n in work.names]
            return tuple(
                journal.gate(r, self.state, work.iteration, work.head_sha) for r in results
            )
        outcome = self.world.attempt(self.state.workstreams[work.id], work.attempt)
        back_at = None
        if outcome.back_in is not None:
            back_at = self.now + timedelta(seconds=outcome.back_in)
        done = self.completion(work, outcome)
        self.drafted_lines += self.spend(work, done)
        if self.state.track(work.id).attempts[work.attempt - 1].finished:
            return (journal.late(done, outcome.outcome),)
        return tuple(journal.finished(done, outcome.outcome, None, back_at))

    def spend(self, work: StartWorkstream, done: Completion) -> tuple[LedgerLine, ...]:
        """Write down what an attempt cost, in one call."""
        tier, cost = work.tier, done.usage.cost_usd
        self.pay(tier.provider, cost)
        line = LedgerLine(
            id=call_id(self.run, work.id, work.attempt, done.started_at, 1),
            at=self.now,
            run=self.run,
            workstream=work.id,
            attempt=work.attempt,
            tier=tier.name,
            provider=tier.provider,
            billing=tier.billing,
            cost_usd=cost,
            cost_known=done.usage.cost_known,
        )
        return covered([line], self.state, done)

    def pay(self, provider: str, usd: Decimal) -> None:
        self.really[provider] = self.really.get(provider, Decimal(0)) + usd

    def completion(self, work: StartWorkstream, outcome: Outcome) -> Completion:
        asks = outcome.status is CompletionStatus.BLOCKED
        began = next(out.now for out in self.hand_outs if out.start is work)
        return Completion(
            run=self.run,
            workstream=work.id,
            attempt=work.attempt,
            status=outcome.status,
            engine=work.tier.engine,
            tier=work.tier.name,
            usage=Usage(
                cost_usd=min(outcome.usd, work.reserved_usd), cost_known=outcome.cost_known
            ),
            base_sha=BASE,
            head_sha=sha(f"{work.id}.{work.attempt}") if outcome.changes else None,
            files_changed=work.attempt if outcome.changes else 0,
            questions=("Which one?",) if asks else (),
            started_at=began,
            finished_at=self.now,
        )

    def settle(self, facts: Iterable[Event]) -> None:
        """Decide and do until only waiting is left; then write it all at once."""
        state, drafted = self.state, []
        works: list[StartWorkstream | RunGates] = []

        def add(*events: Event) -> None:
            nonlocal state
            drafted.extend(events)
            state = fold(events, state)

        add(*facts)
        for _ in range(_DECISIONS_AT_ONCE):
            actions = decide(state, self.now, accounts_of(self.ledger, self.run, self.now))
            self.steps.append(Step(self.now, state, actions))
            quick = [a for a in actions if not isinstance(a, StartWorkstream | RunGates)]
            for action in quick:
                add(*self.carry_out(action, state))
            if quick:
                continue
            for action in actions:
                if isinstance(action, StartWorkstream):
                    self.hand_outs.append(HandOut(action, self.now, state))
                    add(Journal(self.run, self.now).started(action, state, BASE))
                works += [action] if isinstance(action, StartWorkstream | RunGates) else []
            break
        else:
            raise Endless(f"decided again and again: {actions}")
        self.write_or_die(drafted, works)

    def write_or_die(self, drafted: list[Event], works: list[StartWorkstream | RunGates]) -> None:
        number, self.writes = self.writes, self.writes + 1
        if number not in self.dies_before:
            self.write(drafted)
        if number in self.dies_before | self.dies_after and not self.state.finished:
            self.over.clear()
            for attempt in self.state.running:
                if attempt.lease_until <= self.now:
                    continue  # nobody worked on it
                self.pay(attempt.started.provider, self.half(attempt))
            self.now += timedelta(seconds=30)
            self.settle(self.request())
            return
        for work in works:
            self.begin(work)

    def write(self, events: Iterable[Event]) -> None:
        new = tuple(events)
        after = fold(new, self.state)
        lines = (*self.drafted_lines, *reservation_lines(self.state, after, self.now))
        self.ledger += new_lines(self.ledger, lines)
        self.drafted_lines.clear()
        self.events += new
        self.state = after

    def begin(self, work: StartWorkstream | RunGates) -> None:
        if isinstance(work, RunGates):
            self.push(self.now + timedelta(seconds=self.world.gate_seconds), work)
            return
        outcome = self.world.attempt(self.state.workstreams[work.id], work.attempt)
        last = self.state.track(work.id).last
        done = self.now + timedelta(seconds=outcome.seconds)
        if last and done > last.lease_until:
            self.push(last.lease_until, None)  # somebody looks whether there is a sign of life
        self.push(done, work)

    def push(self, when: datetime, work: StartWorkstream | RunGates | None) -> None:
        heapq.heappush(self.over, (when, next(iter(self.order)), work))

    def carry_out(self, action: Action, state: RunState) -> tuple[Event, ...]:
        journal = Journal(self.run, self.now)
        match action:
            case MakePlan():
                accepted = PlanAccepted(
                    at=self.now,
                    run=self.run,
                    plan_hash=self.plan.hash,
                    expected_seconds=self.expected,
                )
                proposed = PlanProposed(at=self.now, run=self.run, plan=self.plan, source="file")
                return (proposed, accepted)
            case PublishWorkstream(id=name, attempt=attempt, head_sha=head):
                if self.world.attempt(state.workstreams[name], attempt).merges:
                    return (
                        journal.published(name, attempt, f"orchestrate/{self.run}/{name}", head),
                    )
                others = state.landing[-1:] or ("nobody",)
                return (journal.conflict(name, attempt, others, ("README.md",)),)
            case AskHuman():
                return (journal.asked(action),)
            case Integrate(iteration=iteration):
                return (journal.integrated(state, iteration, "combined", _head(state)),)
            case StartIteration():
                return (journal.iteration(action),)
            case FinishRun():
                return (journal.ended(action, state),)
            case StartWorkstream() | RunGates():
                raise AssertionError("what takes time is begun, not carried out")

    def played(self) -> Played:
        began = self.events[0].at
        starts: dict[str, float] = {}
        for hand_out in self.hand_outs:
            starts.setdefault(hand_out.start.id, (hand_out.now - began).total_seconds())
        ends = {
            name: (track.landed.at - began).total_seconds()
            for name, track in self.state.tracks.items()
            if track.landed
        }
        return Played(
            tuple(self.events),
            self.state,
            self.now,
            tuple(self.steps),
            tuple(self.hand_outs),
            starts,
            ends,
            self.writes,
        )


def _head(state: RunState) -> Sha:
    """Name the combined commit by the work in it; work that changes nothing makes no commit."""
    landed = [state.tracks[name].landed for name in state.landing]
    heads = sorted(e.head_sha for e in landed if e and e.head_sha != BASE)
    return sha(digest(*heads)) if heads else BASE


# Random runs, made of a seed: the same seed is the same plan, ladder and world.

_KINDS = (Kind.IMPLEMENTATION, Kind.IMPLEMENTATION, Kind.TESTS, Kind.DOCS, Kind.REVIEW)


def random_plan(seed: int, size: int | None = None) -> Plan:
    """Make a plan: needs of all types, shared and overlapping files, approvals, pinned engines."""
    random = Random(f"plan {seed}")
    size = size or random.randint(8, 20)
    names = [f"w{n:02}" for n in range(size)]
    random.shuffle(names)
    streams = []
    for at, name in enumerate(names):
        needs = [
            {"id": other, "type": random.choice(list(NeedType))}
            for other in random.sample(names[:at], min(at, random.choice((0, 0, 1, 1, 2, 3))))
        ]
        more: dict[str, object] = {}
        if random.random() < 0.15:
            more = {"run": ["make"]}
        elif random.random() < 0.1:
            more = {"engine": random.choice(("builtin", "gemini"))}
        if random.random() < 0.2:
            more["shares"] = ("CHANGES.md",)
        streams.append(
            workstream(
                name,
                kind=random.choice(_KINDS),
                needs=needs,
                files=(f"part{random.randint(0, size)}/**",),
                approval=random.random() < 0.1,
                budget_usd=random.choice(("0", "0", "0.5", "1.25")),
                **more,
            )
        )
    return plan(*streams, limits={"max_parallel": random.randint(1, 6)})


def random_ladder(seed: int) -> Ladder:
    """Make a ladder of free, paid and subscribed tiers, some of which cannot be used."""
    random = Random(f"ladder {seed}")
    rungs = []
    for n in range(random.randint(1, 4)):
        paid = random.random() < 0.4
        one = tier(
            f"tier{n}",
            usd="2.50" if paid else None,
            provider=random.choice(("acme", "umbrella")) if paid else f"free{n}",
            engine=random.choice(("builtin", "builtin", "gemini")),
        )
        rungs.append(Rung(tier=one, why_not="no key" if random.random() < 0.15 else ""))
    return Ladder(rungs=tuple(rungs), rules=_random_rules(seed) if seed % 3 == 1 else ())


def _random_rules(seed: int) -> tuple[RoutingRule, ...]:
    """Want paid tiers for some work, so that somebody is asked before it starts."""
    random = Random(f"rules {seed}")
    kinds = tuple(random.sample((Kind.IMPLEMENTATION, Kind.DOCS, Kind.REVIEW), 2))
    names = tuple(random.sample([f"tier{n}" for n in range(4)], 3))
    return (RoutingRule(kinds=kinds, prefer=names, ask=True, because="it is hard"),)


_ENDS = (
    *((CompletionStatus.SUCCESS, OutcomeClass.DONE),) * 9,
    (CompletionStatus.NO_CHANGE, OutcomeClass.DONE),
    (CompletionStatus.FAILED, OutcomeClass.DONE),
    (CompletionStatus.FAILED, OutcomeClass.CRASH),
    (CompletionStatus.FAILED, OutcomeClass.AUTHENTICATION),
    (CompletionStatus.FAILED, OutcomeClass.CONTEXT_TOO_LONG),
    (CompletionStatus.PARTIAL, OutcomeClass.TIMEOUT),
    (CompletionStatus.QUOTA, OutcomeClass.QUOTA),
    (CompletionStatus.QUOTA, OutcomeClass.RATE_LIMIT),
    (CompletionStatus.REFUSED, OutcomeClass.REFUSED),
    (CompletionStatus.BLOCKED, OutcomeClass.DONE),
)


def random_world(
    seed: int, *, person: bool = True, trouble: float = 1.0, tiers_run_out: bool = True
) -> World:
    """Make a world; `trouble` 0 is one in which everything succeeds and takes a random time."""
    ends = [e for e in _ENDS if tiers_run_out or e[1] not in _TIER_RUNS_OUT]

    def attempt(stream: Workstream, number: int) -> Outcome:
        random = Random(f"attempt {seed} {stream.id} {number}")
        seconds = random.lognormvariate(5, 1)
        changes = not stream.kind.changes_nothing
        if random.random() > trouble:
            return Outcome(seconds=seconds, changes=changes)
        status, outcome = random.choice(ends)
        return Outcome(
            status,
            outcome,
            seconds=seconds if random.random() < 0.95 else 3_000,
            changes=changes and status is not CompletionStatus.NO_CHANGE,
            usd=Decimal(random.randint(0, 200)) / 100,
            cost_known=random.random() < 0.9,
            merges=random.random() < 0.9,
            back_in=random.choice((None, 60, 3_000, 100_000)),
        )

    def gate(name: GateName, head: Sha, iteration: int) -> GateResult:
        random = Random(f"gate {seed} {name} {iteration}")
        status = "passed" if random.random() > trouble / 3 else random.choice(_GATE_ENDS)
        found = (finding(f"wrong {random.randint(0, 1)}"),) if status == "failed" else ()
        return GateResult(name=name, status=status, because=f"it {status}", findings=found)

    def answer(state: RunState, turn: int) -> tuple[Event, ...]:
        return random_person(seed, state, turn)

    return World(attempt, gate, answer if person else _nobody)


_TIER_RUNS_OUT = {OutcomeClass.QUOTA, OutcomeClass.RATE_LIMIT, OutcomeClass.AUTHENTICATION}
_GATE_ENDS = ("failed", "failed", "not_run", "off")


def random_person(seed: int, state: RunState, turn: int) -> tuple[Event, ...]:
    """Answer some of what is asked, retry some of what failed, and go away after three turns."""
    random = Random(f"person {seed} {turn}")
    if turn >= 3 or random.random() < 0.1:
        return ()
    last = max(event.at for event in (*state.asked, state.request) if event)
    about = {"at": last, "by": "ada", "run": RUN, "cause": f"comment {turn}"}
    said: list[Event] = []
    for question in state.asked:
        if random.random() < 0.6 and question.provider:
            usd = Decimal(random.randint(1, 300)) / 100
            said.append(ApprovalGranted(**about, provider=question.provider, usd=usd))
        elif random.random() < 0.8 and question.cause.startswith("workstream:"):
            said.append(ApprovalGranted(**about, workstream=question.workstream))
    for name, standing in state.standings.items():
        if standing.status in _RETRIED and random.random() < 0.7:
            number = len(state.track(name).attempts) + 1
            said.append(
                WorkstreamRetried(**about, workstream=name, attempt=number, because="ada asked")
            )
    if random.random() < 0.2:
        said.append(OverrideGranted(**about, gate=random.choice(list(GateName)), because="known"))
    if state.request and (not said or random.random() < 0.5):
        resumed = {"at": last, "cause": f"resume {state.requests}"}
        again = state.request.model_dump(exclude={"id", "at", "cause"}) | resumed
        said.append(RunRequested.model_validate(again))
    return tuple(said)


_RETRIED = {
    WorkstreamStatus.FAILED,
    WorkstreamStatus.LEFT_OUT,
    WorkstreamStatus.BLOCKED,
    WorkstreamStatus.WAITING,
    WorkstreamStatus.READY,
}
