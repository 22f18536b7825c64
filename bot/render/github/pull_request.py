"""The run's pull request: what was done, what was left out, what it cost, how to go on."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.base import RunId
from bot.core.events import Event
from bot.core.github.defuse import defuse, inline, title
from bot.core.github.links import Links
from bot.core.github.next_commands import next_commands
from bot.core.github.presence import Presence, marker
from bot.core.handoff import Completion
from bot.core.metrics import measure
from bot.core.state import RunState, WorkstreamStatus
from bot.render.github.headline import headline
from bot.render.github.markdown import commands, link, paragraphs, record
from bot.render.github.sections import (
    changed,
    conflict_line,
    cost_table,
    figures_line,
    gates_table,
    lost_list,
    not_made,
    notional_line,
    questions,
    refused_list,
    waiting_list,
)
from bot.render.words import kept_apart

WORDS = 1_500  # characters of an agent's words at most
ROOM_FOR_WORDS = 24_000  # of all of them together
MAX_LISTED = 100  # workstreams told of; the full record has the rest

_CHECKS = """\
The checks `orchestrate/tests`, `orchestrate/coverage`, `orchestrate/review` and \
`orchestrate/docs` are set on the head commit by the gates workflow. A push to this branch runs \
them again. Where the bot has only `GITHUB_TOKEN`, your own workflows wait here for someone with \
write access to press **Approve workflows to run**; with a GitHub App they start by themselves."""

_STEERING = """\
Comment with a command at the beginning of a line: `/retry WORKSTREAM` gives one another attempt, \
`/override GATE because …` lets a gate pass, `/replan because …` begins anew, `/help` lists all."""


def pull_title(state: RunState) -> str:
    """Name the pull request after its task."""
    lines = state.request.task.strip().splitlines() if state.request else []
    return title(lines[0] if lines else "Orchestrated change")


def pull_body(
    run: RunId,
    state: RunState,
    events: Sequence[Event],
    presence: Presence,
    links: Links,
    requester: str,
) -> str:
    """Tell a reviewer all of it; only where everything landed does merging close the issue."""
    presence = presence.model_copy(update={"pull": None})  # the page that this is on
    metrics = measure(events, state.plan, state.policy.max_parallel)
    left_out = lost_list(state)
    iterations = f", after {state.iteration} iterations" if state.iteration > 1 else ""
    gates = gates_table(state, events, presence, links)
    typed = commands(next_commands(state))
    return paragraphs(
        marker(run, "pull"),
        f"{_reference(state, presence.issue)} Asked for by {inline(requester, 60)}.",
        headline(run, state, presence),
        questions(state),
        waiting_list(state),
        conflict_line(state, presence),
        "## What was done",
        _done(state, presence, links),
        kept_apart(state.isolation),
        refused_list(state),
        "## What was left out" if left_out else "",
        left_out,
        f"## Gates{iterations}" if gates else "",
        gates,
        "## Cost",
        cost_table(state, metrics),
        notional_line(metrics),
        figures_line(metrics),
        "## How to go on",
        typed,
        _STEERING,
        _CHECKS,
        not_made(state, presence, links),
        record(run),
    )


def _reference(state: RunState, issue: int) -> str:
    """Close the issue on merging only if nothing that was planned is missing."""
    planned = state.plan.by_id if state.plan else {}
    landed = all(state.standings[name].status is WorkstreamStatus.LANDED for name in planned)
    return f"Closes #{issue}." if planned and landed else f"Part of #{issue}."


def _done(state: RunState, presence: Presence, links: Links) -> str:
    """Tell of each workstream that landed, in its agent's words; fewer words where many landed."""
    told = [_landed(state, name, presence, links) for name in state.landing[:MAX_LISTED]]
    if len(state.landing) > MAX_LISTED:
        told.append(f"- … and {len(state.landing) - MAX_LISTED} more")
    return "\n".join(told) or "Nothing landed."


def _landed(state: RunState, name: str, presence: Presence, links: Links) -> str:
    workstream, track = state.workstreams[name], state.track(name)
    done = track.last.completion if track.last else None
    sub_issue = presence.sub_issues.get(name)
    issue = f", #{sub_issue.number}" if sub_issue else ""
    head = track.landed.head_sha if track.landed else ""
    facts = [f"`{name}`{issue}", workstream.role, link(head[:8], links.commit(head))]
    if done:
        facts.append(changed(done.files_changed, done.insertions, done.deletions))
    line = f"- **{inline(workstream.title, 100)}** ({', '.join(facts)})"
    room = max(100, min(WORDS, ROOM_FOR_WORDS // len(state.landing)))
    said = _said(done, room) if done else ""
    return "\n".join([line, *(f"  > {part}".rstrip() for part in said.splitlines())])


def _said(done: Completion, room: int) -> str:
    """Return the agent's own words: they are quoted, for nothing was decided by them."""
    said = [*done.outputs, done.verification_result, done.next_steps]
    return defuse("\n".join(text for text in said if text), room)
