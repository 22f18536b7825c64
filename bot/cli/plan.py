"""`orchestrate plan`: make a plan of a task, judge one, draw one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.errors import Exit, UserError

if TYPE_CHECKING:
    from bot.core.documents import Problem
    from bot.core.plan import Plan
    from bot.core.planning.lint import Note

MOST_BYTES = 2_000_001


def plan(
    task: Annotated[str | None, typer.Argument(help="What to do, in words.")] = None,
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
    base: Annotated[str, typer.Option(help="The commit to look at.")] = "HEAD",
    issue_file: Annotated[
        str | None, typer.Option(help="A file that holds the task; - is stdin.")
    ] = None,
    check: Annotated[str | None, typer.Option(help="Judge this plan file; - is stdin.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema.")] = False,
    graph: Annotated[bool, typer.Option("--graph", help="Draw it, here and as Mermaid.")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print it as Mermaid only.")] = False,
) -> int:
    """Print a plan for a task, or judge one that somebody wrote.

    The plan goes to standard output as YAML, with its reasons as comments. Exit codes: 0 a plan
    that can be run; 2 wrong input, with every problem named.
    """
    wanted = [task is not None, issue_file is not None, check is not None, schema]
    if sum(wanted) != 1:
        raise UserError(
            "Nothing to plan." if not any(wanted) else "More than one thing to do.",
            fix="Give one of: a task in quotes, --issue-file FILE, --check FILE, --schema.",
        )
    if schema:
        from bot.render.schemas import all_schemas

        typer.echo(all_schemas()["plan"], nl=False)
        return Exit.OK
    if check is not None:
        return _check(check, repo, base, drawing=_drawing(graph=graph, mermaid=mermaid))
    words = _printable(task) if task is not None else _task_in(issue_file or "-")
    return _make(words, repo, base, drawing=_drawing(graph=graph, mermaid=mermaid))


def _make(task: str, repo: str, base: str, *, drawing: str) -> int:
    from bot.wiring.planning import plan_for
    from bot.wiring.store import open_repository

    planned = plan_for(open_repository(repo), task, base)
    reasons = [
        f"{planned.plan.complexity.value}: {planned.assessment.because}",
        f"{planned.choice.template.name}: {planned.choice.because}",
        *map(str, planned.notes),
    ]
    if drawing:
        typer.echo(_drawn(planned.plan, drawing), nl=False)
        return Exit.OK
    from bot.render.plan import to_yaml

    for reason in reasons:
        typer.echo("# " + "".join(c if c.isprintable() else "?" for c in reason))
    typer.echo(to_yaml(planned.plan), nl=False)
    return Exit.OK


def _check(file: str, repo: str, base: str, *, drawing: str) -> int:
    from bot.core.plan import Plan, read_plan

    data = _bytes_of(file)
    name = "stdin" if file == "-" else file
    found = read_plan(data)
    if not isinstance(found, Plan):
        return _refuse(name, found)
    from bot.core.mcp import unknown_servers
    from bot.core.planning.lint import Author, lint
    from bot.core.roles import unknown_roles
    from bot.wiring.planning import known_in

    known = known_in(repo, base)
    if problems := unknown_roles(found, data, known.roles):
        return _refuse(name, problems)
    if problems := unknown_servers(found, data, known.servers):
        return _refuse(name, problems)
    linted = lint(found, known.paths, written_by=Author.PERSON)
    if drawing:
        typer.echo(_drawn(linted.plan, drawing), nl=False)
        return Exit.OK
    _approve(name, linted.plan, linted.notes)
    return Exit.OK


def _refuse(name: str, problems: tuple[Problem, ...]) -> int:
    """Print every problem as FILE:LINE: place: what is wrong, and what would be right."""
    for problem in problems:
        where = ":".join([name, *([str(problem.line)] if problem.line else [])])
        place = f"{problem.path}: " if problem.path else ""
        fix = f" {problem.fix}" if problem.fix else ""
        typer.echo(_printable(f"{where}: {place}{problem.message}.{fix}"), err=True)
    many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    typer.echo(f"{name} is no plan that can be run: {many}.", err=True)
    return Exit.BAD_INPUT


def _approve(name: str, plan: Plan, notes: tuple[Note, ...]) -> None:
    from bot.render.plan import levels

    groups = levels(plan)
    count = len(plan.workstreams)
    many = "1 workstream" if count == 1 else f"{count} workstreams"
    for note in notes:
        typer.echo(_printable(f"{name}: {note}"))
    typer.echo(
        f"{name} can be run: {many}, {len(groups[0])} at once from the start, "
        f"at most {len(groups)} in a row."
    )


def _drawing(*, graph: bool, mermaid: bool) -> str:
    return "mermaid" if mermaid else "graph" if graph else ""


def _drawn(plan: Plan, drawing: str) -> str:
    from bot.render.plan import to_graph, to_mermaid

    if drawing == "mermaid":
        return to_mermaid(plan)
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf8")
    return f"{to_graph(plan, unicode=unicode)}\n{to_mermaid(plan)}"


def _task_in(file: str) -> str:
    try:
        return _printable(_bytes_of(file).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8.", fix="Save the file as UTF-8.") from error


def _printable(text: str) -> str:
    """Take out what no plan and no terminal can hold: control characters, half characters."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text.replace("\r\n", "\n"))


def _bytes_of(file: str) -> bytes:
    """Read at most as much as a plan may have, and one byte."""
    if file == "-":
        return sys.stdin.buffer.read(MOST_BYTES)
    try:
        with Path(file).open("rb") as stream:
            return stream.read(MOST_BYTES)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"{file} cannot be read: {why}.", fix="Name a file, or - for stdin."
        ) from error
