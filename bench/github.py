"""Runs on the fake GitHub of the tests: publishers that come all at once, and what runs ask."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from bench.figures import Figure, seconds_of
from bot.core.events import WorkstreamFinished, WorkstreamPublished
from bot.core.state import WorkstreamStatus
from tests.support.github import FakeGithub
from tests.support.workshop import WORKFLOWS, Time, Workshop

PUBLISHERS = 32
NEEDS: Mapping[int, int] = {1: 0, 3: 2, 12: 8}  # dependencies of a run with so many workstreams
_OFF = {gate: {"enabled": False} for gate in ("tests", "coverage", "review", "docs")}
_SETTINGS = {**_OFF, "max_parallel": PUBLISHERS}


def bench_publishers() -> Iterable[Figure]:
    """Let 32 jobs publish one run's workstreams at once, over HTTP; nothing lost, nothing twice."""
    with _shop() as shop:
        late: list[dict[str, str]] = []

        def wrap(job: str, step: Callable[[], None]) -> None:
            late.append(dict(os.environ)) if job == "publish" else step()

        shop.wrap = wrap
        _ask(shop, PUBLISHERS, 0)
        began = len(shop.github.requests)
        took = seconds_of(lambda: _publish_all(shop, late))
        pushes = [each for each in shop.github.requests[began:] if each.kind == "push"]
        _check(shop)
    note = f"{PUBLISHERS} processes, none lost, none twice; {took:.1f} s in all"
    yield Figure("publishers: seconds each", took / PUBLISHERS, "s", note=note)
    tries = len([push for push in pushes if push.method == "POST"]) / PUBLISHERS
    yield Figure("publishers: pushes each", tries, "pushes", note="one with all that it writes")


def bench_requests() -> Iterable[Figure]:
    """Run 1, 3 and 12 workstreams to the end, and count what was asked of the API."""
    for streams, needs in NEEDS.items():
        with _shop() as shop:
            _ask(shop, streams, needs)
            asked = sum(each.kind in {"rest", "graphql"} for each in shop.github.requests)
            if shop.errors() or shop.state().finished is None:
                raise RuntimeError(f"The run did not end: {shop.errors()}")
        name = f"requests: {streams} workstreams, {needs} needs"
        yield Figure(name, asked, "", bound=15 + 6 * streams + 2 * needs)


@contextmanager
def _shop() -> Iterator[Workshop]:
    files = {f".github/workflows/{path.name}": path.read_text() for path in WORKFLOWS.glob("*.yml")}
    files[".github/orchestrate.yml"] = json.dumps(_SETTINGS)
    with tempfile.TemporaryDirectory() as folder, FakeGithub() as github:
        github.add_user("alice")
        repository = github.create_repository("acme/widget", files=files)
        repository.collaborators["alice"] = "write"
        yield Workshop(github, repository, Path(folder) / "shop", Time())


def _ask(shop: Workshop, streams: int, needs: int) -> None:
    """Label an issue with a plan; so many of the last workstreams need one of the first."""
    plan = {
        "version": 1,
        "task": "Write files",
        "limits": {"max_parallel": PUBLISHERS},
        "workstreams": [
            {"id": f"w{n}", "goal": "Write", "files": [f"w{n}.txt"], "run": f"echo > w{n}.txt"}
            | ({"needs": [f"w{n % (streams - needs)}"]} if n >= streams - needs else {})
            for n in range(streams)
        ],
    }
    body = f"```yaml orchestrate\n{json.dumps(plan)}\n```\n"
    issue = shop.repository.open_issue("Write files", body, by="alice")
    with redirect_stdout(io.StringIO()):
        shop.deliver("issues", shop.repository.label(issue.number, "orchestrate", by="alice"))


def _publish_all(shop: Workshop, environments: Iterable[Mapping[str, str]]) -> None:
    command = [sys.executable, "-m", "bot", "job", "publish", "--run", "1", "--attempt", "1"]
    processes = []
    for n, environment in enumerate(environments):
        [artifact] = shop.folder.glob(f"*-1.w{n}.zip")
        argv = [*command, "--workstream", f"w{n}", "--handback", str(artifact)]
        processes.append(subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL))
    if any(process.wait() for process in processes):
        raise RuntimeError("A publisher failed.")


def _check(shop: Workshop) -> None:
    """Hold the record, the branches and what was handed out against what each published."""
    names = sorted(f"w{n}" for n in range(PUBLISHERS))
    for kind in (WorkstreamFinished, WorkstreamPublished):
        told = sorted(e.workstream for e in shop.events() if isinstance(e, kind))
        assert told == names, kind
    standings = shop.state().standings.values()
    assert {standing.status for standing in standings} == {WorkstreamStatus.LANDED}
    combined = shop.repository.git.git("ls-tree", "--name-only", "orchestrate/1/combined")
    assert sorted(line for line in combined.split() if line.endswith(".txt")) == [
        f"{name}.txt" for name in names
    ]
    assert [each.workflow for each in shop.repository.dispatches].count("gates.yml") == 1
