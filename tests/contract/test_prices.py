"""Prices of a maintained library, where an entry of the ladder gives none."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

from bot.adapters.prices import priced
from bot.core.routing import Tier

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def tier(provider: str, model: str, **more: object) -> Tier:
    usual = {"name": "t", "engine": "builtin", "billing": "paid"}
    return Tier.model_validate({**usual, "provider": provider, "model": model, **more})


def test_a_model_that_is_known_gets_its_price_with_that_of_the_cache() -> None:
    found = priced(tier("anthropic", "claude-sonnet-4-5"), NOW)
    assert found.input_usd_per_million == 3
    assert found.output_usd_per_million == 15
    assert found.cached_usd_per_million == Decimal("0.3")
    assert found.cache_write_usd_per_million == Decimal("3.75")


def test_a_tier_that_takes_long_prompts_is_priced_for_them() -> None:
    long = priced(tier("anthropic", "claude-sonnet-4-5", context_tokens=1_000_000), NOW)
    assert (long.input_usd_per_million, long.output_usd_per_million) == (6, Decimal("22.5"))


def test_what_the_entry_says_holds() -> None:
    said = tier("openai", "o3", input_usd_per_million="7", output_usd_per_million="9")
    assert priced(said, NOW) is said


def test_a_model_that_nobody_knows_has_no_price_not_that_of_the_nearest() -> None:
    for unknown in (
        tier("openai", "gpt-4o-and-a-half"),
        tier("nobody", "gpt-4o"),
        tier("openai", ""),
        tier("openrouter", "no/such-model"),
    ):
        assert not priced(unknown, NOW).has_price


def test_a_model_that_costs_more_than_its_tokens_has_no_price() -> None:
    by_request, in_pictures = (
        tier("perplexity", "sonar"),
        tier("google", "gemini-2.5-flash-image"),
    )
    assert not priced(by_request, NOW).has_price
    assert not priced(in_pictures, NOW).has_price
    assert priced(tier("openai", "gpt-4.1"), NOW).has_price  # a search is never asked for


def test_a_start_without_such_a_tier_does_not_load_the_library() -> None:
    code = (
        "import sys; from datetime import UTC, datetime; from bot.adapters.prices import priced; "
        "from bot.core.catalog import local_tier; "
        "priced(local_tier({'ORCHESTRATE_MODEL': 'm'}), datetime.now(UTC)); "
        "print([name for name in sys.modules if name.startswith('genai_prices')])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
