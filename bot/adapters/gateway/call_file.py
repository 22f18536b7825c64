"""The calls of an attempt in a file of ours: what was sent is known also where we were killed."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from bot.core.base import Strict
from bot.ports import ModelCall

_Tokens = Annotated[int, Field(ge=0)]


class _Line(Strict):
    """A call as it was when the line was written: the last line of a number holds."""

    n: Annotated[int, Field(ge=1)]
    input_tokens: _Tokens
    cached_tokens: _Tokens
    output_tokens: _Tokens
    model_requested: str
    model_returned: str | None
    counted: bool
    written_tokens: _Tokens
    written_for_an_hour_tokens: _Tokens
    usd: Decimal | None


class CallFile:
    """Appends a line before a call is sent and one when it is counted. No path: keeps nothing."""

    def __init__(self, path: str | None) -> None:
        self._file: int | None = None
        self.before: tuple[ModelCall, ...] = ()
        if path is not None:
            self.before = calls_in(Path(path))
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o600)

    def write(self, call: ModelCall) -> None:
        """Write a call as it is known now; it is with the system when this returns."""
        if self._file is not None:
            line = _Line(**vars(call)).model_dump_json()
            os.write(self._file, f"\n{line}".encode())  # after half a line of who was killed

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def calls_in(path: Path) -> tuple[ModelCall, ...]:
    """Return the calls that are written, the last line of each; half a line is none."""
    found: dict[int, ModelCall] = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            call = ModelCall(**vars(_Line.model_validate_json(line)))
        except ValidationError:
            continue
        found[call.n] = call
    return tuple(call for _, call in sorted(found.items()))
