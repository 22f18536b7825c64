"""What a process prints: cut into lines, logged up to a limit, its end kept."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from io import FileIO

from bot.ports import Command

TAIL_BYTES = 64 * 1024
LINE_CHARACTERS = 8 * 1024
LINE_WEIGHT = 60  # bytes that each line counts as beside its own: it costs work, however short
OUTPUT_LIMIT = 50  # times max_log_bytes; who prints more is ended


class Lines:
    """Bytes in, lines out: a character may arrive in two parts, an endless line is cut."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._open = ""

    def take(self, chunk: bytes) -> list[str]:
        """Return the lines that `chunk` completes, without their ends."""
        text = self._open + self._decoder.decode(chunk)
        *whole, self._open = text.split("\n")
        lines = [piece for line in whole for piece in _pieces(line.removesuffix("\r"))]
        if len(self._open) > LINE_CHARACTERS:
            *cut, self._open = _pieces(self._open)
            lines += cut
        return lines

    def rest(self) -> list[str]:
        """Return the last line where it has no end."""
        rest = self._open + self._decoder.decode(b"", final=True)
        return _pieces(rest) if rest else []


def _pieces(line: str) -> list[str]:
    size = LINE_CHARACTERS
    return [line[at : at + size] for at in range(0, max(len(line), 1), size)]


class Output:
    """Takes what a process prints; `refusal` says why it may print no more, if so."""

    def __init__(self, command: Command, on_line: Callable[[str], None] | None) -> None:
        """Open the log for appending; raises OSError where that cannot be done."""
        self.refusal: str | None = None
        self._log_bytes = 0
        self._on_line = on_line
        self._lines = Lines()
        self._tail = bytearray()
        self._total = 0
        self._max_log_bytes = command.max_log_bytes
        self._log = None if command.log is None else FileIO(command.log, "a")

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_log()

    def take(self, chunk: bytes) -> None:
        """Take the next bytes; after a refusal only their end is kept."""
        self._keep(chunk)
        self._total += len(chunk) + LINE_WEIGHT * chunk.count(b"\n")
        if self.refusal is not None:
            return
        self._write_log(chunk)
        if self._on_line is not None:
            for line in self._lines.take(chunk):
                self._on_line(line)
        if self._total > OUTPUT_LIMIT * self._max_log_bytes:
            self.refusal = "output limit"

    def finish(self) -> str:
        """Hand on a last line without an end; return the last 64 KiB as text."""
        if self._on_line is not None:
            for line in self._lines.rest():
                self._on_line(line)
        return self._tail[-TAIL_BYTES:].decode(errors="replace")

    def _keep(self, chunk: bytes) -> None:
        self._tail += chunk
        if len(self._tail) > 2 * TAIL_BYTES:
            del self._tail[:-TAIL_BYTES]

    def _write_log(self, chunk: bytes) -> None:
        if self._log is None:
            return
        room = self._max_log_bytes - self._log_bytes
        kept = chunk[:room]
        if len(chunk) > room:
            kept += f"\n[log cut: more than {self._max_log_bytes} bytes]\n".encode()
        try:
            self._append(self._log, kept)
        except OSError as error:
            self.refusal = f"log not writable: {os.strerror(error.errno or 0)}"
        if len(chunk) > room:
            self._close_log()

    def _append(self, log: FileIO, data: bytes) -> None:
        while data:
            written = log.write(data)
            self._log_bytes += written
            data = data[written:]

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None
