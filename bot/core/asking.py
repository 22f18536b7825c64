"""Asking before work goes to a paid tier that a rule wants for it, while a free one could do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.about import About
from bot.core.base import few
from bot.core.events import ApprovalRequested
from bot.core.plan import Workstream
from bot.core.routing import Cover, PaidWish, Route, is_covered, paid_wish, route_free
from bot.core.routing_rules import Demand
from bot.core.state import RunState


@dataclass(frozen=True)
class PaidChoice:
    """A workstream that would best be done for money, and who does it otherwise."""

    workstream: str
    wish: PaidWish
    free: Route
    asked: ApprovalRequested | None = None

    @property
    def cause(self) -> str:
        """Name the question; it is put once a provider and run, whoever comes first."""
        return _cause_for(self.wish)


def _cause_for(wish: PaidWish) -> str:
    """Name the question that a wish leads to."""
    return About.CHOICE.cause(wish.tier.provider)


def demand_of(state: RunState, workstream: Workstream) -> Demand:
    """Return what rules look at beside a workstream's kind."""
    assert state.plan is not None, "it is part of one"
    sizes = state.accepted.owned_tokens if state.accepted else {}
    return Demand(state.plan.complexity, sizes.get(workstream.id, 0))


def choice_for(
    state: RunState,
    workstream: Workstream,
    exhausted: Mapping[str, str],
    cover: Cover,
) -> PaidChoice | None:
    """Return what a person may choose before a workstream begins; None: there is no choice."""
    if state.policy.paid_answer_minutes == 0 or state.track(workstream.id).attempts:
        return None
    ladder, demand = state.policy.ladder, demand_of(state, workstream)
    wish = paid_wish(workstream, ladder, demand, exhausted)
    if wish is None or is_covered(wish.tier, cover):
        return None
    free = route_free(workstream, ladder, exhausted, demand)
    if not isinstance(free, Route):
        return None
    asked = next((one for one in state.asked if one.cause == _cause_for(wish)), None)
    return PaidChoice(workstream.id, wish, free, asked)


def answer_is_due(state: RunState, asked: ApprovalRequested) -> datetime | None:
    """Return when a choice is made without a person; None: never."""
    minutes = state.policy.paid_answer_minutes
    return None if minutes is None else asked.at + timedelta(minutes=minutes)


def went_free(choice: PaidChoice, state: RunState, now: datetime) -> str:
    """Say why the free tier may begin; empty: somebody may still say yes to the money."""
    asked, provider = choice.asked, choice.wish.tier.provider
    if asked is None:
        return ""
    for grant in state.holding:
        if grant.workstream == choice.workstream and grant.at >= asked.at:
            return f"{grant.by} lets it start without {provider}"
    due = answer_is_due(state, asked)
    if due is None or due > now:
        return ""
    return f"nobody said yes to {provider} in {state.policy.paid_answer_minutes:g} minutes"


def question_for(choice: PaidChoice, state: RunState) -> str:
    """Ask for the money: for what and why, who gets it, and what happens without it."""
    tier, free, minutes = choice.wish.tier, choice.free.tier.name, state.policy.paid_answer_minutes
    price = f"${tier.input_usd_per_million} in and ${tier.output_usd_per_million} out"
    wanted = f"{_others_like(choice, state)} would best be done by {tier.name}"
    who = f"({tier.model} of {tier.provider}, {price} for a million tokens)"
    otherwise = (
        f"it waits; approve {choice.workstream} without money, and {free} does it, free of charge"
        if minutes is None
        else f"without a yes in {minutes:g} minutes {free} does it, free of charge"
    )
    return f"{wanted} {who}, for {choice.wish.because}; {otherwise}"


def _others_like(choice: PaidChoice, state: RunState) -> str:
    """Name everything that one yes is for, since a provider is asked for once."""
    ladder, provider = state.policy.ladder, choice.wish.tier.provider
    names = [choice.workstream]
    for workstream in state.workstreams.values():
        wish = paid_wish(workstream, ladder, demand_of(state, workstream), {})
        if wish and wish.tier.provider == provider and workstream.id not in names:
            names.append(workstream.id)
    return few(names, 3)
