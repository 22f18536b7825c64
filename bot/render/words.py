"""How times, money, sizes and figures are written, in a terminal and anywhere else.

Nothing here needs a terminal: jobs that only write Markdown load none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from bot.core.base import few
from bot.core.denials import MAX_DENIALS, Denial
from bot.core.escapes import without_escapes
from bot.core.gates import GateName, GateResult
from bot.core.handoff import Isolation
from bot.core.metrics import Cost, Metrics
from bot.core.state import WorkstreamStatus

URGENCY = (
    WorkstreamStatus.RUNNING,
    WorkstreamStatus.BLOCKED,
    WorkstreamStatus.WAITING,
    WorkstreamStatus.FAILED,
    WorkstreamStatus.LEFT_OUT,
    WorkstreamStatus.READY,
    WorkstreamStatus.PENDING,
    WorkstreamStatus.LANDED,
    WorkstreamStatus.CANCELLED,
)

_NO_TEXT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, direction, surrogate, unassigned
_JOINERS = {"\u200d", "\u200c"}  # needed inside of emoji and scripts, and harmless
_MAX_MARKS = 4  # combining marks on one letter; more are there to cover other lines
_AT_MOST = {GateName.DOCS}  # counts what is missing
_UNITS = {GateName.COVERAGE: "%", GateName.REVIEW: "/10"}


def defused(text: str, limit: int = 2_000) -> str:
    """Make one harmless line of text that anybody wrote, at most `limit` characters long."""
    head = text[: 4 * limit]
    safe, marks = [], 0
    for char in without_escapes(head):
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks > _MAX_MARKS:
            continue
        if char.isspace():
            safe.append(" ")
        elif category not in _NO_TEXT or char in _JOINERS:
            safe.append(char)
        elif category != "Cf":
            safe.append("\N{REPLACEMENT CHARACTER}")
    line = re.sub(r" {2,}", " ", "".join(safe)).strip()
    return f"{line[: limit - 1]}…" if len(line) > limit or len(text) > len(head) else line


def duration(seconds: float | None) -> str:
    """Write a time span: 0.4s, 12s, 1m 05s, 2h 03m, 4d 02h."""
    if seconds is None:
        return "–"
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f}s"
    whole = round(seconds)
    for big, small, size in (("d", "h", 86_400), ("h", "m", 3_600), ("m", "s", 60)):
        if whole >= size:
            rest = whole % size // (size // 24 if big == "d" else size // 60)
            return f"{whole // size}{big} {rest:02d}{small}"
    return f"{whole}s"


def elapsed(begin: datetime, end: datetime) -> str:
    """Write the time between two moments."""
    return duration(max((end - begin) / timedelta(seconds=1), 0.0))


def dollars(cost: Cost) -> str:
    """Write a cost; nothing is "free", and what nobody knows is called unknown."""
    if not cost.usd:
        return "free" if cost.known else "unknown"
    exact = f"${cost.usd:.2f}" if cost.usd >= 1 else f"${cost.usd:.4f}"
    return exact if cost.known else f"{exact} + unknown"


def allowed(usd: Decimal) -> str:
    """Write what somebody said yes to: in cents, or as finely as it was said."""
    return f"${usd:.2f}" if usd == round(usd, 2) else f"${usd.normalize():f}"


def notional(metrics: Metrics) -> str:
    """Write what calls under subscriptions would have cost; empty: there were none with a price."""
    if not metrics.notional_usd:
        return ""
    return f"{dollars(Cost(usd=metrics.notional_usd))} under subscriptions, which nobody is billed"


def number(value: float | None, unit: str = "") -> str:
    """Write a figure with at most one digit after the point."""
    if value is None:
        return "–"
    return f"{value:.1f}".removesuffix(".0") + unit


def percent(share: float | None) -> str:
    """Write a share of 1 in per cent."""
    return "–" if share is None else f"{share * 100:.0f}%"


def words(status: str) -> str:
    """Write a status as people do: left out, not run."""
    return status.replace("_", " ")


def count(n: int, noun: str) -> str:
    """Write a number of things: 1 file, 3 files."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def refused_commands(denied: Sequence[Denial]) -> str:
    """Write what rules kept from running, the agent's own words in it; empty: nothing."""
    if not denied:
        return ""
    told = few([f"{one.command} ({one.rule})" for one in denied], 3)
    more = " or more" if len(denied) == MAX_DENIALS else ""
    return f"{count(len(denied), 'command')}{more} refused: {told}"


_APART = {
    Isolation.SANDBOX: "in a sandbox",
    Isolation.USER: "as a user of their own",
    Isolation.NONE: "as the bot's own user, with no sandbox",
}


def kept_apart(attempts: Mapping[Isolation, int]) -> str:
    """Say in one line what kept agents from a person's things; empty: none has ended yet."""
    found = [how for how in Isolation if attempts.get(how)]
    if len(found) == 1:
        return f"Agents ran {_APART[found[0]]}."
    told = ", ".join(f"{count(attempts[how], 'attempt')} {_APART[how]}" for how in found)
    return f"Agents ran {told}." if told else ""


def engine_name(engine: str | None, tier: str | None) -> str:
    """Name who works: the engine, and its tier where that says more."""
    if not engine:
        return "–"
    return engine if tier in {engine, None} else f"{engine}/{tier}"


def measured(result: GateResult) -> tuple[str, str]:
    """Write what a gate measured, and what it needed; empty: nothing was, or nothing is."""
    unit = _UNITS.get(result.name, "")
    sign = "≤" if result.name in _AT_MOST else "≥"
    needed = "" if result.threshold is None else f"{sign} {number(result.threshold, unit)}"
    return "" if result.value is None else number(result.value, unit), needed


def figures_of(metrics: Metrics) -> Iterator[tuple[str, str]]:
    """Name and write those of a run's figures that there are."""
    ratio = metrics.makespan_ratio
    shown = (
        ("execution", duration(metrics.wall_seconds)),
        ("agents", duration(metrics.agent_seconds)),
        ("parallel", percent(metrics.parallelization_rate)),
        ("utilization", percent(metrics.agent_utilization)),
        ("makespan", "–" if ratio is None else f"{ratio:.2f} × least"),
        ("first-time pass", percent(metrics.first_time_pass_rate)),
        ("planning", duration(metrics.planning_seconds)),
        ("launch", duration(metrics.launch_seconds)),
        ("integration", duration(metrics.integration_seconds)),
    )
    return (figure for figure in shown if figure[1] != "–")
