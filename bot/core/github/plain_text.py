"""Text from outside without what nobody sees: escapes, controls, direction marks, odd line ends."""

from __future__ import annotations

import re

from bot.core.escapes import without_escapes

_LINE_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")  # that only some programs end lines at
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of writing
    "\u00ad\u180e\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"  # without a width
    "\U000e0000-\U000e0fff]"  # tags and variation selectors, in which whole texts can hide
)
_NO_CHARACTER = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Return what a person would see, with each line ended by \\n. Zero-width spaces stay."""
    text = _LINE_ENDS.sub("\n", without_escapes(text))
    return _NO_CHARACTER.sub("\ufffd", _UNSEEN.sub("", text))


def cut(text: str, limit: int) -> str:
    """Cut a text at so many characters, the last of them an ellipsis."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + "…"
