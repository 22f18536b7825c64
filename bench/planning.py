"""How long planning takes in a large repository, beside git's own reading of its history."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.figures import Figure

FILES, COMMITS = 5_000, 5_000
TASK = "Rename `compute_total` to `sum_up` in the billing reports and everything that uses it"


def bench_planning() -> Iterable[Figure]:
    """Plan a task on 5,000 files and 5,000 commits: seconds, memory, ratio to git log."""
    with tempfile.TemporaryDirectory() as folder:
        make_repository(folder)
        log = ["git", "-C", folder, "log", "--name-only", "-n", str(COMMITS)]
        base, _ = _seconds(log)
        planning, output = _seconds([sys.executable, "-c", _PLAN, folder, TASK])
    megabytes = int(output.split()[-1]) / (1024**2 if sys.platform == "darwin" else 1024)
    what = f"{FILES:,} files and {COMMITS:,} commits"
    yield Figure("planning: seconds", planning, "s", bound=5, note=what)
    yield Figure("planning: memory", megabytes, "MB", bound=300, note=what)
    yield Figure("planning: a plan / git log", planning / base, note=f"git log {base:.2f} s")


_PLAN = """
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
import sys
from bot.wiring.planning import plan_for
from bot.wiring.store import open_repository
plan_for(open_repository(sys.argv[1]), sys.argv[2], "HEAD")
print(max(getrusage(who).ru_maxrss for who in (RUSAGE_SELF, RUSAGE_CHILDREN)))
"""


def make_repository(folder: str) -> None:
    """Make a repository whose history has groups of files that change together."""
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run(
        ["git", "-C", folder, "fast-import", "--quiet"],
        input=b"".join(_history(random.Random(1))),
        check=True,
    )
    subprocess.run(["git", "-C", folder, "symbolic-ref", "HEAD", "refs/heads/main"], check=True)


def _history(chance: random.Random) -> Iterator[bytes]:
    paths = [f"src/pkg{n // 50}/module_{n}.py" for n in range(FILES)]
    for commit in range(COMMITS):
        group = chance.randrange(FILES // 50)
        touched = paths if commit == 0 else chance.sample(paths[group * 50 : group * 50 + 50], 4)
        when = 1_700_000_000 + commit * 3600
        yield b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 1\nx\n" % when
        for path in touched:
            number = int(path.rpartition("_")[2][:-3])
            text = f"from pkg{number // 50}.module_{number // 50 * 50} import thing\n# {commit}\n"
            text += "compute_total()\n" if number % 100 == 3 else "pass\n" * 40
            yield f"M 100644 inline {path}\ndata {len(text)}\n{text}\n".encode()
    yield b"done\n"


def _seconds(argv: list[str]) -> tuple[float, str]:
    start = time.perf_counter()
    here = str(Path(__file__).resolve().parents[1])
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=here)
    return time.perf_counter() - start, done.stdout[-200:]
