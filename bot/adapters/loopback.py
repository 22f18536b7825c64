"""A small HTTP server in a thread, on a port of this machine: recordings are played by it."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

_POLL_SECONDS = 0.01  # between two looks whether it shall stop


class LoopbackServer(ThreadingHTTPServer):
    """Answers from `start` to `stop`, each connection in a thread that no exit waits for."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_SECONDS,), daemon=True
        )

    def server_bind(self) -> None:
        """Bind without asking the network what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Print what went wrong here; a client that went away is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.server_name}:{self.server_port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more; an answer under way may still go on."""
        self.shutdown()
        self._thread.join()
        self.server_close()
