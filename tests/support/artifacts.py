"""The service that the artifact stand-ins talk to: what they upload, the fake GitHub has."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import Self
from urllib.parse import unquote

from bot.adapters.loopback import LoopbackServer
from tests.support.github.repository import FakeRepository
from tests.support.github.state import Refused


class ArtifactService:
    """PUT /<run>/<name> takes a zip and gives its id, GET /<run>/<id> gives the zip."""

    def __init__(self, repository: FakeRepository) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                run, name = unquote(self.path).split("/", 2)[1:]
                data = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    made = repository.upload(repository.runs[int(run)], name, data)
                except Refused as refused:
                    self._answer(refused.status, str(refused).encode(), name)
                else:
                    self._answer(201, str(made.id).encode(), name)

            def do_GET(self) -> None:
                run, wanted = self.path.split("/", 2)[1:]
                for each in repository.artifacts:
                    if (each.run_id, each.id) == (int(run), int(wanted)) and not each.expired:
                        return self._answer(200, each.data, each.name)
                return self._answer(404, b"None of the provided artifact IDs were found", "")

            def _answer(self, status: int, body: bytes, name: str) -> None:
                self.send_response(status)
                self.send_header("X-Name", name)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay silent: pytest shows what was printed as if it mattered."""

        self._server = LoopbackServer(Handler)
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
