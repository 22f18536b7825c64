"""Combining in memory comes to what `git merge` of the same branches one by one comes to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from bot.adapters.combine import Branch, Combination, Conflict, Landed
from bot.adapters.git import Repository
from bot.core.base import Sha
from tests.support.repos import Repo, make_repo

AT = datetime(2026, 1, 2, tzinfo=UTC)
Entry = tuple[str, str]  # mode and text
Tree = dict[str, Entry]

_FOLDERS = ("lib", "lib/deep", "doc", "app")


def random_tree(random: Random) -> Tree:
    """Fill some folders with files of several lines, so that similar ones count as renamed."""
    names = [f"{folder}/{name}" for folder in _FOLDERS for name in ("a", "b", "c", "odd name\n")]
    tree = {name: ("100644", text(name)) for name in [*names, "top", "README"]}
    tree["link"] = ("120000", "top")
    return {name: entry for name, entry in tree.items() if random.random() < 0.9}


def text(name: str) -> str:
    return "".join(f"{name} line {n}\n" for n in range(12))


def edited(content: str, random: Random) -> str:
    lines = content.splitlines(keepends=True) or ["\n"]
    at = random.randrange(len(lines))
    lines[at] = f"changed {random.randint(0, 3)}\n"
    return "".join(lines)


def change(tree: Tree, random: Random) -> None:
    """Do one thing that people do to a tree."""
    path = random.choice(sorted(tree))
    mode, content = tree[path]
    match random.choice(("edit", "edit", "edit", "add", "remove", *_ODD)):
        case "edit":
            tree[path] = (mode, edited(content, random) if mode != "120000" else "README")
        case "add":
            put(tree, f"{random.choice(_FOLDERS)}/new{random.randint(0, 5)}", ("100644", content))
        case "remove":
            del tree[path]
        case "rename":
            put(tree, f"moved/{random.randint(0, 3)}", tree.pop(path))
        case "rename folder":
            old, new = random.choice(_FOLDERS), f"other{random.randint(0, 1)}"
            for name in [name for name in tree if name.startswith(f"{old}/")]:
                put(tree, name.replace(old, new, 1), tree.pop(name))
        case "mode":
            tree[path] = ("100755" if mode == "100644" else mode, content)
        case "symlink":
            tree[path] = ("120000", "elsewhere")
        case "folder for file":
            del tree[path]
            put(tree, f"{path}/inside", (mode, content))


_ODD = ("rename", "rename folder", "mode", "symlink", "folder for file")


def put(tree: Tree, path: str, entry: Entry) -> None:
    """Put a file at a path, in place of files that would be its folders and of its own folder."""
    for other in list(tree):
        if path.startswith(f"{other}/") or other.startswith(f"{path}/"):
            del tree[other]
    tree[path] = entry


@dataclass
class History:
    """Commits made of trees, without a work tree."""

    repo: Repo
    trees: dict[Sha, Tree] = field(default_factory=dict)
    _made: int = 0

    def commit(self, tree: Tree, *parents: Sha) -> Sha:
        self._made += 1
        mark, out = self._made, [b"commit refs/made/%d\nmark :1\n" % self._made]
        out.append(b"committer A <a@example.invalid> %d +0000\n" % (1_700_000_000 + mark))
        out.append(data(f"commit {mark}"))
        out += [
            b"%s %s\n" % (word, p.encode())
            for word, p in zip((b"from", *[b"merge"] * 9), parents, strict=False)
        ]
        out.append(b"deleteall\n")
        for path, (mode, content) in tree.items():
            quoted = path.replace("\n", "\\n").encode()
            out.append(b'M %s inline "%s"\n%s' % (mode.encode(), quoted, data(content)))
        git(self.repo, "fast-import", "--quiet", "--force", stdin=b"".join(out))
        sha = Sha(self.repo.git("rev-parse", f"refs/made/{mark}"))
        self.trees[sha] = tree
        return sha

    def tree_of(self, commit: str) -> Tree:
        """Read a commit's files; a text is named by its blob."""
        listing = git(self.repo, "ls-tree", "-r", "-z", commit)[1].decode().split("\0")[:-1]
        return {
            path: (facts.split()[0], facts.split()[2])
            for facts, path in (line.split("\t", 1) for line in listing)
        }


