"""Where a run stands and what a person has to do about it, in one line."""

from __future__ import annotations

from collections import Counter
from typing import assert_never

from bot.core import names
from bot.core.base import RunId
from bot.core.events import RunStatus
from bot.core.github.defuse import inline
from bot.core.github.presence import Presence
from bot.core.report import open_questions, status_of
from bot.core.state import RunState, WorkstreamStatus
from bot.render.words import count

_NOTHING = "Nothing is needed from you."
_TO_COME = {WorkstreamStatus.PENDING, WorkstreamStatus.READY}


def headline(run: RunId, state: RunState, presence: Presence) -> str:
    """Say what goes on and what is needed; a question comes before everything else."""
    status = status_of(state)
    questions = len(open_questions(state))
    need = f"**{count(questions, 'question')} for you below.**" if questions else _NOTHING
    match status:
        case RunStatus.PLANNING:
            return f"**Planning.** A plan is being made of the task. {need}"
        case RunStatus.RUNNING:
            return f"**Running.** {_counted(state)} {need}"
        case RunStatus.WAITING:
            return f"**Waiting for you:** {count(questions, 'question')} below. {_counted(state)}"
        case RunStatus.INTEGRATING:
            return f"**Combining** what landed on `{names.combined_branch(run)}`. {need}"
        case RunStatus.GATING:
            of = f"iteration {state.iteration} of at most {state.policy.max_iterations}"
            return f"**Checking** `{names.combined_branch(run)}`, {of}. {need}"
        case RunStatus.PASSED:
            return f"**Passed.** {_passed(state, presence)}"
        case RunStatus.FAILED:
            because = inline(state.finished.because, 500).rstrip(".") if state.finished else ""
            return f"**Stopped.** {because}. What to do is below."
        case RunStatus.CANCELLED:
            return _cancelled(state)
        case _ as never:
            assert_never(never)


def _passed(state: RunState, presence: Presence) -> str:
    pull = presence.pull
    if pull is None:
        return inline(state.finished.because, 300) + "." if state.finished else ""
    ready = "is still a draft" if pull.draft else "is ready for review"
    return f"Pull request #{pull.number} {ready}."


def _cancelled(state: RunState) -> str:
    cancelled = state.cancelled
    if cancelled is None:
        return "**Cancelled.**"
    why = f": {inline(cancelled.because, 300)}" if cancelled.because else ""
    return f"**Cancelled** by {inline(cancelled.by, 60)}{why}."


def _counted(state: RunState) -> str:
    """Count the workstreams by what a reader asks first: how many are through."""
    counted = Counter(standing.status for standing in state.standings.values())
    parts = [
        f"{counted[WorkstreamStatus.LANDED]} of {count(len(state.standings), 'workstream')} landed"
    ]
    for text, found in (
        ("at work", {WorkstreamStatus.RUNNING}),
        ("waiting for you", {WorkstreamStatus.WAITING, WorkstreamStatus.BLOCKED}),
        ("failed or left out", {WorkstreamStatus.FAILED, WorkstreamStatus.LEFT_OUT}),
        ("to come", _TO_COME),
    ):
        if number := sum(counted[status] for status in found):
            parts.append(f"{number} {text}")
    return ", ".join(parts) + "."
