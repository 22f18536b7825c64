"""Commands that rules kept from running, as they are noted where the agent could write, too.

So they are words for a person to look at, and prove nothing.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationError

from bot.core.base import Strict

MAX_DENIALS = 20  # of an attempt that a person is told of
MAX_COMMAND = 300  # characters of each
MAX_NOTED = 2_000  # characters that are noted: no secret is cut in two before it is looked for
MAX_NOTES_BYTES = 100_000
NOTES_FILE = "denied.jsonl"


class Denial(Strict):
    """The rule that forbade a command, and which part of the command that was about."""

    rule: Annotated[str, Field(max_length=100)]
    command: Annotated[str, Field(max_length=MAX_NOTED)]


def read_denials(notes: bytes) -> tuple[Denial, ...]:
    """Read the first notes, each once; a line that is none is passed over."""
    found: dict[Denial, None] = {}
    for line in notes[:MAX_NOTES_BYTES].splitlines():
        try:
            found[Denial.model_validate_json(line)] = None
        except ValidationError:
            continue
        if len(found) == MAX_DENIALS:
            break
    return tuple(found)
