"""What eight providers say when they do not answer, and what follows from it."""

from __future__ import annotations

import json

import pytest

from bot.core.outcomes import OutcomeClass as Class
from bot.core.provider_failures import Failure, Trouble, failure_in_stream, failure_of

Row = tuple[str, int, object, Class, float | None]


def openai(message: str, code: str | None, kind: str = "invalid_request_error") -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str) -> object:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def gemini(code: int, status: str, message: str, *details: object) -> object:
    return {"error": {"code": code, "message": message, "status": status, "details": details}}


def violation(per: str) -> object:
    quota = f"GenerateRequestsPer{per}PerProjectPerModel-FreeTier"
    kind = "type.googleapis.com/google.rpc.QuotaFailure"
    return {"@type": kind, "violations": [{"quotaMetric": "requests", "quotaId": quota}]}


def retry_in(seconds: str) -> object:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": seconds}


EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
GROQ = "Rate limit reached for model `llama-3.3-70b-versatile` in organization `o` on tokens per"
GROQ_LARGE = "Request too large for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit"
CONTEXT = "This model's maximum context length is 8192 tokens, however you requested 9000."

TABLE: list[Row] = [
    ("OpenAI: no money", 429, openai(EXCEEDED, "insufficient_quota"), Class.QUOTA, None),
    ("OpenAI: a minute's tokens", 429, openai("Rate limit reached for gpt-4o on tokens per min "
     "(TPM): Limit 30000. Please try again in 340ms.", "rate_limit_exceeded"),
     Class.RATE_LIMIT, 0.34),
    ("OpenAI: more than a minute's tokens at once", 429, openai("Request too large for gpt-4o on "
     "tokens per min (TPM): Limit 30000, Requested 342389.", "rate_limit_exceeded"),
     Class.CONTEXT_TOO_LONG, None),
    ("OpenAI: key", 401, openai("Incorrect API key provided", "invalid_api_key"),
     Class.AUTHENTICATION, None),
    ("OpenAI: country", 403, openai("Country not supported", "unsupported_country"),
     Class.AUTHENTICATION, None),
    ("OpenAI: context", 400, openai(CONTEXT, "context_length_exceeded"),
     Class.CONTEXT_TOO_LONG, None),
    ("OpenAI: request", 400, openai("Unknown parameter: 'x'.", "unknown_parameter"),
     Class.BAD_REQUEST, None),
    ("OpenAI: model", 404, openai("The model does not exist", "model_not_found"),
     Class.BAD_REQUEST, None),
    ("OpenAI: server", 500, openai("The server had an error", None, "server_error"),
     Class.CRASH, None),
    ("Anthropic: no money", 400, anthropic("invalid_request_error", "Your credit balance is too "
     "low to access the Anthropic API."), Class.QUOTA, None),
    ("Anthropic: a spending limit", 400, anthropic("invalid_request_error", "You have reached your "
     "specified API usage limits."), Class.QUOTA, None),
    ("Anthropic: key", 401, anthropic("authentication_error", "invalid x-api-key"),
     Class.AUTHENTICATION, None),
    ("Anthropic: permission", 403, anthropic("permission_error", "Your key may not use this"),
     Class.AUTHENTICATION, None),
    ("Anthropic: a minute", 429, anthropic("rate_limit_error", "This request would exceed the rate "
     "limit of 50,000 input tokens per minute"), Class.RATE_LIMIT, None),
    ("Anthropic: context", 400, anthropic("invalid_request_error", "prompt is too long: 209012 "
     "tokens > 200000 maximum"), Class.CONTEXT_TOO_LONG, None),
    ("Anthropic: size", 413, anthropic("request_too_large", "Request exceeds the maximum size; "
     "the request is too large"), Class.CONTEXT_TOO_LONG, None),
    ("Anthropic: busy", 529, anthropic("overloaded_error", "Overloaded"), Class.CRASH, None),
    ("Gemini: a minute", 429, gemini(429, "RESOURCE_EXHAUSTED", EXCEEDED, violation("Minute"),
     retry_in("34.07s")), Class.RATE_LIMIT, 34.07),
    ("Gemini: a day, whatever it says of seconds", 429, gemini(429, "RESOURCE_EXHAUSTED", EXCEEDED,
     violation("Minute"), violation("Day"), retry_in("19s")), Class.QUOTA, None),
    ("Gemini: a day, in a list", 429, [gemini(429, "RESOURCE_EXHAUSTED", EXCEEDED,
     violation("Day"))], Class.QUOTA, None),
    ("Gemini: not in the free tier", 429, gemini(429, "RESOURCE_EXHAUSTED", "Quota exceeded for "
     "metric: free_tier_requests, limit: 0, model: gemini-3-pro"), Class.QUOTA, None),
    ("Gemini: no details", 429, gemini(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted "
     "(e.g. check quota)."), Class.RATE_LIMIT, None),
    ("Gemini: key", 400, gemini(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid "
     "API key."), Class.AUTHENTICATION, None),
    ("Gemini: context", 400, gemini(400, "INVALID_ARGUMENT", "The input token count (1200000) "
     "exceeds the maximum number of tokens allowed (1048576)."), Class.CONTEXT_TOO_LONG, None),
    ("Gemini: busy", 503, gemini(503, "UNAVAILABLE", "The model is overloaded."),
     Class.CRASH, None),
    ("OpenRouter: no credits", 402, {"error": {"message": "Insufficient credits. Add more",
     "code": 402}}, Class.QUOTA, None),
    ("OpenRouter: the free models' day", 429, {"error": {"message": "Rate limit exceeded: "
     "free-models-per-day. Add 10 credits to unlock 1000 free model requests per day", "code": 429,
     "metadata": {"headers": {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0",
     "X-RateLimit-Reset": "1795305600000"}}}}, Class.QUOTA, 50_400),
    ("OpenRouter: the free models' minute", 429, {"error": {"message": "Rate limit exceeded: "
     "free-models-per-min.", "code": 429, "metadata": {"headers": {"X-RateLimit-Limit": "20",
     "X-RateLimit-Reset": "1795255230000"}}}}, Class.RATE_LIMIT, 30),
    ("OpenRouter: the provider behind it", 429, {"error": {"message": "Provider returned error",
     "code": 429, "metadata": {"raw": "m:free is temporarily rate-limited upstream."}}},
     Class.RATE_LIMIT, None),
    ("OpenRouter: the key's own limit", 403, {"error": {"message": "Key limit exceeded (daily "
     "limit). Manage it in the settings", "code": 403}}, Class.QUOTA, None),
    ("Groq: a minute", 429, openai(f"{GROQ} minute (TPM): Limit 6000, Used 5034, Requested 1443. "
     "Please try again in 4.77s. Need more tokens? Upgrade", "rate_limit_exceeded", "tokens"),
     Class.RATE_LIMIT, 4.77),
    ("Groq: a day", 429, openai(f"{GROQ} day (TPD): Limit 100000, Used 97050, Requested 3619. "
     "Please try again in 9m38.016s.", "rate_limit_exceeded", "tokens"), Class.QUOTA, 578.016),
    ("Groq: more than a minute's tokens at once", 413, openai(f"{GROQ_LARGE} 6000, Requested 12328",
     "rate_limit_exceeded", "tokens"), Class.CONTEXT_TOO_LONG, None),
    ("Groq: no capacity", 498, openai("Flex tier capacity exceeded", "capacity_exceeded"),
     Class.CRASH, None),
    ("NVIDIA: a minute", 429, {"status": 429, "title": "Too Many Requests"},
     Class.RATE_LIMIT, None),
    ("NVIDIA: key", 403, {"status": 403, "title": "Forbidden", "detail": "Authorization failed"},
     Class.AUTHENTICATION, None),
    ("NVIDIA: credits", 402, {"status": 402, "title": "Payment Required", "detail": "Account has "
     "no cloud credits"}, Class.QUOTA, None),
    ("NVIDIA: model", 404, {"status": 404, "title": "Not Found", "detail": "Function 'x': Not "
     "found for account 'y'"}, Class.BAD_REQUEST, None),
    ("Kilo: credits", 402, {"error": {"title": "Low Credit Warning!", "message": "Add credits to "
     "continue", "balance": 0}}, Class.QUOTA, None),
    ("Kilo: key", 401, {"error": "Unauthorized"}, Class.AUTHENTICATION, None),
    ("Cline: credits", 402, {"error": {"code": "insufficient_credits", "current_balance": 0,
     "message": "Not enough credits available"}}, Class.QUOTA, None),
    ("OpenCode: credits, as if it were the key", 401, anthropic("CreditsError", "No payment method."
     ), Class.QUOTA, None),
    ("OpenCode: the free models' day", 429, anthropic("FreeUsageLimitError", "Rate limit exceeded. "
     "Please try again later."), Class.QUOTA, None),
    ("OpenCode: a model, as if it were the key", 401, anthropic("ModelError", "Model x is not "
     "supported"), Class.BAD_REQUEST, None),
    ("OpenCode: key", 401, anthropic("AuthError", "Invalid API key."), Class.AUTHENTICATION, None),
    ("llama.cpp: context", 400, "the request exceeds the available context size",
     Class.CONTEXT_TOO_LONG, None),
    ("nothing", 500, "", Class.CRASH, None),
]  # fmt: skip


