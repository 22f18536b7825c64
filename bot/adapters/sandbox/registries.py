"""Package registries, for sandboxes that settings let reach them: a small proxy of ours.

It knows CONNECT and nothing else: to the names that settings give, as they are written there, on
port 443, and only where they lead to the public internet.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.adapters.sandbox.outside import join

PROXY_PORT = 3128

_PORT = 443
_LONGEST_REQUEST = 8_192
_SECONDS = 15.0  # to ask, and to be connected
_LONGEST_SECONDS = 900.0  # of one connection
_UNICAST = ipaddress.ip_network("2000::/3")
_CONNECT = re.compile(rb"CONNECT ([A-Za-z0-9.-]{1,253}):([0-9]{1,5}) HTTP/1\.[01]\r\n")


async def _addresses(name: str) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(name, _PORT, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


@dataclass(frozen=True)
class Registries:
    """The host names that commands may reach; none: no network."""

    names: tuple[str, ...] = ()
    addresses: Callable[[str], Awaitable[Sequence[str]]] = _addresses

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a program's."""
        try:
            async with asyncio.timeout(_SECONDS):
                asked = await reader.readuntil(b"\r\n\r\n")
                there = await self._connected(asked)
        except (TimeoutError, OSError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            there = "it does not answer"
        if isinstance(there, str):
            said = f"{there}\n".encode()
            head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(said)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + said)
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        async with asyncio.timeout(_LONGEST_SECONDS):
            await join((reader, writer), there)

    async def _connected(
        self, asked: bytes
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | str:
        """Connect to what is asked for, by the very address that was looked at; or say why not."""
        found = _CONNECT.match(asked) if len(asked) <= _LONGEST_REQUEST else None
        if found is None:
            return "this proxy only connects to package registries"
        name, port = found[1].decode().lower(), int(found[2])
        if name not in self.names or port != _PORT:
            return f"{name}:{port} is not in agents.registries"
        addresses = await self.addresses(name)
        if not addresses or not all(map(_is_public, addresses)):
            return f"{name} does not lead to the public internet"
        return await asyncio.open_connection(addresses[0], _PORT)


def _is_public(address: str) -> bool:
    """Whether an address is nobody's own network: also none that an IPv6 address wraps."""
    there = ipaddress.ip_address(address)
    if isinstance(there, ipaddress.IPv6Address):
        wrapped = there.sixtofour or there.teredo
        return there.is_global and there in _UNICAST and not wrapped
    return there.is_global and not there.is_multicast


def proxy_variables(registries: Registries) -> Mapping[str, str]:
    """Return what tells programs of the proxy; what is inside is reached without it."""
    if not registries.names:
        return {}
    proxy, inside = f"http://127.0.0.1:{PROXY_PORT}", "127.0.0.1,localhost,::1"
    return {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": inside,
        "no_proxy": inside,
    }
