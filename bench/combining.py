"""How long combining branches takes beside `git merge` of the same branches one by one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, interleaved, seconds_of
from bench.repositories import git, make_repository, source_files
from bot.adapters.combine import Branch, Combination, Conflict, Landed
from bot.adapters.git import Repository
from bot.core.base import Sha

FILES, BRANCHES, CONFLICTING, ROUNDS = 1_200, 128, 10, 3
_AT = datetime(2026, 1, 1, tzinfo=UTC)


def bench_combining() -> Iterable[Figure]:
    """Combine 128 branches of a repository with 1,200 files, and merge them one by one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        disjoint = [f"b{n}" for n in range(BRANCHES)]
        clashing = [f"c{n}" for n in range(CONFLICTING)]
        files = source_files(FILES)
        changes = {branch: _change(files, n) for n, branch in enumerate(disjoint)}
        changes |= {branch: _clash(files, n) for n, branch in enumerate(clashing)}
        make_repository(folder / "origin", files, changes)
        yield from _compare(folder, "disjoint", disjoint)
        yield from _compare(folder, "conflicting", disjoint + clashing)


def _compare(folder: Path, what: str, names: Sequence[str]) -> Iterable[Figure]:
    """Time all at once, one at a time, and git; all three must come to the same tree."""
    trees: set[str] = set()

    def copy(way: str, nth: int) -> Path:  # a fresh one each: what was written once is faster twice
        return Path(shutil.copytree(folder / "origin", folder / f"{what}-{way}{nth}"))

    branches = _branches(folder / "origin", names)
    took = interleaved(
        ROUNDS,
        {
            "merge": lambda nth: _merge(copy("merge", nth), names, trees),
            "all": lambda nth: _combine(copy("all", nth), branches, trees, at_once=True),
            "one": lambda nth: _combine(copy("one", nth), branches, trees, at_once=False),
        },
    )
    if len(trees) != 1:
        raise RuntimeError(f"The trees differ: {trees}")
    clashes = len(names) - BRANCHES
    note = f"{len(names)} branches{f', {clashes} conflicts' if clashes else ''}, same tree; git "
    note += f"{took['merge']:.2f} s"
    bound = None if clashes else 0.15
    name = f"combining: {what}"
    yield Figure(f"{name}, all / git merge", took["all"] / took["merge"], bound=bound, note=note)
    yield Figure(f"{name}, one at a time / git merge", took["one"] / took["merge"])


def _combine(folder: Path, branches: Sequence[Branch], trees: set[str], *, at_once: bool) -> float:
    repository = Repository.open(str(folder))
    combination = Combination(repository, branches[0].base, _AT)
    landed: list[Landed | Conflict] = []

    def land() -> None:
        if at_once:
            landed.extend(combination.land_all(branches))
        else:
            landed.extend(combination.land(branch) for branch in branches)
        combination.head()

    took = seconds_of(land)
    trees.add(git(folder, "rev-parse", f"{combination.head()}^{{tree}}"))
    assert sum(isinstance(one, Conflict) for one in landed) == len(branches) - BRANCHES
    return took


def _merge(worktree: Path, names: Sequence[str], trees: set[str]) -> float:
    """Merge as a person would; a branch that conflicts is left out."""

    def merge() -> None:
        for name in names:
            if "CONFLICT" in git(worktree, "merge", "--no-edit", name, ok=(0, 1)):
                git(worktree, "merge", "--abort")

    took = seconds_of(merge)
    trees.add(git(worktree, "rev-parse", "HEAD^{tree}"))
    return took


def _branches(folder: Path, names: Sequence[str]) -> tuple[Branch, ...]:
    base, *heads = git(folder, "rev-parse", "main", *names).splitlines()
    return tuple(
        Branch(name, Sha(base), Sha(head)) for name, head in zip(names, heads, strict=True)
    )


def _change(files: dict[str, str], n: int) -> dict[str, str | None]:
    """Change two files that no other branch changes; every other branch adds one besides."""
    mine = list(files)[n * 2 : n * 2 + 2]
    changed: dict[str, str | None] = {
        path: files[path].replace("_7 = 7", f"_7 = {n}7") for path in mine
    }
    return changed | ({f"src/added/new_{n}.py": f"value = {n}\n"} if n % 2 else {})


def _clash(files: dict[str, str], n: int) -> dict[str, str | None]:
    """Change a line that branch n changes otherwise."""
    path = list(files)[n * 2]
    return {path: files[path].replace("_7 = 7", "_7 = 'another'")}