def data(content: str) -> bytes:
    raw = content.encode()
    return b"data %d\n%s\n" % (len(raw), raw)


def git(repo: Repo, *args: str, stdin: bytes = b"", cwd: Path | None = None) -> tuple[int, bytes]:
    who = {f"GIT_{role}_{what}": "a" for role in ("AUTHOR", "COMMITTER") for what in _WHO}
    done = subprocess.run(
        ("git", *args), cwd=cwd or repo.path, input=stdin, capture_output=True, env=os.environ | who
    )
    return done.returncode, done.stdout


_WHO = ("NAME", "EMAIL")


class OneByOne:
    """What git comes to, in a work tree of its own."""

    def __init__(self, repo: Repo, base: Sha, folder: Path) -> None:
        self.repo, self.folder = repo, folder
        repo.git("worktree", "add", "--quiet", "--detach", str(folder), base)

    def merge(self, head: Sha) -> bool:
        """Merge a branch; where it conflicts, leave it out."""
        code, _ = git(
            self.repo, "merge", "--no-ff", "--quiet", "-m", "m", "--", head, cwd=self.folder
        )
        if code:  # merge --abort trips over files that took folders' places
            git(self.repo, "reset", "--quiet", "--hard", cwd=self.folder)
            git(self.repo, "clean", "--quiet", "--force", "-d", "-x", cwd=self.folder)
        assert code in {0, 1}
        return code == 0

    def head(self) -> str:
        return git(self.repo, "rev-parse", "HEAD", cwd=self.folder)[1].decode().strip()


