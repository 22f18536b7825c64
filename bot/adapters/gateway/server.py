"""The gateway's HTTP: a request in at a door, out with the key, and the answer back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import aiohttp
from aiohttp import web
from yarl import URL

from bot.adapters.gateway.answers import Hiding, Passing
from bot.adapters.gateway.dialects import (
    Asked,
    Dialect,
    Refusal,
    Trouble,
    read_place,
    read_request,
    refused,
)
from bot.adapters.gateway.doors import Entry, OpenDoor, headers_for

_MAX_REQUEST_BYTES = 32_000_000
_MAX_ANSWER_BYTES = 50_000_000
_MAX_ERROR_BYTES = 65_536
_PIECE = 65_536
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=600)
_GOES_OUT = ("anthropic-version", "anthropic-beta", "user-agent")
_COMES_BACK = ("content-type", "date", "retry-after", "request-id", "x-request-id")
_COMES_BACK_TOO = ("x-ratelimit-", "anthropic-ratelimit-", "x-should-retry")


class Proxy:
    """Passes requests of doors on; everything of it happens in one event loop."""

    def __init__(self) -> None:
        self.doors: dict[str, OpenDoor] = {}
        self._http: aiohttp.ClientSession | None = None
        self._runner: web.ServerRunner | None = None
        self._cannot_be_asked: set[str] = set()  # bases that know no stream_options

    async def start(self, socket_path: str) -> int:
        """Listen on a port of this machine, and on a socket; return the port."""
        self._http = aiohttp.ClientSession(
            timeout=_TIMEOUT,
            trust_env=False,  # a proxy variable or a .netrc must not send the key elsewhere
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),
        )
        server = web.Server(self._answer, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=512)
        await site.start()
        await web.UnixSite(self._runner, socket_path, backlog=512).start()
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
            return _refuse(Dialect.CHAT, Refusal(Trouble.MODEL, "There is nothing at this address"))
        task = asyncio.current_task()
        assert task is not None, "it runs in a loop"
        door.under_way.add(task)
        try:
            data = await _bounded(request.content, _MAX_REQUEST_BYTES)
            if data is None:
                because = f"The request is longer than {_MAX_REQUEST_BYTES:,} bytes"
                return _refuse(place.dialect, Refusal(Trouble.TOO_LARGE, because), close=True)
            alt = request.rel_url.query.get("alt", "")
            asked = read_request(place, alt, data, door.tier)
            if isinstance(asked, Refusal):
                return _refuse(place.dialect, asked)
            return await self._pass(request, door, asked)
        finally:
            door.under_way.discard(task)

    async def _pass(
        self, request: web.BaseRequest, door: OpenDoor, asked: Asked
    ) -> web.StreamResponse:
        base = door.tier.base_url or ""
        if asked.hide_usage and base in self._cannot_be_asked:
            asked = asked.without_usage()
        entry = door.begin(asked)
        if isinstance(entry, Refusal):
            return _refuse(asked.dialect, entry)
        try:
            answer = await self._exchange(request, door, entry)
        finally:
            door.end(entry)
        if answer is not None:
            return answer
        self._cannot_be_asked.add(base)
        return await self._pass(request, door, asked)

    async def _exchange(
        self, request: web.BaseRequest, door: OpenDoor, entry: Entry
    ) -> web.StreamResponse | None:
        """Send a request and pass its answer on; None: it is to be sent without our question."""
        assert self._http is not None, "it was started"
        asked = entry.asked
        headers = {name: request.headers[name] for name in _GOES_OUT if name in request.headers}
        headers |= headers_for(asked.dialect, door.key)
        headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        url = URL(f"{door.tier.base_url}/{asked.path}", encoded=True)
        try:
            async with self._http.post(
                url, data=asked.data, headers=headers, allow_redirects=False
            ) as answer:
                if answer.status == 200:
                    return await _pass_answer(request, answer, entry, Hiding(door.key))
                entry.reached_model = False
                return await _pass_error(answer, asked, Hiding(door.key))
        except aiohttp.ClientConnectorError:
            entry.reached_model = False
            refusal = Refusal(Trouble.DOWN, f"no connection to tier {door.tier.name}'s provider")
            return _refuse(asked.dialect, refusal)
        except (aiohttp.ClientError, TimeoutError) as error:
            said = f"the provider's answer did not come ({type(error).__name__})"
            return _refuse(asked.dialect, Refusal(Trouble.DOWN, said))


async def _pass_answer(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, entry: Entry, hiding: Hiding
) -> web.StreamResponse:
    """Pass an answer on as it comes; where it breaks off, break off too."""
    response = web.StreamResponse(status=200, headers=_back(answer.headers))
    is_events = answer.content_type == "text/event-stream"
    passing = Passing(entry.count, is_events=is_events, hide_usage=entry.asked.hide_usage)
    total = 0
    try:
        await response.prepare(request)
        async for data in answer.content.iter_any():
            total += len(data)
            if total > _MAX_ANSWER_BYTES:
                _cut(request)
                return response
            if out := hiding.through(passing.through(data)):
                await response.write(out)
        if out := hiding.through(passing.end()) + hiding.end():
            await response.write(out)
        await response.write_eof()
    except ConnectionResetError:
        pass  # the client is gone: nobody is to be told
    except (aiohttp.ClientError, TimeoutError):
        passing.end()
        _cut(request)
    return response


async def _pass_error(
    answer: aiohttp.ClientResponse, asked: Asked, hiding: Hiding
) -> web.StreamResponse | None:
    body = b""
    with suppress(aiohttp.ClientError, TimeoutError):
        body = hiding.through(await _start_of(answer.content, _MAX_ERROR_BYTES)) + hiding.end()
    if asked.hide_usage and answer.status in {400, 422} and b"stream_options" in body:
        return None
    status = answer.status if answer.status >= 300 else 502
    return web.Response(status=status, headers=_back(answer.headers), body=body)


def _back(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in _COMES_BACK or name.lower().startswith(_COMES_BACK_TOO)
    }


def _refuse(dialect: Dialect, refusal: Refusal, *, close: bool = False) -> web.Response:
    status, headers, body = refused(dialect, refusal)
    response = web.Response(status=status, headers=headers, body=body)
    if close:
        response.force_close()
    return response


def _cut(request: web.BaseRequest) -> None:
    """End the connection so that the client sees that the answer is not whole."""
    if request.transport is not None:
        request.transport.abort()


async def _bounded(stream: aiohttp.StreamReader, limit: int) -> bytes | None:
    """Read a body; None: it is longer than that."""
    data = await _start_of(stream, limit)
    return data if len(data) <= limit else None


async def _start_of(stream: aiohttp.StreamReader, limit: int) -> bytes:
    data = bytearray()
    while len(data) <= limit and (piece := await stream.read(_PIECE)):
        data += piece
    return bytes(data)
