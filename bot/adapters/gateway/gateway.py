"""The gateway as the rest of the program knows it: a thread that is there while doors are open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from bot.core.allowance import WHOLE, Purse, Share, TierAllowance
from bot.core.routing import Tier
from bot.core.sending import Patience
from bot.ports import Door, EngineOutcome, KeptCalls, ModelCall

if TYPE_CHECKING:  # an HTTP library takes longer to load than most commands to run
    from bot.adapters.gateway.doors import OpenDoor
    from bot.adapters.gateway.recording import Recording
    from bot.adapters.gateway.server import Proxy

_T = TypeVar("_T")
Pause = Callable[[float], Awaitable[None]]


class Gateway:
    """Opens doors to models. The keys stay in this process; limits hold for all doors of it."""

    def __init__(
        self,
        key: Callable[[str], str | None],
        now: Callable[[], datetime],
        patience: Patience = Patience(),  # noqa: B008 - it cannot change
        pause: Pause = asyncio.sleep,
        recording: Recording | None = None,
        instead: str = "",
    ) -> None:
        """Know where keys are. `instead`: an address that takes every provider's place, keyless."""
        self._key = key
        self._now = now
        self._patience = patience
        self._pause = pause
        self._recording = recording
        self._instead = instead
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._open = 0
        self._allowances: dict[Tier, TierAllowance] = {}

    @contextmanager
    def open(
        self,
        tier: Tier,
        max_usd: Decimal,
        share: Share = WHOLE,
        *,
        until: datetime | None = None,
        kept: KeptCalls | None = None,
    ) -> Iterator[Door]:
        """Open a door that is shut, with what is under way behind it, on leaving the context."""
        from bot.adapters.gateway.call_file import CallFile
        from bot.adapters.gateway.doors import OpenDoor

        with self._lock:
            allowance = self._allowances.setdefault(tier, TierAllowance(tier))
            allowance.narrow(share, self._now())
            self._running = self._running or _Running(self._patience, self._pause)
            self._open += 1
        running = self._running
        key = self._key(tier.key_env) if tier.key_env and not self._instead else None
        if self._instead:
            tier = tier.model_copy(update={"base_url": self._instead})
        calls = CallFile(kept)
        door = OpenDoor(
            tier, key, allowance, Purse(max_usd), self._now, calls, until, self._recording
        )
        running.do(running.add(door))
        try:
            yield _Door(door, running)
        finally:
            running.do(running.remove(door))
            calls.close()
            with self._lock:
                self._open -= 1
                ended = self._running if self._open == 0 else None
                self._running = None if ended else self._running
            if ended:
                ended.stop()


@dataclass(frozen=True)
class _Door:
    """What an attempt is given of its door."""

    _door: OpenDoor
    _running: _Running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._running.port}/{self._door.secret}"

    def calls(self) -> tuple[ModelCall, ...]:
        if not self._door.shut:
            self._running.do(self._running.proxy.end_requests(self._door))
        return self._door.calls()

    def failure(self) -> EngineOutcome | None:
        over = self._door.standing.final(self._door.now())
        return EngineOutcome(over.outcome, over.message, over.back_at) if over else None

    def waits(self) -> str:
        return self._door.waits

    def trouble(self) -> EngineOutcome | None:
        over = self._door.standing.last
        return EngineOutcome(over.outcome, over.message, over.back_at) if over else None


class _Running:
    """The proxy at work, in an event loop in a thread of its own."""

    def __init__(self, patience: Patience, pause: Pause) -> None:
        from bot.adapters.gateway.server import Proxy

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)
        self._thread.start()
        self.proxy: Proxy = Proxy(patience, pause)
        self.port = self.do(self.proxy.start())

    def do(self, work: Coroutine[object, object, _T]) -> _T:
        """Do something in the proxy's thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def add(self, door: OpenDoor) -> None:
        self.proxy.doors[door.secret] = door

    async def remove(self, door: OpenDoor) -> None:
        del self.proxy.doors[door.secret]
        await self.proxy.end_requests(door)
        door.shut = True

    def stop(self) -> None:
        self.do(self.proxy.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
