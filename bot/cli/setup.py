"""`orchestrate setup`: the label and the required checks of a repository on GitHub."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.wiring.hosting import SettingUp, SetUp


def setup(
    github: Annotated[
        str | None, typer.Option(help="OWNER/REPO; without it, the one that origin is.")
    ] = None,
    repo: Annotated[str, typer.Option(help="A clone of it.")] = ".",
    token_env: Annotated[
        str | None,
        typer.Option(help="The variable with your token; else GH_TOKEN or GITHUB_TOKEN."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> int:
    """Make the label, and require the four checks on GitHub.

    Says first what it will do, and in the end what an administrator has to tick. A ruleset that is
    there already is changed only as far as ours is missing.
    Exit codes: 0 done; 3 nobody said yes, or the token lacks the right and somebody else must.
    """
    from bot.cli.asking import agreed
    from bot.errors import Exit
    from bot.render.setup import boxes, intentions
    from bot.wiring.hosting import hub_for, plan_setup, set_up
    from bot.wiring.installing import model_keys

    with hub_for(github, repo, token_env) as hub:
        plan = plan_setup(hub)
        lacking = plan.wanted.lacking if plan.wanted else ()
        _print(intentions(plan.repository, plan.label, lacking))
        if not (yes or agreed("Do this?")):
            return Exit.NEEDS_PERSON
        came = set_up(hub, plan)
    _print(_outcome(plan, came))
    _print(
        boxes(
            plan.repository,
            model_keys(),
            private=plan.private,
            may_open_pulls=plan.may_open_pulls,
        )
    )
    return Exit.NEEDS_PERSON if came.label_refused or came.ruleset_refused else Exit.OK


def _print(lines: list[str]) -> None:
    sys.stdout.write("\n".join([*lines, "", ""]))


def _outcome(plan: SettingUp, came: SetUp) -> list[str]:
    from bot.render.setup import label_command, label_variable, ruleset_command

    lines = []
    if came.label_refused:
        lines += [came.label_refused, "Somebody with triage access or more has to type:"]
        lines.append(label_command(plan.repository, plan.label))
    else:
        lines.append(f"The label {plan.label} {'was made' if came.label_is_new else 'is there'}.")
    lines += label_variable(plan.repository, plan.label)
    if plan.wanted is not None and came.ruleset_refused:
        lines += [came.ruleset_refused, "An administrator has to type:"]
        lines.append(ruleset_command(plan.repository, plan.ruleset_id, plan.wanted.body))
    elif plan.wanted is not None:
        lines.append("The four checks are required now.")
    return lines
