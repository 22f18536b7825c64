"""`orchestrate status`: where runs stand, from git alone."""

from __future__ import annotations

from typing import Annotated

import typer


def status(
    run: Annotated[str | None, typer.Argument(help="The run; without it, all runs.")] = None,
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show all runs, or where one stands and what to do next."""
    return _all_runs(repo, json=json) if run is None else _one_run(run, repo, json=json)


def _all_runs(repo: str, *, json: bool) -> int:
    import sys

    from pydantic import TypeAdapter

    from bot.adapters.clock import SystemClock
    from bot.core.report import RunLine
    from bot.errors import Exit
    from bot.render.status import print_runs
    from bot.render.terminal import console_for
    from bot.wiring.store import open_repository, recorded_runs

    runs = recorded_runs(open_repository(repo))
    if json:
        lines = TypeAdapter(tuple[RunLine, ...]).dump_json(runs, indent=2)
        sys.stdout.write(f"{lines.decode()}\n")
    else:
        print_runs(console_for(sys.stdout), runs, SystemClock().now())
    return Exit.OK


def _one_run(run: str, repo: str, *, json: bool) -> int:
    import sys

    from bot.adapters.clock import SystemClock
    from bot.core.report import make_report
    from bot.core.state import fold
    from bot.errors import Exit
    from bot.render.report import print_summary
    from bot.render.terminal import console_for
    from bot.wiring.store import open_repository, read_record

    events = read_record(open_repository(repo), run)
    state = fold(events)
    report = make_report(state, events, events[0].run)
    if json:
        sys.stdout.write(f"{report.model_dump_json(indent=2)}\n")
    else:
        print_summary(console_for(sys.stdout), report, state, SystemClock().now())
    return Exit.OK
