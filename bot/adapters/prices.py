"""Prices that a maintained library knows, for tiers whose entry gives none."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bot.core.model_ids import same_model
from bot.core.routing import Tier

_OURS = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
# What the gateway lets nobody ask a paid tier for. Any other price beside ours, as one for each
# request or for a picture in an answer, makes a model's price one that is not known.
_NEVER_ASKED_FOR = (
    *("input_audio_mtok", "input_image_mtok", "input_video_mtok"),
    *("cache_audio_read_mtok", "cache_image_read_mtok", "output_audio_mtok"),
    *("web_searches_kcount", "storage_searches_kcount"),
    "cache_write_1h_mtok",  # a fixed part more than for minutes
)


def priced(tier: Tier, now: datetime) -> Tier:
    """Return a tier with the prices of its model where it has none and the library knows them."""
    if tier.has_price or tier.is_free or not tier.model:
        return tier
    found = _look_up(tier, now)
    if found.get("input_mtok") is None or found.get("output_mtok") is None:
        return tier
    return Tier.model_validate(
        {
            **tier.model_dump(),
            "input_usd_per_million": found["input_mtok"],
            "cached_usd_per_million": found.get("cache_read_mtok"),
            "cache_write_usd_per_million": found.get("cache_write_mtok"),
            "output_usd_per_million": found["output_mtok"],
        }
    )


def _look_up(tier: Tier, now: datetime) -> dict[str, Decimal | None]:
    from genai_prices.data_snapshot import get_snapshot  # most of a second, which few need

    try:
        _, model = get_snapshot().find_provider_model(tier.model, None, tier.provider, None)
    except LookupError:
        return {}
    if not same_model(tier.model, model.id):  # it takes the nearest one, where it knows none
        return {}
    prices = vars(model.get_prices(now))
    if any(price for name, price in prices.items() if name not in (*_OURS, *_NEVER_ASKED_FOR)):
        return {}
    return {name: _highest(prices.get(name), tier.context_tokens) for name in _OURS}


def _highest(price: object, context_tokens: int) -> Decimal | None:
    """Return the price of the longest prompt that a tier takes: long ones cost more with some."""
    from genai_prices.types import TieredPrices

    if isinstance(price, TieredPrices):
        longer = (one.price for one in price.tiers if one.start < context_tokens)
        return max([price.base, *longer])
    return price if isinstance(price, Decimal) else None
