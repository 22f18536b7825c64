"""What commands that only read have in common: of this repository, or of a remote of it."""

from __future__ import annotations

from typing import Annotated

import typer

Remote = Annotated[bool, typer.Option("--remote", help="Read what origin has, not this clone.")]
RemoteName = Annotated[str | None, typer.Option(help="Read what another remote has.")]


def remote_to_read(remote: bool, name: str | None) -> str | None:
    """Return the remote's name; None: this repository itself."""
    return name or ("origin" if remote else None)
