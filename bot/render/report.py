"""A run's summary: what changed, what passed, what it cost, and what to type next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.core.base import few
from bot.core.events import RunStatus
from bot.core.fixes import spell
from bot.core.gates import GateResult
from bot.core.metrics import Cost, Metrics, sum_of
from bot.core.report import (
    ApprovalReport,
    ConflictReport,
    Report,
    WorkstreamReport,
    is_stopped,
    open_questions,
)
from bot.core.state import RunState, WorkstreamStatus
from bot.core.tracks import Track
from bot.render.terminal import NARROW, STATE_STYLES, plain, without_trailing_space
from bot.render.words import (
    allowed,
    count,
    defused,
    dollars,
    duration,
    elapsed,
    engine_name,
    figures_of,
    kept_apart,
    measured,
    notional,
    refused_commands,
    words,
)

MAX_FINDINGS = 3
INDENT = (0, 0, 0, 2)
LEFT: Literal["left"] = "left"
RIGHT: Literal["right"] = "right"

RUN_STYLES = {
    RunStatus.PASSED: "bold green",
    RunStatus.FAILED: "bold red",
    RunStatus.CANCELLED: "bold red",
    RunStatus.WAITING: "bold yellow",
}
_GATE_STYLES = {"passed": "green", "failed": "red", "not_run": "yellow", "off": "dim"}


def print_summary(
    console: Console, report: Report, state: RunState, now: datetime, *, left: bool = False
) -> None:
    """Print where a run stands, finished or not; `left`: nobody drives it any more."""
    with without_trailing_space(console):
        _print_head(console, report, state, stopped=is_stopped(state, now, left=left))
        _print_sections(console, report, state, now)


def _print_sections(console: Console, report: Report, state: RunState, now: datetime) -> None:
    _print_workstreams(console, report, state, now)
    _print_gates(console, report, state)
    _print_list(console, "Conflicts", (_conflict(one) for one in report.conflicts))
    _print_list(console, "A person must decide", (q.question for q in open_questions(state)))
    _print_figures(console, report, state)
    _print_list(console, "Approved", (_approved(one, now) for one in report.approvals))
    where = f"in a comment on issue #{report.issue}" if report.issue else ""
    _print_commands(console, report.next_steps, where)


def title(console: Console, text: str) -> None:
    """Print a heading with air above it."""
    console.print()
    console.print(Text(text, style="bold"))


def _print_head(console: Console, report: Report, state: RunState, *, stopped: bool) -> None:
    status = Text(report.status.value, style=RUN_STYLES.get(report.status, "bold cyan"))
    if state.finished is None:
        status = Text("stopped", style="bold yellow") if stopped else status
        status = Text.assemble("is ", status)
    head = Text.assemble(("Run ", "bold"), (report.run, "bold"), " ", status)
    if state.request and state.finished:
        since = " since it was resumed" if state.requests > 1 else ""
        head.append(f" after {elapsed(state.request.at, state.finished.at)}{since}")
    console.print(head)
    if state.request:
        console.print(plain(state.request.task, "italic", 300))
    if report.issue:
        pull = f", pull request #{report.pull_request}" if report.pull_request else ""
        console.print(Text(f"Issue #{report.issue}{pull}"))
    if state.finished and state.finished.because:
        console.print(plain(state.finished.because, "", 500))
    landed = sum(w.status is WorkstreamStatus.LANDED for w in report.workstreams)
    if report.workstreams:
        where = ""
        if report.branch and report.head_sha and report.head_sha != report.base_sha:
            where = f" on {report.branch} at {report.head_sha[:8]}"
        total = count(len(report.workstreams), "workstream")
        console.print(Text(f"{landed} of {total} landed{where}"))


_WIDTHS = {  # least and most; ids and engines give way before figures do
    "workstream": (10, 30),
    "engine": (8, 20),
    "state": (9, 9),
    "time": (6, 8),
    "cost": (7, 20),
}
_FIGURES = {"tries", "time", "files", "cost", "age"}


def table_of(*columns: str) -> Table:
    """Make a table without lines; columns of figures stand to the right."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        least, most = _WIDTHS.get(name, (len(name), None))
        table.add_column(
            name,
            justify=RIGHT if name in _FIGURES else LEFT,
            no_wrap=True,
            overflow="ellipsis",
            min_width=least,
            max_width=most,
        )
    return table


def _print_workstreams(console: Console, report: Report, state: RunState, now: datetime) -> None:
    if not report.workstreams:
        return
    narrow = console.width < NARROW
    columns = ["workstream", "state", "time", "cost"]
    if not narrow:
        columns = ["workstream", "engine", "state", "tries", "time", "files", "cost"]
    table = table_of(*columns)
    for one in report.workstreams:
        cells = {
            "workstream": Text(one.id),
            "engine": plain(engine_name(one.engine, one.tier), "dim"),
            "state": Text(words(one.status.value), style=STATE_STYLES[one.status]),
            "tries": Text(str(one.attempts) if one.attempts else "–"),
            "time": Text(_time(state.track(one.id), now)),
            "files": Text(str(one.files_changed) if one.attempts else "–"),
            "cost": Text(_cost(one, report.metrics)),
        }
        table.add_row(*(cells[name] for name in columns))
    console.print()
    console.print(Padding(table, INDENT))
    told = (WorkstreamStatus.LANDED, WorkstreamStatus.READY, WorkstreamStatus.LEFT_OUT)
    reasons = [
        f"{name}: {standing.because}"
        for name, standing in state.standings.items()
        if standing.because and standing.status not in told
    ]
    reasons += [f"{one.id}: {one.waiting}" for one in report.workstreams if one.waiting]
    refused = ((name, refused_commands(state.track(name).denied)) for name in state.workstreams)
    reasons += [f"{name}: {told}" for name, told in refused if told]
    if reasons:
        console.print()
    for reason in reasons:
        console.print(Padding(plain(reason, "dim", 500), INDENT))


