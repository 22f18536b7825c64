"""Terminal escapes in what programs print, and how text is read without them."""

from __future__ import annotations

import re

# Whole sequences go, so that no "[31m" stays.
_SEQUENCE = re.compile(
    r"\x1b\][^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, links, clipboard
    r"|\x1b[PX^_][^\x1b\x9c\n]{0,4096}(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor, erase
    r"|\x1b[ -/]*[0-~]?"  # the rest
)


def without_escapes(text: str) -> str:
    """Return text as a terminal would leave it to read, each line ended by \\n."""
    return _SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
