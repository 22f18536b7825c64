"""`orchestrate schemas`: write the JSON Schema of every contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def schemas(
    folder: Annotated[Path, typer.Argument(help="Where they go.")] = Path("docs/schemas"),
    check: Annotated[
        bool, typer.Option(help="Write nothing; exit 1 if one is not current.")
    ] = False,
) -> int:
    """Write the JSON Schema of every file format that is ours.

    Plan, settings, hand-off, events, ledger and report.
    """
    from bot.render.schemas import all_schemas

    stale = []
    for name, text in all_schemas().items():
        path = folder / f"{name}.schema.json"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
            if not check:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    typer.echo(f"{'not current' if check else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if check and stale else 0
