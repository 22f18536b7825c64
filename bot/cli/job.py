"""`orchestrate job …`: the steps of the workflows. People do not type these."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

job = typer.Typer(help="Steps of the workflows on GitHub.", no_args_is_help=True, hidden=True)

Run = Annotated[str, typer.Option(help="The run.")]
Workstream = Annotated[str, typer.Option(help="The workstream.")]
Attempt = Annotated[int, typer.Option(help="Which attempt at it.")]
From = Annotated[Path, typer.Option("--from", help="The clone that `fetch` made.")]
Out = Annotated[Path, typer.Option(help="The folder to upload.")]


@job.command()
def intake() -> int:
    """Take the event in: who asks for what, and what it sets going."""
    from bot.wiring.jobs import intake as take

    return take()


@job.command()
def plan(run: Run, source: From, out: Out) -> int:
    """Let a model make the plan of a run."""
    from bot.wiring.jobs import plan as make

    return make(run, source, out)


@job.command()
def accept(
    run: Run,
    plan: Annotated[Path, typer.Option(help="The artifact, as a zip; it may be missing.")],
) -> int:
    """Take in a model's plan, or plan by a template where it is none."""
    from bot.wiring.jobs import accept as take

    return take(run, plan)


@job.command()
def announce(run: Run) -> int:
    """Show a run: comment, sub-issues, pull request, checks."""
    from bot.wiring.jobs import announce as show

    return show(run)


@job.command()
def fetch(
    to: Annotated[Path, typer.Option(help="Where the clone goes.")],
    run: Run = "",
    workstream: Workstream = "",
    attempt: Attempt = 0,
) -> int:
    """Clone what the next step reads, with a token that the next step does not have."""
    del workstream, attempt  # the clone has the whole run
    from bot.wiring.jobs import fetch as clone

    return clone(to, run)


@job.command()
def engine(run: Run, workstream: Workstream, attempt: Attempt, source: From) -> int:
    """Say what an attempt needs from registries, so that it is there before anything else is."""
    from bot.wiring.needed import for_attempt

    return for_attempt(run, workstream, attempt, source)


@job.command()
def engine_to_plan(run: Run, source: From) -> int:
    """Say what the model that plans a run needs, likewise."""
    from bot.wiring.needed import to_plan

    return to_plan(run, source)


@job.command()
def engine_to_review(source: From) -> int:
    """Say what the agent that reads a commit needs, likewise."""
    from bot.wiring.needed import to_review

    return to_review(source)


@job.command()
def agent(run: Run, workstream: Workstream, attempt: Attempt, source: From, out: Out) -> int:
    """Run one attempt at a workstream."""
    from bot.wiring.jobs import agent as attempt_it

    return attempt_it(run, workstream, attempt, source, out)


@job.command()
def publish(
    run: Run,
    workstream: Workstream,
    attempt: Attempt,
    handback: Annotated[Path, typer.Option(help="The artifact, as a zip; it may be missing.")],
) -> int:
    """Take in what an agent's job handed back."""
    from bot.wiring.jobs import publish as take_in

    return take_in(run, workstream, attempt, handback)


@job.command()
def check(
    gates: Annotated[str, typer.Option(help="Which gates, with spaces between them.")],
    source: From,
    out: Out,
) -> int:
    """Check a commit."""
    from bot.wiring.jobs import check as look

    return look(gates, source, out)


@job.command()
def verdict(
    tests: Annotated[Path, typer.Option(help="The artifact of the tests job.")],
    review: Annotated[Path, typer.Option(help="The artifact of the review job.")],
    docs: Annotated[Path, typer.Option(help="The artifact of the docs job.")],
) -> int:
    """Join what the gates' jobs found, record it and publish the check runs."""
    from bot.wiring.jobs import verdict as judge

    return judge({"tests": tests, "review": review, "docs": docs})


@job.command()
def post() -> int:
    """Publish the check runs of a pull request whose own token could not."""
    from bot.wiring.jobs import post as publish_checks

    return publish_checks()
