"""The door to GitHub with a server behind it that gives odd answers in order.

with doors() as opens:
    door = opens(Reply(502), RESET, Reply(201, {"number": 7}))
    …  # door.api, door.server.seen, door.time.pauses
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

from bot.adapters.github.api import Api
from bot.adapters.github.pace import Pace
from bot.adapters.loopback import LoopbackServer

RESET = "reset"
TOKEN = "ghs_123456_eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.sig-nature_"  # as long ones look
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def issue(number: int, **more: object) -> dict[str, object]:
    """An issue of the bot's, as GitHub writes it."""
    page = f"https://github.com/o/r/issues/{number}"
    made: dict[str, object] = {"number": number, "id": 4100000000 + number, "html_url": page}
    return made | {"state": "open", "user": {"login": "github-actions[bot]"}} | more


ISSUE = issue(7)


def found_nothing() -> None:
    """What a look for a thing that may be there already comes to."""
    return


@dataclass(frozen=True)
class Reply:
    """An answer as it goes over the wire; `length` lies about how long it is."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: object


class Scripted:
    """A server that answers each request with the next reply, or resets the connection."""

    def __init__(self, replies: list[Reply | str]) -> None:
        self.replies = replies
        self.seen: list[Seen] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(size)) if size else None
                script.seen.append(Seen(self.command, self.path, dict(self.headers), body))
                reply = script.replies.pop(0) if script.replies else Reply(501)
                if isinstance(reply, str):
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value.replace("{here}", script.url))
                self.send_header("Content-Length", str(reply.length or len(reply.data)))
                self.end_headers()
                self.wfile.write(reply.data)
                self.close_connection = reply.length is not None

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = LoopbackServer(Handler)
        self.url = self._server.url

    def __enter__(self) -> Scripted:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


class Time:
    """A clock that goes on only where somebody waits."""

    def __init__(self) -> None:
        self.at = NOW
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self.at


@dataclass
class Door:
    """An Api in front of a script, and what came of it."""

    api: Api
    server: Scripted
    time: Time

    @property
    def asked(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.server.seen]


Opens = Callable[..., Door]


@contextmanager
def doors() -> Iterator[Opens]:
    """Yield what opens a door to a script of replies; all are shut in the end."""
    with ExitStack() as stack:

        def opens(*replies: Reply | str, max_wait: float = 120.0) -> Door:
            server = stack.enter_context(Scripted(list(replies)))
            time = Time()
            api = Api(server.url, TOKEN, Pace(time.pause, time.now, max_wait=max_wait))
            stack.callback(api.close)
            return Door(api, server, time)

        yield opens
