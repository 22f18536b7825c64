"""Which workstreams begin now, on which tiers and with what share of them, and what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from bot.core.accounts import Accounts
from bot.core.actions import AskHuman, StartWorkstream
from bot.core.asking import choice_for, demand_of, went_free
from bot.core.base import ZERO_USD
from bot.core.exhaustion import out_at
from bot.core.graph import longest_remaining, reverse
from bot.core.money import cover_left, reserve
from bot.core.plan import Workstream, collide
from bot.core.questions import approvals, for_a_tier, not_put_yet, to_pay
from bot.core.routing import SHELL, NeedsApproval, NoRoute, Route, Tier, route
from bot.core.shares import Allotment, Held
from bot.core.state import Attempt, RunState, WorkstreamStatus

EXPECTED_SECONDS = 300.0  # of a workstream that nobody estimated
NONE: Mapping[str, str] = MappingProxyType({})
Cover = Mapping[str, Decimal]


def start(
    state: RunState, now: datetime, accounts: Accounts
) -> tuple[tuple[StartWorkstream, ...], tuple[AskHuman, ...]]:
    """Hand out what is ready, longest remaining way first, as far as room and files allow."""
    lost = {a.started.workstream: a for a in state.running if a.lease_until <= now}
    busy = [a for a in state.running if a.lease_until > now]
    held = tuple(Held(a.started.tier, a.started.share) for a in busy)
    round_ = _Round(
        state,
        now,
        accounts,
        cover_left(state, now, accounts),
        Allotment(accounts, held, state.policy.apart),
        [state.workstreams[a.started.workstream] for a in busy],
        [a.started.provider for a in busy if a.started.reserved_usd],
        _to_come(state) + len(lost),
    )
    for name in [*lost, *_ready(state)]:
        workstream = state.workstreams[name]
        if len(round_.running) >= state.policy.max_parallel:
            break
        if not any(collide(workstream, other) for other in round_.running):
            round_.try_to_start(workstream, lost.get(name))
    return tuple(round_.starts), tuple(not_put_yet(round_.questions, state))


def route_now(
    state: RunState,
    workstream: Workstream,
    cover: Cover,
    now: datetime,
    little: Mapping[str, str] = NONE,
) -> Route | NeedsApproval | NoRoute:
    """Find the tier for a workstream's next attempt; `little` says of which too little is left."""
    attempts = state.track(workstream.id).attempts
    return route(
        _pinned(state, workstream),
        state.policy.ladder,
        exhausted={**little, **out_at(state.outages, now)},
        tried={a.started.tier for a in attempts if a.finished},
        cover=cover,
        demand=demand_of(state, workstream),
    )


