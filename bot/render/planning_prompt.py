"""What a planning agent is told: the task as data, a template's plan to better, the files."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.core.context import CHARACTERS_PER_TOKEN
from bot.core.cutting import cut_to_fit
from bot.core.plan import Kind, Plan
from bot.core.planning.adopt import MOST_WORKSTREAMS
from bot.render.plan import to_yaml
from bot.render.prompt import quoted, render

SHARE = 3  # task, plan and listing take at most this part of what a model can read


def planning_prompt(
    template: Plan, paths: Sequence[str], roles: Collection[str], context_tokens: int
) -> str:
    """Ask for a plan, with ours as the place to start from."""
    texts = (template.task, to_yaml(template), "\n".join(map(quoted, paths)))
    room = context_tokens * CHARACTERS_PER_TOKEN // SHARE
    task, plan, listing = (
        kept if kept == whole else f"{kept}\n[… {len(whole) - len(kept):,} characters more]"
        for whole, kept in zip(texts, cut_to_fit(texts, room), strict=True)
    )
    return render(
        "plan.j2",
        task=task,
        complexity=template.complexity.value,
        plan=plan,
        count=len(paths),
        listing=listing,
        kinds=[kind.value for kind in Kind],
        roles=sorted(roles),
        most=MOST_WORKSTREAMS,
    )
