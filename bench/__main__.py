"""`python -m bench [NAME …] [--json]`: measure, and print each figure beside its bound."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from bench.caps import bench_caps
from bench.combining import bench_combining
from bench.contention import bench_contention
from bench.figures import Figure
from bench.gateway import bench_gateway
from bench.github import bench_publishers, bench_requests
from bench.overhead import bench_overhead
from bench.overspending import bench_overspending
from bench.planning import bench_planning
from bench.sandbox import bench_sandbox
from bench.scheduling import bench_scheduling
from bench.startup import bench_startup
from bench.usage import bench_usage

BENCHMARKS: dict[str, Callable[[], Iterable[Figure]]] = {
    "scheduling": bench_scheduling,
    "combining": bench_combining,
    "overhead": bench_overhead,
    "startup": bench_startup,
    "planning": bench_planning,
    "contention": bench_contention,
    "publishers": bench_publishers,
    "requests": bench_requests,
    "gateway": bench_gateway,
    "usage": bench_usage,
    "overspending": bench_overspending,
    "sandbox": bench_sandbox,
    "caps": bench_caps,
}

_ROOM = 2 * 1024**3  # of bytes; what all benchmarks together need


def main() -> int:
    """Run the benchmarks asked for; a figure that misses its bound is no failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=_fast_folder()) as folder:
        _keep_apart(Path(folder))
        for name in asked.names or BENCHMARKS:
            for figure in BENCHMARKS[name]():
                found.append(figure)
                if not asked.json:
                    print(_row(figure), flush=True)
    if asked.json:
        print(json.dumps([asdict(f) | {"verdict": f.verdict} for f in found], indent=2))
    return 0


def _fast_folder() -> str | None:
    """Prefer a file system in memory: the disk would be most of what is measured."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if roomy and "TMPDIR" not in os.environ else None


def _keep_apart(folder: Path) -> None:
    """Let nothing of the user's be read or written: a home, a git identity and a place of its own.

    bench itself is found from anywhere: the processes that it starts need not be here.
    """
    top = str(Path(__file__).resolve().parents[1])
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_", "ORCHESTRATE_"))]:
        del os.environ[name]
    config = folder / "gitconfig"
    config.write_text("[user]\n\tname = Bench\n\temail = bench@example.org\n")
    os.environ.update(
        HOME=str(folder),
        TMPDIR=str(folder),
        XDG_STATE_HOME=str(folder / "state"),
        GIT_CONFIG_GLOBAL=str(config),
        GIT_CONFIG_NOSYSTEM="1",
        PYTHONPATH=top,
    )
    tempfile.tempdir = str(folder)


def _row(figure: Figure) -> str:
    bound = "" if figure.bound is None else f"<= {figure.bound:g} {figure.unit}"
    value = f"{figure.value:.4g} {figure.unit}"
    return f"{figure.name:<48} {value:>12}  {bound:<10} {figure.verdict:<8} {figure.note}"


if __name__ == "__main__":
    sys.exit(main())
