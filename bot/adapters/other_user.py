"""Commands as another user, who can read, write and signal nothing of ours.

The user has to be there already, without sudo and in no group of ours. We are root, or may use
sudo without a password. What a command needs is handed to the user before and taken back after,
when nothing of the user's runs any more: so one command at a time.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.adapters.attempt_folders import KINDS, folders_of
from bot.adapters.processes import LocalProcesses, put_files
from bot.errors import Unavailable, UserError
from bot.ports import Command, Finished

_NOT_STARTED = 126
_PATIENCE_SECONDS = 5.0  # a killed process is gone in microseconds, unless a disk holds it
_OUR_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}


@dataclass(frozen=True)
class OtherUser:
    """A user of this machine who is neither root nor us."""

    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> OtherUser:
        """Look a user up. Raises UserError where there is none, or none that is apart from us."""
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            fix = f"sudo useradd --system --shell /usr/sbin/nologin {name}"
            raise UserError(f"There is no user {name!r}.", fix=fix) from None
        if entry.pw_uid in {0, os.getuid(), os.geteuid()}:
            raise UserError(f"{name!r} is who we are, or root.", fix="Name a user made for agents.")
        return cls(entry.pw_uid, entry.pw_gid)


class OtherUserProcesses:
    """Runs commands in a run's folder as another user; each is alone while it runs."""

    def __init__(self, user: OtherUser, folder: Path) -> None:
        """Take the folder of the run; only what is an attempt's below it changes hands."""
        self.user = user
        self._folder = folder
        self._root = () if os.geteuid() == 0 else (_program("sudo"), "-n")
        self._setpriv = _program("setpriv")
        self._inner = LocalProcesses(self._signal_group)
        self._turn = threading.Lock()

    def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Finished:
        """Run as LocalProcesses does; what the command left is ours when this returns.

        Raises Unavailable where it cannot be made ours again.
        """
        with self._turn:
            folders = folders_of(self._folder, command)
            if not folders:
                return Finished(_NOT_STARTED, f"{command.cwd}: not a folder of an attempt", 0.0)
            try:
                self._end_all()
                put_files(command.files)
                self._hand_over(folders, command.log)
            except (Unavailable, OSError) as error:
                return Finished(_NOT_STARTED, str(error), 0.0)
            try:
                ours = replace(command, argv=self._as_user(command), files=())
                return self._inner.run(ours, on_line)
            finally:
                self._end_all()
                self._take_back(folders)

    def stop_all(self) -> None:
        """End what runs, and start nothing from now on; returns without waiting."""
        self._inner.stop_all()

    def _as_user(self, command: Command) -> tuple[str, ...]:
        """Put in front of a command what changes the user; sudo passes no environment on."""
        if not command.argv:
            return ()
        sealed = (self._setpriv, "--no-new-privs")
        if not self._root:
            ids = (f"--reuid={self.user.uid}", f"--regid={self.user.gid}", "--clear-groups")
            return (*sealed, *ids, "--inh-caps=-all", "--", *command.argv)
        variables = (f"{name}={value}" for name, value in command.env.items())
        user = (*self._root, "-u", f"#{self.user.uid}", "--")
        return (*user, "env", "-i", *variables, *sealed, "--", *command.argv)

    def _hand_over(self, folders: Sequence[Path], log: str | None) -> None:
        """Let the user in, and give it what is there; a file with a second name may be ours.

        The log stays ours, for it is opened once more when its folder is ours no longer.
        """
        for path in (self._folder, *(self._folder / kind for kind in KINDS), *folders):
            if path.is_dir():
                path.chmod(0o711)  # whoever may enter cannot list; we start the command in there
        kinds: tuple[str, ...] = ("(", "-type", "d", "-o", "-type", "l", "-o", "-links", "1", ")")
        if log is not None:
            Path(log).touch()
            kinds = (*kinds, "!", "-samefile", log)
        self._find(folders, *kinds, *self._chown(self.user.uid, self.user.gid))

    def _take_back(self, folders: Sequence[Path]) -> None:
        """Make everything ours and readable, following no link, whatever modes it has.

        Beside the worktree nothing but plain files and folders stays: we write and read there.
        """
        its = ("-user", str(self.user.uid))
        self._find(folders, *its, "-type", "d", "-exec", "chmod", "u+rwx", "{}", "+")
        self._find(folders, *its, "-type", "f", "-exec", "chmod", "u+rw", "{}", "+")
        self._find(folders, *its, *self._chown(os.geteuid(), os.getegid()))
        besides = [path for path in folders if path.parent.name == "attempts"]
        odd = ("!", "-type", "d", "(", "!", "-type", "f", "-o", "-links", "+1", ")", "-delete")
        if besides:
            self._find(besides, "-mindepth", "1", "-maxdepth", "1", *odd)

    def _chown(self, uid: int, gid: int) -> tuple[str, ...]:
        return ("-exec", "chown", "-h", f"{uid}:{gid}", "{}", "+")

    def _find(self, folders: Sequence[Path], *what: str) -> None:
        """Run `find` as root, on one file system and through no link."""
        argv = (*self._root, "find", "-P", *map(str, folders), "-xdev", *what)
        done = subprocess.run(argv, capture_output=True, check=False, env=_OUR_PATH)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()[-300:]
            raise Unavailable(
                f"Files cannot be handed to or from another user: {said}",
                fix="Run as root, or allow sudo without a password.",
            )

    def _signal_group(self, leader: int, number: signal.Signals) -> None:
        """Signal a group of which we may own nothing; a kill is for all that the user has."""
        argv = (*self._root, "kill", f"-{number.name.removeprefix('SIG')}", "--", f"-{leader}")
        subprocess.run(argv, capture_output=True, check=False, env=_OUR_PATH)
        if number == signal.SIGKILL:
            self._end_all()

    def _end_all(self) -> None:
        """End every process of the user's at one stroke, so that none can start another one.

        The user itself asks for it: `kill -1` means all that one may signal.
        """
        everything = Command(("kill", "-KILL", "--", "-1"), "/", _OUR_PATH, 0)
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while any(self._alive()):
            argv = self._as_user(everything)
            subprocess.run(argv, capture_output=True, check=False, env=_OUR_PATH)
            if time.monotonic() > give_up_at:
                raise Unavailable("A process of the agents' user does not end.", fix="Try again.")

    def _alive(self) -> Iterator[str]:
        """Name the user's processes that are more than a memory of their parents'."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = dict(
                    line.split(":\t", 1)
                    for line in status.read_text().splitlines()
                    if line.startswith(("State:\t", "Uid:\t"))
                )
            except OSError:
                continue  # gone since it was listed
            if str(self.user.uid) in lines["Uid"].split() and lines["State"][0] not in "ZX":
                yield status.parent.name


def _program(name: str) -> str:
    found = shutil.which(name, path=_OUR_PATH["PATH"])
    if found is None:
        raise UserError(f"{name} is not installed.", fix="Install util-linux and sudo.")
    return found


_PROBE = """\
uid=$1 we=$2 secret=$3 python=$4; shift 4
[ "$(id -u)" = "$uid" ] || echo "it runs as $(id -un)"
! sudo -n true 2>/dev/null || echo "it may use sudo"
! cat "$secret" >/dev/null 2>&1 || echo "it reads a file that only we may read"
! cat "/proc/$we/environ" >/dev/null 2>&1 || echo "it reads our environment"
! kill -0 "$we" 2>/dev/null || echo "it may end us"
! [ -w /var/run/docker.sock ] || echo "it may use docker"
"$python" -I -c 'import bot.adapters.engines.builtin.__main__' >/dev/null 2>&1 ||
  echo "it cannot run $python with the bot in it"
