"""What a comment tells us to do: the one table of commands, and the parser that goes by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bot.core.documents import nearest
from bot.core.gates import GateName
from bot.core.github.arguments import (
    CannotRead,
    Written,
    dollars,
    is_amount,
    required_reason,
    workstream_id,
    written,
)
from bot.core.github.plain_text import cut
from bot.core.github.stretches import Prose, same_length
from bot.core.plan import MAX_WORKSTREAMS

MAX_COMMANDS = 20  # in one comment
_MAX_LINE = 200


@dataclass(frozen=True)
class _Command:
    line: str  # as it was written, cut


@dataclass(frozen=True)
class Retry(_Command):
    """Try workstreams again; none named means all that failed."""

    workstreams: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True)
class ApprovePaid(_Command):
    """Let money be spent; without provider or amount, what the run asked for."""

    because: str
    provider: str | None = None
    usd: Decimal | None = None
    until: str | None = None  # as it was written


@dataclass(frozen=True)
class Approve(_Command):
    """Let a workstream start that waits for it; without one, the only one that waits."""

    workstream: str | None = None


@dataclass(frozen=True)
class Cancel(_Command):
    """Stop the run."""

    because: str = ""


@dataclass(frozen=True)
class Status(_Command):
    """Say how the run stands."""


@dataclass(frozen=True)
class Orchestrate(_Command):
    """Start a run of this issue."""


@dataclass(frozen=True)
class MakePlan(_Command):
    """Show the plan, and start nothing."""


@dataclass(frozen=True)
class Replan(_Command):
    """Cancel the run and start another of the same issue."""

    because: str


@dataclass(frozen=True)
class Override(_Command):
    """Let a gate count as passed."""

    gate: GateName
    because: str


@dataclass(frozen=True)
class Help(_Command):
    """List the commands."""


@dataclass(frozen=True)
class Misread(_Command):
    """A line that begins as a command does and is none: why, and what would be right."""

    because: str
    fix: str


Command = (
    Retry
    | ApprovePaid
    | Approve
    | Cancel
    | Status
    | Orchestrate
    | MakePlan
    | Replan
    | Override
    | Help
    | Misread
)


@dataclass(frozen=True)
class CommandSpec:
    """One command, as the parser, the help and the docs know it."""

    name: str  # without the slash
    usage: str
    does: str
    who: str
    examples: tuple[str, ...]
    read: Callable[[Written], Command]


_WRITERS = "who may write (setting github.may_command)"
_PAYERS = "who may write (setting github.may_approve_paid)"


def _retry(given: Written) -> Command:
    words = [word for part in given.words for word in part.split(",")]
    if len(words) > MAX_WORKSTREAMS:
        raise CannotRead(f"{len(words):,} workstreams, of at most {MAX_WORKSTREAMS}")
    names = tuple(dict.fromkeys(workstream_id(word) for word in words))
    return Retry(given.line, names, given.reason)


def _approve_paid(given: Written) -> Command:
    words = given.words
    named = words and not is_amount(words[0]) and words[0].lower() != "until"
    provider = words[0].lower() if named else None
    if provider and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", provider):
        raise CannotRead(f"{cut(provider, 60)} is not the name of a provider")
    rest = words[1:] if provider else words
    until = None
    if len(rest) > 1 and rest[-2].lower() == "until":
        rest, until = rest[:-2], rest[-1]
    if len(rest) > 1:
        raise CannotRead(f"{cut(rest[1], 60)} is too much; the reason follows the word because")
    usd = dollars(rest[0]) if rest else None
    return ApprovePaid(given.line, required_reason(given), provider, usd, until)


def _approve(given: Written) -> Command:
    if len(given.words) > 1:
        raise CannotRead("more than one workstream; write a line for each")
    return Approve(given.line, workstream_id(given.words[0]) if given.words else None)


def _cancel(given: Written) -> Command:
    if given.words:
        raise CannotRead("it stops the whole run; a reason follows the word because")
    return Cancel(given.line, given.reason)


def _replan(given: Written) -> Command:
    if given.words:
        raise CannotRead("what the plan should do otherwise follows the word because")
    return Replan(given.line, required_reason(given))


def _override(given: Written) -> Command:
    gates = [word.lower().removeprefix("orchestrate/") for word in given.words]
    if len(gates) != 1 or gates[0] not in set(GateName):
        raise CannotRead(f"it takes one gate: {', '.join(GateName)}")
    return Override(given.line, GateName(gates[0]), required_reason(given))


def _alone(make: Callable[[str], Command]) -> Callable[[Written], Command]:
    """Read a command that takes nothing."""

    def read(given: Written) -> Command:
        if given.words or given.because is not None:
            raise CannotRead("it takes nothing behind it")
        return make(given.line)

    return read


COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec(
        "orchestrate",
        "/orchestrate",
        "Starts a run of this issue, as the label does; once one has ended, another.",
        _WRITERS,
        ("/orchestrate",),
        read=_alone(Orchestrate),
    ),
    CommandSpec(
        "plan",
        "/plan",
        "Shows the plan that a run would go by, and starts nothing.",
        _WRITERS,
        ("/plan",),
        read=_alone(MakePlan),
    ),
    CommandSpec(
        "status",
        "/status",
        "Says how the run stands, and what it waits for.",
        _WRITERS,
        ("/status",),
        read=_alone(Status),
    ),
    CommandSpec(
        "retry",
        "/retry [workstream…] [because …]",
        "Tries all failed workstreams again, or those named, each on the next tier and from what"
        " it had saved; and gates that did not run. The reason is told to the agent.",
        _WRITERS,
        ("/retry", "/retry implement docs", "/retry tests because the fixture is in tests/data"),
        read=_retry,
    ),
    CommandSpec(
        "approve",
        "/approve [workstream]",
        "Lets a workstream start that waits for a person; without a name, the only one that does."
        " One that waits for a yes to money is named, and goes on free at once.",
        _WRITERS,
        ("/approve", "/approve migrate"),
        read=_approve,
    ),
    CommandSpec(
        "approve-paid",
        "/approve-paid [provider] [usd] [until …] because …",
        "Lets the run spend so many US dollars with a provider; without them, what it asked for."
        " Holds for this run and its plan only, and until a day (2026-12-01) or for a span (3d)"
        " where it says so.",
        _PAYERS,
        (
            "/approve-paid openai 2.00 because the free tiers failed twice",
            "/approve-paid openai 2.00 until 3d because it is only for this week",
            "/approve-paid because this algorithm is worth it",
        ),
        read=_approve_paid,
    ),
    CommandSpec(
        "cancel",
        "/cancel [because …]",
        "Stops the run: nothing more is handed out, and what agents still hand in is not used.",
        _WRITERS,
        ("/cancel", "/cancel because the feature is not wanted any more"),
        read=_cancel,
    ),
    CommandSpec(
        "replan",
        "/replan because …",
        "Cancels the run and starts the next one, with the reason beside the task.",
        _WRITERS,
        ("/replan because the API and its docs belong into one workstream",),
        read=_replan,
    ),
    CommandSpec(
        "override",
        "/override GATE because …",
        f"Lets a gate count as passed for the rest of the run: {', '.join(GateName)}. It is"
        " recorded, and shown with the reason.",
        _WRITERS,
        ("/override coverage because the rest is generated code",),
        read=_override,
    ),
    CommandSpec(
        "help",
        "/help",
        "Lists these commands.",
        _WRITERS,
        ("/help",),
        read=_alone(Help),
    ),
)
_BY_NAME = {spec.name: spec for spec in COMMANDS}

_COMMAND_LINE = re.compile(r"^/([A-Za-z][A-Za-z-]{0,39})(?=\s|$)(.*)$", re.MULTILINE)


def mentions_command(body: str) -> bool:
    """Whether a line may begin with a command: what the workflow asks before it starts a runner."""
    return body.startswith("/") or "\n/" in body


def read_commands(body: str) -> tuple[Command, ...]:
    """Return the commands of a comment, each at the very beginning of a line of prose.

    Arguments are checked as far as they can be without a run. After MAX_COMMANDS one Misread says
    that the rest was left out.
    """
    if not mentions_command(body):
        return ()
    text = same_length(body)
    prose = Prose(text)
    found: list[Command] = []
    for line in _COMMAND_LINE.finditer(text):
        if not _begins_a_line(body, line.start()) or not prose.holds(line.start()):
            continue
        if len(found) == MAX_COMMANDS:
            because = f"more than {MAX_COMMANDS} commands in one comment; the rest were not read"
            return (*found, Misread(_shown(line[0]), because, "Write them in another comment."))
        found.append(_read(line))
    return tuple(found)


def _begins_a_line(body: str, at: int) -> bool:
    """A lone \\r ends a line for Markdown, and does not for the workflow's condition."""
    return at == 0 or body[at - 1] == "\n"


def _read(line: re.Match[str]) -> Command:
    shown, name = _shown(line[0]), line[1].lower()
    spec = _BY_NAME.get(name)
    if spec is None:
        known = [f"/{name}" for name in _BY_NAME]
        fix = f"{nearest(f'/{name}', known)} There are {', '.join(known)}."
        return Misread(shown, f"/{name} is no command", fix.strip())
    try:
        return spec.read(written(shown, line[2]))
    except CannotRead as error:
        return Misread(
            shown, f"/{name}: {error}", f"Write {spec.usage}, such as {spec.examples[-1]}"
        )


def _shown(line: str) -> str:
    return cut(line.rstrip(), _MAX_LINE)