def _time(track: Track, now: datetime) -> str:
    """Add up what the attempts took, not the time between them."""
    if not track.attempts:
        return "–"
    ends = [(a.started.at, a.finished.at if a.finished else now) for a in track.attempts]
    return duration(sum(max((end - begin).total_seconds(), 0.0) for begin, end in ends))


def _cost(one: WorkstreamReport, metrics: Metrics) -> str:
    cost = metrics.cost_by_workstream.get(one.id)
    return dollars(cost) if cost else "–"


def _print_gates(console: Console, report: Report, state: RunState) -> None:
    if not report.gates:
        return
    suffix = f" (iteration {report.iterations})" if report.iterations > 1 else ""
    title(console, f"Gates{suffix}")
    for gate in report.gates:
        _print_gate(console, state.results[gate.name], state.overrides.get(gate.name))


def _print_gate(console: Console, result: GateResult, overridden: str | None) -> None:
    """Print a gate in one row, whose columns stand below each other, and its findings below."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for least, justify in ((8, LEFT), (7, LEFT), (6, RIGHT), (7, RIGHT)):
        table.add_column(min_width=least, no_wrap=True, justify=justify)
    table.add_column(overflow="fold")
    style = "yellow" if overridden else _GATE_STYLES[result.status]
    value, needed = measured(result)
    status = Text(words(result.status), style=style)
    table.add_row(result.name.value, status, value, needed, plain(result.because, "", 400))
    console.print(Padding(table, INDENT, expand=False))
    below = [f"overridden: {overridden}"] if overridden else []
    below += [spell(finding) for finding in result.findings[:MAX_FINDINGS]]
    if len(result.findings) > MAX_FINDINGS:
        below.append(f"… and {len(result.findings) - MAX_FINDINGS} more")
    for line in below:
        console.print(Padding(plain(line, "dim", 400), (0, 0, 0, 4), expand=False))


def _conflict(conflict: ConflictReport) -> str:
    out, *others = conflict.workstreams
    files = few(conflict.files, MAX_FINDINGS)
    became = f"{out} landed later" if conflict.resolved else f"{out} was left out"
    return f"{out} and {', '.join(others) or 'the base'} both changed {files}; {became}"


def _print_list(console: Console, heading: str, lines: Iterable[str]) -> None:
    lines = tuple(lines)
    if lines:
        title(console, heading)
    for line in lines:
        console.print(Padding(plain(line, "", 1_000), INDENT))


def _print_figures(console: Console, report: Report, state: RunState) -> None:
    if not report.metrics.agent_seconds:
        return
    title(console, "Figures")
    figures = tuple(figures_of(report.metrics))
    across = 1 if console.width < 60 else 2 if console.width < NARROW else 3
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(across):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(no_wrap=True)
    for at in range(0, len(figures), across):
        table.add_row(*(cell for pair in figures[at : at + across] for cell in pair))
    console.print(Padding(table, INDENT))
    console.print(Padding(Text(_spent(report)), INDENT))
    for line in filter(None, [_under_subscriptions(report), kept_apart(state.isolation)]):
        console.print(Padding(Text(line), INDENT))


def _spent(report: Report) -> str:
    metrics = report.metrics
    total = sum_of(metrics.cost_by_tier.values())
    parts = [f"Cost: {dollars(total)}"]
    paid = {name: cost for name, cost in metrics.cost_by_provider.items() if cost != Cost()}
    if len(paid) > 1:
        parts.append(", ".join(f"{name} {dollars(cost)}" for name, cost in paid.items()))
    if metrics.first_paid_tier and metrics.first_paid_tier_usd:
        instead = dollars(Cost(usd=metrics.first_paid_tier_usd))
        parts.append(f"the same tokens on {metrics.first_paid_tier}: {instead}")
    return defused("; ".join(parts), 500)


def _under_subscriptions(report: Report) -> str:
    told = notional(report.metrics)
    return f"Notional: {told}" if told else ""


def _approved(one: ApprovalReport, now: datetime) -> str:
    until = f" until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else ""
    until += ", which is over" if one.until and one.until <= now else ""
    used = f"${one.used_usd:.4f} of it spent or reserved"
    return defused(
        f"{allowed(one.usd)} with {one.provider} by {one.by}{until}: {used}; {one.because}",
        500,
    )


def _print_commands(console: Console, commands: Iterable[str], where: str = "") -> None:
    """Print commands whole, however narrow the terminal is, so that they can be copied."""
    commands = tuple(commands)
    if commands:
        title(console, f"Next, {where}" if where else "Next")
    for command in commands:
        console.print(Text(f"  {defused(command)}", style="cyan"), soft_wrap=True)
