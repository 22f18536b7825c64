"""`context.md`: what the workstreams of a run share, for people who read the record."""

from __future__ import annotations

from bot.core.context import plain, shortened
from bot.core.state import RunState

_LONGEST = 2_000


def shared_page(state: RunState) -> str:
    """Tell the task, who may change what, and what those that landed handed over."""
    if state.plan is None:
        return ""
    parts = ["# Task", plain(state.plan.task), "# Workstreams"]
    for w in state.workstreams.values():
        files = ", ".join(w.may_change) or "nothing"
        parts.append(f"- `{w.id}` ({w.kind}): {plain(w.title)}; may change {files}")
    for name in state.landing:
        last = state.track(name).last
        if last is None or last.completion is None:
            continue
        done = last.completion
        parts += [f"# `{name}` handed over", *(f"- {_words(output)}" for output in done.outputs)]
        parts += [_words(done.next_steps)] if done.next_steps else []
    return "\n\n".join(parts) + "\n"


def _words(text: str) -> str:
    return shortened(plain(text), _LONGEST)
