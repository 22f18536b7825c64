"""What a failed request means: its outcome class, and whether waiting may help."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum

from bot.core.outcomes import OutcomeClass


class Trouble(Enum):
    """What is wrong, where it may pass when the request is sent again."""

    BUSY = "busy"
    DOWN = "down"
    CUT = "cut"


RETRIES = {Trouble.BUSY: 3, Trouble.DOWN: 3, Trouble.CUT: 2}


@dataclass(frozen=True)
class Failure:
    """Why no answer came. `trouble` None: sending it again would change nothing.

    `wait_seconds` is what the endpoint asked for, if it did; `maybe_billed`: the model may have
    worked although nobody told us what it took.
    """

    outcome: OutcomeClass
    message: str
    trouble: Trouble | None = None
    wait_seconds: float | None = None
    maybe_billed: bool = False


# OpenAI and Gemini say "exceeded your current quota" of a minute's allowance too, so these words
# alone decide nothing where the text also names a minute.
_SPENT = re.compile(
    r"insufficient[_ ](quota|balance|credit)|limit exhausted|exceeded your current quota"
    r"|out of credits|credit balance|billing_hard_limit|payment required",
    re.IGNORECASE,
)
_A_DAY = re.compile(r"per[-_ ]?(day|month)|daily|monthly|\b(TPD|RPD)\b|24 hours", re.IGNORECASE)
_A_MINUTE = re.compile(r"per[-_ ]?(minute|second)|\b(TPM|RPM)\b", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context[_ ](length|window|size)|maximum context|exceed_context"
    r"|(prompt|input|messages?|request)\b.{0,40}\btoo (long|large|many)|too many (input )?tokens"
    r"|input token count.{0,40}exceeds|reduce the length",
    re.IGNORECASE | re.DOTALL,
)
_RETRY_DELAY = re.compile(r'"retryDelay"\s*:\s*"([\d.]+)s"')
_TRY_AGAIN_IN = re.compile(r"try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?", re.IGNORECASE)


def failure_of(status: int, body: str, *, retry_after: str = "", date: str = "") -> Failure:
    """Judge an answer that is none. `retry_after` and `date` are the headers of those names."""
    said = _message(body) or f"HTTP {status} without a reason"
    message = f"HTTP {status}: {said}"
    wait = _seconds_asked_for(retry_after, date, body)
    if status in (402, 403, 429) and _is_spent(status, body):
        return Failure(OutcomeClass.QUOTA, message)
    if status in (401, 403):
        return Failure(OutcomeClass.AUTHENTICATION, message)
    if status == 429:
        return Failure(OutcomeClass.RATE_LIMIT, message, Trouble.BUSY, wait)
    if status == 408 or status >= 500:
        return Failure(OutcomeClass.CRASH, message, Trouble.DOWN, wait)
    if status in (400, 413, 422) and _TOO_LONG.search(body):
        return Failure(OutcomeClass.CONTEXT_TOO_LONG, message)
    if 300 <= status < 400:
        message = f"HTTP {status}: the endpoint redirects elsewhere; put the final base_url"
    return Failure(OutcomeClass.BAD_REQUEST, message)


def failure_in_stream(body: str) -> Failure:
    """Judge an error object that came in place of an answer, after HTTP said 200."""
    error = _error_object(body)
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code.isdigit():
        code = int(code)
    if isinstance(code, int) and 400 <= code < 600:
        return failure_of(code, body)
    if _A_DAY.search(body) or _SPENT.search(body) or "rate" in str(code):
        return failure_of(429, body)
    if _TOO_LONG.search(body):
        return failure_of(400, body)
    return Failure(OutcomeClass.CRASH, _message(body), Trouble.DOWN, maybe_billed=True)


def _is_spent(status: int, body: str) -> bool:
    if status == 402 or _A_DAY.search(body):
        return True
    return bool(_SPENT.search(body)) and not _A_MINUTE.search(body)


def _seconds_asked_for(retry_after: str, date: str, body: str) -> float | None:
    if re.fullmatch(r"\d{1,9}(\.\d+)?", retry_after.strip()):
        return float(retry_after)
    if retry_after and date:
        try:
            until, now = parsedate_to_datetime(retry_after), parsedate_to_datetime(date)
            return max(0.0, (until - now).total_seconds())
        except (ValueError, TypeError):
            return None
    if delay := _RETRY_DELAY.search(body):
        return _number(delay.group(1))
    if (again := _TRY_AGAIN_IN.search(body)) and any(again.groups()):
        hours, minutes, seconds = (_number(part or "0") for part in again.groups())
        return hours * 3600 + minutes * 60 + seconds
    return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _error_object(body: str) -> object:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    value = value[0] if isinstance(value, list) and value else value  # Gemini wraps it in a list
    return value.get("error", value) if isinstance(value, dict) else None


def _message(body: str) -> str:
    """Find what the endpoint said, as one printable line."""
    error = _error_object(body)
    text = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    if not isinstance(text, str):
        text = re.sub(r"<[^>]*>", " ", body[:2_000])
    line = " ".join(text.split())
    return "".join(character for character in line if character.isprintable())[:300]
