"""A clone whose refs count only once origin has them: every write is a push with leases."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.adapters.git import GitError, RefMoved, RefUpdate, Repository, run_git
from bot.core import names
from bot.core.base import RunId, Sha
from bot.errors import Unavailable, UserError

_TRIES = 4
_BUSY = re.compile(r"cannot lock ref|failed to (update|lock)")  # two pushes at one moment
_REFUSED = re.compile(
    r"remote rejected|pre-receive hook declined|protected branch|denied to|GH\d{3}"
)
_NO_RIGHT = re.compile(r"Write access to repository not granted|returned error: 40[13]")


@dataclass(frozen=True)
class Remote:
    """A repository's address and the right to read or write it; the token is never an argument."""

    url: str
    token: str = field(repr=False)

    def environment(self) -> Mapping[str, str]:
        """Return what git needs to log in, for the environment of one command."""
        login = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        return {
            "GIT_ALLOW_PROTOCOL": "http:https",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self.url}.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {login}",
        }


def refspecs(default_branch: str, run: RunId | None = None) -> tuple[str, ...]:
    """Return what a job reads: the default branch, the ledger, and the run's or all runs' refs.

    Patterns also where one ref is meant: a ref that is not there yet is no error then.
    """
    whole = "*" if run is None else f"{run}*"
    below = "*" if run is None else f"{run}/*"
    wanted = [f"refs/heads/{default_branch}*", f"{names.LEDGER}*", f"{names.RUNS}{whole}"]
    if run is not None:
        wanted += [f"{prefix}{below}" for prefix in (names.BRANCHES, names.BASES, names.RESCUES)]
    return tuple(f"+{ref}:{ref}" for ref in wanted)


