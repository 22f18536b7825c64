"""What the bot answers to a command or a label. Each answer quotes what it answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.core.base import RunId
from bot.core.events import ApprovalGranted
from bot.core.github.commands import Misread
from bot.core.github.defuse import inline
from bot.core.github.next_commands import next_commands
from bot.core.github.presence import Presence, marker
from bot.core.plan import Plan
from bot.core.planning.assess import Assessment
from bot.core.state import RunState
from bot.render.github.command_table import commands_for
from bot.render.github.headline import headline
from bot.render.github.markdown import (
    LIMIT,
    bullets,
    code,
    commands,
    details,
    fenced,
    paragraphs,
    quoted,
    table,
)
from bot.render.plan import to_yaml
from bot.render.words import allowed, count

MAX_PROBLEMS = 30
MAX_ROWS = 60

_BOX = (
    "**Settings → Actions → General → Workflow permissions → "
    "Allow GitHub Actions to create and approve pull requests**"
)


@dataclass(frozen=True)
class To:
    """What is answered: the line as it was typed, or nothing where a label is; and which one."""

    line: str
    id: str  # of the comment, or of the label's event; one answer each


def reply_marker(to: To) -> str:
    """Return the hidden line of an answer; which run it is about may not be known at first."""
    return marker(RunId("issue"), f"reply-{to.id}")


def reply(to: To, *parts: str) -> str:
    """Answer below a hidden marker, by which a second delivery finds it."""
    asked = f"> {code(to.line, 300)}" if to.line else ""
    return paragraphs(reply_marker(to), asked, *parts)


def not_allowed(to: To, needed: str) -> str:
    """Refuse, politely, somebody who may not."""
    return reply(to, f"Thank you, but only people with {needed} access here can ask for that.")


def done(to: To, what: str, because: str = "") -> str:
    """Say what a command did. `what` is ours; the reason is its author's."""
    return reply(to, f"{what}.", quoted(because, 500) if because else "")


def refused(to: To, because: str, fix: str = "") -> str:
    """Say why a command did nothing, and what would be right."""
    instead = f" {inline(fix, 500)}" if fix else ""
    return reply(to, f"**Not done:** {inline(because, 1_000).rstrip('.')}.{instead}")


def misread(to: To, command: Misread) -> str:
    """Say why a line is no command, and which is nearest or how it is written."""
    return refused(to, command.because, command.fix)


def help_text(to: To, usable: Collection[str]) -> str:
    """List the commands, and which of them the caller may use, by name."""
    where = "Write one at the beginning of a line of a new comment."
    return reply(to, where, commands_for(usable))


def approved(to: To, run: RunId, grant: ApprovalGranted) -> str:
    """Say what was approved: money, or a workstream."""
    money = f"{inline(grant.provider or '', 60)} {allowed(grant.usd)} for run `{run}`"
    if grant.until:
        money += f" until {grant.until:%Y-%m-%d %H:%M} UTC"
    what = money if grant.provider else f"`{grant.workstream}` of run `{run}` may start"
    return done(to, f"Approved: {what}", grant.because)


def retrying(to: To, workstreams: Sequence[str]) -> str:
    """Say who gets another attempt."""
    named = ", ".join(f"`{name}`" for name in workstreams[:MAX_ROWS])
    more = f" and {len(workstreams) - MAX_ROWS} more" if len(workstreams) > MAX_ROWS else ""
    return reply(to, f"Retrying {named}{more}: each on its next tier, from what was saved.")


def status(to: To, run: RunId, state: RunState, presence: Presence) -> str:
    """Say where the run stands, in short; the live comment has the rest."""
    return reply(
        to, headline(run, state, presence), commands(next_commands(state)), _live(presence)
    )


def already_running(to: To, run: RunId, presence: Presence) -> str:
    """Say that there is a run already, and how to begin anew."""
    return reply(
        to,
        f"Run `{run}` is under way already. {_live(presence)} "
        "`/cancel` stops it; `/replan because …` begins anew.",
    )


def _live(presence: Presence) -> str:
    if presence.comment is None:
        return f"The run is shown on #{presence.issue}."
    return f"The live comment on #{presence.issue} shows all of it."


def plan_preview(
    to: To, plan: Plan, assessment: Assessment | None = None, notes: Sequence[str] = ()
) -> str:
    """Show a plan that was made and not started."""
    rows = [
        (
            f"`{w.id}` {inline(w.title, 80)}",
            w.kind.value,
            w.role,
            ", ".join(f"`{need}`" for need in w.waits_for[:8]),
            ", ".join(code(path, 60) for path in w.may_change[:4]),
        )
        for w in plan.workstreams[:MAX_ROWS]
    ]
    left = len(plan.workstreams) - len(rows)
    why = f": {inline(assessment.because, 400)}" if assessment else ""
    above = reply(
        to,
        f"**{plan.complexity.value.capitalize()} task, "
        f"{count(len(plan.workstreams), 'workstream')}**{why}.",
        table(("Workstream", "Kind", "Role", "Needs", "May change"), rows)
        + (f"\n\n… and {left} more" if left else ""),
        bullets([inline(note, 300) for note in notes], MAX_PROBLEMS),
        "Nothing was started. `/orchestrate` runs it.",
    )
    return above + "\n" + _plan_file(plan, LIMIT - len(above))


def _plan_file(plan: Plan, room: int) -> str:
    """Fold the plan's YAML away, where there is room for it."""
    text = to_yaml(plan)
    body = details("The plan as YAML", fenced(text, "yaml"))
    too_long = f"The plan as YAML is too long for a comment: {count(len(text), 'character')}."
    return f"{body if len(body) < room else too_long}\n"


def plan_rejected(to: To, what: str) -> str:
    """Say what is wrong with a plan, where, and what would be right, a line each."""
    first, *problems = what.splitlines()
    lines = [inline(problem.strip(), 700) for problem in problems]
    return reply(
        to,
        f"**The plan cannot be run**, so nothing was started: {inline(first, 300)}",
        bullets(lines, MAX_PROBLEMS),
    )


def waits_for_label(to: To, label: str, needed: str) -> str:
    """Say why a label from somebody without the right starts nothing."""
    return reply(
        to,
        f"The label {code(label, 60)} starts a run when someone with {needed} access puts it on. "
        "Whoever has it can comment `/orchestrate`.",
    )
