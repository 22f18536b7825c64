"""An answer of a model, before it is written in a protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.provider.script import Usage
from tests.support.provider.tools import Call

Json = Mapping[str, object]


@dataclass(frozen=True)
class Answer:
    """What the model says and calls, and what that took."""

    model: str
    text: str
    calls: tuple[Call, ...]
    usage: Usage
    id: str  # no other answer has it


def halves(text: str) -> tuple[str, str]:
    """Cut a text in two, as streams do at any place."""
    middle = len(text) // 2
    return text[:middle], text[middle:]
