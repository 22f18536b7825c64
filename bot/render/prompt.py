"""What agents are told. Instructions are ours; whatever comes from outside is fenced as data.

A fence is longer than any run of backticks in what it holds and carries a digest of it, so that
no text can be written that closes its own fence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.core import names
from bot.core.base import Sha, digest
from bot.core.context import Packed, listed, plain, shortened
from bot.core.gates import Finding, Severity
from bot.core.handoff import Acknowledgement, Claim, Delegation, TodoItem
from bot.core.mcp import GivenServer
from bot.core.plan import Criterion, Kind

MOST_LEFT_OUT = 20
MOST_CHECKS = 10
MOST_OUTPUT = 16_000  # characters of all failing commands together
_LONGEST_RUN = 20  # of backticks; a fence must not grow without end
_LONG_RUN = re.compile(rf"`{{{_LONGEST_RUN + 1},}}")
_JUDGES = {Kind.REVIEW, Kind.AUDIT}


@dataclass(frozen=True)
class Story:
    """What came before this attempt, and what it has at hand."""

    attempt: int = 1
    goes_on: bool = False  # the folder holds what an earlier attempt did
    errors: tuple[str, ...] = ()  # why earlier attempts failed
    answer: str = ""  # a person's, to the agent's questions
    run_base: Sha | None = None  # where other work has landed since
    servers: tuple[GivenServer, ...] = ()  # that it has tools from


@dataclass(frozen=True)
class FailingCheck:
    """An acceptance command that failed, with what it printed."""

    command: str
    output: str


def fenced(text: str) -> str:
    """Put text from outside between fences that it cannot close."""
    text = _LONG_RUN.sub(_fewer_backticks, plain(text)).strip("\n")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    mark = digest(text)
    return f"{fence}data {mark}\n{text}\n{fence}\n(end of data {mark})"


def _fewer_backticks(run: re.Match[str]) -> str:
    return "`" * _LONGEST_RUN + f"[{len(run[0]) - _LONGEST_RUN:,} more backticks]"


def quoted(text: str) -> str:
    """Write a name from outside on one line, in quotes."""
    return json.dumps(shortened(plain(text), 300), ensure_ascii=False)


def system_prompt(role: str, deny: Sequence[str]) -> str:
    """Return the role's own words, with the rules that hold for every role."""
    return render("system.j2", role=role.strip(), deny=tuple(deny))


def agent_prompt(delegation: Delegation, packed: Packed, story: Story) -> str:
    """Tell an agent all that it needs for its part; the same for every engine."""
    context = delegation.context
    return render(
        "agent.j2",
        delegation=delegation,
        story=story,
        given=packed.given,
        left_out=listed((f"{quoted(o.path)}: {o.why}" for o in packed.left_out), MOST_LEFT_OUT),
        goal=context.goal,
        constraints=_bullets(context.constraints),
        criteria=_bullets(_spelled(c) for c in delegation.acceptance_criteria),
        files=_bullets(context.files),
        changes_nothing=delegation.task_type.changes_nothing,
        todo=_numbered(delegation.todo),
        acknowledgement=_example_acknowledgement(delegation),
        claim=_example_claim(delegation),
    )


def reading_prompt(asked: str, delegation: Delegation, writes: Sequence[str]) -> str:
    """Add how an agent that only reads hands back: by tools of our own, or else by files."""
    return asked + render(
        "reading.j2",
        has_tools=delegation.target_agent == "builtin",
        writes=[f"`{path}`" for path in writes],
        todo=_numbered(delegation.todo),
        acknowledgement=_example_acknowledgement(delegation),
        claim=_example_claim(delegation),
    )


def continuation_prompt(
    open_items: Sequence[TodoItem], failing_checks: Sequence[FailingCheck]
) -> str:
    """Send an agent back that stopped too early: what is open, and what fails, with its output."""
    shown = failing_checks[:MOST_CHECKS]
    each = MOST_OUTPUT // max(1, len(shown))
    return render(
        "continuation.j2",
        todo=_numbered(open_items),
        checks=[FailingCheck(c.command, _tail(c.output, each)) for c in shown],
        more=_bullets(c.command for c in failing_checks[MOST_CHECKS:]),
    )


def _tail(output: str, characters: int) -> str:
    """Return the end of an output from a line's begin, and say how much stood before it."""
    output = plain(output).rstrip()
    if len(output) <= characters:
        return output or "(it printed nothing)"
    start = len(output) - characters
    at_line = output.find("\n", start) + 1
    start = at_line or start
    return f"[{output.count(chr(10), 0, start):,} lines before this]\n{output[start:]}"


def _spelled(criterion: Criterion) -> str:
    return f"this command exits with 0: {criterion.run}" if criterion.run else str(criterion)


def _bullets(items: Iterable[str]) -> str:
    return "\n".join("- " + item.replace("\n", "\n  ") for item in items)


def _numbered(todo: Sequence[TodoItem]) -> str:
    return "\n".join(f"{item.id}. {item.text}" for item in todo)


def _example_acknowledgement(delegation: Delegation) -> str:
    example = Acknowledgement(
        workstream=delegation.workstream,
        understood="the goal in your own words",
        constraints_accepted=("each constraint that you will keep",),
    )
    return example.model_dump_json(indent=2)


def _example_claim(delegation: Delegation) -> str:
    """Show a completion of the right form; made from the model, so it is never out of date."""
    left_out = {"questions"}
    example = Claim(
        status="success",
        outputs=("src/example.py: what is in it now",),
        verification_result="which commands you ran and what they said",
        next_steps="what whoever comes after you should know",
        todo=tuple(TodoItem(id=i.id, text="…", done=True) for i in delegation.todo),
    )
    if delegation.task_type in _JUDGES:
        finding = Finding(
            path="src/example.py",
            line=12,
            severity=Severity.HIGH,
            rule="a short name for the kind of problem",
            message="what is wrong and what would be right",
            evidence="the words of the file that show it",
        )
        example = example.model_copy(update={"findings": (finding,), "score": 6.5})
    else:
        left_out |= {"findings", "score"}
    return example.model_dump_json(indent=2, exclude=left_out)


def render(template: str, **values: object) -> str:
    """Fill in a template of a prompt."""
    return _environment().get_template(template).render(names=names, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bot.render"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text for models; what is not ours is fenced
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"fenced": fenced, "quoted": quoted}
    return environment
