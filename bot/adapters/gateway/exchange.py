"""One sending of a request: what came of it, and how much of that the client has seen."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from yarl import URL

from bot.adapters.gateway.answers import Passing
from bot.adapters.gateway.doors import Entry, OpenDoor, headers_for
from bot.adapters.gateway.hiding import Hiding
from bot.core.outcomes import OutcomeClass
from bot.core.provider_failures import (
    Failure,
    Trouble,
    broke_off,
    failure_in_stream,
    failure_of,
)

_MAX_ANSWER_BYTES = 50_000_000
_MAX_ERROR_BYTES = 65_536
_PIECE = 65_536
_CONNECT_SECONDS = 15
_GOES_OUT = ("anthropic-version", "anthropic-beta", "user-agent")
_COMES_BACK = ("content-type", "date", "retry-after", "request-id", "x-request-id")
_COMES_BACK_TOO = ("x-ratelimit-", "anthropic-ratelimit-", "x-should-retry")
_WEB_PAGE = "the endpoint answers with a web page; is base_url right, with its /v1?"


@dataclass(frozen=True)
class Answered:
    """The client has an answer, or most of one; `failure`: what is wrong with it.

    A stream's end is not sent yet: whoever sees it may ask at once what was counted.
    """

    response: web.StreamResponse
    failure: Failure | None = None
    rest: bytes = b""
    is_cut: bool = False

    async def finish(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send the end, or let the client see that there is none."""
        if self.is_cut:
            if request.transport is not None:
                request.transport.abort()
        elif self.response.prepared:
            with suppress(ConnectionResetError):
                await self.response.write(self.rest)
                await self.response.write_eof()
        return self.response


@dataclass(frozen=True)
class Failed:
    """The client has seen nothing. `response` is what the provider said, if it said something."""

    failure: Failure
    response: web.Response | None = None


@dataclass(frozen=True)
class NotAskedFor:
    """The provider does not know how to be asked for its count."""


Came = Answered | Failed | NotAskedFor


async def send(
    http: aiohttp.ClientSession,
    request: web.BaseRequest,
    door: OpenDoor,
    entry: Entry,
    silence_seconds: float,
) -> Came:
    """Send a request with the key, and pass its answer on unless it is to be sent again."""
    asked, hiding = entry.asked, Hiding(door.key)
    headers = {name: request.headers[name] for name in _GOES_OUT if name in request.headers}
    headers |= headers_for(asked.dialect, door.key)
    headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    url = URL(f"{door.tier.base_url}/{asked.path}", encoded=True)
    timeout = aiohttp.ClientTimeout(sock_connect=_CONNECT_SECONDS, sock_read=silence_seconds)
    try:
        async with http.post(
            url, data=asked.data, headers=headers, allow_redirects=False, timeout=timeout
        ) as answer:
            came = await _read(request, answer, entry, hiding)
            is_whole = not (isinstance(came, Answered) and came.is_cut)
            door.record(entry, answer.status, answer.content_type, is_whole=is_whole)
            return came
    except aiohttp.ClientConnectorError:
        entry.reached_model = False
        why = f"no connection to tier {door.tier.name}'s provider; is it up, and base_url right?"
        return Failed(Failure(OutcomeClass.CRASH, why, Trouble.DOWN))
    except TimeoutError:
        return Failed(broke_off(f"the provider said nothing for {silence_seconds:.0f} s"))
    except aiohttp.ClientError as error:
        why = f"the connection broke before an answer came ({type(error).__name__})"
        return Failed(Failure(OutcomeClass.CRASH, why, Trouble.DOWN, maybe_billed=True))


async def _read(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, entry: Entry, hiding: Hiding
) -> Came:
    if answer.status != 200:
        entry.reached_model = 200 < answer.status < 300  # it says that it did something
        return await _error(answer, entry, hiding)
    if answer.content_type == "text/event-stream":
        return await _pass_events(request, answer, entry, hiding)
    return await _pass_document(answer, entry, hiding)


