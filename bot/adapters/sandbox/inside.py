"""The first step inside of a sandbox: hands its doors out, takes limits on, becomes the command.

It is started by its path and imports nothing of ours: it costs each command a few milliseconds.
Arguments: the socket of who stands outside, ports to listen on, limits, the command.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import sys

_NOT_FOUND, _NOT_STARTED = 127, 126  # as a shell says it


def main(outside: str, ports: str, limits: str, *argv: str) -> None:
    """Give the listening sockets away, so that nothing of ours is left to talk to in here."""
    doors = [_listen(int(port)) for port in ports.split(",") if port]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as call:
        call.connect(outside)
        socket.send_fds(call, [b"!"], [door.fileno() for door in doors])
    for door in doors:
        door.close()
    for limit in limits.split(","):
        name, _, most = limit.partition("=")
        _bound(getattr(resource, f"RLIMIT_{name}"), int(most))
    for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):  # ignored until here
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - what an attempt is to run
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        sys.exit(_NOT_FOUND if error.errno == errno.ENOENT else _NOT_STARTED)


def _listen(port: int) -> socket.socket:
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    door.listen(64)
    return door


def _bound(which: int, most: int) -> None:
    hard = resource.getrlimit(which)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    main(*sys.argv[1:])
