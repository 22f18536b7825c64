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
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Estimate where the month ends, and the cap.")
    ] = False,
) -> int:
    """Sum up what model calls cost, by provider, tier or run.

    --forecast adds to what was spent, for each day that is left, half this month's daily mean and
    half that of the last 7 days. The cap and limits are those of the settings and tiers here.
    """
    if forecast:
        return _forecast(month, by, repo, remote_to_read(remote, remote_name), json=json)
    import sys
    from json import dumps

    from bot.core.ledger import spent, totals
    from bot.core.reservations import reservations
    from bot.errors import Exit
    from bot.render.ledger import print_costs
    from bot.render.terminal import console_for
    from bot.wiring.store import checked_month, ledger_in, ledger_lines

    with ledger_in(repo, remote_to_read(remote, remote_name)) as repository:
        everything = ledger_lines(repository, None)
    wanted = month and checked_month(month)
    lines = [line for line in everything if wanted in {None, line.month}]
    held = [one for one in reservations(everything) if wanted is None or one.counts_in(wanted)]
    rows = totals(lines, lambda line: str(getattr(line, by.value)) or "–")
    if json:
        sums = {name: row.model_dump(mode="json") for name, row in rows.items()}
        report: dict[str, object] = {
            "month": month,
            "by": by,
            "spent_usd": f"{spent(lines):.6f}",
            "rows": sums,
        }
        report["reserved"] = [
            {**one.line.model_dump(mode="json"), "left_usd": f"{one.left_usd:.6f}"} for one in held
        ]
        sys.stdout.write(f"{dumps(report, indent=2, ensure_ascii=False)}\n")
    else:
        print_costs(console_for(sys.stdout), by.value, rows, spent(lines), held, wanted)
    return Exit.OK


def _forecast(month: str | None, by: By, repo: str, remote: str | None, *, json: bool) -> int:
    import sys

    from bot.adapters.clock import SystemClock
    from bot.adapters.steering_files import load_settings
    from bot.core.forecast import forecast
    from bot.core.ledger import month_of
    from bot.errors import Exit, UserError
    from bot.render.forecast import print_forecast
    from bot.render.terminal import console_for
    from bot.wiring.store import checked_month, ledger_in, ledger_lines, open_repository
    from bot.wiring.tiers import load_ladder

    if by is not By.PROVIDER:
        raise UserError("A forecast is by provider: caps are.", fix="Leave --by out.")
    now = SystemClock().now()
    wanted = checked_month(month) if month is not None else month_of(now)
    here = open_repository(repo)
    settings = load_settings(here)
    tiers = [rung.tier for rung in load_ladder(here, settings).rungs]
    with ledger_in(repo, remote) as repository:
        lines = ledger_lines(repository, None)
    found = forecast(lines, wanted, now.date(), limits=settings.limits, tiers=tiers)
    if json:
        sys.stdout.write(f"{found.model_dump_json(indent=2)}\n")
    else:
        print_forecast(console_for(sys.stdout), found)
    return Exit.OK
