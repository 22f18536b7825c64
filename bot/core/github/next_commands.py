"""What a person would type next on GitHub: the same questions as on a laptop, in commands."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.about import About
from bot.core.events import ApprovalRequested, RunStatus
from bot.core.github.presence import Presence
from bot.core.money import cap_reached
from bot.core.report import (
    Report,
    lost_workstreams,
    open_questions,
    proposed_usd,
)
from bot.core.state import RunState
from bot.core.waiting import accounts_when


def next_commands(state: RunState) -> tuple[str, ...]:
    """Return the commands that bring a run on, most useful first; none while nothing is needed."""
    if state.status is RunStatus.CANCELLED:
        return ("/orchestrate",)
    if state.request is None or state.status is RunStatus.PASSED:
        return ()
    if questions := open_questions(state):
        return tuple(dict.fromkeys(answer_to(state, question) for question in questions))
    return tuple(_after_failure(state)) if state.finished else ()


def on_github(report: Report, state: RunState, presence: Presence) -> Report:
    """Say of a run on GitHub where it is, and what to write there."""
    return report.model_copy(update={**presence.numbers(), "next_steps": next_commands(state)})


def answer_to(state: RunState, question: ApprovalRequested) -> str:
    """Return the command that answers a question; what is left open in it is written as an …"""
    name = question.workstream
    accounts, provider = accounts_when(question), question.provider
    if provider and not cap_reached(state, provider, accounts, question.at):
        return f"/approve-paid {provider} {proposed_usd(state, question):.2f} because …"
    if About.START.is_named_in(question.cause):
        return f"/approve {name}"
    if About.WORD.is_named_in(question.cause):
        return f"/retry {name} because …"
    return f"/retry {name}" if name else "/retry"  # once a tier or a cap is back


def _after_failure(state: RunState) -> Iterator[str]:
    """Retry what was lost, or gates that did not run; then let a person's word count for a gate."""
    wrong = [
        result
        for name, result in state.results.items()
        if result.status in {"failed", "not_run"} and name not in state.overrides
    ]
    if lost_workstreams(state) or any(result.status == "not_run" for result in wrong):
        yield "/retry"
    for result in wrong:
        yield f"/override {result.name} because …"
    if not wrong:
        yield "/replan because …"
