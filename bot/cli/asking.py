"""A question to the person at the terminal."""

from __future__ import annotations

import sys

import typer


def agreed(question: str) -> bool:
    """Ask; where nobody answers, it is no, and says how to do without the question."""
    try:
        if typer.confirm(question):
            return True
    except typer.Abort:
        pass
    sys.stderr.write("Nothing was changed. --yes does it without asking.\n")
    return False