def text_of(body: object) -> str:
    return body if isinstance(body, str) else json.dumps(body)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "wait"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_a_refusal_is_judged_by_what_it_says(
    status: int, body: object, outcome: Class, wait: float | None
) -> None:
    failure = failure_of(status, text_of(body), date="Sat, 21 Nov 2026 10:00:00 GMT")
    assert (failure.outcome, failure.wait_seconds) == (outcome, wait)
    assert failure.message.startswith(f"HTTP {status}: ")
    assert "\n" not in failure.message
    passing = {Class.RATE_LIMIT: Trouble.BUSY, Class.CRASH: Trouble.DOWN}
    assert failure.trouble is passing.get(outcome)


def test_a_date_to_come_back_at_is_reckoned_by_the_endpoints_own_clock() -> None:
    now, later = "Sat, 21 Nov 2026 10:00:00 GMT", "Sat, 21 Nov 2026 10:00:30 GMT"
    assert failure_of(503, "", retry_after=later, date=now).wait_seconds == 30


ODD = ["soon", "-5", "9" * 400, "1e9", "\x00", "Sat, 99 Nov 2026"]
NO_YEAR, NO_ZONE = (
    f"Sat, 21 Nov {'9' * 20} 10:00:30 GMT",
    f"Sat, 21 Nov 2026 10:00:30 +{'9' * 20}",
)


