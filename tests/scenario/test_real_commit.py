"""The change from one release of a public project to the next, done by eight workstreams."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.repos import make_repo
from tests.support.world import GATES_OFF, SETTINGS, make_world, plan, work

PROJECT, OLD, NEW = "click", "8.1.7", "8.2.0"
BUILDERS = 8
AS_STARTED = dict(os.environ)  # how pip finds its index here; tests get an environment apart


def release(folder: Path, version: str) -> dict[str, bytes]:
    """Fetch a release as pip's user has set pip up, and return its files."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    exact = ("--no-deps", "--only-binary", ":all:", "--dest", str(folder), f"{PROJECT}=={version}")
    done = subprocess.run((*pip, *exact), env=AS_STARTED, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{PROJECT} {version} cannot be fetched here")
    [wheel] = folder.glob(f"{PROJECT}-{version}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}


def doing(path: str, folder: Path) -> str:
    """The command that makes a file what it is in the later release."""
    target, source = shlex.quote(path), shlex.quote(str(folder / path))
    if not (folder / path).exists():
        return f"rm {target}"
    return f"mkdir -p {shlex.quote(str(Path(path).parent))} && cp {source} {target}"


def test_eight_workstreams_make_of_one_release_the_tree_of_the_next(tmp_path: Path):
    old, new = release(tmp_path, OLD), release(tmp_path, NEW)
    settings = {SETTINGS: GATES_OFF.encode()}
    upstream = make_repo(tmp_path / "upstream", settings | new)
    world = make_world(tmp_path, repo=make_repo(tmp_path / "repo", settings | old))
    changed = sorted(path for path in old | new if old.get(path) != new.get(path))
    assert len(changed) >= 12, changed
    assert old.keys() - new.keys(), "a file that is gone"
    assert new.keys() - old.keys(), "a file that is new"

    before = world.untouched()
    parts = [changed[nth::BUILDERS] for nth in range(BUILDERS)]
    streams = [
        work(f"part-{nth}", *(doing(path, upstream.path) for path in paths), files=paths)
        for nth, paths in enumerate(parts)
    ]
    done = world.run(plan(*streams))

    assert done.exit_code == 0, done
    assert set(done.statuses.values()) == {"landed"}
    head = done.report["head_sha"]
    assert world.tree(head) == upstream.git("rev-parse", "HEAD^{tree}")
    assert world.untouched() == before
