"""What a sandboxed command sees of the machine: what is named here, and nothing else."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import bot

_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix"),
    *("/home/linuxbrew/.linuxbrew", "/sys/devices/system/cpu"),
)
_OF_AN_INSTALLATION = ("lib", "lib64", "libexec", "include", "pyvenv.cfg")
_OF_GO = ("pkg", "src")  # its own are beside a file that says its version
_MOST_LINKS = 40  # that the kernel follows
_EVERYBODY, _MAY_ENTER = 0o004, 0o001


@dataclass(frozen=True)
class View:
    """What the commands of a run may read beside the system; the rest of the machine is not there.

    `hidden` is empty also where it lies within something that is shown.
    """

    readable: tuple[Path, ...]
    hidden: tuple[Path, ...]

    def arguments(self) -> Iterator[str]:
        """Say it to bubblewrap, the outer folders first."""
        for path in map(Path, _SYSTEM):
            if path.is_symlink():
                yield from ("--symlink", str(path.readlink()), str(path))
            elif path.exists():
                yield from ("--ro-bind", str(path), str(path))
        for path in _not_for_everybody(Path("/etc")):
            yield from _masked(path)
        for path in self._emptied:
            yield from ("--tmpfs", str(path))
        for shown in self._shown():
            yield from ("--ro-bind", shown, shown)

    def sealed(self) -> Iterator[str]:
        """Say, when everything is in its place, that nothing is written beside it."""
        masked = (path for path in _not_for_everybody(Path("/etc")) if path.is_dir())
        for path in (*masked, *self._emptied, "/proc", "/dev", "/"):
            yield from ("--remount-ro", str(path))

    def hides(self, path: Path, writable: Iterable[Path]) -> bool:
        """Whether a path lies in what is left out, and in nothing that is shown of it."""
        if not any(map(path.is_relative_to, self._emptied)):
            return False
        return not any(map(path.is_relative_to, (*map(Path, self._shown()), *writable)))

    @property
    def _emptied(self) -> tuple[Path, ...]:
        return tuple(sorted(path for path in set(self.hidden) if path != Path("/")))

    def _shown(self) -> Iterator[str]:
        """Leave out what is not there or shown already, and what holds something hidden.

        This is asked for each command, of hundreds of paths: so they are compared as texts.
        """
        emptied = tuple(map(str, self._emptied))
        seen = [path for path in _SYSTEM if Path(path).exists()]
        for path in sorted(set(map(str, self.readable))):
            holds = any(_is_within(secret, path) for secret in emptied)
            shown = any(_shows(outer, path, emptied) for outer in seen)
            if not holds and not shown and Path(path).exists():
                seen.append(path)
                yield path


def _shows(outer: str, path: str, emptied: Iterable[str]) -> bool:
    """Whether a path is seen in a folder that is shown, nothing hidden between the two."""
    return _is_within(path, outer) and not any(
        _is_within(path, secret) and _is_within(secret, outer) for secret in emptied
    )


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def our_own() -> tuple[Path, ...]:
    """Return where Python and the bot are, for the engines that are ours."""
    assert bot.__file__ is not None, "it is a package of files"
    return Path(sys.prefix), Path(sys.base_prefix), Path(bot.__file__).parent


def tools_on(path: str) -> tuple[Path, ...]:
    """Return the programs on a PATH, with the libraries that lie beside them.

    A home has installations (`~/.local`, `~/.cargo`, `~/.nvm/versions/node/v22`), and beside what
    they run they may hold keys: so no more of them than that.
    """
    found: list[Path] = []
    for name in filter(os.path.isabs, path.split(os.pathsep)):
        programs = Path(name)
        if programs.is_relative_to("/usr") or not programs.is_dir():
            continue
        found += _installation(programs)
        for program in programs.iterdir():  # often a link into another installation
            if program.is_symlink() and program.is_file():
                for there in _way_of(program):
                    found += _installation(there.parent) if there.parent.name == "bin" else [there]
    return tuple(dict.fromkeys(found))


def _way_of(link: Path) -> Iterator[Path]:
    """Yield all that a link leads through: a sandbox needs each step of it, not its end alone."""
    step = link
    for _ in range(_MOST_LINKS):
        if not step.is_symlink():
            break
        step = Path(os.path.normpath(step.parent / step.readlink()))
        yield step
    yield link.resolve()


def _installation(programs: Path) -> list[Path]:
    top = programs.parent
    if programs.name == "shims":
        return [top]
    beside = _OF_AN_INSTALLATION + (_OF_GO if (top / "VERSION").is_file() else ())
    return [programs, *(top / part for part in beside)]


def lenders(objects: Path) -> tuple[Path, ...]:
    """Return a store of git's objects, and those that it borrows from."""
    found: list[Path] = []
    waiting = [objects]
    while waiting:
        store = waiting.pop()
        if store in found:
            continue
        found.append(store)
        try:
            lines = (store / "info" / "alternates").read_text(errors="surrogateescape").splitlines()
        except OSError:
            continue
        waiting += [(store / line).resolve() for line in lines if line and line[0] not in '#"']
    return tuple(found)


def open_to_all(paths: Iterable[Path]) -> Iterator[Path]:
    """Leave out what another user of the machine may not read: it cannot be shown to one."""
    for path in paths:
        with contextlib.suppress(OSError):
            ways = all(folder.stat().st_mode & _MAY_ENTER for folder in path.parents)
            if ways and path.stat().st_mode & _EVERYBODY:
                yield path


def users(uid: int, gid: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Return files that name whoever works inside: programs ask who they are."""
    home = environment.get("HOME", "/")
    return {
        "passwd": f"root:x:0:0::/:/bin/sh\nagent:x:{uid}:{gid}::{home}:/bin/sh\n"
        "nobody:x:65534:65534::/:/bin/sh\n",
        "group": f"root:x:0:\nagent:x:{gid}:\nnogroup:x:65534:\n",
    }


@lru_cache(maxsize=1)
def _not_for_everybody(top: Path) -> tuple[Path, ...]:
    """Return what below a folder the machine's other users may not read: we might be root."""
    return tuple(_closed(os.scandir(top)))


def _closed(entries: Iterable[os.DirEntry[str]]) -> Iterator[Path]:
    for entry in entries:
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            continue
        if not mode & _EVERYBODY:
            yield Path(entry.path)
        elif entry.is_dir():
            yield from _closed(os.scandir(entry.path))


def _masked(path: Path) -> tuple[str, ...]:
    if path.is_dir():
        return ("--tmpfs", str(path))
    return ("--ro-bind", "/dev/null", str(path))
