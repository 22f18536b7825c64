"""An answer of a test's server that goes out piece by piece, as a model's does."""

from __future__ import annotations

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler


def begin(
    handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], content_type: str
) -> None:
    """Send what comes before the first piece."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()


def send(handler: BaseHTTPRequestHandler, piece: bytes) -> None:
    """Send a piece."""
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))


def end(handler: BaseHTTPRequestHandler) -> None:
    """Say that nothing more comes; an answer without it broke off."""
    handler.wfile.write(b"0\r\n\r\n")
