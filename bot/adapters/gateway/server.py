"""The gateway's HTTP: a request in at a door, out with the key as often as it helps, and back."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import assert_never

import aiohttp
from aiohttp import web

from bot.adapters.gateway.dialects import (
    Asked,
    Dialect,
    Refusal,
    read_place,
    read_request,
    refused,
)
from bot.adapters.gateway.dialects import Trouble as Why
from bot.adapters.gateway.doors import Entry, OpenDoor
from bot.adapters.gateway.exchange import Answered, Failed, NotAskedFor, send, start_of
from bot.core.outcomes import OutcomeClass
from bot.core.provider_failures import Trouble
from bot.core.sending import Again, Over, Patience, Sent, after_failure

_MAX_REQUEST_BYTES = 32_000_000
_WORTH_A_WORD = 1.0  # seconds


class Proxy:
    """Passes requests of doors on; everything of it happens in one event loop."""

    def __init__(self, patience: Patience, pause: Callable[[float], Awaitable[None]]) -> None:
        self.doors: dict[str, OpenDoor] = {}
        self._patience = patience
        self._pause = pause
        self._http: aiohttp.ClientSession | None = None
        self._runner: web.ServerRunner | None = None
        self._cannot_be_asked: set[str] = set()  # bases that know no stream_options

    async def start(self) -> int:
        """Listen on a port of this machine; return it."""
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,  # a proxy variable or a .netrc must not send the key elsewhere
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),
        )
        server = web.Server(
            self._answer, handler_cancellation=True, access_log=None, logger=_silence()
        )
        # None at all would be no limit: who has just connected is waited for.
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=512)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Let go of everything."""
        assert self._runner is not None, "it was started"
        assert self._http is not None, "it was started"
        await self._runner.cleanup()
        await self._http.close()

    async def end_requests(self, door: OpenDoor) -> None:
        """End what is under way at a door: whoever asked is gone."""
        tasks = tuple(door.under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        place = read_place(request.rel_url.raw_path) if request.method == "POST" else None
        door = self.doors.get(place.door) if place else None
        if place is None or door is None:
            return _refuse(Dialect.CHAT, Refusal(Why.MODEL, "There is nothing at this address"))
        task = asyncio.current_task()
        assert task is not None, "it runs in a loop"
        door.under_way.add(task)
        try:
            data = await start_of(request.content, _MAX_REQUEST_BYTES)
            if len(data) > _MAX_REQUEST_BYTES:
                because = f"The request is longer than {_MAX_REQUEST_BYTES:,} bytes"
                refusal = Refusal(Why.TOO_LARGE, because)
                return self._refused(door, place.dialect, refusal, close=True)
            alt = request.rel_url.query.get("alt", "")
            asked = read_request(place, alt, data, door.tier)
            if isinstance(asked, Refusal):
                return self._refused(door, place.dialect, asked)
            return await self._serve(request, door, asked)
        finally:
            door.under_way.discard(task)

    def _refused(
        self, door: OpenDoor, dialect: Dialect, refusal: Refusal, *, close: bool = False
    ) -> web.Response:
        """Refuse what could never be passed on; a program that only asks so gets nowhere."""
        if refusal.trouble is not Why.MODEL:  # some try a smaller one for their side calls first
            door.failed(Over(OutcomeClass.BAD_REQUEST, refusal.because, is_final=False))
        return _refuse(dialect, refusal, close=close)

    async def _serve(
        self, request: web.BaseRequest, door: OpenDoor, asked: Asked
    ) -> web.StreamResponse:
        """Send a request until it is answered, or until that makes no sense any more."""
        tried: Counter[Trouble] = Counter()
        base, was_not_asked_for = door.tier.base_url or "", False
        if asked.hide_usage and base in self._cannot_be_asked:
            asked = asked.without_usage()
        while True:
            entry = await self._begin(door, asked)
            if isinstance(entry, Over):
                return _end(asked.dialect, entry)
            try:
                assert self._http is not None, "it was started"
                silence = max(min(self._patience.silence_seconds, door.seconds_left()), 0.1)
                came = await send(self._http, request, door, entry, silence)
            finally:
                door.end(entry)
            match came:
                case NotAskedFor():
                    asked, was_not_asked_for = asked.without_usage(), True
                case Answered(failure=failure):
                    if was_not_asked_for and failure is None:  # else the request itself was wrong
                        self._cannot_be_asked.add(base)
                    door.answered(failure)
                    return await came.finish(request)
                case Failed(failure, response):
                    sent = Sent(tried, door.seconds_left(), random.random())  # noqa: S311 - no secret
                    then = after_failure(failure, sent, self._patience, door.now())
                    if isinstance(then, Over):
                        door.failed(then)
                        over = door.standing.final(door.now())
                        return (
                            response if response and not over else _end(asked.dialect, over or then)
                        )
                    assert failure.trouble is not None, "what does not pass is not sent again"
                    tried[failure.trouble] += 1
                    await self._wait(door, then.seconds, failure.message)
                case _ as never:
                    assert_never(never)

    async def _wait(self, door: OpenDoor, seconds: float, because: str) -> None:
        if seconds >= _WORTH_A_WORD:
            door.waits = f"{door.tier.name} is asked again in {seconds:.0f} s: {because}"
        try:
            await self._pause(seconds)
        finally:
            door.waits = ""

    async def _begin(self, door: OpenDoor, asked: Asked) -> Entry | Over:
        """Take what a request may need, waiting for it where that is soon there."""
        while True:
            if over := door.standing.final(door.now()):
                return over
            begun = door.begin(asked)
            match begun:
                case Again(seconds):
                    await self._wait(door, seconds, "its requests of this minute are used up")
                case None:  # what others of the door hold may be enough when they are done
                    await door.settled.wait()
                case Over():
                    door.failed(begun)
                    return begun
                case _:
                    return begun


def _silence() -> logging.Logger:
    """Return where the library may tell of requests that are none, without filling a screen."""
    silent = logging.getLogger("orchestrate.gateway")
    silent.disabled = True
    return silent


def _end(dialect: Dialect, over: Over) -> web.Response:
    """Say in the protocol's own form that it is over, so that a program does not ask again."""
    final = Refusal(Why.OVER, over.message)
    bad = Refusal(Why.BAD, over.message)
    return _refuse(dialect, final if over.is_final else bad)


def _refuse(dialect: Dialect, refusal: Refusal, *, close: bool = False) -> web.Response:
    status, headers, body = refused(dialect, refusal)
    response = web.Response(status=status, headers=headers, body=body)
    if close:
        response.force_close()
    return response
