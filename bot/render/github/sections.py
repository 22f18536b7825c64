"""Parts that the live comment and the pull request both have: gates, costs, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.base import few
from bot.core.denials import Denial
from bot.core.events import Event
from bot.core.gates import GateName
from bot.core.github.checks import overrides_of
from bot.core.github.defuse import inline
from bot.core.github.links import Links
from bot.core.github.presence import Presence
from bot.core.ledger import Billing
from bot.core.metrics import Cost, Metrics, sum_of
from bot.core.money import Approval, approvals
from bot.core.names import combined_branch
from bot.core.report import open_questions
from bot.core.state import RunState, WorkstreamStatus
from bot.core.waiting import waits
from bot.render.github.markdown import GATE_SYMBOLS, bullets, code, link, paragraphs, quoted, table
from bot.render.words import allowed, count, dollars, figures_of, measured, notional, words

MAX_LISTED = 12
MAX_QUESTIONS = 5

_WRONG = {WorkstreamStatus.FAILED, WorkstreamStatus.LEFT_OUT, WorkstreamStatus.CANCELLED}
_THINGS = {
    "sub_issues": "links below this issue, so a list takes their place",
    "more": "a sub-issue for every workstream",
    "links": "dependencies between sub-issues",
    "pull": "the pull request",
    "draft": "a draft",
}


def questions(state: RunState) -> str:
    """Put the questions that a person has not answered yet."""
    asked = open_questions(state)
    lines = [quoted(one.question) for one in asked[:MAX_QUESTIONS]]
    if len(asked) > MAX_QUESTIONS:
        lines.append(f"… and {len(asked) - MAX_QUESTIONS} more questions")
    return paragraphs(*lines).strip()


def waiting_list(state: RunState) -> str:
    """List the workstreams that could start, and what each waits for."""
    held_back = waits(state, open_questions(state)).items()
    return bullets([f"`{name}` {inline(why, 300)}" for name, why in held_back], MAX_LISTED)


def gates_table(state: RunState, events: Sequence[Event], presence: Presence, links: Links) -> str:
    """Show each gate of the combined commit, also those that have not said anything yet."""
    if state.head_sha is None or not state.policy.gates:
        return ""
    overrides = overrides_of(events)
    page = links.checks(presence.pull.number) if presence.pull else None
    rows = []
    for name in (gate for gate in GateName if gate in {*state.policy.gates, *state.results}):
        label = link(name.value, page) if page else name.value
        result = state.results.get(name)
        if result is None:
            rows.append((label, "not yet", "", "", "", ""))
            continue
        value, needed = measured(result)
        why = inline(result.because, 200)
        if override := overrides.get(name):
            why += f"; **overridden** by {inline(override.by, 60)}: {inline(override.because, 200)}"
        status = f"{words(result.status)} {GATE_SYMBOLS[result.status]}"
        findings = str(len(result.findings)) if result.findings else ""
        rows.append((label, status, value, needed, findings, why))
    return table(("Gate", "Result", "Value", "Needed", "Findings", "Why"), rows)


def cost_line(state: RunState, metrics: Metrics) -> str:
    """Say in one line what was spent with whom, and who approved what."""
    total = sum_of(metrics.cost_by_provider.values())
    paid = {name: cost for name, cost in metrics.cost_by_provider.items() if cost != Cost()}
    split = ", ".join(f"{name} {dollars(cost)}" for name, cost in paid.items())
    parts = [f"**Cost:** {dollars(total)}" + (f" ({split})" if split else "")]
    parts += [
        f"approved: {inline(one.provider, 60)} {_approval(one)}"
        for one in approvals(state)[-MAX_LISTED:]
    ]
    return f"{'; '.join(parts)}."


def notional_line(metrics: Metrics) -> str:
    """Say what the calls under subscriptions would have cost."""
    told = notional(metrics)
    return f"**Notional:** {told}." if told else ""


def cost_table(state: RunState, metrics: Metrics) -> str:
    """Show by provider what was spent, free or paid, and what was approved by whom and why."""
    billings = {r.tier.provider: r.tier.billing for r in reversed(state.policy.ladder.rungs)}
    approved: dict[str, list[str]] = {}
    for one in approvals(state)[-MAX_LISTED:]:
        approved.setdefault(one.provider, []).append(_approval(one))
    rows = []
    for name in dict.fromkeys((*metrics.cost_by_provider, *approved)):
        billing = billings.get(name, Billing.PAID if name in approved else Billing.FREE)
        cost = metrics.cost_by_provider.get(name, Cost())
        unspent = billing is Billing.PAID and cost == Cost()
        spent = "nothing" if unspent else dollars(cost)
        rows.append((inline(name, 60), billing.value, spent, "<br>".join(approved.get(name, ()))))
    return (
        table(("Provider", "Billing", "Cost", "Approved"), rows) if rows else "Nothing was spent."
    )


def _approval(one: Approval) -> str:
    """Say how much somebody approved, until when and why, and how much of that is gone."""
    grant = one.grant
    because = f" because {inline(grant.because, 200)}" if grant.because else ""
    until = f" until {grant.until:%Y-%m-%d %H:%M} UTC" if grant.until else ""
    used = f", ${one.used_usd:.4f} of it spent or reserved" if one.used_usd else ""
    return f"{allowed(grant.usd)} by {inline(grant.by, 60)}{until}{because}{used}"


def figures_line(metrics: Metrics) -> str:
    """Write the run's figures in one line."""
    figures = [f"{name} {value}" for name, value in figures_of(metrics)]
    if metrics.first_paid_tier and metrics.first_paid_tier_usd:
        instead = dollars(Cost(usd=metrics.first_paid_tier_usd))
        figures.append(f"the same tokens on {metrics.first_paid_tier} {instead}")
    return f"**Figures:** {' · '.join(figures)}" if metrics.agent_seconds and figures else ""


