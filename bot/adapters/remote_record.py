"""The runs and the ledger of a remote, read beside the user's repository: nothing there moves.

A local run may have the same id, and a shallow fetch would make the whole repository shallow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from bot.adapters.event_ref import EVENTS
from bot.adapters.git import GitError, Repository, run_git
from bot.core import names
from bot.core.base import RunId
from bot.core.github import presence
from bot.errors import Unavailable, UserError

_REACHING = re.compile(r"(remote|url|credential|http|ssh|protocol)\.|core\.(sshcommand|gitproxy)\n")


@contextmanager
def remote_runs(
    repository: Repository, remote: str, environment: Mapping[str, str], run: RunId | None
) -> Iterator[Repository]:
    """Give a repository with the refs of all runs at a remote, and of one or all what is read.

    A run's evidence stays where it is. Raises Unavailable where the remote does not answer.
    """
    with _beside(repository, remote, environment) as (copy, door):
        door.fetch_tips(f"{names.RUNS}*", "--filter=blob:none")
        wanted = names.run_ref(run) if run else names.RUNS
        tips = copy.refs(wanted).values()
        files = [copy.text("ls-tree", tip, EVENTS, presence.FILE).splitlines() for tip in tips]
        door.fetch_blobs([line.split()[2] for lines in files for line in lines])
        yield copy


@contextmanager
def remote_ledger(
    repository: Repository, remote: str, environment: Mapping[str, str]
) -> Iterator[Repository]:
    """Give a repository with the ledger of a remote, empty where it has none.

    Raises Unavailable where the remote does not answer.
    """
    with _beside(repository, remote, environment) as (copy, door):
        door.fetch_tips(names.LEDGER)
        yield copy


@dataclass(frozen=True)
class _Door:
    """Fetches from a remote into another folder, as its user reaches it."""

    remote: str
    folder: str
    cwd: str  # a remote may be a path from there
    environment: Mapping[str, str]

    def fetch_tips(self, pattern: str, *options: str) -> None:
        """Fetch what refs hold now, without their history; it is no error that there are none."""
        if self._talk("ls-remote", "--quiet", "--", self.remote, pattern):
            self._fetch([f"+{pattern}:{pattern}"], "--depth=1", *options)

    def fetch_blobs(self, ids: Sequence[str]) -> None:
        """Fetch objects by their ids, as git itself does where it left some out."""
        if ids:
            self._fetch(ids, "--filter=blob:none")

    def _fetch(self, what: Sequence[str], *options: str) -> None:
        quietly = ("--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--stdin")
        stdin = "".join(f"{one}\n" for one in what).encode()
        self._talk("fetch", *quietly, *options, "--", self.remote, stdin=stdin)

    def _talk(self, *args: str, stdin: bytes = b"") -> bytes:
        where = (f"--git-dir={self.folder}", "-c", "fetch.negotiationAlgorithm=noop")
        try:
            return run_git([*where, *args], cwd=self.cwd, stdin=stdin, env=self.environment)
        except GitError as error:
            said = error.stderr.strip().splitlines() or ["it says nothing"]
            raise Unavailable(
                f"The remote {self.remote} does not answer: {said[0][:300]}",
                fix=f"git fetch {self.remote} shows whether git itself gets through.",
            ) from error


@contextmanager
def _beside(
    repository: Repository, remote: str, environment: Mapping[str, str]
) -> Iterator[tuple[Repository, _Door]]:
    """Make a bare repository for a while, and what fetches into it."""
    try:
        repository.git("remote", "get-url", "--", remote)
    except GitError as error:
        raise UserError(
            f"The repository has no remote {remote!r}.",
            fix="git remote -v lists them; --remote-name picks one.",
        ) from error
    with TemporaryDirectory(prefix="orchestrate-remote-") as folder:
        hashes = "sha256" if repository.sha256 else "sha1"
        run_git(["init", "--quiet", "--bare", f"--object-format={hashes}", folder])
        reaching = {**environment, **_reaching(repository)}
        yield Repository.open(folder), _Door(remote, folder, repository.path, reaching)


def _reaching(repository: Repository) -> dict[str, str]:
    """Return all that the user's configuration says of remotes and logins, in place of it.

    As values, for some of it may hold in the user's folder only. In the environment, for a login
    may be among it.
    """
    listing = repository.git("config", "--list", "-z").decode("utf-8", "surrogateescape")
    entries = [entry for entry in listing.split("\0") if _REACHING.match(entry)]
    found = {"GIT_CONFIG_COUNT": str(len(entries))}
    for nth, entry in enumerate(entries):
        found[f"GIT_CONFIG_KEY_{nth}"], _, found[f"GIT_CONFIG_VALUE_{nth}"] = entry.partition("\n")
    return {**found, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
