"""What an agent is given to read: the most important first, within a budget, and kept on record.

Nothing is dropped in silence: what is cut says so where it was cut, what is left out is listed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.core.base import Strict
from bot.core.escapes import without_escapes

CHARACTERS_PER_TOKEN = 4  # the estimate that everything here goes by
LEAST_USEFUL_TOKENS = 64  # a cut that leaves less than this of a text is not worth its room
_FRAME_TOKENS = 24  # heading and fence around a text

# What no reader sees: controls, lone surrogates, overrides of the writing direction, and the
# tag characters, which spell hidden ASCII.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True)
class Source:
    """A text that may be given; a lower rank is more important, and rank 0 comes before all."""

    path: str
    text: str
    why: str
    rank: int


@dataclass(frozen=True)
class Given:
    """A text as it is given, with the tokens that it takes (estimated, with its heading)."""

    path: str
    text: str
    tokens: int
    why: str
    cut: bool = False


@dataclass(frozen=True)
class LeftOut:
    """What is not given, and the reason."""

    path: str
    tokens: int
    why: str


@dataclass(frozen=True)
class Packed:
    """What fits, and what does not."""

    given: tuple[Given, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class GivenText(Strict):
    """A text that an agent was given; `sha256` are the first 16 hex digits."""

    path: str
    why: str
    sha256: str
    tokens: int
    cut: bool = False


class OmittedText(Strict):
    """A text that an agent was not given."""

    path: str
    why: str
    tokens: int


class Manifest(Strict):
    """What an agent was given to read and why, for the record."""

    given: tuple[GivenText, ...] = ()
    left_out: tuple[OmittedText, ...] = ()
    tokens: int = 0


def estimated_tokens(text: str) -> int:
    """Estimate the tokens of a text from its characters, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def plain(text: str) -> str:
    """Return text as a reader sees it: no terminal escapes, no hidden characters, \\n for lines."""
    return _UNSEEN.sub("\ufffd", without_escapes(text))


def pack(sources: Sequence[Source], budget_tokens: int) -> Packed:
    """Choose what is given within the budget: by rank, then by path.

    Where not everything fits, no single text takes more than half of the budget, so that one
    long file does not push out the short ones that say how to work here.
    """
    order = sorted(sources, key=lambda s: (s.rank, s.path, s.text))
    fits = sum(_tokens(source, source.text) for source in order) <= budget_tokens
    most = budget_tokens if fits else budget_tokens // 2
    given: list[Given] = []
    left_out: list[LeftOut] = []
    left = budget_tokens
    for source in order:
        found = _fitted(source, min(left, most))
        if found is None:
            tokens = _tokens(source, source.text)
            left_out.append(LeftOut(source.path, tokens, f"no room ({source.why})"))
        else:
            given.append(found)
            left -= found.tokens
    return Packed(tuple(given), tuple(left_out))


def _tokens(source: Source, text: str) -> int:
    heading = estimated_tokens(source.path) + estimated_tokens(source.why)
    return _FRAME_TOKENS + heading + estimated_tokens(text)


def _fitted(source: Source, room: int) -> Given | None:
    """Return the source whole, or its beginning up to a line's end; None where that is little."""
    tokens = _tokens(source, source.text)
    if tokens <= room:
        return Given(source.path, source.text, tokens, source.why)
    note_room = estimated_tokens(_note(len(source.text), len(source.text)))
    keep = room - _tokens(source, "") - note_room
    if keep < LEAST_USEFUL_TOKENS:
        return None
    end = source.text.rfind("\n", 0, keep * CHARACTERS_PER_TOKEN) + 1
    if end == 0:  # one line, longer than the room: minified or data
        return None
    lines = source.text.count("\n", end) + (not source.text.endswith("\n"))
    text = source.text[:end] + _note(lines, len(source.text) - end)
    return Given(source.path, text, _tokens(source, text), source.why, cut=True)


def _note(lines: int, characters: int) -> str:
    return f"[cut here: {lines:,} lines, {characters:,} characters more are in the file]"


def manifest(packed: Packed) -> Manifest:
    """Describe what was given and what was not, so that it can be kept with the run."""
    return Manifest(
        given=tuple(
            GivenText(
                path=plain(g.path),
                why=plain(g.why),
                sha256=_sha256(g.text),
                tokens=g.tokens,
                cut=g.cut,
            )
            for g in packed.given
        ),
        left_out=tuple(
            OmittedText(path=plain(o.path), why=plain(o.why), tokens=o.tokens)
            for o in packed.left_out
        ),
        tokens=sum(g.tokens for g in packed.given),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def shortened(text: str, characters: int) -> str:
    """Return at most about `characters` of a text, and say how much is missing."""
    if len(text) <= characters:
        return text
    return f"{text[:characters]} [… {len(text) - characters:,} characters more]"


def listed(items: Iterable[str], most: int) -> tuple[str, ...]:
    """Return at most `most` items, and a last one that says how many are missing."""
    all_items = tuple(items)
    if len(all_items) <= most:
        return all_items
    return (*all_items[:most], f"… and {len(all_items) - most:,} more")
