"""The issue of one workstream: what is asked of it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.core import names
from bot.core.base import RunId
from bot.core.github.defuse import defuse, inline, title
from bot.core.github.links import Links
from bot.core.github.presence import Presence, marker
from bot.core.handoff import Completion
from bot.core.plan import Criterion, Workstream
from bot.core.state import RunState, Standing, WorkstreamStatus
from bot.render.github.markdown import SYMBOLS, code, commands, link, paragraphs, quoted
from bot.render.github.sections import changed
from bot.render.words import words

MAX_GOAL = 20_000  # characters
MAX_FILES = 50
MAX_CRITERIA = 50


@dataclass(frozen=True)
class Page:
    """What these issues are made of; `waiting`: for what, by workstream that could start."""

    run: RunId
    state: RunState
    presence: Presence
    links: Links
    waiting: Mapping[str, str]


def sub_issue_title(workstream: Workstream) -> str:
    """Name the issue of a workstream."""
    return title(f"{workstream.id}: {workstream.title}")


def sub_issue_body(page: Page, name: str) -> str:
    """Tell what a workstream is to do, and below it where it stands."""
    workstream, presence = page.state.workstreams[name], page.presence
    branch = names.workstream_branch(page.run, name)
    files = ", ".join(code(path) for path in workstream.may_change[:MAX_FILES])
    return paragraphs(
        marker(page.run, name),
        f"Workstream `{name}` of #{presence.issue}, for the role {workstream.role}.",
        defuse(workstream.goal, MAX_GOAL),
        f"**May change:** {files or 'nothing'}",
        f"**Branch:** {link(f'`{branch}`', page.links.branch(branch))}",
        "\n\n".join(_blocked_by(workstream, presence)),
        _criteria(workstream, _completion(page.state, name)),
        "---",
        _standing(page, name),
    )


def closing_reason(standing: Standing) -> Literal["completed", "not_planned"] | None:
    """Say how a workstream's issue is closed; None: it is open, for something can still be done."""
    match standing.status:
        case WorkstreamStatus.LANDED:
            return "completed"
        case WorkstreamStatus.CANCELLED:
            return "not_planned"
        case _:
            return None


def _blocked_by(workstream: Workstream, presence: Presence) -> Iterator[str]:
    """Name what it waits for, where GitHub does not show it by itself."""
    if presence.because.get("links"):
        for need in workstream.waits_for:
            issue = presence.sub_issues.get(need)
            yield f"Blocked by #{issue.number}" if issue else f"Blocked by `{need}`"


def _completion(state: RunState, name: str) -> Completion | None:
    last = state.track(name).last
    return last.completion if last else None


def _criteria(workstream: Workstream, done: Completion | None) -> str:
    """List what the result must fulfil; ticked is what we ran ourselves and saw pass."""
    if not workstream.acceptance:
        return ""
    passed = {v.criterion for v in done.verification if v.passed} if done else set()
    lines = [
        f"- [{'x' if str(one) in passed else ' '}] {_criterion(one)}"
        for one in workstream.acceptance[:MAX_CRITERIA]
    ]
    if len(workstream.acceptance) > MAX_CRITERIA:
        lines.append(f"- … and {len(workstream.acceptance) - MAX_CRITERIA} more")
    return "\n".join(["**Done means:**", "", *lines])


def _criterion(criterion: Criterion) -> str:
    return code(criterion.run, 300) if criterion.run else inline(criterion.text or "", 300)


def _standing(page: Page, name: str) -> str:
    """Tell what became of it, and what to type where a person can do something."""
    state, links, standing = page.state, page.links, page.state.standings[name]
    head = f"**{words(standing.status.value).capitalize()}** {SYMBOLS[standing.status]}"
    done, landed = _completion(state, name), state.track(name).landed
    if landed:
        size = f", {changed(done.files_changed, done.insertions, done.deletions)}" if done else ""
        return f"{head} at {link(landed.head_sha[:8], links.commit(landed.head_sha))}{size}"
    if waiting := page.waiting.get(name):
        return f"{head}, {inline(waiting, 300)}"
    why = quoted(standing.because, 2_000) if standing.because else ""
    typed = _what_to_type(standing.status, name)
    where = f"Type on #{page.presence.issue}:" if typed else ""
    return paragraphs(head, why, where, commands(typed)).strip()


def _what_to_type(status: WorkstreamStatus, name: str) -> tuple[str, ...]:
    match status:
        case WorkstreamStatus.FAILED | WorkstreamStatus.LEFT_OUT:
            return (f"/retry {name}",)
        case WorkstreamStatus.BLOCKED:
            return (f"/retry {name} because …",)
        case WorkstreamStatus.WAITING:
            return (f"/approve {name}",)
        case _:
            return ()
