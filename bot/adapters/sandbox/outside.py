"""Who stands outside while a command runs in a sandbox: its ways out, and an eye on its size.

The sandbox has a network of its own with nothing in it. The sockets that programs in there may
connect to are made inside and handed out to us; what we accept on them we carry to where it leads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import struct
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bot.adapters.sandbox.bounds import Bounds, init_of

Way = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SOCKET = "outside"

_BETWEEN_LOOKS = 0.1
_HANDSHAKE_SECONDS = 10.0
_AT_ONCE = 64  # connections of one command
_PIECE = 65_536
_CREDENTIALS = struct.Struct("3i")


class Outside:
    """One command's; `trouble` says which bound it passed, `began` whether it ran at all."""

    def __init__(self, ways: Mapping[int, Way], bounds: Bounds, listener: socket.socket) -> None:
        self.trouble = ""
        self.began = False
        self._ways = ways
        self._bounds = bounds
        self._listener = listener
        self._servers: list[asyncio.Server] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._thread = threading.Thread(target=self._stand, name="outside", daemon=True)

    def start(self) -> None:
        """Wait for the sandbox in a thread."""
        self._thread.start()

    def end(self) -> None:
        """Let go of all connections."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _stand(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._until_over())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    async def _until_over(self) -> None:
        work = asyncio.create_task(self._work())
        await self._over.wait()
        for server in self._servers:
            server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:  # one that accepts a connection brings forth another
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        if not work.cancelled():
            work.result()
        with contextlib.suppress(OSError):  # it was called, and over before anybody looked
            self._listener.accept()[0].close()
            self.began = True

    async def _work(self) -> None:
        call, _ = await self._loop.sock_accept(self._listener)
        self.began = True
        with call:
            call.settimeout(_HANDSHAKE_SECONDS)
            _, doors, _, _ = socket.recv_fds(call, 1, len(self._ways))
            said = call.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        self._listener.close()  # what comes now is no longer ours
        for door, way in zip(doors, self._ways.values(), strict=True):
            server = await asyncio.start_server(
                self._served_by(way), sock=socket.socket(fileno=door)
            )
            self._servers.append(server)
        with contextlib.suppress(OSError):  # it is over already
            await self._watch(init_of(_CREDENTIALS.unpack(said)[0]))

    async def _watch(self, init: int) -> None:
        while not (passed := self._bounds.passed_by(init)):
            await asyncio.sleep(_BETWEEN_LOOKS)
        self.trouble = passed
        with contextlib.suppress(PermissionError):  # another user's: who started it ends it
            os.kill(init, signal.SIGKILL)

    def _served_by(self, way: Way) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async with self._room:
                with contextlib.closing(writer), contextlib.suppress(OSError, EOFError):
                    await way(reader, writer)

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # asyncio's own task would print a traceback when it is cancelled (Python 3.11)
            task = self._loop.create_task(serve(reader, writer))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

        return begin


@contextmanager
def standing_outside(ways: Mapping[int, Way], bounds: Bounds) -> Iterator[tuple[Outside, Path]]:
    """Stand by for one sandbox, with a folder for what it is shown; ways go by their port."""
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-"))  # short: a socket's path must be
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as listener:
        listener.bind(str(folder / SOCKET))
        listener.listen(1)
        folder.chmod(0o711)  # the sandbox may be another user's
        (folder / SOCKET).chmod(0o666)
        outside = Outside(ways, bounds, listener)
        outside.start()
        try:
            yield outside, folder
        finally:
            outside.end()
            shutil.rmtree(folder)


def way_to(host: str, port: int) -> Way:
    """Lead to one address of this machine."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(host, port)
        await join((reader, writer), there)

    return lead


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def join(here: Ends, there: Ends) -> None:
    """Carry bytes both ways until both sides have said all."""
    try:
        await asyncio.gather(_carry(here[0], there[1]), _carry(there[0], here[1]))
    finally:
        there[1].close()


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while piece := await source.read(_PIECE):
        target.write(piece)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()