@dataclass(frozen=True)
class Origin(Repository):
    """A bare clone for one job. Its refs are origin's as they were last seen."""

    remote: Remote
    specs: tuple[str, ...]
    pause: Callable[[float], None]

    @classmethod
    def clone(
        cls,
        path: Path,
        remote: Remote,
        default_branch: str,
        specs: tuple[str, ...],
        pause: Callable[[float], None],
    ) -> Origin:
        """Make a bare repository at `path` and fetch what the job reads."""
        run_git(["init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(path)])
        plain = Repository.open(str(path))
        origin = cls(
            path=plain.path,
            common_dir=plain.common_dir,
            bare=plain.bare,
            shallow=plain.shallow,
            sha256=plain.sha256,
            remote=remote,
            specs=specs,
            pause=pause,
        )
        origin.fetch()
        return origin

    def widened(self, specs: tuple[str, ...]) -> Origin:
        """Return the same clone with more of origin in it."""
        more = tuple(spec for spec in specs if spec not in self.specs)
        wider = replace(self, specs=(*self.specs, *more))
        if more:
            wider.fetch()
        return wider

    def fetch(self, *more: str) -> None:
        """Read origin's refs as they are now; what is gone there is gone here.

        `more` are refs or commits to fetch beside them. Raises Unavailable where origin does not
        answer.
        """
        # Records first: a push that comes between moves its refs one by one, and branches behind
        # the record would look like somebody else's work, while those ahead of it fail our lease.
        records = [spec for spec in self.specs if spec.startswith(f"+{names.RUNS}")]
        others = [spec for spec in self.specs if spec not in records]
        self._fetch(records)
        self._fetch([*others, *more])

    def _fetch(self, specs: Sequence[str]) -> None:
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--force", "--prune")
        if specs:
            self._try(lambda: self._talk("fetch", *options, self.remote.url, *specs))

    def remote_refs(self, *patterns: str) -> dict[str, Sha]:
        """List refs at origin without fetching them."""
        out = self._try(lambda: self._talk("ls-remote", "--quiet", self.remote.url, *patterns))
        lines = out.decode("utf-8", "surrogateescape").splitlines()
        return {ref: Sha(sha) for sha, ref in (line.split("\t", 1) for line in lines)}

    def update_refs(self, updates: Iterable[RefUpdate]) -> None:
        """Move refs at origin, all or none. Raises RefMoved where one is not what it had to be.

        A push whose answer got lost counts if origin has what it should have brought.
        """
        updates = tuple(updates)
        if not updates:
            return
        for nth in range(_TRIES):
            try:
                self._push(updates)
            except GitError as error:
                self.fetch()
                if self._has(updates):
                    return
                said = f"{error.stdout.decode('utf-8', 'replace')}\n{error.stderr}"
                if self._has_moved(updates):
                    raise RefMoved(said.strip()[-500:]) from error
                self._require_room(updates)
                refused = _REFUSED.search(said) and not _BUSY.search(said)
                if refused or _NO_RIGHT.search(said) or nth == _TRIES - 1:
                    raise _explained(said) from error
                self.pause(2.0**nth)
            else:
                super().update_refs(updates)
                return

    def _push(self, updates: tuple[RefUpdate, ...]) -> None:
        leases = [f"--force-with-lease={update.ref}:{update.old or ''}" for update in updates]
        moves = [f"{update.new or ''}:{update.ref}" for update in updates]
        self._talk("push", "--atomic", "--porcelain", *leases, self.remote.url, *moves)

    def _has(self, updates: tuple[RefUpdate, ...]) -> bool:
        return all(self._holds(self.refs(u.ref).get(u.ref), u) for u in updates)

    def _holds(self, there: Sha | None, update: RefUpdate) -> bool:
        """Whether a ref has what was pushed to it, be it below what others have pushed since."""
        if there in {None, update.new, update.old} or update.new is None:
            return there == update.new
        return not self.text("rev-list", "--max-count=1", update.new, f"^{there}")

    def _has_moved(self, updates: tuple[RefUpdate, ...]) -> bool:
        return any(self.refs(u.ref).get(u.ref) != u.old for u in updates)

    def _require_room(self, updates: tuple[RefUpdate, ...]) -> None:
        """Raise UserError where a branch is named like a folder of ours: git has one or other."""
        folders = {u.ref.rsplit("/", n)[0] for u in updates for n in (1, 2) if u.ref.count("/") > 2}
        for ref in sorted(folders & set(self.remote_refs(*sorted(folders)))):
            branch = ref.removeprefix("refs/heads/")
            raise UserError(
                f"The branch {branch} is in the way of {branch}/….",
                fix=f"Rename it on GitHub, or: git push origin {branch}:another-name :{branch}",
            )

    def _try(self, talk: Callable[[], bytes]) -> bytes:
        for nth in range(_TRIES):
            try:
                return talk()
            except GitError as error:
                if nth == _TRIES - 1 or re.search(r"\b(401|403|404)\b|not found", error.stderr):
                    raise Unavailable(
                        f"{self.remote.url} does not answer: {error.stderr.strip()[-300:]}",
                        fix="Run the job again; githubstatus.com says whether GitHub is down.",
                    ) from error
                self.pause(2.0**nth)
        raise AssertionError("the last try returns or raises")

    def _talk(self, *args: str) -> bytes:
        return self.git(*args, env=self.remote.environment())


def _explained(said: str) -> UserError | Unavailable:
    """Say what keeps a push out, as far as its text tells."""
    if "workflow" in said and "permission" in said:
        return UserError(
            "GitHub does not let a workflow's token change files in .github/workflows.",
            fix="Leave those files out of the task, or change them by hand.",
        )
    if _NO_RIGHT.search(said):
        return UserError(
            "The job's token may not push to the repository.",
            fix="Give the job's token the permission contents: write.",
        )
    if _REFUSED.search(said):
        return UserError(
            f"GitHub refused a push: {said.strip()[-300:]}",
            fix="Leave orchestrate/** out of rulesets and branch protection.",
        )
    return Unavailable(
        f"A push did not get through: {said.strip()[-300:]}", fix="Run the job again."
    )
