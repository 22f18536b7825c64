"""What a run asks people, each question once."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.about import About
from bot.core.accounts import Accounts
from bot.core.actions import AskHuman
from bot.core.asking import PaidChoice, question_for
from bot.core.exhaustion import relapses
from bot.core.plan import Workstream
from bot.core.routing import NeedsApproval, NoRoute
from bot.core.state import RunState, WorkstreamStatus


def not_put_yet(questions: Iterable[AskHuman], state: RunState) -> list[AskHuman]:
    """Leave out what was asked before; of several with one cause the first is put."""
    asked = {question.cause for question in state.asked}
    found: dict[str, AskHuman] = {}
    for question in questions:
        if question.cause not in asked:
            found.setdefault(question.cause, question)
    return list(found.values())


def to_go_on(state: RunState) -> Iterable[AskHuman]:
    """Ask what only a person can answer: may it start, and what an agent wants to know."""
    for name, standing in state.standings.items():
        if standing.status is WorkstreamStatus.WAITING:
            workstream = state.workstreams[name]
            question = f"May {name} start? {workstream.title}{_with_servers(state, workstream)}"
            yield AskHuman(question, About.START.cause(name), workstream=name)
        elif standing.status is WorkstreamStatus.BLOCKED:
            cause = About.WORD.cause(f"{name}.{len(state.track(name).attempts)}")
            yield AskHuman(f"{name} asks: {standing.because}", cause, workstream=name)


def _with_servers(state: RunState, workstream: Workstream) -> str:
    """Say what a yes lets its agent do outside of its folder."""
    reaching = state.policy.reaching
    if not workstream.mcp:
        return ""
    told = (f"{name}, which may {reaching.get(name, 'do anything')}" for name in workstream.mcp)
    return f" (its agent gets tools of {'; '.join(told)})"


def to_pay(choice: PaidChoice, state: RunState, accounts: Accounts) -> AskHuman:
    """Ask for money that would be well spent, though it could be done without."""
    provider = choice.wish.tier.provider
    question, others = question_for(choice, state), accounts.others(provider)
    return AskHuman(question, choice.cause, choice.workstream, provider, others)


def for_a_tier(
    state: RunState,
    workstream: Workstream,
    verdict: NeedsApproval | NoRoute,
    accounts: Accounts,
    why: str,
) -> AskHuman:
    """Ask for what a workstream cannot go on without: any model, or money, and `why` that."""
    nth = f"{len(state.granted)}.{state.requests}{relapses(state.outages)}"
    if isinstance(verdict, NoRoute):
        question = f"No model can take {workstream.id}: {verdict.because}"
        return AskHuman(question, About.TIER.cause(f"{workstream.id}.{nth}"), workstream.id)
    provider = verdict.tier.provider
    question = f"{workstream.id} could only go on with {provider}, and {why}: {verdict.because}"
    others = accounts.others(provider)
    cause = About.MONEY.cause(f"{provider}.{nth}")
    return AskHuman(question, cause, workstream.id, provider, others)
