"""What a program's last words mean, where it gives up on a model.

The gateway saw the answers themselves and is asked first; this is for what it did not see.
"""

from __future__ import annotations

import re

from bot.adapters.engines.heard import (
    Ended,
)
from bot.core.outcomes import OutcomeClass

_STATUS = re.compile(r"\b([45]\d\d)\b")
_TOO_LONG = re.compile(
    r"token count exceeds|context.?(length|window)|(prompt|input|request) is too long"
    r"|maximum.{0,30} tokens",
    re.IGNORECASE,
)
_QUOTA = re.compile(
    r"insufficient.?quota|quota exceeded|credit balance|billing"
    r"|(exhausted|exceeded) your (daily|monthly) quota",
    re.IGNORECASE,
)
_KEY = re.compile(r"api key|unauthorized|authenticat|permission denied", re.IGNORECASE)
_RATE = re.compile(r"rate.?limit|too many requests|exceeded your current quota", re.IGNORECASE)
_EMPTY = re.compile(r"empty response|no response was returned", re.IGNORECASE)
_BY_STATUS = {
    401: OutcomeClass.AUTHENTICATION,
    402: OutcomeClass.QUOTA,
    403: OutcomeClass.AUTHENTICATION,
    429: OutcomeClass.RATE_LIMIT,
}


def failed(words: str, status: object = None) -> Ended:
    """Class a failure by the status that the program names, and by its words."""
    if _TOO_LONG.search(words):
        return Ended(OutcomeClass.CONTEXT_TOO_LONG, words)
    if _EMPTY.search(words):
        return Ended(OutcomeClass.GAVE_UP, words)
    if _QUOTA.search(words):
        return Ended(OutcomeClass.QUOTA, words)
    named = _STATUS.search(words)
    number = status if isinstance(status, int) else int(named[1]) if named else 0
    if number in _BY_STATUS:
        return Ended(_BY_STATUS[number], words)
    if _RATE.search(words):
        return Ended(OutcomeClass.RATE_LIMIT, words)
    if _KEY.search(words):
        return Ended(OutcomeClass.AUTHENTICATION, words)
    if 400 <= number < 500:
        return Ended(OutcomeClass.BAD_REQUEST, words)
    return Ended(OutcomeClass.CRASH, words)
