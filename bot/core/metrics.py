"""How well a run went: its figures, measured from its events alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from pydantic import Field

from bot.core import events as happened
from bot.core.base import MICRO_USD, ZERO_USD, Strict, Usd
from bot.core.events import Event
from bot.core.gates import GateResult
from bot.core.graph import longest_remaining
from bot.core.handoff import Completion
from bot.core.ledger import Billing, Tokens
from bot.core.plan import Plan, Workstream, collide
from bot.core.routing import SHELL, Ladder, Tier
from bot.core.spans import Span, levels, seconds_together, spans_of, wall_seconds


class Cost(Strict):
    """Dollars really spent. Where `known` is false, nobody knows a part of them."""

    usd: Usd = ZERO_USD
    known: bool = True


class Metrics(Strict):
    """A run's figures. None: there was nothing to divide by, or it did not happen (yet).

    An agent's seconds are those between the start and the end of an attempt that has ended, as
    its completion measured them. Rates are from 0 to 1.
    """

    agent_seconds: float = Field(default=0.0, description="Seconds of all attempts, summed up.")
    wall_seconds: float = Field(
        default=0.0,
        description="Execution: from the first attempt's start to the last one's end, without the "
        "gaps in which only gates were at work or a person was waited for.",
    )
    parallelization_rate: float | None = Field(
        default=None,
        description="Agent-seconds spent while two or more ran, of all agent-seconds.",
    )
    agent_utilization: float | None = Field(
        default=None,
        description="Agent-seconds, of wall_seconds times the largest number of workstreams that "
        "could have run at once (whatever they needed had ended), at most max_parallel.",
    )
    makespan_ratio: float | None = Field(
        default=None,
        description="wall_seconds divided by the least that was possible: the longest way through "
        "the plan, or all agent-seconds divided by max_parallel, whichever is more. 1 is best.",
    )
    schedule_efficiency: float | None = Field(
        default=None, description="The makespan ratio's reciprocal: the share that was needed."
    )
    first_time_pass_rate: float | None = Field(
        default=None, description="Gates that passed in the first iteration, of those that ran."
    )
    gate_coverage: float | None = Field(
        default=None,
        description="1 where every gate that is on ran on the combined commit, else 0; over many "
        "runs, the mean. None where the run changed nothing or no gate is on.",
    )
    planning_seconds: float | None = Field(
        default=None, description="From the request to the accepted plan."
    )
    launch_seconds: float | None = Field(
        default=None,
        description="From the accepted plan until all that could run at once from the outset ran.",
    )
    integration_seconds: float | None = Field(
        default=None,
        description="From the end of the last attempt to the combined commit, over all iterations.",
    )
    cost_by_tier: dict[str, Cost] = Field(default_factory=dict)
    cost_by_provider: dict[str, Cost] = Field(default_factory=dict)
    cost_by_workstream: dict[str, Cost] = Field(default_factory=dict)
    notional_usd: Usd = Field(
        default=ZERO_USD,
        description="What the calls under subscriptions would have cost, where that is known.",
    )
    first_paid_tier: str | None = None
    first_paid_tier_usd: Usd | None = Field(
        default=None,
        description="What the same tokens would have cost on the ladder's first paid tier.",
    )


def measure(events: Iterable[Event], plan: Plan | None, max_parallel: int) -> Metrics:
    """Work the figures out; `Metrics` defines each of them."""
    events = _once(events)
    workstreams = _workstreams(events, plan)
    spans = spans_of(events)
    agent = sum(span.seconds for span in spans)
    wall = wall_seconds(spans, events)
    needs = _needs(workstreams, spans, plan)
    least = _least_wall(spans, needs, max_parallel)
    slots = min(_could_have_run(spans, needs, workstreams), max_parallel)
    tiers = tiers_in(events)
    paid = next((tier for tier in tiers.values() if tier.billing is Billing.PAID), None)
    return Metrics(
        agent_seconds=agent,
        wall_seconds=wall,
        parallelization_rate=_share(seconds_together(spans), agent),
        agent_utilization=_share(agent, wall * slots),
        makespan_ratio=_share(wall, least),
        schedule_efficiency=_share(least, wall),
        first_time_pass_rate=_first_time_pass_rate(events),
        gate_coverage=_gate_coverage(events),
        planning_seconds=_planning_seconds(events),
        launch_seconds=_launch_seconds(events, spans, workstreams, max_parallel),
        integration_seconds=_integration_seconds(events),
        cost_by_tier=_costs(spans, [span.completion.tier for span in spans], tiers),
        cost_by_provider=_costs(spans, [span.provider for span in spans], tiers),
        cost_by_workstream=_costs(spans, [span.workstream for span in spans], tiers),
        notional_usd=sum((_notional(span.completion, tiers) for span in spans), ZERO_USD),
        first_paid_tier=paid.name if paid else None,
        first_paid_tier_usd=_price_on(paid, spans) if paid else None,
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _once(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple({event.id: event for event in reversed(tuple(events))}.values())[::-1]


def _workstreams(events: Sequence[Event], plan: Plan | None) -> dict[str, Workstream]:
    """Return the plan's workstreams, and those that mend what the gates found."""
    fixes = {e.fix.id: e.fix for e in events if isinstance(e, happened.IterationStarted)}
    return (plan.by_id if plan else {}) | fixes


