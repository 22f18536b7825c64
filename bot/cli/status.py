"""`orchestrate status`: where runs stand, from git alone."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.remote import Remote, RemoteName, remote_to_read


def status(
    run: Annotated[str | None, typer.Argument(help="The run; without it, all runs.")] = None,
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
    remote: Remote = False,
    remote_name: RemoteName = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show all runs, or where one stands and what to do next."""
    source = (repo, remote_to_read(remote, remote_name))
    return _all_runs(*source, json=json) if run is None else _one_run(run, *source, json=json)


def _all_runs(repo: str, remote: str | None, *, json: bool) -> int:
    import sys

    from pydantic import TypeAdapter

    from bot.adapters.clock import SystemClock
    from bot.core.report import RunLine
    from bot.errors import Exit
    from bot.render.status import NONE_HERE, print_runs
    from bot.render.terminal import console_for
    from bot.wiring.store import recorded_runs, runs_in

    with runs_in(repo, remote) as repository:
        runs = recorded_runs(repository)
    if json:
        lines = TypeAdapter(tuple[RunLine, ...]).dump_json(runs, indent=2)
        sys.stdout.write(f"{lines.decode()}\n")
    else:
        none = f"No run is recorded at {remote}." if remote else NONE_HERE
        print_runs(console_for(sys.stdout), runs, SystemClock().now(), none)
    return Exit.OK


def _one_run(run: str, repo: str, remote: str | None, *, json: bool) -> int:
    import sys

    from bot.adapters.clock import SystemClock
    from bot.core.folding import fold
    from bot.core.github.next_commands import on_github
    from bot.core.names import run_id
    from bot.core.report import make_report
    from bot.errors import Exit
    from bot.render.report import print_summary
    from bot.render.terminal import console_for
    from bot.wiring.store import read_presence, read_record, runs_in, was_left

    with runs_in(repo, remote, run) as repository:
        events = read_record(repository, run)
        presence = read_presence(repository, run_id(run))
        left = presence is None and was_left(repository, run_id(run))
    state = fold(events)
    report = make_report(state, events, events[0].run)
    if presence is not None:
        report = on_github(report, state, presence)
    if json:
        sys.stdout.write(f"{report.model_dump_json(indent=2)}\n")
    else:
        print_summary(console_for(sys.stdout), report, state, SystemClock().now(), left=left)
    return Exit.OK
