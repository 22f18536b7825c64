"""Whatever an agent asks and a provider says: it is read, or refused, and costs nothing less."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.adapters.gateway.answers import Count, Passing
from bot.adapters.gateway.dialects import Asked, Dialect, Place, Refusal, read_request
from tests.support.doorway import PAID, tier_at
from tests.support.scripted_model import MODEL

TIER = tier_at("http://127.0.0.1:9/v1", **PAID)
ASKED = (
    *("messages", "input", "contents", "content", "parts", "tools", "type", "url", "image_url"),
    *("max_tokens", "generationConfig", "maxOutputTokens", "service_tier", "stream_options"),
    *("context_management", "edits", "modalities", "functionResponse", "response", "n", "stream"),
)
SAID = (
    *("usage", "usageMetadata", "choices", "candidates", "message", "delta", "response", "error"),
    *("status", "type", "finish_reason", "stop_reason", "service_tier", "speed", "model"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"),
    *("promptTokenCount", "candidatesTokenCount", "cache_creation_input_tokens"),
    *("prompt_tokens_details", "cached_tokens", "cache_write_tokens"),
)


def values(names: tuple[str, ...]) -> st.SearchStrategy[object]:
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
    named = st.sampled_from(names)
    return st.recursive(
        plain | named,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(named, inner, min_size=1, max_size=4)
        ),
        max_leaves=12,
    )


dialects = st.sampled_from(list(Dialect))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(ASKED), values(ASKED), max_size=6), dialects)
@example({"service_tier": []}, Dialect.CHAT)
def test_whatever_is_asked_of_a_paid_tier_is_refused_or_has_a_limit(
    body: dict[str, object], dialect: Dialect
) -> None:
    place = Place("door", dialect, MODEL if dialect is Dialect.GEMINI else "")
    asked = read_request(place, "", json.dumps({**body, "model": MODEL}).encode(), TIER)
    assert isinstance(asked, Refusal) or (asked.is_limited and asked.most_output >= 1)
    if isinstance(asked, Asked):
        assert asked.most_input >= len(asked.without_usage().data)


@settings(max_examples=100, deadline=None)
@given(st.lists(values(SAID), max_size=4), dialects, st.booleans())
@example([{"usage": None, "status": []}], Dialect.RESPONSES, False)
@example([{"usage": {"prompt_tokens": 10**30, "completion_tokens": -1}}], Dialect.CHAT, True)
def test_whatever_is_said_is_read_and_gives_nothing_back(
    said: list[object], dialect: Dialect, is_events: bool
) -> None:
    count = Count(dialect)
    passing = Passing(count, is_events=is_events, hide_usage=True)
    for one in said:
        data = json.dumps(one).encode()
        passing.through(b"data: %b\n\n" % data if is_events else data)
    passing.end()
    tokens = count.tokens(count.input_tokens or 0)
    assert min(vars(tokens).values()) >= 0
    assert TIER.charge(tokens)[0] >= 0