@pytest.mark.parametrize("seed", range(6))
def test_random_branches_come_to_what_git_comes_to(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    history = History(make_repo(tmp_path / "repo", {}))
    start = random_tree(random)
    base = history.commit(start)
    combination = Combination(Repository.open(str(history.repo.path)), base, AT)
    theirs = OneByOne(history.repo, base, tmp_path / "theirs")
    before = history.repo.snapshot()
    for n in range(5):
        tree = dict(start)
        for _ in range(random.randint(1, 4)):
            change(tree, random)
        head = history.commit(tree, base)
        landed = combination.land(Branch(f"w{n}", base, head))
        assert isinstance(landed, Landed) == theirs.merge(head), f"w{n}: {landed}"
        assert history.tree_of(combination.head()) == history.tree_of(theirs.head()), f"w{n}"
        if isinstance(landed, Conflict):
            assert landed.others
            assert landed.files
    after = history.repo.snapshot()
    assert (after.head, after.files) == (before.head, before.files)


def heads(made: Iterable[tuple[str, Sha, Sha]]) -> list[Branch]:
    return [Branch(name, base, head) for name, base, head in made]


@pytest.mark.parametrize("seed", range(3))
def test_branches_on_what_they_need_come_to_what_git_comes_to(seed: int, tmp_path: Path) -> None:
    random = Random(f"chain {seed}")
    history = History(make_repo(tmp_path / "repo", {}))
    repository = Repository.open(str(history.repo.path))
    start = random_tree(random)
    base = history.commit(start)
    combination = Combination(repository, base, AT)
    theirs = OneByOne(history.repo, base, tmp_path / "theirs")
    landed: list[tuple[str, Sha, Sha]] = []
    for n in range(6):
        own_base, tree = base, dict(start)
        needs = random.sample(landed, min(len(landed), random.choice((0, 1, 2))))
        needs = [one for one in landed if one in needs and one[1] == base]
        if needs:
            merged = Combination(repository, base, AT)
            merged.land_all(heads(needs))
            own_base = merged.head()
            tree = contents(history, own_base)
        for path in random.sample(sorted(tree), 2):
            if tree[path][0] != "120000":
                tree[path] = (tree[path][0], edited(tree[path][1], random))
        if random.random() < 0.5:
            put(tree, f"app/made{n}", ("100644", text(f"made{n}")))
        head = history.commit(tree, own_base)
        found = combination.land(Branch(f"w{n}", own_base, head))
        assert isinstance(found, Landed) == theirs.merge(head), f"w{n}: {found}"
        assert history.tree_of(combination.head()) == history.tree_of(theirs.head()), f"w{n}"
        if isinstance(found, Landed):
            landed.append((f"w{n}", own_base, head))


def contents(history: History, commit: str) -> Tree:
    return {
        path: (mode, git(history.repo, "cat-file", "blob", blob)[1].decode())
        for path, (mode, blob) in history.tree_of(commit).items()
    }


def test_nothing_of_the_user_s_is_touched_and_the_same_branches_give_the_same_commit(
    tmp_path: Path,
) -> None:
    repo = make_repo(tmp_path / "repo", {"a": "1\n2\n3\n4\n5\n", "b": "1\n"})
    base = Sha(repo.git("rev-parse", "HEAD"))
    history = History(repo)
    top = history.commit({"a": ("100644", "0\n2\n3\n4\n5\n"), "b": ("100644", "1\n")}, base)
    end = history.commit({"a": ("100644", "1\n2\n3\n4\n6\n"), "b": ("100644", "1\n")}, base)
    repo.write("a", "mine, and not committed")
    repo.write("untracked", "mine")
    repo.git("add", "untracked")
    before = repo.snapshot()
    made = []
    for _ in range(2):
        combination = Combination(Repository.open(str(repo.path)), base, AT)
        results = combination.land_all([Branch("one", base, top), Branch("two", base, end)])
        assert results == (Landed(), Landed())
        made.append(combination.head())
    assert repo.snapshot() == before
    assert made[0] == made[1]
    assert repo.git("show", f"{made[0]}:a") == "0\n2\n3\n4\n6"
    log = repo.git("log", "--first-parent", "--format=%s|%an|%aI", f"{base}..{made[0]}")
    assert log.splitlines() == [
        f"Merge {name}|Orchestrate|2026-01-02T00:00:00+00:00" for name in ("two", "one")
    ]


def test_a_conflict_names_the_files_and_who_changed_them_and_changes_nothing(
    tmp_path: Path,
) -> None:
    history = History(make_repo(tmp_path / "repo", {}))
    tree = dict.fromkeys(("a", "b", "c"), ("100644", "1\n"))
    base = history.commit(tree)
    combination = Combination(Repository.open(str(history.repo.path)), base, AT)
    for name, path in (("one", "a"), ("two", "b"), ("three", "c")):
        head = history.commit(tree | {path: ("100644", f"{name}\n")}, base)
        assert combination.land(Branch(name, base, head)) == Landed()
    here = combination.head()
    head = history.commit(tree | {"a": ("100644", "x\n"), "b": ("100644", "x\n")}, base)
    found = combination.land(Branch("four", base, head))
    assert found == Conflict(others=("one", "two"), files=("a", "b"))
    assert combination.head() == here


def test_a_branch_without_changes_lands_without_a_commit(tmp_path: Path) -> None:
    history = History(make_repo(tmp_path / "repo", {}))
    base = history.commit({"a": ("100644", "1\n")})
    combination = Combination(Repository.open(str(history.repo.path)), base, AT)
    assert combination.land(Branch("review", base, base)) == Landed()
    assert combination.head() == base


def test_what_a_person_pushed_onto_the_combination_is_kept_and_conflicts_like_any_branch(
    tmp_path: Path,
) -> None:
    history = History(make_repo(tmp_path, {}))
    top = {"a": ("100644", text("a")), "b": ("100644", text("b"))}
    base = history.commit(top)
    pushed = history.commit({**top, "a": ("100644", "a person's\n")}, base)
    same = history.commit({**top, "a": ("100644", "an agent's\n")}, base)
    other = history.commit({**top, "b": ("100644", "an agent's\n")}, base)

    combination = Combination(Repository.open(str(history.repo.path)), base, AT)
    combination.adopt(pushed)
    assert combination.land(Branch("same", base, same)) == Conflict(("a push",), ("a",))
    assert combination.land(Branch("other", base, other)) == Landed()
    combined = history.tree_of(combination.head())
    assert combined["a"] == history.tree_of(pushed)["a"]
    assert combined["b"] == history.tree_of(other)["b"]
