"""The records of an agent process: its transcript and its model calls, a JSON object a line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from bot.adapters.engines.builtin.messages import Message, mended
from bot.adapters.engines.builtin.signals import ModelCall
from bot.core.base import Strict

Line = TypeVar("Line", bound=Strict)


class Record:
    """A file that is only added to, flushed at each line, without the key in it."""

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        self._redact = redact
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")  # a kill cut the last line; the next is its own

    def add(self, line: Strict) -> None:
        """Append one line; it is with the kernel when this returns, so a kill cannot lose it."""
        data = f"{self._redact(line.model_dump_json())}\n".encode("utf-8", "replace")
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def read_session(path: Path) -> tuple[Message, ...]:
    """Read a transcript as a whole conversation, whatever a kill cut off; or an empty one."""
    return mended(_lines(path, Message))


def read_usage(path: Path) -> tuple[ModelCall, ...]:
    """Read a usage file: each model call once, as it ended or, if it was cut off, as it began."""
    return tuple({call.n: call for call in _lines(path, ModelCall)}.values())


def _lines(path: Path, kind: type[Line]) -> list[Line]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    lines: list[Line] = []
    for line in data.splitlines():
        try:
            lines.append(kind.model_validate_json(line))
        except ValidationError:
            continue  # the one that a kill cut in two
    return lines
