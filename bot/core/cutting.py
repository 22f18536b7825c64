"""Texts cut to a size together, so that a long one leaves room for the others."""

from __future__ import annotations

from collections.abc import Sequence

LEAST = 400  # characters; a shorter piece of a text is not worth its room


def cut_to_fit(texts: Sequence[str], room: int) -> tuple[str, ...]:
    """Cut texts to `room` characters in all, at line ends where there are any; short ones not."""
    kept = dict.fromkeys(range(len(texts)), "")
    by_size = sorted(kept, key=lambda at: len(texts[at]))
    for nth, at in enumerate(by_size):
        share = max(room // (len(by_size) - nth), min(room, LEAST))
        kept[at] = _cut(texts[at], share)
        room -= len(kept[at])
    return tuple(kept.values())


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return text[: text.rfind("\n", 0, most) + 1 or most]
