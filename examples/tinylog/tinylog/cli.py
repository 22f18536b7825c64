"""The command line: log files go in, aligned lines come out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tinylog.logfmt import read_logfmt
from tinylog.record import LEVELS


def main(arguments: Sequence[str] | None = None) -> int:
    """Show logs; return 0, or 2 where a file cannot be read."""
    parser = argparse.ArgumentParser(prog="tinylog", description="Show logs to people.")
    parser.add_argument("--level", choices=LEVELS, default="debug", help="the least serious shown")
    parser.add_argument("files", nargs="*", type=Path, help="none: standard input")
    asked = parser.parse_args(arguments)
    try:
        for line in _lines(asked.files):
            record = read_logfmt(line)
            if record is None:
                print(line)  # such as a stack trace: better seen than lost
            elif record.at_least(asked.level):
                print(record)
    except OSError as error:
        print(f"tinylog: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _lines(files: Sequence[Path]) -> Iterator[str]:
    if not files:
        yield from (line.rstrip("\n") for line in sys.stdin)
    for path in files:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from (line.rstrip("\n") for line in file)
