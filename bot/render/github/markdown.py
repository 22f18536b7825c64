"""The pieces of Markdown that every text of ours on GitHub is made of.

What others wrote comes in through `defuse` and `inline` only; ids of ours need neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.core import names
from bot.core.base import RunId
from bot.core.github.defuse import BREAK, defuse, inline
from bot.core.state import WorkstreamStatus

LIMIT = 60_000  # characters; GitHub refuses bodies somewhere above 65,000

SYMBOLS = {
    WorkstreamStatus.PENDING: "⏳",
    WorkstreamStatus.READY: "⏳",
    WorkstreamStatus.RUNNING: "🔵",
    WorkstreamStatus.WAITING: "✋",
    WorkstreamStatus.BLOCKED: "✋",
    WorkstreamStatus.LANDED: "✅",
    WorkstreamStatus.LEFT_OUT: "❌",
    WorkstreamStatus.FAILED: "❌",
    WorkstreamStatus.CANCELLED: "⚪",
}
GATE_SYMBOLS = {"passed": "✅", "failed": "❌", "not_run": "⚠️", "off": "⚪"}


def paragraphs(*parts: str) -> str:
    """Put parts below each other, with air between them; empty ones are left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """Write a table; its cells are Markdown already, without a line's end or a bare bar.

    The last columns hold `numbers`.
    """
    lines = [head, ["---"] * (len(head) - numbers) + ["---:"] * numbers, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(items: Sequence[str], most: int) -> str:
    """Write at most so many items, and how many more there are."""
    more = [f"… and {len(items) - most:,} more"] if len(items) > most else []
    return "\n".join(f"- {item}" for item in [*items[:most], *more])


def quoted(text: str, limit: int = 1_000) -> str:
    """Quote what somebody else wrote."""
    return "\n".join(f"> {line}".rstrip() for line in defuse(text, limit).splitlines())


def code(text: str, limit: int = 120) -> str:
    """Write one line that somebody else wrote, such as a path, as code.

    The backtick before it already keeps a command from beginning the line.
    """
    return f"`{inline(text, limit).lstrip(BREAK) or '…'}`"


def commands(lines: Sequence[str], most: int = 8) -> str:
    """Write commands so that each can be copied."""
    if not lines:
        return ""
    more = f"\n… and {len(lines) - most:,} more of the kind" if len(lines) > most else ""
    return "\n".join(["```text", *lines[:most], "```"]) + more


def fenced(text: str, language: str) -> str:
    """Write lines that somebody else wrote as code that none of them can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{language}\n{defuse(text, 2 * len(text) + 100).rstrip()}\n{fence}"


def details(summary: str, body: str, *, is_open: bool = False) -> str:
    """Fold a part away behind its summary."""
    return (
        f"<details{' open' if is_open else ''}><summary>{summary}</summary>\n\n{body}\n\n</details>"
    )


def link(text: str, address: str) -> str:
    """Write a link; no bracket in its text, which is Markdown already, ends it early."""
    return f"[{text.replace('[', '&#91;').replace(']', '&#93;')}]({address})"


def record(run: RunId) -> str:
    """Say how the whole record of a run is read."""
    command = f"git fetch origin {names.run_ref(run)} && git show FETCH_HEAD:state.json"
    return f"<sub>Full record: `{command}`</sub>"
