"""What a reviewing agent is told of a change: the diff is data, cut fairly, and says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from bot.core.context import CHARACTERS_PER_TOKEN, listed, shortened
from bot.core.cutting import cut_to_fit
from bot.render.prompt import MOST_LEFT_OUT, quoted, render

MAX_DIFF = 200_000  # characters, however much a model can read
MAX_TASK = 8_000
SHARE = 2  # the diff takes at most this part of what a model can read
_HEADER = re.compile(r"^(?=diff --git )", re.MULTILINE)  # no line of a file begins so in a diff


@dataclass(frozen=True)
class Part:
    """One file of a diff: its names, what is shown of it, and how long it is."""

    name: str
    text: str
    size: int


def review_prompt(task: str, diff: str, context_tokens: int, deadline: datetime) -> str:
    """Ask for the review of a unified diff."""
    texts = [text for text in _HEADER.split(diff) if text]
    room = min(MAX_DIFF, context_tokens * CHARACTERS_PER_TOKEN // SHARE)
    parts = [
        Part(whole.partition("\n")[0].removeprefix("diff --git "), kept, len(whole))
        for whole, kept in zip(texts, cut_to_fit(texts, room), strict=True)
    ]
    return render(
        "review.j2",
        task=shortened(task, MAX_TASK),
        files=len(parts),
        size=len(diff),
        shown=sum(len(part.text) for part in parts),
        parts=[part for part in parts if part.text],
        unseen=listed((quoted(p.name) for p in parts if not p.text), MOST_LEFT_OUT),
        deadline=deadline,
    )
