"""`orchestrate doctor`: what would keep a run from working, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.core.health import Check


def doctor(
    repository: Annotated[
        str | None, typer.Argument(help="With --github: OWNER/REPO, else what origin is.")
    ] = None,
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
    github: Annotated[
        bool, typer.Option("--github", help="Look at the repository on GitHub instead.")
    ] = False,
    token_env: Annotated[
        str | None,
        typer.Option(help="The variable with your token; else GH_TOKEN or GITHUB_TOKEN."),
    ] = None,
) -> int:
    """Look for what would keep a run from working here.

    Git, the repository, its settings, the record, the ledger, room, sandbox and models; with
    --github, workflows, label, required checks and rights there. Nothing is changed.
    Exit codes: 0 with 0 failures; 2 otherwise. Warnings are no failures.
    """
    import sys

    from bot.errors import Exit, UserError
    from bot.render.doctor import print_checks
    from bot.render.terminal import console_for
    from bot.usecases.doctor import diagnose, failures
    from bot.wiring.health import examination

    if repository and not github:
        raise UserError(
            f"{repository} is looked at with --github only.",
            fix=f"orchestrate doctor --github {repository}",
        )
    checks = _on_github(repository, repo, token_env) if github else diagnose(*examination(repo))
    print_checks(console_for(sys.stdout), checks)
    return Exit.BAD_INPUT if failures(checks) else Exit.OK


def _on_github(repository: str | None, repo: str, token_env: str | None) -> tuple[Check, ...]:
    from bot.usecases.github_doctor import diagnose_github
    from bot.wiring.hosting import github_examination, hub_for

    with hub_for(repository, repo, token_env) as hub:
        return diagnose_github(github_examination(hub))
