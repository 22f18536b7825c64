"""`orchestrate models`: the ladder, what of it serves here, and why the rest does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.core.plan import Kind


def models(
    kind: Annotated[
        str | None, typer.Option(help="In the order for one kind of work, such as review.")
    ] = None,
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show which models serve here, and what keeps the others.

    Settings, catalog and routing of the repository, with the keys of this machine. Nobody is
    called: that a key is set does not say that it is good. Which tiers have
    no quota left is what the last five runs found here.
    """
    import sys

    from bot.adapters.clock import SystemClock
    from bot.adapters.steering_files import load_settings
    from bot.core.models import models_of, ran_out
    from bot.errors import Exit
    from bot.render.models import print_models
    from bot.render.terminal import console_for
    from bot.wiring.store import open_repository, recently_exhausted
    from bot.wiring.tiers import load_ladder

    wanted = None if kind is None else _kind(kind)
    repository = open_repository(repo)
    ladder = load_ladder(repository, load_settings(repository))
    now = SystemClock().now()
    found = models_of(ladder, wanted, now.date(), ran_out(recently_exhausted(repository), now))
    if json:
        sys.stdout.write(f"{found.model_dump_json(indent=2)}\n")
    else:
        print_models(console_for(sys.stdout), found)
    return Exit.OK


def _kind(text: str) -> Kind:
    from bot.core.documents import nearest
    from bot.core.plan import Kind
    from bot.errors import UserError

    if text in set(Kind):
        return Kind(text)
    raise UserError(
        f"{text!r} is no kind of work.", fix=nearest(text, [k.value for k in Kind], "There are")
    )