@dataclass
class _Round:
    """One look at everything that could start: each start leaves less for the next."""

    state: RunState
    now: datetime
    accounts: Accounts
    cover: Cover
    allotment: Allotment
    running: list[Workstream]
    paid_providers: list[str]  # whom attempts that run may pay: money may come back
    to_come: int  # workstreams that have not begun, or are lost
    starts: list[StartWorkstream] = field(default_factory=list)
    questions: list[AskHuman] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.questions += approvals(self.state)

    def try_to_start(self, workstream: Workstream, lost: Attempt | None) -> None:
        """Start it, or ask what it cannot start without, or leave it for later."""
        went_without = "" if lost else self._without_money(workstream)
        if went_without is None:
            return
        verdict, free = self._serving(workstream, lost)
        match verdict:
            case Route(tier=tier, because=because):
                why = "; ".join(filter(None, [went_without, because]))
                self._hand_out(workstream, tier, why, free)
            case NeedsApproval() | NoRoute() as verdict:
                if not self._money_may_come_back(verdict):
                    question = for_a_tier(self.state, workstream, verdict, self.accounts)
                    self.questions.append(question)
            case None:
                pass  # what others hold of a tier comes back

    def _without_money(self, workstream: Workstream) -> str | None:
        """Say why it begins without the money it is worth, or nothing; None: a person is asked."""
        out = out_at(self.state.outages, self.now)
        choice = choice_for(self.state, _pinned(self.state, workstream), out, self.cover)
        if choice is None:
            return ""
        why = went_free(choice, self.state, self.now)
        if not why and choice.wish.tier.provider not in self.paid_providers:
            self.questions.append(to_pay(choice, self.state, self.accounts))
        return why or None

    def _serving(
        self, workstream: Workstream, lost: Attempt | None
    ) -> tuple[Route | NeedsApproval | NoRoute | None, Cover]:
        """Route it, and say what it may spend: a lost attempt on its own tier what it reserved."""
        free = _free_for(lost, self.cover)
        verdict = self._past_little(workstream, free)
        if lost and isinstance(verdict, Route) and lost.started.tier != verdict.tier.name:
            free = self.cover  # who was lost on another tier may spend what it has reserved
            verdict = self._past_little(workstream, free)
        return verdict, free

    def _past_little(
        self, workstream: Workstream, cover: Cover
    ) -> Route | NeedsApproval | NoRoute | None:
        """Pass over tiers with too little left; None: to wait, until who holds it gives it back.

        Where nobody does, the tier is tried all the same: its provider knows what it has left.
        """
        little = self.allotment.too_little(self.state.policy.ladder)
        verdict = route_now(self.state, workstream, cover, self.now, little)
        if isinstance(verdict, Route) or not little:
            return verdict
        if self.allotment.is_held(little):
            return None
        return route_now(self.state, workstream, cover, self.now)

    def _hand_out(self, workstream: Workstream, tier: Tier, because: str, free: Cover) -> None:
        last = self.state.track(workstream.id).last
        again = last is not None and last.finished is None  # its lease ran out: the same attempt
        number = 1 if last is None else last.number if again else last.number + 1
        start_from = None
        if last and last.completion and tier.engine != SHELL.engine:
            start_from = last.completion.head_sha
        left = free.get(tier.provider, ZERO_USD)
        most = self.state.policy.workstream_usd
        caps = [cap for cap in (workstream.budget_usd or None, most) if cap]
        reserved = min([left, *caps]) if tier.billing == "paid" else ZERO_USD
        share = self.allotment.share(tier, self._among())
        self.starts.append(
            StartWorkstream(workstream.id, tier, number, because, start_from, reserved, share)
        )
        self.running.append(workstream)
        self.paid_providers += [tier.provider] if reserved else []
        self.cover = reserve(self.state, free, tier.provider, reserved)
        self.allotment = self.allotment.having(tier, share)

    def _among(self) -> int:
        """Count how many may have to share what is left: those to come, as far as there is room."""
        room = self.state.policy.max_parallel - len(self.running)
        return max(min(room, self.to_come - len(self.starts)), 1)

    def _money_may_come_back(self, verdict: NeedsApproval | NoRoute) -> bool:
        """Whether an attempt that runs holds money that it may not need: nobody is asked yet."""
        return isinstance(verdict, NeedsApproval) and verdict.tier.provider in self.paid_providers


def _free_for(lost: Attempt | None, cover: Cover) -> Cover:
    """Count what a lost attempt has reserved as free for itself: it is the same attempt again."""
    if lost is None or not lost.started.reserved_usd:
        return cover
    provider = lost.started.provider
    return {**cover, provider: cover.get(provider, ZERO_USD) + lost.started.reserved_usd}


def _to_come(state: RunState) -> int:
    open_ = {WorkstreamStatus.READY, WorkstreamStatus.PENDING}
    return sum(standing.status in open_ for standing in state.standings.values())


def _ready(state: RunState) -> list[str]:
    """Ids that could start, those with the longest way to the plan's end before them first."""
    ready = [n for n, s in state.standings.items() if s.status is WorkstreamStatus.READY]
    if len(ready) < 2:
        return ready
    needs = {name: w.waits_for for name, w in state.workstreams.items()}
    expected: Mapping[str, float] = state.accepted.expected_seconds if state.accepted else {}
    remaining = longest_remaining(needs, {n: expected.get(n, EXPECTED_SECONDS) for n in needs})
    followers = reverse(needs)
    return sorted(ready, key=lambda name: (-remaining[name], -len(followers[name])))


def _pinned(state: RunState, workstream: Workstream) -> Workstream:
    """Let `--engine` count where the plan pins none."""
    if workstream.engine is not None or not state.policy.engine:
        return workstream
    return workstream.model_copy(update={"engine": state.policy.engine})
