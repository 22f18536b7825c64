"""A registry with one small package, for the real npm: what it says, and what it then hands out."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from bot.adapters.loopback import LoopbackServer

PACKAGE, VERSION = "@openai/codex", "1.2.3"


def tarball(files: Mapping[str, str]) -> bytes:
    """Pack files as npm does: below `package/`, always the same bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            about = tarfile.TarInfo(f"package/{name}")
            about.size, about.mode = len(text), 0o755
            archive.addfile(about, io.BytesIO(text.encode()))
    return packed.getvalue()


def integrity(data: bytes) -> str:
    """Return a hash as npm writes it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


@contextmanager
def registry(said: bytes, given: bytes) -> Iterator[str]:
    """Serve the package at an address: what is told of it is of `said`, what comes is `given`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith(".tgz"):
                return self._send(given, "application/octet-stream")
            if "codex" not in self.path:
                return self.send_error(404)
            return self._send(json.dumps(self._about()).encode(), "application/json")

        def _about(self) -> dict[str, object]:
            address = f"http://127.0.0.1:{self.server.server_address[1]}/codex.tgz"
            version = {
                "name": PACKAGE,
                "version": VERSION,
                "bin": {"codex": "codex.js"},
                "scripts": {"postinstall": "node postinstall.js"},
                "hasInstallScript": True,
                "dist": {"tarball": address, "integrity": integrity(said)},
            }
            tags, day = {"latest": VERSION}, "2026-11-20T00:00:00.000Z"
            return {
                "name": PACKAGE,
                "dist-tags": tags,
                "versions": {VERSION: version},
                "time": {"created": day, "modified": day, VERSION: day},
            }

        def _send(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = LoopbackServer(Handler)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
