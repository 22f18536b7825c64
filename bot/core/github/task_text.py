"""The task as it is frozen when a run is triggered: only what a person saw then."""

from __future__ import annotations

import hashlib

from bot.core.github.plain_text import clean
from bot.core.github.stretches import StretchKind, stretches
from bot.core.plan import MAX_TASK


def task_text(title: str, body: str) -> str:
    """Return title and body without comments and unseen characters, in at most MAX_TASK."""
    shown = without_comments(clean(body).replace("\u200b", ""))
    heading = " ".join(clean(title).replace("\u200b", "").split())
    lines = [line.rstrip() for line in f"{heading}\n\n{shown.strip()}".strip().split("\n")]
    return _cut("\n".join(lines))


def text_hash(text: str) -> str:
    """Return the SHA-256 of a text, in hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def without_comments(text: str) -> str:
    """Leave out what GitHub does not show: <!-- … -->, but not where it stands in code."""
    kept, at = [], 0
    for stretch in stretches(text):
        if stretch.kind is StretchKind.COMMENT:
            kept.append(text[at : stretch.start])
            at = stretch.end
    return "".join([*kept, text[at:]])


def _cut(text: str) -> str:
    if len(text) <= MAX_TASK:
        return text
    note = f"\n\n[Cut here: the text has {len(text):,} characters, of at most {MAX_TASK:,}.]"
    return text[: MAX_TASK - len(note)].rstrip() + note
