"""What a git repository shows of a task: files, who changes with whom, who imports whom."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from bot.adapters.git import GitError, Repository
from bot.core.base import Sha
from bot.core.planning.assess import Survey
from bot.core.planning.imports import imports_among
from bot.core.planning.words import (
    identifiers_in,
    matched_by_identifiers,
    matched_by_words,
    named_in,
)
from bot.errors import UserError

COMMITS = 5_000
LARGE_COMMIT = 20  # files; a commit of more says nothing about who belongs together
HALF_LIFE = 180 * 86_400  # seconds
LARGE_FILE = 256_000  # bytes; larger ones are not read for imports
WIDESPREAD = 300  # files; an identifier in more of them leads nowhere
_SOURCE = re.compile(r".*\.(?:pyi?|tsx?|jsx?|mjs|cjs|go|rs)")
_NO_FETCH = {"GIT_NO_LAZY_FETCH": "1"}  # a partial clone is surveyed as far as it goes


def survey_repository(repository: Repository, task: str, base: str = "HEAD") -> Survey:
    """Read what a commit of a repository shows of a task, without touching the work tree.

    A repository without commits shows nothing. Raises UserError for an unknown `base`.
    """
    commit = repository.resolve(base)
    if commit is None:
        if base == "HEAD":
            return Survey()
        raise UserError(f"{base!r} is no commit here.", fix="Name a branch, a tag or a commit.")
    blobs = _blobs(repository, commit)
    files = tuple(blobs)
    named = named_in(task, files)
    holders = {name: _holding(repository, commit, name) for name in identifiers_in(task)}
    matched = matched_by_identifiers({n: p for n, p in holders.items() if len(p) <= WIDESPREAD})
    guessed = not matched
    matched = matched or matched_by_words(task, files)
    wanted = frozenset((*named, *matched))
    if len(wanted) < 2:
        return Survey(files, named, matched, guessed)
    return Survey(
        files,
        named,
        matched,
        guessed,
        imports_among(_texts(repository, {p: blobs[p] for p in sorted(wanted) if p in blobs})),
        _together(repository, commit, wanted),
    )


def _blobs(repository: Repository, commit: Sha) -> dict[str, str]:
    """Return the files of a commit and the ids of their contents, submodules left out."""
    listing = repository.git("ls-tree", "-r", "-z", "--full-tree", commit)
    found = {}
    for entry in listing.split(b"\0")[:-1]:
        about, _, path = entry.partition(b"\t")
        _, kind, blob = about.split(b" ")
        if kind == b"blob":
            found[path.decode("utf-8", "surrogateescape")] = blob.decode()
    return found


def _holding(repository: Repository, commit: Sha, identifier: str) -> tuple[str, ...]:
    """Return the files that hold an identifier as a word of its own."""
    command = ("grep", "-l", "-z", "-I", "-w", "-F", "--full-name", "-e", identifier, commit)
    try:
        listing = repository.git(*command, "--", env=_NO_FETCH, ok=(0, 1))
    except GitError:
        return ()  # objects that a partial clone does not have
    start = len(commit) + 1
    return tuple(entry.decode("utf-8", "surrogateescape")[start:] for entry in _items(listing))


def _texts(repository: Repository, blobs: dict[str, str]) -> dict[str, str]:
    """Read the sources among some files, each of a size that a person would write."""
    sources = {path: blob for path, blob in blobs.items() if _SOURCE.fullmatch(path)}
    asked = "\n".join(dict.fromkeys(sources.values())).encode() + b"\n"
    try:
        about = repository.git("cat-file", "--batch-check", stdin=asked, env=_NO_FETCH)
    except GitError:
        return {}
    sizes = [line.split() for line in about.splitlines()]
    small = [w[0] for w in sizes if len(w) == 3 and w[1] == b"blob" and int(w[2]) <= LARGE_FILE]
    if not small:
        return {}
    stream = repository.git("cat-file", "--batch", stdin=b"\n".join(small) + b"\n", env=_NO_FETCH)
    texts, at = {}, 0
    while at < len(stream):
        end = stream.index(b"\n", at)
        blob, _, size = stream[at:end].split(b" ")
        texts[blob.decode()] = stream[end + 1 : end + 1 + int(size)].decode("utf-8", "replace")
        at = end + 1 + int(size) + 1
    return {path: texts[blob] for path, blob in sources.items() if blob in texts}


def _together(
    repository: Repository, commit: Sha, wanted: frozenset[str]
) -> dict[tuple[str, str], float]:
    """Weigh pairs of files by the commits that changed both; one half a year ago counts half."""
    weights: defaultdict[tuple[str, str], float] = defaultdict(float)
    newest: int | None = None
    for when, paths in _commits(repository, commit):
        newest = when if newest is None else newest
        if not 1 < len(paths) <= LARGE_COMMIT:
            continue
        touched = sorted(wanted.intersection(paths))
        worth = 0.5 ** (max(0, newest - when) / HALF_LIFE) / (len(paths) - 1)
        for pair in combinations(touched, 2):
            weights[pair] += worth
    return dict(weights)


def _commits(repository: Repository, commit: Sha) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield (seconds since 1970, paths) of each commit, newest first, one at a time."""
    when: int | None = None
    paths: list[str] = []
    for item in _log(repository, commit):
        if re.fullmatch(rb"\x01\d+", item):
            if when is not None:
                yield when, paths
            when, paths = int(item[1:]), []
        elif len(paths) <= LARGE_COMMIT:
            text = item if paths else item.removeprefix(b"\n")  # git's own, before the first path
            paths.append(text.decode("utf-8", "surrogateescape"))
    if when is not None:
        yield when, paths


def _log(repository: Repository, commit: Sha) -> Iterator[bytes]:
    """Stream what git says of the last commits, so that a long history takes no memory."""
    listing = ("--no-merges", "--no-renames", "--name-only", "-z", "--format=%x01%ct")
    plain = ("--no-show-signature", "--no-ext-diff", "--no-textconv", "--no-color")
    door = ("git", f"--git-dir={repository.common_dir}", "log")
    with subprocess.Popen(
        [*door, *listing, *plain, f"-n{COMMITS}", commit, "--"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as git:
        assert git.stdout is not None
        rest = b""
        while chunk := git.stdout.read(65_536):
            *items, rest = (rest + chunk).split(b"\0")
            yield from items
        if rest:
            yield rest


def _items(listing: bytes) -> list[bytes]:
    return listing.split(b"\0")[:-1]