for path; do
  case $path in
    r:*) [ -r "${path#r:}" ] || echo "it cannot read ${path#r:}" ;;
    w:*) ! [ -w "${path#w:}" ] || echo "it may write ${path#w:}" ;;
  esac
done
echo probed
"""


def why_not_apart(
    processes: OtherUserProcesses,
    folder: Path,
    *,
    readable: Sequence[str] = (),
    guarded: Sequence[str] = (),
    environment: dict[str, str],
) -> str:
    """Try whether the other user is kept apart, and can work; empty: both hold.

    `readable` must be open to the user (objects of the repository), `guarded` must not be
    writable (the runner's command files). Only where this is empty a completion may say "user".
    """
    place, secret = folder / "attempts" / "probe", folder / "probe-secret"
    place.mkdir(parents=True, exist_ok=True)
    secret.touch(mode=0o600)
    paths = (*(f"r:{path}" for path in readable), *(f"w:{path}" for path in guarded))
    known = (str(processes.user.uid), str(os.getpid()), str(secret), sys.executable)
    argv = ("sh", "-c", _PROBE, "sh", *known, *paths)
    finished = processes.run(Command(argv, str(place), environment, 60))
    secret.unlink()
    shutil.rmtree(place)
    *reasons, last = finished.output.splitlines() or [""]
    if last != "probed":
        return f"nothing runs as another user: {last[:300] or finished.stopped_because}"
    return "; ".join(reasons)
