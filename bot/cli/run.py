"""`orchestrate run`: from a task or a plan to one combined, checked branch."""

from __future__ import annotations

from typing import Annotated

import typer


def run(
    task: Annotated[str | None, typer.Argument(help="What to do, in words.")] = None,
    plan: Annotated[str | None, typer.Option(help="A plan file instead; - is stdin.")] = None,
    issue_file: Annotated[
        str | None, typer.Option(help="A file that holds the task; - is stdin.")
    ] = None,
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
    base: Annotated[str, typer.Option(help="The commit to start from.")] = "HEAD",
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="At most so many at once.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Use this engine where the plan names none.")
    ] = None,
    max_usd: Annotated[str | None, typer.Option(help="Spend at most so many dollars.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; do nothing.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with this run.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> int:
    """Plan a task, run agents side by side, combine and check.

    Exit codes: 0 all gates passed; 1 a workstream or gate failed or a gate did not run; 2 wrong
    input; 3 a person must decide; 75 try again; 130 interrupted.
    """
    from bot.cli.running import Options, run_task

    return run_task(
        Options(
            task=task,
            plan=plan,
            issue_file=issue_file,
            repo=repo,
            base=base,
            jobs=jobs,
            engine=engine,
            max_usd=max_usd,
            dry_run=dry_run,
            resume=resume,
            json=json,
        )
    )