async def _pass_events(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, entry: Entry, hiding: Hiding
) -> Came:
    """Pass a stream on as it comes, once it has begun as an answer; where it breaks, break too."""
    response = web.StreamResponse(status=200, headers=_back(answer.headers, hiding))
    passing = Passing(entry.count, is_events=True, hide_usage=entry.asked.hide_usage)
    total, held, cut = 0, b"", ""
    try:
        async for data in answer.content.iter_any():
            total += len(data)
            if total > _MAX_ANSWER_BYTES:
                cut = f"the answer is longer than {_MAX_ANSWER_BYTES:,} bytes"
                break
            _keep(entry, data)
            out = held + passing.through(hiding.through(data))
            if response.prepared:
                await response.write(out)
            elif passing.wrong:
                break
            elif passing.has_begun:
                held = b""
                await response.prepare(request)
                await response.write(out)
            else:
                held = out
    except ConnectionResetError:
        return Answered(response, is_cut=True)  # the client is gone: nobody is to be told
    except (aiohttp.ClientError, TimeoutError) as error:
        cut = f"the answer broke off ({type(error).__name__})"
    rest = held + passing.through(hiding.end()) + passing.end()
    failure = _what_is_wrong(passing, entry, cut)
    if not response.prepared:
        return Failed(failure or broke_off("the answer is empty"))
    return Answered(response, failure, rest, is_cut=bool(cut))


async def _pass_document(answer: aiohttp.ClientResponse, entry: Entry, hiding: Hiding) -> Came:
    """Take an answer in whole before it is passed on: nothing of it helps a client earlier."""
    if answer.content_type == "text/html":
        return Failed(Failure(OutcomeClass.BAD_REQUEST, _WEB_PAGE))
    passing = Passing(entry.count, is_events=False, hide_usage=False)
    body = await start_of(answer.content, _MAX_ANSWER_BYTES)
    if len(body) > _MAX_ANSWER_BYTES:
        return Failed(broke_off(f"the answer is longer than {_MAX_ANSWER_BYTES:,} bytes"))
    body = hiding.whole(body)
    _keep(entry, body)
    passing.through(body)
    passing.end()
    failure = _what_is_wrong(passing, entry, "")
    if passing.wrong and failure is not None:
        return Failed(failure)
    headers = _back(answer.headers, hiding)
    return Answered(web.Response(status=200, headers=headers, body=body), failure)


def _what_is_wrong(passing: Passing, entry: Entry, cut: str) -> Failure | None:
    if passing.error:
        return failure_in_stream(passing.error)
    if passing.wrong:
        return broke_off("the answer is no JSON")
    if cut or not (entry.count.has_ended or passing.is_done):
        return broke_off(cut or "the answer broke off")
    if not entry.count.said_something:
        return broke_off("the answer is empty")
    return None


async def _error(answer: aiohttp.ClientResponse, entry: Entry, hiding: Hiding) -> Came:
    body = b""
    with suppress(aiohttp.ClientError, TimeoutError):
        body = hiding.whole(await start_of(answer.content, _MAX_ERROR_BYTES))
    _keep(entry, body)
    if entry.asked.hide_usage and answer.status in {400, 422} and b"stream_options" in body:
        return NotAskedFor()
    failure = failure_of(
        answer.status,
        body.decode("utf-8", "replace"),
        retry_after=answer.headers.get("Retry-After", ""),
        date=answer.headers.get("Date", ""),
    )
    if answer.status < 400:
        return Failed(failure)
    said = web.Response(status=answer.status, headers=_back(answer.headers, hiding), body=body)
    return Failed(failure, said)


def _keep(entry: Entry, data: bytes) -> None:
    if entry.kept is not None:
        entry.kept += data


def _back(headers: Mapping[str, str], hiding: Hiding) -> dict[str, str]:
    return {
        name: hiding.whole(value.encode("utf-8", "replace")).decode()
        for name, value in headers.items()
        if name.lower() in _COMES_BACK or name.lower().startswith(_COMES_BACK_TOO)
    }


async def start_of(stream: aiohttp.StreamReader, limit: int) -> bytes:
    """Read a body, and no further than a little beyond a limit."""
    data = bytearray()
    while len(data) <= limit and (piece := await stream.read(_PIECE)):
        data += piece
    return bytes(data)
