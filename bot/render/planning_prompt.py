"""What a planning agent is told: the task as data, a template's plan to better, the files."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.core.plan import Kind, Plan
from bot.core.planning.adopt import MOST_WORKSTREAMS
from bot.render.plan import to_yaml
from bot.render.prompt import quoted, render

MAX_PATHS = 12_000  # characters of the listing


def planning_prompt(task: str, plan: Plan, paths: Sequence[str], roles: Collection[str]) -> str:
    """Ask for a plan, with ours as the place to start from."""
    room, shown = MAX_PATHS, []
    for path in map(quoted, paths):
        room -= len(path) + 1
        if room < 0:
            break
        shown.append(path)
    return render(
        "plan.j2",
        task=task,
        complexity=plan.complexity.value,
        plan=to_yaml(plan),
        count=len(paths),
        shown=len(shown),
        paths=shown,
        kinds=[kind.value for kind in Kind],
        roles=sorted(roles),
        most=MOST_WORKSTREAMS,
    )
