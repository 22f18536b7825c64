"""Base of every contract, and the kinds of id and text that they share."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, NewType

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

RunId = NewType("RunId", str)
Sha = NewType("Sha", str)

WORKSTREAM_ID = r"^[a-z][a-z0-9-]{0,39}$"
RESERVED_WORKSTREAM_IDS = frozenset({"combined"})
RESERVED_RUN_IDS = frozenset({"ledger", "memory"})


class Strict(BaseModel):
    """A value of ours: immutable, and nothing in it that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _not_reserved(text: str) -> str:
    if text in RESERVED_WORKSTREAM_IDS:
        raise ValueError(f"{text!r} is reserved; choose another id")
    return text


def _inside_repository(text: str) -> str:
    """Accept a path or pattern that stays in the repository; say what would be right otherwise."""
    if not text.strip() or "\0" in text:
        raise ValueError("an empty path; name a file such as src/app.py")
    if text.startswith(("/", "~")) or re.match(r"^[A-Za-z]:[\\/]", text):
        raise ValueError(f"{text!r} is absolute; write it from the top of the repository")
    if ".." in re.split(r"[/\\]", text):
        raise ValueError(f"{text!r} leaves the repository; write it without '..'")
    return text


WorkstreamId = Annotated[str, Field(pattern=WORKSTREAM_ID), AfterValidator(_not_reserved)]
RepoPath = Annotated[str, Field(max_length=4096), AfterValidator(_inside_repository)]
Pattern = Annotated[str, Field(max_length=1024), AfterValidator(_inside_repository)]
Moment = AwareDatetime
Usd = Annotated[
    Decimal,
    Field(ge=0, max_digits=18, decimal_places=6),
    PlainSerializer(lambda usd: f"{usd:.6f}", return_type=str, when_used="json"),
]

ZERO_USD = Decimal(0)
MICRO_USD = Decimal("0.000001")  # the smallest part of a dollar that is written down


def printable(path: str) -> str:
    """Return a path as text that can be written anywhere; odd bytes become escapes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def few(items: Sequence[str], most: int) -> str:
    """Name at most so many things in one line, and say how many more there are."""
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def digest(*parts: object) -> str:
    """Name a thing by what it is: 16 hex digits of a hash, the same on every machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
