"""`orchestrate costs`: what model calls cost, from the ledger."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bot.cli.remote import Remote, RemoteName, remote_to_read


class By(StrEnum):
    """What costs are summed by."""

    PROVIDER = "provider"
    TIER = "tier"
    RUN = "run"


def costs(
    month: Annotated[
        str | None, typer.Option(help="Only this month, such as 2026-11, in UTC.")
    ] = None,
    by: Annotated[By, typer.Option(help="What to sum by.")] = By.PROVIDER,
    repo: Annotated[str, typer.Option(help="The repository.")] = ".",
    remote: Remote = False,
    remote_name: RemoteName = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Sum up what model calls cost, by provider, tier or run."""
    import sys
    from json import dumps

    from bot.core.ledger import spent, totals
    from bot.errors import Exit
    from bot.render.ledger import print_costs
    from bot.render.terminal import console_for
    from bot.wiring.store import ledger_in, ledger_lines

    with ledger_in(repo, remote_to_read(remote, remote_name)) as repository:
        lines = ledger_lines(repository, month)
    rows = totals(lines, lambda line: str(getattr(line, by.value)) or "–")
    if json:
        sums = {name: row.model_dump(mode="json") for name, row in rows.items()}
        report = {"month": month, "by": by, "spent_usd": f"{spent(lines):.6f}", "rows": sums}
        sys.stdout.write(f"{dumps(report, indent=2, ensure_ascii=False)}\n")
    else:
        print_costs(console_for(sys.stdout), by.value, rows, spent(lines))
    return Exit.OK
