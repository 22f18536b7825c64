"""What a run costs beside the same work with bare git."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.figures import Figure, interleaved, seconds_of
from bench.repositories import git, make_repository, source_files

FILES, WORKSTREAMS, AT_ONCE, ROUNDS = 1_300, 64, 8, 3
_TRIES = 20
_GATES_OFF = "agents: {sandbox: off}\n" + "".join(  # bare git has none, and it is measured alone
    f"{gate}: {{enabled: false}}\n" for gate in ("tests", "coverage", "review", "docs")
)


def bench_overhead() -> Iterable[Figure]:
    """Run 64 workstreams that write one file each, and do the same with git alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = {**source_files(FILES - 1), ".github/orchestrate.yml": _GATES_OFF}
        make_repository(folder / "origin", base, {})
        plan = folder / "plan.yaml"
        plan.write_text(_plan())
        trees: set[str] = set()
        ways = {
            "bare": lambda nth: seconds_of(lambda: _bare(folder / f"bare{nth}", trees)),
            "run": lambda nth: _run(folder / f"run{nth}", plan, trees),
        }
        for way in ways:  # copies first: they are no part of either
            for nth in range(ROUNDS):
                shutil.copytree(folder / "origin", folder / f"{way}{nth}")
        took = interleaved(ROUNDS, ways)
    if len(trees) != 1:
        raise RuntimeError(f"The trees differ: {trees}")
    note = f"{took['run']:.2f} s for {took['bare']:.2f} s, {WORKSTREAMS} workstreams, same tree"
    yield Figure("overhead: run / bare git", took["run"] / took["bare"], bound=2, note=note)


def _plan() -> str:
    streams = [
        {"id": f"w{n}", "goal": f"Write {n}", "files": [_path(n)], "run": _command(n)}
        for n in range(WORKSTREAMS)
    ]
    limits = {"max_parallel": AT_ONCE}
    return json.dumps({"version": 1, "task": "Write", "limits": limits, "workstreams": streams})


def _path(n: int) -> str:
    return f"out/file_{n}.txt"


def _command(n: int) -> str:
    return f"mkdir -p out && echo {n} > {_path(n)}"


def _run(repository: Path, plan: Path, trees: set[str]) -> float:
    """Time the whole command, from its start to its report."""
    argv = [sys.executable, "-m", "bot", "run", "--json"]
    argv += ["--plan", str(plan), "--repo", str(repository)]
    done: list[subprocess.CompletedProcess[str]] = []
    took = seconds_of(
        lambda: done.append(subprocess.run(argv, check=False, capture_output=True, text=True))
    )
    if done[0].returncode:
        raise RuntimeError(f"the run failed: {done[0].stdout[-500:]}{done[0].stderr[-2_000:]}")
    head = json.loads(done[0].stdout)["head_sha"]
    trees.add(git(repository, "rev-parse", f"{head}^{{tree}}"))
    return took


def _bare(repository: Path, trees: set[str]) -> None:
    """Worktree, file, commit, worktree away, eight at once; then merge one by one."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda n: _bare_workstream(repository, n), range(WORKSTREAMS)))
    for n in range(WORKSTREAMS):
        git(repository, "merge", "-q", "--no-edit", f"w{n}")
    trees.add(git(repository, "rev-parse", "HEAD^{tree}"))


def _bare_workstream(repository: Path, n: int) -> None:
    worktree = repository.parent / "worktrees" / repository.name / f"w{n}"
    _again(repository, "worktree", "add", "-q", "-f", "-B", f"w{n}", str(worktree), "main")
    path = worktree / _path(n)
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{n}\n")
    git(worktree, "add", _path(n))
    git(worktree, "commit", "-q", "-m", f"Write {n}")
    _again(repository, "worktree", "remove", str(worktree))


def _again(repository: Path, *args: str) -> None:
    """Run git; again where it trips over a worktree that another one just adds or removes."""
    for _ in range(_TRIES):
        try:
            git(repository, *args)
        except RuntimeError as error:
            if ".git/worktrees/" not in str(error):
                raise
        else:
            return
    raise RuntimeError(f"git {' '.join(args)} failed {_TRIES} times")
