"""The calls of an attempt in a file of ours: what was sent is known also where we were killed."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from bot.core.base import Moment, Strict
from bot.ports import KeptCalls, ModelCall

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
    usd: Annotated[Decimal, Field(ge=0)] | None
    began: Moment | None = None


class CallFile:
    """Appends a line before a call is sent and one when it is counted. None: keeps nothing."""

    def __init__(self, kept: KeptCalls | None) -> None:
        self._kept = kept
        self._file: int | None = None
        self.before: tuple[ModelCall, ...] = ()
        if kept is not None:
            self.before = calls_in(Path(kept.path))
            folder = os.path.dirname(kept.path)  # noqa: PTH120
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._file = os.open(kept.path, flags, 0o600)

    def write(self, call: ModelCall) -> None:
        """Write a call as it is known now; it is with the system when this returns."""
        if self._file is not None and self._kept is not None:
            line = _Line(**{**vars(call), "began": self._kept.began}).model_dump_json()
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