def lost_list(state: RunState) -> str:
    """List the workstreams that did not land, and why."""
    found = [
        f"`{name}` {words(standing.status.value)}: {inline(standing.because, 300)}"
        for name, standing in state.standings.items()
        if standing.status in _WRONG
    ]
    return bullets(found, MAX_LISTED)


def refused_list(state: RunState) -> str:
    """List by workstream the commands that rules kept agents from running."""
    found = [
        f"`{name}` {count(len(denied), 'command')} refused: {_denials(denied)}"
        for name in state.workstreams
        if (denied := state.track(name).denied)
    ]
    return bullets(found, MAX_LISTED)


def _denials(denied: Sequence[Denial]) -> str:
    return few([f"{code(one.command, 100)} ({inline(one.rule, 60)})" for one in denied], 3)


def not_made(state: RunState, presence: Presence, links: Links) -> str:
    """Say what could not be made on GitHub and why; a pull request can be opened by hand."""
    return bullets(tuple(_not_made(state, presence, links)), MAX_LISTED)


def _not_made(state: RunState, presence: Presence, links: Links) -> Iterator[str]:
    for thing, because in sorted(presence.because.items()):
        text = f"Without {_THINGS.get(thing, inline(thing, 40))}: {inline(because, 300)}"
        if thing == "pull" and state.request:
            page = links.compare(_base(state), combined_branch(state.request.run))
            text += f". {link('Open it by hand', page)}"
        yield text


def task_list(state: RunState, presence: Presence) -> str:
    """List the workstreams' issues where GitHub does not show them below the run's own."""
    if "sub_issues" not in presence.because:
        return ""
    lines = []
    for name, issue in presence.sub_issues.items():
        if name in state.workstreams:
            mark, title = "x" if issue.closed else " ", state.workstreams[name].title
            lines.append(f"- [{mark}] #{issue.number} {inline(title, 80)}")
    return "\n".join(lines)


def conflict_line(state: RunState, presence: Presence) -> str:
    """Say in which files the base moved away from the run's branch, and how to go on."""
    if not presence.conflicts or state.integration is None:
        return ""
    base, branch = code(_base(state), 100), code(state.integration.branch, 100)
    files = ", ".join(code(path, 100) for path in presence.conflicts[:MAX_LISTED])
    more = len(presence.conflicts) - MAX_LISTED
    left = f" and {count(more, 'more file')}" if more > 0 else ""
    return (
        f"**{base} has moved and conflicts** in {files}{left}. Merge it into {branch} and push: "
        "the gates check what you pushed."
    )


def _base(state: RunState) -> str:
    request = state.request
    return (request.base_ref.removeprefix("refs/heads/") or request.base_sha) if request else ""


def changed(files: int, insertions: int, deletions: int) -> str:
    """Write a diff's size."""
    return f"{count(files, 'file')} (+{insertions:,} −{deletions:,})"
