"""What was said at doors, in a file without secrets; and a provider that says it again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Self

from bot.adapters.loopback import LoopbackServer
from bot.core.base import Strict
from bot.errors import UserError

_MAX_FILE_BYTES = 50_000_000
_MAX_REQUEST_BYTES = 50_000_000


class Exchange(Strict):
    """A request as it was sent, and the answer as it came; both cleaned of secrets."""

    tier: str
    path: str  # below the provider's base
    request: str
    status: int
    content_type: str
    answer: str
    is_whole: bool  # False: it broke off there


class Recording:
    """Appends exchanges to a file, one a line, until that is as long as anybody can use."""

    def __init__(self, path: Path, clean: Callable[[str], str]) -> None:
        self._path = path
        self._clean = clean

    def write(self, exchange: Exchange) -> None:
        """Write an exchange, cleaned."""
        clean = self._clean
        cleaned = exchange.model_copy(
            update={"request": clean(exchange.request), "answer": clean(exchange.answer)}
        )
        line = f"{cleaned.model_dump_json()}\n"
        with self._path.open("a", encoding="utf-8", errors="replace") as file:
            if file.tell() + len(line) <= _MAX_FILE_BYTES:
                file.write(line)


class Replay:
    """Serves a recording on a port of this machine while it is entered.

    An answer is found by how much was said before it, and among several by what was: so a request
    may come again, and workstreams side by side each hear their own.
    """

    def __init__(self, exchanges: tuple[Exchange, ...]) -> None:
        self._exchanges = list(exchanges)
        self._lock = threading.Lock()
        self._server = LoopbackServer(_handler_for(self))

    @property
    def base_url(self) -> str:
        """Where the gateway finds it, in the place of any provider."""
        return self._server.url

    def start(self) -> None:
        """Serve from now on, until the process ends or the context is left."""
        self._server.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def take(self, path: str, request: str) -> Exchange | None:
        """Take the exchange that a request belongs to; None: the recording has none left."""
        turn, words = _turn(request), set(request.split())
        with self._lock:
            fitting = [
                one
                for one in self._exchanges
                if one.path == path.lstrip("/") and _turn(one.request) == turn
            ]
            if not fitting:
                return None
            found = max(fitting, key=lambda one: len(words & set(one.request.split())))
            self._exchanges.remove(found)
            return found


def read_recording(path: Path) -> tuple[Exchange, ...]:
    """Read a recording. Raises UserError where it is none."""
    try:
        lines = path.read_text("utf-8").splitlines()
        return tuple(Exchange.model_validate_json(line) for line in lines)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} is no recording: {str(error).splitlines()[0]}.",
            fix="Record one: ORCHESTRATE_RECORD=FILE orchestrate run …",
        ) from error


def _turn(request: str) -> int:
    """Count what was said before an answer, in whichever protocol."""
    try:
        body = json.loads(request)
    except ValueError:
        return 0
    said = [body.get(name) for name in ("messages", "input", "contents")]
    return sum(len(one) for one in said if isinstance(one, list))


def _handler_for(replay: Replay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > _MAX_REQUEST_BYTES:
                self.close_connection = True
                self.send_error(411)
                return
            request = self.rfile.read(int(length)).decode("utf-8", "replace")
            found = replay.take(self.path, request)
            if found is None:
                self.send_error(404, "The recording has no answer to this.")
                return
            body = found.answer.encode()
            self.send_response(found.status)
            self.send_header("Content-Type", found.content_type)
            self.send_header("Content-Length", str(len(body) + (not found.is_whole)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = not found.is_whole

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the output belongs to the run."""

    return Handler
