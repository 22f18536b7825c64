"""logfmt: `level=info msg="listening" port=8080`."""

from __future__ import annotations

import shlex
from typing import Optional

from tinylog.record import Record


def read_logfmt(line: str) -> Optional[Record]:
    """Read a line of logfmt, its level in lower case; None where the line is something else."""
    try:
        words = [word.partition("=") for word in shlex.split(line)]
    except ValueError:  # a quote that nothing closes
        return None
    if not words or not all(name and equals for name, equals, _ in words):
        return None
    pairs = {name: value for name, _, value in words}
    return Record(
        message=pairs.pop("msg", ""),
        level=pairs.pop("level", "").lower() or None,
        time=pairs.pop("time", None),
        fields=pairs,
    )
