"""What a provider means by an answer that is none: its class, and whether waiting may help.

Eight providers say the same things in eight ways, and one of them in two: OpenAI, Anthropic,
Gemini, OpenRouter, Groq, NVIDIA, Kilo, and Cline's and OpenCode's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum

from bot.core.outcomes import OutcomeClass


class Trouble(Enum):
    """What is wrong, where it may pass when the request is sent again."""

    BUSY = "busy"
    DOWN = "down"
    CUT = "cut"


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
    r"insufficient[_ ](quota|balance|credit|funds)|limit exhausted|exceeded your current quota"
    r"|out of credits|not enough credits|credit balance|credits? required|CreditsError"
    r"|billing_hard_limit|billing_not_active|payment required|FreeUsageLimitError"
    r"|(free )?usage (limit )?(exceeded|reached)|API usage limits|key limit exceeded",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(r"credit balance is too low|API usage limits", re.IGNORECASE)
_A_DAY = re.compile(
    r"per[-_ ]?(day|month)|daily|monthly|\b(TPD|RPD)\b|24 hours|limit: 0\b", re.IGNORECASE
)
_A_MINUTE = re.compile(r"per[-_ ]?(min(ute)?|second)|\b(TPM|RPM)\b", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context[_ ](length|window|size)|maximum context|exceed_context"
    r"|(prompt|input|messages?|request)\b.{0,40}\btoo (long|large|many)|too many (input )?tokens"
    r"|input token count.{0,40}exceeds|reduce the length",
    re.IGNORECASE | re.DOTALL,
)
# A single request that is more than a minute's allowance does not fit a minute later either.
_LARGER_THAN_A_MINUTE = re.compile(r"request too large", re.IGNORECASE)
_NO_KEY = re.compile(r"API[_ ]key[_ ](not[_ ]valid|invalid|expired)", re.IGNORECASE)
_NO_MODEL = re.compile(r"ModelError|model_not_(found|supported)")
_RETRY_DELAY = re.compile(r'"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d+)?)s"')
_TRY_AGAIN_IN = re.compile(
    r"(?:try again|retry(?:ing)?) in (?:(\d{1,6})h)?\s?(?:(\d{1,6})m(?!s))?\s?"
    r"(?:(\d{1,9}(?:\.\d+)?)(m?s))?",
    re.IGNORECASE,
)
_RESET = re.compile(r'"X-RateLimit-Reset"\s*:\s*"?(\d{10}|\d{13})\b', re.IGNORECASE)
_FLEX_CAPACITY = 498  # Groq's, in place of 503

# What an error calls itself where no status says it.
_BY_NAME: Mapping[str, int] = {
    "overloaded_error": 529,
    "api_error": 500,
    "server_error": 500,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "billing_error": 402,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "request_too_large": 413,
    "not_found_error": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}


def failure_of(status: int, body: str, *, retry_after: str = "", date: str = "") -> Failure:
    """Judge an answer that is none. `retry_after` and `date` are the headers of those names."""
    said = _message(body) or f"HTTP {status} without a reason"
    message = f"HTTP {status}: {said}"
    wait = _seconds_asked_for(retry_after, date, body)
    if _is_spent(status, body):
        # A day's allowance that says "in 19 seconds" means the next minute's.
        return Failure(OutcomeClass.QUOTA, message, wait_seconds=wait if (wait or 0) > 60 else None)
    if status in (401, 403) and _NO_MODEL.search(body):
        return Failure(OutcomeClass.BAD_REQUEST, message)
    if status in (401, 403) or (status == 400 and _NO_KEY.search(body)):
        return Failure(OutcomeClass.AUTHENTICATION, message)
    if status in (413, 429) and _LARGER_THAN_A_MINUTE.search(body):
        return Failure(OutcomeClass.CONTEXT_TOO_LONG, message)
    if status == 429:
        return Failure(OutcomeClass.RATE_LIMIT, message, Trouble.BUSY, wait)
    if status in (408, _FLEX_CAPACITY) or status >= 500:
        return Failure(OutcomeClass.CRASH, message, Trouble.DOWN, wait)
    if status in (400, 413, 422) and _TOO_LONG.search(body):
        return Failure(OutcomeClass.CONTEXT_TOO_LONG, message)
    if 300 <= status < 400:
        message = f"HTTP {status}: the endpoint redirects elsewhere; put the final base_url"
    return Failure(OutcomeClass.BAD_REQUEST, message)


def failure_in_stream(body: str) -> Failure:
    """Judge an error object that came in place of an answer, after HTTP said 200."""
    status = _status_in(body)
    if status is not None:
        return failure_of(status, body)
    if _A_DAY.search(body) or _SPENT.search(body) or "rate limit" in body.lower():
        return failure_of(429, body)
    if _TOO_LONG.search(body):
        return failure_of(400, body)
    return Failure(OutcomeClass.CRASH, _message(body), Trouble.DOWN, maybe_billed=True)


def broke_off(why: str) -> Failure:
    """Describe an answer that has no end, or makes no sense."""
    return Failure(OutcomeClass.CRASH, why, Trouble.CUT, maybe_billed=True)


def _status_in(body: str) -> int | None:
    error = _error_object(body)
    if not isinstance(error, dict):
        return None
    for value in (error.get("code"), error.get("status"), error.get("type")):
        text = str(value)
        if text in _BY_NAME:
            return _BY_NAME[text]
        if text.isdecimal() and 400 <= int(text[:9]) < 600:
            return int(text)
    return None


def _is_spent(status: int, body: str) -> bool:
    if status == 402 or (status == 400 and _NO_CREDIT.search(body)):
        return True
    if status == 429 and _A_DAY.search(body):
        return True
    spent = status in (401, 403, 429) and _SPENT.search(body)
    return bool(spent) and not _A_MINUTE.search(body)


def _seconds_asked_for(retry_after: str, date: str, body: str) -> float | None:
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", retry_after.strip()):
        return float(retry_after)
    now = _moment(date)
    if now and (until := _moment(retry_after)):
        return max(0.0, (until - now).total_seconds())
    if delay := _RETRY_DELAY.search(body):
        return float(delay[1])
    if (again := _TRY_AGAIN_IN.search(body)) and any(again.groups()):
        hours, minutes, seconds = (float(again[part] or "0") for part in (1, 2, 3))
        return hours * 3600 + minutes * 60 + (seconds / 1000 if again[4] == "ms" else seconds)
    if now and (reset := _RESET.search(body)):
        at = datetime.fromtimestamp(int(reset[1][:10]), UTC)
        return max(0.0, (at - now) / timedelta(seconds=1))
    return None


def _moment(header: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _error_object(body: str) -> object:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    value = value[0] if isinstance(value, list) and value else value  # Gemini wraps it in a list
    if isinstance(value, dict) and isinstance(response := value.get("response"), dict):
        value = response
    return (value.get("error") or value) if isinstance(value, dict) else None


def _message(body: str) -> str:
    """Find what the endpoint said, as one printable line."""
    error = _error_object(body)
    text: object = error
    if isinstance(error, dict):
        text = error.get("message") or error.get("detail") or error.get("title")
    if not isinstance(text, str):
        text = re.sub(r"<[^>]*>", " ", body[:2_000])
    line = " ".join(text.split())
    return "".join(character for character in line if character.isprintable())[:300]
