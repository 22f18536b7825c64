"""What a workstream starts from: which of those that landed before it must be in its base."""

from __future__ import annotations

from bot.core.graph import upstream
from bot.core.plan import collide
from bot.core.state import RunState


def mends_the_combination(state: RunState, name: str) -> bool:
    """Whether a workstream starts from all that landed: it mends what a gate or a merge found."""
    is_fix = any(step.fix.id == name for step in state.iterations)
    return is_fix or state.track(name).conflict is not None


def landed_for(state: RunState, name: str) -> tuple[str, ...]:
    """Return what a workstream needs, and what excluded it and came first, in landing order."""
    needs = {w.id: w.waits_for for w in state.workstreams.values()}
    workstream = state.workstreams[name]
    wanted = upstream(needs, [name])
    wanted |= {other for other in state.landing if collide(workstream, state.workstreams[other])}
    wanted |= upstream(needs, wanted)
    return tuple(other for other in state.landing if other in wanted)
