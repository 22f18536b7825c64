"""What `orchestrate init` writes into another repository, and what of it stays as a person has it.

A file is pristine where its content is what we recorded when we wrote it. Only those are updated.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from bot.core.base import RepoPath, Strict
from bot.core.documents import Problem
from bot.errors import UserError

RECORD = ".github/orchestrate/installed.json"
BOT_PIN = ".github/orchestrate/bot.txt"
WORKFLOWS = ".github/workflows/"
_OURS_ALONE = (".github/orchestrate/", ".github/actions/orchestrate/", WORKFLOWS)


class Pin(Strict):
    """Which bot: its repository and one commit of it."""

    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$")]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]

    def __str__(self) -> str:
        return f"{self.repository}@{self.commit}"


def read_pin(text: str) -> Pin:
    """Read OWNER/REPO@COMMIT. Raises UserError: a branch or tag may move, a commit cannot."""
    repository, _, commit = text.partition("@")
    try:
        return Pin(repository=repository, commit=commit.lower())
    except ValidationError:
        raise UserError(
            f"{text!r} does not say which bot.",
            fix="Write OWNER/REPO@COMMIT with all 40 digits of the commit: git rev-parse HEAD",
        ) from None


BlobId = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class Installed(Strict):
    """What was written, as `installed.json` remembers it: git's id of each file's content.

    git's ids, so that what is on GitHub can be compared without reading every file.
    """

    version: Literal[1] = 1
    pin: Pin
    thin: bool
    files: dict[RepoPath, BlobId]


def read_installed(data: bytes) -> Installed | Problem:
    """Read the record of an earlier `init`."""
    try:
        return Installed.model_validate_json(data)
    except ValidationError:
        return Problem(
            f"{RECORD} is damaged",
            f"Take it back from git (git checkout -- {RECORD}), or remove it.",
        )


def write_installed(installed: Installed) -> bytes:
    """Write the record, the same bytes for the same values."""
    return (installed.model_dump_json(indent=2) + "\n").encode()


class Keeper(StrEnum):
    """Who a file is for: us to keep current, or its owner to change."""

    BOT = "bot"
    OWNER = "owner"


@dataclass(frozen=True)
class Shipped:
    """A file as this version has it."""

    path: str
    content: bytes
    keeper: Keeper


class Step(StrEnum):
    """What becomes of a file."""

    CREATE = "create"
    UPDATE = "update"  # pristine, and ours is another now
    REMOVE = "remove"  # pristine, and not needed any more
    OUTDATED = "outdated"  # would be updated or removed, but nobody asked for an upgrade
    UNCHANGED = "unchanged"
    OWNED = "yours"  # a file for its owner, who changed or removed it
    CHANGED = "changed by you"  # ours, and not as we wrote it: kept
    FOREIGN = "in the way"  # of the same name, and never written by us: kept


WRITES = frozenset({Step.CREATE, Step.UPDATE, Step.REMOVE})
STANDS_OFF = frozenset({Step.OUTDATED, Step.CHANGED, Step.FOREIGN})  # not what it should be


@dataclass(frozen=True)
class FileStep:
    """One file: what is there (None: nothing), and what this version has (None: nothing)."""

    path: str
    step: Step
    before: bytes | None
    after: bytes | None


def blob_id(content: bytes) -> str:
    """Return git's id of a file's content; a checkout with CRLF has the same."""
    text = unix(content)
    return hashlib.sha1(b"blob %d\0%s" % (len(text), text), usedforsecurity=False).hexdigest()


def unix(content: bytes) -> bytes:
    """Return text with line ends as they are in the repository."""
    return content.replace(b"\r\n", b"\n")


def plan_files(
    shipped: Sequence[Shipped],
    there: Mapping[str, bytes],
    installed: Installed | None,
    *,
    upgrade: bool,
) -> tuple[FileStep, ...]:
    """Decide for every file. `there` has what the work tree has of the paths in question."""
    recorded = installed.files if installed else {}
    steps = [_step(file, there.get(file.path), recorded, upgrade=upgrade) for file in shipped]
    ours = {file.path for file in shipped}
    for path in sorted(retired(recorded) - ours):
        before = there.get(path)
        if before is not None and blob_id(before) == recorded[path]:
            steps.append(FileStep(path, Step.REMOVE if upgrade else Step.OUTDATED, before, None))
    return tuple(steps)


def retired(recorded: Iterable[str]) -> set[str]:
    """Return what a later version may remove: only paths where nothing but ours is expected."""
    return {path for path in recorded if path.startswith(_OURS_ALONE)}


def _step(
    file: Shipped, before: bytes | None, recorded: Mapping[str, str], *, upgrade: bool
) -> FileStep:
    known = recorded.get(file.path)
    if before is None:
        removed = known is not None and file.keeper is Keeper.OWNER
        step = Step.OWNED if removed else Step.CREATE
    elif unix(before) == unix(file.content):
        step = Step.UNCHANGED
    elif known == blob_id(before):
        step = Step.UPDATE if upgrade else Step.OUTDATED
    elif file.keeper is Keeper.OWNER:
        step = Step.OWNED
    else:
        step = Step.CHANGED if known else Step.FOREIGN
    return FileStep(file.path, step, before, file.content)


def record_of(
    steps: Sequence[FileStep], installed: Installed | None, pin: Pin, *, thin: bool
) -> Installed:
    """Return what to remember once the steps are taken."""
    before = installed.files if installed else {}
    files = {}
    for each in steps:
        if each.after is not None and each.step in WRITES | {Step.UNCHANGED}:
            files[each.path] = blob_id(each.after)
        elif each.step is not Step.REMOVE and each.path in before:
            files[each.path] = before[each.path]
    if installed is not None and any(each.step is Step.OUTDATED for each in steps):
        pin, thin = installed.pin, installed.thin
    return Installed(pin=pin, thin=thin, files=dict(sorted(files.items())))


_REMOTE = re.compile(
    r"(?:(?:https?|ssh)://(?:[^@/]*@)?(?P<host>[^/:]+)(?::\d+)?/|(?:[^@/]+@)?(?P<short>[^@/:]+):)"
    r"(?P<name>[A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?"
)


def repository_of(url: str) -> tuple[str, str] | None:
    """Return host and owner/name of a git address, as https, ssh and scp write it."""
    found = _REMOTE.fullmatch(url)
    return (found["host"] or found["short"], found["name"]) if found else None


def pin_of_direct_url(url: str, commit: str) -> Pin | None:
    """Return which bot pip installed from a repository on GitHub; None where it was none."""
    found = repository_of(url)
    if found is None or found[0] != "github.com":
        return None
    try:
        return Pin(repository=found[1], commit=commit)
    except ValidationError:
        return None
