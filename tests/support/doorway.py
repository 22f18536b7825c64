"""A door of the gateway to a scripted model, and a client that knocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import requests

from bot.adapters.clock import SystemClock
from bot.adapters.gateway.dialects import Dialect
from bot.adapters.gateway.gateway import Gateway
from bot.core.routing import Tier
from bot.core.sending import Patience
from bot.ports import Door
from tests.support.dialects import request
from tests.support.scripted_model import MODEL

KEY = "sk-very-secret-0123456789"
PAID = {"billing": "paid", "input_usd_per_million": "1000", "output_usd_per_million": "10000"}


def tier_at(base_url: str, **more: object) -> Tier:
    """A free tier of the scripted model, or what `more` makes of it."""
    usual = {"name": "t", "engine": "builtin", "provider": "p", "model": MODEL, "billing": "free"}
    return Tier.model_validate({**usual, "base_url": base_url, "key_env": "T_KEY", **more})


def gateway(key: str | None = KEY) -> Gateway:
    """A gateway with one key, that waits a moment where it would wait a second."""
    return Gateway(lambda _: key, SystemClock().now, Patience(backoff_seconds=0.001))


class Clock:
    """The time, which goes on where the gateway waits."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self.at

    async def pause(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.at += timedelta(seconds=seconds)

    def gateway(self) -> Gateway:
        """A gateway that goes by this clock."""
        return Gateway(lambda _: KEY, self.now, Patience(), self.pause)


@contextmanager
def door_to(base_url: str, usd: str = "1", **more: object) -> Iterator[Door]:
    """A door of a gateway of its own."""
    with gateway().open(tier_at(base_url, **more), Decimal(usd)) as door:
        yield door


def ask(door: Door, dialect: Dialect, *, stream: bool = False, **more: object) -> requests.Response:
    """Ask as a client of a protocol does; the body is read to its end, or as far as it comes."""
    path, body = request(dialect, stream=stream, **more)
    return post(door, path, json=body)


def post(door: Door, path: str, **more: object) -> requests.Response:
    """Send a request of any kind, with a key that is none."""
    headers = {"Authorization": "Bearer dummy", "x-api-key": "dummy", "Cookie": "a=b"}
    with requests.Session() as session:
        session.trust_env = False
        return session.post(door.url + path, headers=headers, timeout=20, **more)  # type: ignore[arg-type]
