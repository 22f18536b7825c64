"""The one comment that shows a run while it goes, edited in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.base import RunId
from bot.core.events import Event
from bot.core.github.defuse import inline
from bot.core.github.links import Links
from bot.core.github.next_commands import next_commands
from bot.core.github.presence import Presence, marker
from bot.core.metrics import tiers_of
from bot.core.report import Report, WorkstreamReport, make_report
from bot.core.routing import Tier
from bot.core.state import RunState
from bot.render.github.headline import headline
from bot.render.github.markdown import (
    LIMIT,
    SYMBOLS,
    bullets,
    commands,
    details,
    link,
    paragraphs,
    record,
    table,
)
from bot.render.github.mermaid import graph
from bot.render.github.sections import (
    conflict_line,
    cost_line,
    figures_line,
    gates_table,
    lost_list,
    not_made,
    questions,
    task_list,
)
from bot.render.words import URGENCY, dollars, words

MAX_NOTES = 30
OPEN_NOTES = 3
OPEN_TABLE = 20  # workstreams up to which they are shown without a click
OPEN_GRAPH = 12  # and the graph of them

_HEAD = ("Workstream", "State", "Role", "Engine", "Model", "Cost", "Branch", "Attempt")


def live_comment(
    run: RunId, state: RunState, events: Sequence[Event], presence: Presence, links: Links
) -> str:
    """Show what goes on, what is needed from a person, and every workstream and gate."""
    report = make_report(state, events, run)
    above = (marker(run, "live"), headline(run, state, presence), _asks(state, presence))
    below = (
        conflict_line(state, presence),
        task_list(state, presence),
        lost_list(state),
        gates_table(state, events, presence, links),
        _graph(state),
        cost_line(state, report.metrics) if report.workstreams else "",
        figures_line(report.metrics) if state.finished else "",
        _notes(state),
        not_made(state, presence, links),
        record(run),
    )
    room = LIMIT - len(paragraphs(*above, *below)) - 200  # for what folds the table away
    page = _Page(state, report, presence, links, tiers_of(state.policy.ladder))
    return paragraphs(*above, _folded(_workstreams(page, room), len(report.workstreams)), *below)


def _folded(shown: str, number: int) -> str:
    """Fold a long table away, so that what comes below it is seen."""
    return shown if number <= OPEN_TABLE else details(f"{number} workstreams", shown)


def _asks(state: RunState, presence: Presence) -> str:
    """Put the open questions, and what to type."""
    lines = [questions(state)]
    typed = commands(next_commands(state))
    if typed:
        pull = f" or on #{presence.pull.number}" if presence.pull else ""
        words_of_yours = ", with your words for the …" if "…" in typed else ""
        lines += [f"What to type next, in a new comment here{pull}{words_of_yours}:", typed]
    return paragraphs(*lines).strip()


def _graph(state: RunState) -> str:
    if len(state.workstreams) < 2:
        return ""
    drawn = graph(state)
    if not drawn.startswith("```"):
        return drawn
    return details("Graph", drawn, is_open=len(state.workstreams) <= OPEN_GRAPH)


def _notes(state: RunState) -> str:
    """Say what was mended in the plan, and what of the issue's form could not be used."""
    notes = state.proposed.notes if state.proposed else ()
    shown = bullets([inline(note, 300) for note in notes], MAX_NOTES)
    return details("Notes on the plan", shown, is_open=len(notes) <= OPEN_NOTES) if notes else ""


@dataclass(frozen=True)
class _Page:
    """What a row is made of, and how much of it there is room for."""

    state: RunState
    report: Report
    presence: Presence
    links: Links
    tiers: Mapping[str, Tier]
    title: int = 80  # characters
    branches: bool = True


def _workstreams(page: _Page, room: int) -> str:
    """Fit the table into so many characters: shorter rows first, then only the urgent ones."""
    if not page.report.workstreams:
        return ""
    whole = table(_HEAD, _rows(page).values())
    if len(whole) <= room:
        return whole
    rows = _rows(replace(page, title=40, branches=False))
    short = table(_HEAD, rows.values())
    if len(short) <= room:
        return short
    kept = _most_urgent(
        page.state, {name: len(" | ".join(row)) + 6 for name, row in rows.items()}, room
    )
    left = f"… and {len(rows) - len(kept)} more; the full record below has them all."
    return paragraphs(table(_HEAD, (rows[name] for name in rows if name in kept)), left).strip()


def _rows(page: _Page) -> dict[str, tuple[str, ...]]:
    return {one.id: _row(page, one) for one in page.report.workstreams}


def _most_urgent(state: RunState, sizes: dict[str, int], room: int) -> set[str]:
    """Pick the workstreams that need attention first, as many as there is room for."""
    room -= 1_000  # the table's head, and what is said of the rest
    kept = set()
    for name in sorted(sizes, key=lambda name: URGENCY.index(state.standings[name].status)):
        room -= sizes[name]
        if room < 0:
            break
        kept.add(name)
    return kept


def _row(page: _Page, one: WorkstreamReport) -> tuple[str, ...]:
    workstream = page.state.workstreams[one.id]
    title = inline(workstream.title, page.title)
    sub_issue = page.presence.sub_issues.get(one.id)
    if sub_issue:
        title = link(title, page.links.issue(sub_issue.number))
    branch = link("branch", page.links.branch(one.branch)) if one.branch and page.branches else ""
    cost = page.report.metrics.cost_by_workstream.get(one.id)
    waiting = f"<br>{inline(one.waiting, 200)}" if one.waiting else ""
    return (
        f"`{one.id}` {title}",
        f"{words(one.status.value)} {SYMBOLS[one.status]}{waiting}",
        workstream.role,
        inline(one.engine or "", 40),
        _model(page, one),
        dollars(cost) if cost else "",
        branch,
        str(one.attempts) if one.attempts else "",
    )


def _model(page: _Page, one: WorkstreamReport) -> str:
    """Name the model that answered, or that is asked; its tier where nobody knows."""
    last = page.state.track(one.id).last
    done = last.completion if last else None
    answered = (done.model_returned or done.model_requested) if done else None
    tier = page.tiers.get(one.tier or "")
    return inline(answered or (tier.model if tier else "") or one.tier or "", 60)
