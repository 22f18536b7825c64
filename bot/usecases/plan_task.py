"""Makes a plan of a task: assess, choose a template, fill it, lint it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.plan import MAX_TASK, Plan
from bot.core.planning.assess import Assessment, Survey, assess
from bot.core.planning.layout import layout_of
from bot.core.planning.lint import Author, Note, lint
from bot.core.planning.templates import Choice, PlanTemplate, choose, instantiate, suited
from bot.errors import UserError


@dataclass(frozen=True)
class Planned:
    """A plan that is safe to run, and how it came to be."""

    plan: Plan
    assessment: Assessment
    choice: Choice
    notes: tuple[Note, ...]


def plan_task(task: str, survey: Survey, templates: Sequence[PlanTemplate]) -> Planned:
    """Make a plan of a task. Raises UserError where the task says nothing, or too much."""
    words = task.strip()
    if not words:
        raise UserError("The task is empty.", fix='Say what is to be done: orchestrate plan "…".')
    if len(words) > MAX_TASK:
        what = f"The task has {len(words):,} characters, of at most {MAX_TASK:,}."
        raise UserError(what, fix="Put the details into a file of the repository and name it.")
    assessment = assess(words, survey)
    choice = choose(words, assessment, templates)
    assessment = suited(assessment, choice.template)
    plan = instantiate(choice.template, words, assessment, layout_of(survey.files))
    linted = lint(plan, survey.files, written_by=Author.BOT)
    return Planned(linted.plan, assessment, choice, linted.notes)