def _needs(
    workstreams: dict[str, Workstream], spans: Sequence[Span], plan: Plan | None
) -> dict[str, tuple[str, ...]]:
    """Say what each workstream needed; a fix comes after all that had ended when it began."""
    planned = plan.needs if plan else {}
    found = dict(planned)
    for name in workstreams.keys() - planned.keys():
        begins = [span.begin for span in spans if span.workstream == name]
        before = {
            span.workstream
            for span in spans
            if begins and span.workstream != name and span.end <= min(begins)
        }
        found[name] = tuple(sorted(before))
    return found


def _least_wall(
    spans: Sequence[Span], needs: dict[str, tuple[str, ...]], max_parallel: int
) -> float:
    seconds: defaultdict[str, float] = defaultdict(float)
    for span in spans:
        seconds[span.workstream] += span.seconds
    longest = max(longest_remaining(needs, seconds).values(), default=0.0)
    return max(longest, sum(seconds.values()) / max_parallel)


def _could_have_run(
    spans: Sequence[Span],
    needs: dict[str, tuple[str, ...]],
    workstreams: dict[str, Workstream],
) -> int:
    """Return how many workstreams at most were running or had all that they needed."""
    ends: dict[str, datetime] = {}
    begins: dict[str, datetime] = {}
    for span in spans:
        begins[span.workstream] = min(begins.get(span.workstream, span.begin), span.begin)
        ends[span.workstream] = max(ends.get(span.workstream, span.end), span.end)
    able = []
    for name, end in ends.items():
        begin = begins[name]
        if not (name in workstreams and workstreams[name].approval):
            ready = [ends[need] for need in needs.get(name, ()) if need in ends]
            begin = min(begin, max(ready, default=min(begins.values())))
        able.append((begin, end))
    return max((n for *_, n in levels(able)), default=0)


def _first_time_pass_rate(events: Sequence[Event]) -> float | None:
    first: dict[str, GateResult] = {}
    for event in events:
        if isinstance(event, happened.GateFinished) and event.iteration == 1 and _ran(event.result):
            first.setdefault(event.result.name, event.result)
    return _share(sum(result.status == "passed" for result in first.values()), len(first))


def _gate_coverage(events: Sequence[Event]) -> float | None:
    requests = [e for e in events if isinstance(e, happened.RunRequested)]
    combined = [e for e in events if isinstance(e, happened.IntegrationFinished)]
    if not requests or not combined or combined[-1].head_sha == requests[0].base_sha:
        return None
    results = [
        e.result
        for e in events
        if isinstance(e, happened.GateFinished) and e.head_sha == combined[-1].head_sha
    ]
    wanted = set(requests[-1].policy.gates) - {r.name for r in results if r.status == "off"}
    ran = {result.name for result in results if _ran(result)}
    return float(wanted <= ran) if wanted else None


def _ran(result: GateResult) -> bool:
    return result.status in {"passed", "failed"}


def _planning_seconds(events: Sequence[Event]) -> float | None:
    asked = [e.at for e in events if isinstance(e, happened.RunRequested)]
    accepted = [e.at for e in events if isinstance(e, happened.PlanAccepted)]
    return (accepted[0] - asked[0]).total_seconds() if asked and accepted else None


