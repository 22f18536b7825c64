"""What an agent runs that looks for a key; it is given in two parts, so that its own text is none.

It prints where it looked, and where it found the key. Places are all that it can reach short of
the bot's own process, which a user of its own or a sandbox keeps from it.
"""

from __future__ import annotations

import os
import re
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

BOT = b"forkserver"  # the command line of the process that tests start the bot in
ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+/[\w-]{20,}")
LARGEST = 2**28


class Hunt:
    """Looks at bytes for a key."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.looked: Counter[str] = Counter()

    def look(self, place: str, data: bytes) -> None:
        self.looked[place] += 1
        if self.key in data:
            print("FO" + "UND", place)


def read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def above() -> Iterator[int]:
    """This process's parents as far as the agent's program."""
    pid = os.getppid()
    while pid > 1 and BOT not in read(f"/proc/{pid}/cmdline"):
        yield pid
        pid = int(read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[1])


def memory(pid: int) -> Iterator[bytes]:
    with Path(f"/proc/{pid}/mem").open("rb", 0) as file:
        for line in read(f"/proc/{pid}/maps").decode().splitlines():
            bounds, rights = line.split()[:2]
            start, end = (int(one, 16) for one in bounds.split("-"))
            if rights.startswith("r") and end - start < LARGEST:
                try:
                    file.seek(start)
                    yield file.read(end - start)
                except (OSError, ValueError, OverflowError):
                    continue


def knock(door: str) -> Iterator[bytes]:
    """Ask at a door and beside it for what no agent should get."""
    root = door.rpartition("/")[0]
    beside = ("", "/", "/../", "/debug", "/metrics", f"/{'x' * 43}/v1/messages")
    behind = ("", "/v1", "/v1/models", "/v1/../..", "/key", "/v1/chat/completions")
    tries: list[tuple[str, bytes | None]] = [(root + path, None) for path in beside]
    tries += [(door + path, None) for path in behind]
    tries += [(root + path, b"{}") for path in beside]
    tries += [(door + behind[-1], b'{"model": "another"}')]
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for address, data in tries:
        try:
            with direct.open(urllib.request.Request(address, data), timeout=5) as answer:
                yield str(answer.headers).encode() + answer.read()
        except urllib.error.HTTPError as error:
            yield str(error.headers).encode() + error.read()
        except OSError:
            continue


def main(first: str, second: str) -> None:
    hunt = Hunt((first + second).encode())
    for name, value in os.environ.items():
        hunt.look("environment", f"{name}={value}".encode())
    for process in Path("/proc").glob("[0-9]*"):
        hunt.look("environ", read(process / "environ"))
        hunt.look("cmdline", read(process / "cmdline"))
    ours = [*(f"{name}={value}".encode() for name, value in os.environ.items())]
    home = Path(os.environ["HOME"])
    for top in (home.parent, Path(os.environ["TMPDIR"]), Path.cwd()):
        for file in top.rglob("*"):
            if file.is_file() and not file.is_symlink():
                ours.append(read(file))
                hunt.look("file", ours[-1])
    for pid in above():
        for piece in memory(pid):
            ours.append(piece)
            hunt.look("memory", piece)
    for door in {found.decode() for data in ours for found in ADDRESS.findall(data)}:
        for answer in knock(door):
            hunt.look("door", answer)
    print("LOO" + "KED", *(f"{place}={times}" for place, times in sorted(hunt.looked.items())))


if __name__ == "__main__":
    main(*sys.argv[1:])
