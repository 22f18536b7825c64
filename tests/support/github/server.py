"""HTTP on 127.0.0.1: reads requests, lets the rest of the package answer, keeps the log."""

from __future__ import annotations

import json
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl

from bot.adapters.loopback import LoopbackServer
from tests.support.github.rest import Answer


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def body(self) -> Any:
        """The body's JSON; None where there is none."""
        return json.loads(self.raw) if self.raw else None


@dataclass(frozen=True)
class Reply:
    """What the client gets: no answer is a reset, a cut one ends in its middle."""

    answer: Answer | None
    cut: bool = False


class Server(LoopbackServer):
    """A server whose requests may still be under way when it is closed."""

    def __init__(self, answering: Callable[[Request], Reply]) -> None:
        self.answering = answering
        self.broken: list[str] = []  # where the fake itself went wrong
        super().__init__(_Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note where the fake went wrong; a client that went away is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            self.broken.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.title(): value for name, value in self.headers.items()}
        request = Request(self.command, path, query, headers, self._read_body())
        reply = self.server.answering(request)
        if reply.answer is None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")  # else curl asks again by itself
            self._reset()
        else:
            self._send(reply.answer, cut=reply.cut)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - named by http.server

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _send(self, answer: Answer, *, cut: bool) -> None:
        body, kind = answer.body, "application/json; charset=utf-8"
        if body is None:
            data = b""
        elif isinstance(body, bytes):
            data, kind = body, "text/plain"
        else:
            data = json.dumps(body).encode()
        self.send_response_only(answer.status)
        for name, value in {"Content-Type": kind, **answer.headers}.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        at_once = struct.pack("ii", 1, 0)  # what is unsent is dropped, the peer sees a reset
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.rfile.close()
        self.wfile.close()
        self.connection.close()
        raise ConnectionResetError  # the handler has nothing to go on with

    def log_message(self, *args: object) -> None:
        """Say nothing: the log is a list."""
