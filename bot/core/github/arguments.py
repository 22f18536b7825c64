"""What stands behind a command on its line: words, a reason, ids and amounts of money."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from bot.core.base import WORKSTREAM_ID
from bot.core.github.plain_text import cut

MAX_USD = Decimal(10_000)
_MAX_REASON = 1_000
_BECAUSE = re.compile(r"(?i)(?:^|\s)because(?=[\s:,]|$)[\s:,]*")


class CannotRead(Exception):
    """What is wrong with what stands behind a command."""


@dataclass(frozen=True)
class Written:
    """A command's line in parts: its words, and what follows `because`, if that is there."""

    line: str
    words: tuple[str, ...]
    because: str | None

    @property
    def reason(self) -> str:
        """The reason, or nothing where none was begun; the … of an example is none."""
        if self.because is not None and not any(letter.isalnum() for letter in self.because):
            raise CannotRead("nothing follows the word because")
        return self.because or ""


def written(line: str, arguments: str) -> Written:
    """Take apart what stands behind a command's name; `line` is the whole as it is shown."""
    before, *reason = _BECAUSE.split(arguments, maxsplit=1)
    words = tuple(word.strip(",") for word in before.split() if word.strip(","))
    return Written(line, words, cut(reason[0].strip(), _MAX_REASON) if reason else None)


def required_reason(given: Written) -> str:
    """Return the reason of a command that must have one."""
    if given.because is None:
        raise CannotRead("a reason is missing; it follows the word because")
    return given.reason


def workstream_id(word: str) -> str:
    """Accept what may be the id of a workstream; phones begin it with a capital."""
    name = word.strip("`").lower()
    if not re.fullmatch(WORKSTREAM_ID, name):
        raise CannotRead(f"{cut(word, 60)} is not the id of a workstream")
    return name


def is_amount(word: str) -> bool:
    """Whether a word is meant as money, and not as a provider's name."""
    return not any(letter.isalpha() for letter in word)


def dollars(word: str) -> Decimal:
    """Read US dollars as people write them, where that is certain: 2, 2.00 and $2."""
    if not re.fullmatch(r"\$?[0-9]{1,5}(\.[0-9]{1,6})?", word):
        raise CannotRead(f"{cut(word, 60)} is not an amount; write US dollars such as 2 or 2.50")
    usd = Decimal(word.removeprefix("$"))
    if not 0 < usd <= MAX_USD:
        raise CannotRead(f"{word} is not an amount above 0, of at most {MAX_USD:,}")
    return usd
