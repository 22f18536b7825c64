"""What a sandbox should refuse, tried from inside of one: prints what gave way.

It is started by its path and imports nothing of ours but to see that it could.
Arguments: a file that only we may read, our port and abstract socket, our process's name spaces.
"""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import sys
from pathlib import Path

_DONE = "tried"


def main(secret: str, port: str, abstract: str, spaces: str) -> None:
    """Try everything, and say at the end that all was tried."""
    beside = Path(secret).with_name("written-by-a-sandbox")
    with contextlib.suppress(OSError):
        Path(secret).read_bytes()
        _say("it reads a file that only we may read")
    with contextlib.suppress(OSError):
        beside.write_text("")
        _say("it writes outside of its folders")
    for family, address, what in (
        (socket.AF_INET, ("127.0.0.1", int(port)), "it reaches a port of this machine"),
        (socket.AF_UNIX, f"\0{abstract}", "it reaches an abstract socket of this machine"),
    ):
        with contextlib.suppress(OSError), socket.socket(family) as attempt:
            attempt.settimeout(5)
            attempt.connect(address)
            _say(what)
    ours = dict(pair.split("=", 1) for pair in spaces.split(","))
    for name, space in ours.items():
        if str(Path("/proc/self/ns", name).readlink()) == space:
            _say(f"it shares our {name} name space")
    with contextlib.suppress(OSError):
        Path("/proc/sys/kernel/hostname").write_text("sandbox")
        _say("it writes to /proc/sys")
    if importlib.util.find_spec("bot.adapters.engines") is None:
        _say(f"it cannot run {sys.executable} with the bot in it")
    sys.stdout.write(f"{_DONE}\n")


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
