"""Faults of providers, as they word them. Their words are what our gateway has to understand."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.support.provider.script import Refused

LONG = 3600  # seconds that nobody waits


def rate_limit(retry_after: float | None) -> Refused:
    """Too many requests; come back in so many seconds, or at a time that it does not say."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Refused(429, "Rate limit reached for requests.", "rate_limit_exceeded", headers)


KEY = Refused(401, "Incorrect API key provided.", "invalid_api_key")
FORBIDDEN = Refused(403, "Your project does not have access to this model.", "permission_denied")
PAYMENT = Refused(402, "Payment required.", "payment_required")
INTERNAL = Refused(500, "The server had an error while processing your request.")
UNAVAILABLE = Refused(503, "The engine is currently overloaded, please try again later.")
OVERLOADED = Refused(529, "Overloaded")
TOO_LONG = Refused(
    400,
    "prompt is too long: this model's maximum context length is 8192 tokens, your input token "
    "count of 210044 exceeds it.",
    "context_length_exceeded",
)


def _worded(status: int, body: Mapping[str, object], **headers: str) -> Refused:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refused(status, headers=named, body=json.dumps(body))


QUOTA: Mapping[str, Refused] = {
    "OpenAI": _worded(
        429,
        {
            "error": {
                "message": "You exceeded your current quota, please check your plan and billing "
                "details.",
                "type": "insufficient_quota",
                "param": None,
                "code": "insufficient_quota",
            }
        },
    ),
    "Anthropic": _worded(
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "Your credit balance is too low to access the Anthropic API. Please go "
                "to Plans & Billing to upgrade or purchase credits.",
            },
        },
    ),
    "Gemini": _worded(
        429,
        {
            "error": {
                "code": 429,
                "message": "You exceeded your current quota, please check your plan and billing "
                "details.",
                "status": "RESOURCE_EXHAUSTED",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                        "violations": [
                            {
                                "quotaMetric": "generativelanguage.googleapis.com/"
                                "generate_content_free_tier_requests",
                                "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
                                "quotaDimensions": {"location": "global"},
                                "quotaValue": "250",
                            }
                        ],
                    },
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"},
                ],
            }
        },
    ),
    "OpenRouter": _worded(
        429,
        {
            "error": {
                "message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock "
                "1000 free model requests per day",
                "code": 429,
                "metadata": {
                    "headers": {
                        "X-RateLimit-Limit": "50",
                        "X-RateLimit-Remaining": "0",
                        "X-RateLimit-Reset": "1795392000000",
                    },
                    "provider_name": None,
                },
            },
            "user_id": "user_2abc",
        },
    ),
    "Groq": _worded(
        429,
        {
            "error": {
                "message": "Rate limit reached for model `llama-3.3-70b-versatile` in organization "
                "`org_01` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used "
                "99543, Requested 2100. Please try again in 23m39.552s.",
                "type": "tokens",
                "code": "rate_limit_exceeded",
            }
        },
        retry_after="1420",
    ),
    "NVIDIA": _worded(
        402,
        {
            "status": 402,
            "title": "Payment Required",
            "detail": "Account 'abc': Cloud credits expired - Please contact NVIDIA "
            "representatives",
        },
    ),
    "Kilo": _worded(
        402,
        {
            "error": {
                "title": "Low Credit Warning!",
                "message": "Add credits to continue, or switch to a free model",
                "balance": 0,
                "buyCreditsUrl": "https://app.kilo.example/profile",
            }
        },
    ),
    "Cline": _worded(
        402,
        {
            "error": {
                "code": "insufficient_credits",
                "current_balance": -0.01,
                "message": "Insufficient balance. Your Cline Credits balance is $-0.01",
                "buy_credits_url": "https://app.cline.example/dashboard",
            }
        },
    ),
    "OpenCode Zen": _worded(
        429,
        {
            "type": "error",
            "error": {
                "type": "FreeUsageLimitError",
                "message": "Rate limit exceeded. Please try again later.",
            },
            "metadata": {},
        },
        retry_after="63720",
    ),
    "OpenCode Zen, paid": _worded(
        401,
        {
            "type": "error",
            "error": {
                "type": "CreditsError",
                "message": "Insufficient balance. Manage your billing here: "
                "https://opencode.example/workspace/billing",
            },
        },
    ),
}