def _launch_seconds(
    events: Sequence[Event],
    spans: Sequence[Span],
    workstreams: dict[str, Workstream],
    max_parallel: int,
) -> float | None:
    """Time the start of as many as could run at once: ready, with room, and not colliding."""
    accepted = [e.at for e in events if isinstance(e, happened.PlanAccepted)]
    began = {
        (e.workstream, e.attempt): e.at
        for e in events
        if isinstance(e, happened.WorkstreamStarted) and e.attempt == 1
    }
    began |= {
        (span.workstream, 1): span.begin for span in spans if span.completion.attempt == 1
    }  # a hand-out is recorded before the agent runs
    launched: list[Workstream] = []
    for (name, _), _at in sorted(began.items(), key=lambda item: item[1]):
        ready = workstreams.get(name)
        if ready is None or ready.waits_for or ready.approval or _is_fix(events, name):
            continue
        if len(launched) < max_parallel and not any(collide(ready, w) for w in launched):
            launched.append(ready)
    if not accepted or not launched:
        return None
    return max(0.0, (began[launched[-1].id, 1] - accepted[0]).total_seconds())


def _is_fix(events: Sequence[Event], name: str) -> bool:
    return any(isinstance(e, happened.IterationStarted) and e.fix.id == name for e in events)


def _integration_seconds(events: Sequence[Event]) -> float | None:
    """Sum the time to each combined commit since an attempt ended, or the run was taken up."""
    total: float | None = None
    since: datetime | None = None
    for event in events:
        if isinstance(event, happened.WorkstreamFinished | happened.RunRequested):
            since = max(since or event.at, event.at)
        elif isinstance(event, happened.IntegrationFinished) and since is not None:
            total = (total or 0.0) + max(0.0, (event.at - since).total_seconds())
            since = None
    return total


def tiers_in(events: Iterable[Event]) -> dict[str, Tier]:
    """Return the tiers that a run was asked to use by name; of two of a name the last."""
    requests = [event for event in events if isinstance(event, happened.RunRequested)]
    return tiers_of(*(request.policy.ladder for request in reversed(requests)))


def tiers_of(*ladders: Ladder) -> dict[str, Tier]:
    """Return the tiers of several ladders by name, in order; of two of a name the first."""
    found: dict[str, Tier] = {}
    for ladder in ladders:
        for rung in ladder.rungs:
            found.setdefault(rung.tier.name, rung.tier)
    return found | {SHELL.name: SHELL}


def _costs(spans: Sequence[Span], keys: Sequence[str], tiers: dict[str, Tier]) -> dict[str, Cost]:
    costs: defaultdict[str, list[Cost]] = defaultdict(list)
    for key, span in zip(keys, spans, strict=True):
        costs[key].append(cost_of(span.completion, tiers))
    return {key: sum_of(costs[key]) for key in sorted(costs)}


def cost_of(completion: Completion, tiers: Mapping[str, Tier]) -> Cost:
    """Price an attempt. Only paid calls cost; a subscription's are paid for elsewhere."""
    tier = tiers.get(completion.tier)
    if tier is not None and tier.billing is not Billing.PAID:
        return Cost()
    return Cost(usd=completion.usage.cost_usd, known=completion.usage.cost_known)


def _notional(completion: Completion, tiers: Mapping[str, Tier]) -> Decimal:
    tier = tiers.get(completion.tier)
    is_notional = tier is not None and tier.billing is Billing.SUBSCRIPTION
    return completion.usage.cost_usd if is_notional else ZERO_USD


def sum_of(costs: Iterable[Cost]) -> Cost:
    """Add costs up; where a part is unknown, so is the sum."""
    costs = tuple(costs)
    return Cost(
        usd=sum((cost.usd for cost in costs), ZERO_USD), known=all(cost.known for cost in costs)
    )


def _price_on(tier: Tier, spans: Sequence[Span]) -> Decimal | None:
    read = sum(span.completion.usage.input_tokens for span in spans)
    written = sum(span.completion.usage.output_tokens for span in spans)
    price = tier.cost(Tokens(read, written))
    return None if price is None else price.quantize(MICRO_USD)