@pytest.mark.parametrize("odd", [*ODD, NO_YEAR, NO_ZONE])
def test_a_wait_that_is_none_is_not_believed(odd: str) -> None:
    now = "Sat, 21 Nov 2026 10:00:00 GMT"
    assert failure_of(429, "", retry_after=odd, date=now).wait_seconds is None


@pytest.mark.parametrize("odd", ["now", NO_YEAR, NO_ZONE])
def test_a_clock_that_is_none_is_not_reckoned_by(odd: str) -> None:
    later = "Sat, 21 Nov 2026 10:00:30 GMT"
    assert failure_of(429, "", retry_after=later, date=odd).wait_seconds is None


STREAMED: list[tuple[str, object, Class, Trouble | None]] = [
    ("a status in it", {"error": {"code": 402, "message": "no credits"}}, Class.QUOTA, None),
    ("a status as text", {"error": {"code": "429", "message": "slow"}}, Class.RATE_LIMIT,
     Trouble.BUSY),
    ("Anthropic is busy", anthropic("overloaded_error", "Overloaded"), Class.CRASH, Trouble.DOWN),
    ("Gemini is busy", gemini(503, "UNAVAILABLE", "overloaded"), Class.CRASH, Trouble.DOWN),
    ("a response that failed", {"type": "response.failed", "response": {"status": "failed",
     "error": {"code": "rate_limit_exceeded", "message": "slow"}}}, Class.RATE_LIMIT, Trouble.BUSY),
    ("an error event of responses", {"type": "error", "code": "insufficient_quota",
     "message": EXCEEDED}, Class.QUOTA, None),
    ("a context in words alone", {"error": {"message": "prompt is too long"}},
     Class.CONTEXT_TOO_LONG, None),
    ("words alone", {"error": {"message": "upstream went away"}}, Class.CRASH, Trouble.DOWN),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "outcome", "trouble"), [row[1:] for row in STREAMED], ids=[r[0] for r in STREAMED]
)
def test_an_error_in_place_of_an_answer_is_judged_the_same(
    body: object, outcome: Class, trouble: Trouble | None
) -> None:
    failure = failure_in_stream(json.dumps(body))
    assert (failure.outcome, failure.trouble) == (outcome, trouble)


def test_an_error_without_a_code_in_a_stream_may_have_cost() -> None:
    assert failure_in_stream('{"error": {"message": "upstream went away"}}') == Failure(
        Class.CRASH, "upstream went away", Trouble.DOWN, maybe_billed=True
    )
