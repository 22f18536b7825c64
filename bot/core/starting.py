"""Which workstreams begin now, on which tiers and with what share of them, and what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from bot.core.ledger import Billing
from bot.core.money import budget_left, cap_reached, cover_left, kept_back, reserve, share_of
from bot.core.plan import Kind, Workstream, collide
from bot.core.questions import for_a_tier, not_put_yet, to_go_on, to_pay
from bot.core.routing import SHELL, Cover, NeedsApproval, NoRoute, Route, Tier, route
from bot.core.shares import Allotment, Held
from bot.core.state import RunState, WorkstreamStatus

EXPECTED_SECONDS = 300.0  # of a workstream that nobody estimated
NONE: Mapping[str, str] = MappingProxyType({})


def start(
    state: RunState, now: datetime, accounts: Accounts
) -> tuple[tuple[StartWorkstream, ...], tuple[AskHuman, ...]]:
    """Hand out what is ready, longest remaining way first, as far as room and files allow."""
    lost = [a.started.workstream for a in state.running if a.lease_until <= now]
    busy = [a for a in state.running if a.lease_until > now]
    held = tuple(Held(a.started.tier, a.started.share) for a in busy)
    queue = [state.workstreams[name] for name in dict.fromkeys([*lost, *_ready(state)])]
    cover = cover_left(state, now, accounts)
    round_ = _Round(
        state=state,
        now=now,
        accounts=accounts,
        cover=cover,
        kept=kept_back(state, cover),
        purse=budget_left(state),
        allotment=Allotment(accounts, held, state.policy.apart),
        running=[state.workstreams[a.started.workstream] for a in busy],
        paid_providers=[a.started.provider for a in busy if a.started.reserved_usd],
        to_come=len(_to_come(state).union(lost)),
    )
    for nth, workstream in enumerate(queue):
        if len(round_.running) >= state.policy.max_parallel:
            break
        if not any(collide(workstream, other) for other in round_.running):
            is_lost = workstream.id in lost
            round_.try_to_start(workstream, queue[nth + 1 :], is_lost=is_lost)
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
        pinned(state, workstream),
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
    kept: Cover  # of that, to deliver what is done
    purse: Decimal | None  # what the run's budget leaves for all providers; None: it has none
    allotment: Allotment
    running: list[Workstream]
    paid_providers: list[str]  # whom attempts that run may pay: money may come back
    to_come: int  # workstreams that have not begun, or are lost
    starts: list[StartWorkstream] = field(default_factory=list)
    questions: list[AskHuman] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.questions += to_go_on(self.state)

    def try_to_start(
        self, workstream: Workstream, others: Sequence[Workstream], *, is_lost: bool
    ) -> None:
        """Start it, or ask what it cannot start without, or leave it for later.

        `others` could start, too, and come after it.
        """
        went_without = "" if is_lost else self._without_money(workstream)
        if went_without is None:
            return
        match self._past_little(workstream):
            case Route(tier=tier, because=because):
                why = "; ".join(filter(None, [went_without, because]))
                money = self._money(workstream, tier, others)
                self._hand_out(workstream, tier, why, money)
            case NeedsApproval(tier=tier) if self._money_may_come_back(tier.provider):
                pass
            case NeedsApproval() | NoRoute() as verdict:
                why = self._why_no_money(workstream, verdict)
                question = for_a_tier(self.state, workstream, verdict, self.accounts, why)
                self.questions.append(question)
            case None:
                pass  # what others hold of a tier comes back

    def _without_money(self, workstream: Workstream) -> str | None:
        """Say why it begins without the money it is worth, or nothing; None: a person is asked."""
        out = out_at(self.state.outages, self.now)
        choice = choice_for(
            self.state, pinned(self.state, workstream), out, self._cover_for(workstream)
        )
        if choice is None:
            return ""
        why = went_free(choice, self.state, self.now)
        if not why and not self._money_may_come_back(choice.wish.tier.provider):
            self.questions.append(to_pay(choice, self.state, self.accounts))
        return why or None

    def _cover_for(self, workstream: Workstream) -> Cover:
        """Return what it may count on: what is kept is there for fixes alone."""
        if workstream.kind is Kind.FIX:
            return self.cover
        return {name: left - self.kept.get(name, ZERO_USD) for name, left in self.cover.items()}

    def _why_no_money(self, workstream: Workstream, verdict: NeedsApproval | NoRoute) -> str:
        """Say why the provider's money does not cover it."""
        if isinstance(verdict, NoRoute):
            return ""
        provider = verdict.tier.provider
        if reached := cap_reached(self.state, provider, self.accounts, self.now):
            return reached
        left = self.cover.get(provider, ZERO_USD)
        if left > 0 and self._cover_for(workstream)[provider] <= 0:
            return f"the ${left:.4f} that are left are kept to deliver what is done"
        return "it is paid"

    def _money(self, workstream: Workstream, tier: Tier, others: Sequence[Workstream]) -> Decimal:
        """Return what it is handed of a paid tier's money, beside others that want of it."""
        if tier.billing is not Billing.PAID:
            return ZERO_USD
        rivals = [one for one in others if self._would_pay(one, tier.provider)]
        left = self._cover_for(workstream).get(tier.provider, ZERO_USD)
        share, most = share_of(left, workstream, rivals), self.state.policy.workstream_usd
        if not workstream.budget_usd:
            share = max(share, tier.least_usd)  # others wait rather than that nobody can ask
        return share if most is None else min(share, most)

    def _would_pay(self, workstream: Workstream, provider: str) -> bool:
        found = self._past_little(workstream)
        return (
            isinstance(found, Route)
            and found.tier.billing is Billing.PAID
            and found.tier.provider == provider
        )

    def _past_little(self, workstream: Workstream) -> Route | NeedsApproval | NoRoute | None:
        """Pass over tiers with too little left; None: to wait, until who holds it gives it back.

        Where nobody does, the tier is tried all the same: its provider knows what it has left.
        """
        cover = self._cover_for(workstream)
        little = self.allotment.too_little(self.state.policy.ladder)
        verdict = route_now(self.state, workstream, cover, self.now, little)
        if isinstance(verdict, Route) or not little:
            return verdict
        if self.allotment.is_held(little):
            return None
        return route_now(self.state, workstream, cover, self.now)

    def _hand_out(self, workstream: Workstream, tier: Tier, because: str, money: Decimal) -> None:
        last = self.state.track(workstream.id).last
        again = last is not None and last.finished is None  # its lease ran out: the same attempt
        number = 1 if last is None else last.number if again else last.number + 1
        start_from = None
        if last and last.completion and tier.engine != SHELL.engine:
            start_from = last.completion.head_sha
        share = self.allotment.share(tier, self._among())
        self.starts.append(
            StartWorkstream(workstream.id, tier, number, because, start_from, money, share)
        )
        self.running.append(workstream)
        self.paid_providers += [tier.provider] if money else []
        self.purse = None if self.purse is None else self.purse - money
        self.cover = reserve(self.cover, tier.provider, money, self.purse)
        self.allotment = self.allotment.having(tier, share)

    def _among(self) -> int:
        """Count how many may have to share what is left: those to come, as far as there is room."""
        room = self.state.policy.max_parallel - len(self.running)
        return max(min(room, self.to_come - len(self.starts)), 1)

    def _money_may_come_back(self, provider: str) -> bool:
        """Whether an attempt that runs holds money that it may not need: nobody is asked yet."""
        is_used_up = self.purse is not None and self.purse <= 0
        return bool(self.paid_providers) if is_used_up else provider in self.paid_providers


def _to_come(state: RunState) -> set[str]:
    open_ = {WorkstreamStatus.READY, WorkstreamStatus.PENDING}
    return {name for name, standing in state.standings.items() if standing.status in open_}


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


def pinned(state: RunState, workstream: Workstream) -> Workstream:
    """Let `--engine` count where the plan pins none."""
    if workstream.engine is not None or not state.policy.engine:
        return workstream
    return workstream.model_copy(update={"engine": state.policy.engine})
