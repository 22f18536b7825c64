"""A planning agent reads the repository and writes one file: a plan, which others check."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.core.base import RunId, Sha
from bot.core.github.planning import PLANNING
from bot.core.names import PLAN_FILE
from bot.core.plan import Plan
from bot.core.routing import Tier
from bot.render.planning_prompt import planning_prompt
from bot.usecases.attempt import Result
from bot.usecases.reading import Reader, Reading, read_commit


@dataclass(frozen=True)
class ToPlan:
    """A run that wants a plan: what it starts from, and the plan that a template makes of it."""

    run: RunId
    base: Sha
    template: Plan
    paths: Sequence[str]  # of the base
    roles: Collection[str]


def plan_with_model(wanted: ToPlan, tier: Tier, reader: Reader) -> tuple[Result, bytes | None]:
    """Let a model plan; return how it went, and the plan as it was written, if it was."""
    asked = (wanted.template, wanted.paths, wanted.roles)
    prompt = planning_prompt(*asked, tier.context_tokens)
    reading = Reading(wanted.run, wanted.base, PLANNING, tier, writes=(PLAN_FILE,))
    result = read_commit(reading, prompt, reader)
    return result, result.written.get(PLAN_FILE)
