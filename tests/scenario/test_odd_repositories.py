"""Repositories and plans that are not as one would like: a result, or one clear message."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.repos import Repo, make_repo
from tests.support.world import GATES_OFF, SETTINGS, make_world, plan, work

FILES = {SETTINGS: GATES_OFF, "a.txt": "old\n", "kept.txt": "kept\n"}
PLAN = plan(work("a", "echo new > a.txt"), work("b", "cp a.txt b.txt", needs=["a"]))


def usual(folder: Path) -> Repo:
    return make_repo(folder / "repo", FILES)


def shallow(folder: Path) -> Repo:
    whole = usual(folder)
    whole.write("kept.txt", "kept again\n")
    whole.commit("More")
    whole.git("clone", "-q", "--depth=1", f"file://{whole.path}", str(folder / "clone"))
    return Repo(folder / "clone")


def dirty(folder: Path) -> Repo:
    repo = usual(folder)
    repo.write("a.txt", "mine\n")
    repo.write("kept.txt", "staged\n")
    repo.git("add", "kept.txt")
    repo.write("new.txt", "untracked\n")
    return repo


def stashed(folder: Path) -> Repo:
    repo = dirty(folder)
    repo.git("stash", "-u")
    return repo


def merging(folder: Path) -> Repo:
    repo = usual(folder)
    repo.git("checkout", "-qb", "other")
    repo.write("kept.txt", "theirs\n")
    repo.commit("Theirs")
    repo.git("checkout", "-q", "main")
    repo.write("kept.txt", "ours\n")
    repo.commit("Ours")
    repo.git("config", "user.name", "a")
    repo.git("config", "user.email", "a@b")
    subprocess.run(["git", "merge", "-q", "other"], cwd=repo.path, check=False, capture_output=True)
    assert (repo.path / ".git" / "MERGE_HEAD").exists()
    return repo


def detached(folder: Path) -> Repo:
    repo = usual(folder)
    repo.git("checkout", "-q", "--detach")
    return repo


def with_submodule(folder: Path) -> Repo:
    inner = make_repo(folder / "inner", {"x": "x\n"})
    repo = usual(folder)
    repo.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.path), "sub"
    )
    repo.commit("Add a submodule")
    return repo


def with_lfs(folder: Path) -> Repo:
    repo = usual(folder)
    repo.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    repo.write("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
    repo.commit("Add a pointer")
    for name in ("clean", "smudge", "process"):
        repo.git("config", f"filter.lfs.{name}", f"git-lfs-that-is-not-there {name}")
    repo.git("config", "filter.lfs.required", "true")
    return repo


def with_odd_names(folder: Path) -> Repo:
    names = ("a b.txt", "new\nline", '"q"', "back\\slash", "ü", "caf\udce9", " ", "*", "-x")
    return make_repo(folder / "a repo\nof 'odd' \"names\"", FILES | dict.fromkeys(names, "x\n"))


def linked_worktree(folder: Path) -> Repo:
    repo = usual(folder)
    repo.git("worktree", "add", "-q", str(folder / "linked"), "-b", "side")
    return Repo(folder / "linked")


def of_sha256(folder: Path) -> Repo:
    path = folder / "repo"
    path.mkdir()
    repo = Repo(path)
    repo.git("init", "-q", "--object-format=sha256", "-b", "main")
    for name, text in FILES.items():
        repo.write(name, text)
    repo.commit("Start")
    return repo


def with_config(*settings: str) -> Callable[[Path], Repo]:
    def make(folder: Path) -> Repo:
        repo = usual(folder)
        for name, value in zip(settings[::2], settings[1::2], strict=True):
            repo.git("config", name, value)
        return repo

    return make


def with_failing_hooks(folder: Path) -> Repo:
    repo = usual(folder)
    hooks = ("pre-commit", "reference-transaction", "post-checkout", "commit-msg", "post-merge")
    for name in hooks:
        for place in (".git/hooks", "hooks"):
            repo.write(f"{place}/{name}", "#!/bin/sh\nexit 1\n").chmod(0o755)
    repo.git("config", "core.hooksPath", "hooks")
    return repo


def with_crlf(folder: Path) -> Repo:
    repo = make_repo(folder / "repo", FILES | {"dos.txt": "one\r\ntwo\r\n", "kept.txt": "unix\n"})
    repo.git("config", "core.autocrlf", "true")
    return repo


REPOSITORIES = {
    "a shallow clone": shallow,
    "a dirty work tree": dirty,
    "a stash": stashed,
    "in the middle of a merge": merging,
    "a detached head": detached,
    "a submodule": with_submodule,
    "LFS pointers without git-lfs": with_lfs,
    "odd names, its own too": with_odd_names,
    "a linked worktree": linked_worktree,
    "sha256": of_sha256,
    "autocrlf": with_crlf,
    "hooks that fail": with_failing_hooks,
    "commits that must be signed": with_config("commit.gpgsign", "true", "gpg.program", "false"),
    "odd settings": with_config(
        *("core.quotePath", "true", "diff.noprefix", "true", "diff.renames", "copies"),
        *("core.ignoreCase", "true", "core.fileMode", "false", "diff.external", "false"),
        *("merge.renames", "false", "color.ui", "always", "core.abbrev", "4", "log.showRoot", "no"),
        *("diff.orderFile", "/nowhere", "core.pager", "false", "core.safecrlf", "true"),
        *("status.showUntrackedFiles", "no", "core.sparseCheckout", "true", "core.eol", "crlf"),
    ),
}


@pytest.mark.parametrize("make", REPOSITORIES.values(), ids=REPOSITORIES)
def test_a_run_works_and_touches_nothing_in_a_repository_with(
    tmp_path: Path, make: Callable[[Path], Repo]
):
    world = make_world(tmp_path, repo=make(tmp_path))
    before, files = world.untouched(), world.files("HEAD")

    done = world.run(PLAN)

    assert done.exit_code == 0, done
    assert world.files(done.report["branch"]) == files | {"a.txt": "new", "b.txt": "new"}
    assert world.untouched() == before
    assert world.worktrees() == []


def test_a_bare_repository_takes_its_settings_from_its_head(tmp_path: Path):
    whole = usual(tmp_path)
    whole.git("clone", "-q", "--bare", f"file://{whole.path}", str(tmp_path / "bare.git"))
    world = make_world(tmp_path, repo=Repo(tmp_path / "bare.git"))
    before = world.untouched()
    done = world.run(PLAN)
    assert done.exit_code == 0, done
    assert world.files(done.report["branch"])["b.txt"] == "new"
    assert world.untouched() == before


def test_an_empty_repository_is_told_to_commit_first(tmp_path: Path):
    world = make_world(tmp_path, repo=make_repo(tmp_path / "repo", {}))
    done = world.run(PLAN)
    assert done.exit_code == 2
    assert "The repository has no commit yet." in done.stderr
    assert "Commit something first: git commit" in done.stderr


def test_what_is_no_repository_is_told_so(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    world = make_world(tmp_path, repo=Repo(tmp_path / "empty"))
    assert "is not in a git repository" in world.run(PLAN).stderr
    gone = make_world(tmp_path / "2", repo=Repo(tmp_path / "gone"))
    done = gone.run(PLAN)
    assert (done.exit_code, "gone is not there" in done.stderr) == (2, True)


def test_a_sixth_run_does_not_mind_the_five_before(tmp_path: Path):
    world = make_world(tmp_path, FILES)
    before = world.untouched()
    done = [world.run(PLAN) for _ in range(6)]
    assert {one.exit_code for one in done} == {0}
    assert len({one.report["head_sha"] for one in done}) == len(set(world.runs())) == 6
    assert world.untouched() == before


def test_a_branch_in_the_way_is_named(tmp_path: Path):
    world = make_world(tmp_path, FILES)
    world.repo.git("branch", "orchestrate")
    done = world.run(PLAN)
    assert done.exit_code == 2
    assert "A branch named orchestrate is in the way" in done.stderr
    assert "git branch -m orchestrate another-name" in done.stderr


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_folders_that_cannot_be_written_are_named(tmp_path: Path):
    world = make_world(tmp_path, FILES)
    (world.folder / "state").mkdir(mode=0o500)
    done = world.run(PLAN)
    assert (done.exit_code, "cannot be written" in done.stderr) == (2, True)


def test_a_state_folder_that_is_a_file_is_named(tmp_path: Path):
    world = make_world(tmp_path, FILES)
    (world.folder / "state").write_text("")
    done = world.run(PLAN)
    assert done.exit_code == 2, done
    assert "Set XDG_STATE_HOME to a folder that can." in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path):
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("no small disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("what", ["repository", "state folder"])
def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path, what: str
):
    in_repo = what == "repository"
    repo = make_repo(small_disk / "r" if in_repo else tmp_path / "repo", FILES)
    world = make_world(tmp_path, repo=repo)
    if not in_repo:
        world.env["XDG_STATE_HOME"] = str(small_disk)
    before = world.untouched()
    filler = small_disk / "filler"
    done = world.run(plan(work("a", f"cat /dev/zero > {filler} || :; echo new > a.txt")))
    assert done.exit_code in (1, 75), done
    assert "Traceback" not in done.stderr
    if done.exit_code == 75:
        assert "The disk is full." in done.stderr
    filler.unlink()
    assert world.untouched() == before
    again = world.run(PLAN)
    assert again.exit_code == 0, again


PLANS: dict[str, tuple[bytes, list[str]]] = {
    "unknown keys and wrong types": (
        b"version: 1\ntask: t\nworkstream: []\nworkstreams:\n"
        b"- {id: a, gaol: x, goal: y, files: 3}\n",
        ["gaol", "Did you mean 'goal'?", "workstream", "files"],
    ),
    "a circle and a double id": (
        plan(
            work("a", "true", needs=["b"]),
            work("b", "true", needs=["a"]),
            work("c", "true"),
            work("c", "true"),
        ).encode(),
        ["in a circle", "'c' twice"],
    ),
    "paths that leave": (
        plan(work("a", "true", files=["../x", "/etc/passwd", "~/x"])).encode(),
        ["leaves the repository", "'/etc/passwd' is absolute", "'~/x' is absolute"],
    ),
    "ten thousand workstreams": (
        plan(*(work(f"w{n}", "true") for n in range(10_000))).encode(),
        ["10,000 workstreams, of at most 256"],
    ),
    "a YAML bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9))
            for n in range(12)
        ),
        ["has 1 problem"],
    ),
    "latin-1": ("version: 1\ntask: caf\xe9\n".encode("latin-1"), ["UTF-8"]),
    "a tag that runs code": (b"task: !!python/object/apply:os.system [id]\n", ["has 1 problem"]),
    "nothing": (b"", ["not a plan"]),
    "no YAML": (b"a: [\n", ["has 1 problem"]),
    "a null byte": (b"version: 1\ntask: a\x00b\n", ["has 1 problem"]),
    "a role that nobody wrote": (plan(work("a", "true", role="bilder")).encode(), ["'builder'"]),
}


@pytest.mark.parametrize(("data", "said"), PLANS.values(), ids=PLANS)
def test_a_plan_is_refused_with_all_that_is_wrong_in_it(
    tmp_path: Path, data: bytes, said: list[str]
):
    world = make_world(tmp_path, FILES)
    file = tmp_path / "plan.yaml"
    file.write_bytes(data)
    done = world.command("run", "--plan", str(file))
    assert done.exit_code == 2, done
    assert "Traceback" not in done.stderr
    for words in said:
        assert words in done.stderr
    assert world.refs("refs/orchestrate/") == {}


def test_settings_are_refused_with_all_that_is_wrong_in_them(tmp_path: Path):
    world = make_world(tmp_path, FILES | {SETTINGS: "max_paralel: 3\ntests: {enabled: perhaps}\n"})
    done = world.run(PLAN)
    assert done.exit_code == 2
    assert f"{SETTINGS} has 2 problems" in done.stderr
    assert "Did you mean 'max_parallel'?" in done.stderr
