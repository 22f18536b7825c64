"""What a workstream that could start waits for: a yes to money, or a tier that comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bot.core.about import About
from bot.core.accounts import Accounts
from bot.core.asking import answer_is_due, choice_for
from bot.core.events import ApprovalRequested
from bot.core.exhaustion import clock_time, out_at
from bot.core.money import cover_left
from bot.core.plan import Workstream
from bot.core.routing import Cover, NeedsApproval, Route
from bot.core.starting import pinned, route_now
from bot.core.state import RunState, WorkstreamStatus


def accounts_when(question: ApprovalRequested) -> Accounts:
    """Return what the ledger said when a question was put: only then was it decided."""
    return Accounts({question.provider: question.others_usd} if question.provider else {})


def waits(state: RunState, questions: Iterable[ApprovalRequested]) -> Mapping[str, str]:
    """Say it of each workstream that an open question, about money or a tier, holds back."""
    found: dict[str, str] = {}
    for question in questions:
        cover = _cover_without(state, question)
        for name, standing in state.standings.items():
            is_free = standing.status is WorkstreamStatus.READY and name not in found
            if is_free and (told := _waits(state, state.workstreams[name], question, cover)):
                found[name] = told
    return found


def _cover_without(state: RunState, question: ApprovalRequested) -> Cover:
    """Return what there was to spend when a question was put, but for the provider it asks for."""
    left = cover_left(state, question.at, accounts_when(question))
    return {name: usd for name, usd in left.items() if name != question.provider}


def _waits(
    state: RunState, workstream: Workstream, question: ApprovalRequested, cover: Cover
) -> str:
    """Say what a question keeps a workstream from; empty: nothing."""
    at, provider = question.at, question.provider
    if About.CHOICE.is_named_in(question.cause):
        out = out_at(state.outages, at)
        choice = choice_for(state, pinned(state, workstream), out, cover)
        if choice is None or choice.cause != question.cause:
            return ""
        due = answer_is_due(state, question)
        otherwise = f", goes on free at {_time(due, at)}" if due else ""
        return f"waits for a yes to {provider}{otherwise}"
    back = _comes_back(state, workstream, cover, at)
    if About.MONEY.is_named_in(question.cause):
        verdict = route_now(state, workstream, cover, at)
        if not isinstance(verdict, NeedsApproval) or verdict.tier.provider != provider:
            return ""
        return f"waits for a yes to {provider}" + (f", or for {back}" if back else "")
    if question.workstream != workstream.id:
        return ""
    return f"waits for {back or 'a model that can take it'}"


def _comes_back(state: RunState, workstream: Workstream, cover: Cover, at: datetime) -> str:
    """Name the first tier to come back that it could go on with, and when."""
    returns = ((one.returns_after(at), tier) for tier, one in state.outages.items())
    for moment, tier in sorted((moment, tier) for moment, tier in returns if moment):
        others = {name: one for name, one in state.outages.items() if name != tier}
        if isinstance(route_now(replace(state, outages=others), workstream, cover, at), Route):
            return f"{tier}, back at {_time(moment, at)}"
    return ""


def _time(moment: datetime, asked_at: datetime) -> str:
    """Write a moment as short as it is clear: most come on the day of the question."""
    written, day = clock_time(moment), f"{asked_at.astimezone(UTC):%Y-%m-%d} "
    return written.removeprefix(day)
