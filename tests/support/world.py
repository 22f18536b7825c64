"""A repository, and `orchestrate` at work in it: what a user types, and what a user then sees.

    world = make_world(tmp_path, {"src/app.py": "…"})
    out = world.run(plan(work("a", "echo hi > a.txt", files="a.txt")))
    assert out.exit_code == 0 and world.files("combined") …

Commands are whole processes. They are forked from one that has imported the bot already, which
saves half a second each; `Running.kill` and signals reach them as they would any other process.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.support.repos import OURS, Repo, Snapshot, make_repo

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.support.world_process"])

GATES_OFF = """\
tests: {enabled: false}
coverage: {enabled: false}
review: {enabled: false}
docs: {enabled: false}
"""
SETTINGS = ".github/orchestrate.yml"


def work(name: str, *commands: str, **more: object) -> dict[str, object]:
    """A workstream of a plan: with commands it is for the shell engine; `files` default to one."""
    said: dict[str, object] = {"id": name, "goal": f"do {name}", "files": [f"{name}.txt"]}
    if commands:
        said["run"] = list(commands)
    return said | more


def plan(*workstreams: Mapping[str, object], **more: object) -> str:
    """The text of a plan file; JSON is YAML too."""
    return json.dumps({"version": 1, "task": "a task", "workstreams": workstreams} | more)


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it printed; `report` where that was a run's JSON."""

    exit_code: int  # negative: the signal that ended it
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report."""
        assert self.stdout.startswith("{"), f"no report, exit {self.exit_code}: {self.stderr}"
        return json.loads(self.stdout)

    @property
    def id(self) -> str:
        """The run's id."""
        return self.report["run"]

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each workstream."""
        return {one["id"]: one["status"] for one in self.report["workstreams"]}

    def workstream(self, name: str) -> dict[str, Any]:
        """What the report says of a workstream."""
        return next(one for one in self.report["workstreams"] if one["id"] == name)

    def gate(self, name: str) -> dict[str, Any]:
        """What the report says of a gate."""
        return next(one for one in self.report["gates"] if one["name"] == name)


@dataclass(frozen=True)
class Running:
    """A command that was started and may still run."""

    process: BaseProcess
    folder: Path

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def end(self, seconds: float = 60) -> Outcome:
        """Wait for its end."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            raise AssertionError(f"it still ran after {seconds} s: {self.printed()}")
        code = self.process.exitcode
        return Outcome(code, self.printed("stdout"), self.printed("stderr"))

    def printed(self, which: str = "stderr") -> str:
        """What it printed so far."""
        return (self.folder / which).read_bytes().decode("utf-8", "backslashreplace")


@dataclass
class World:
    """One repository and one home; every command runs in them."""

    repo: Repo
    folder: Path  # everything of this world that is not the repository
    env: dict[str, str] = field(default_factory=dict)
    started: int = 0

    def start(
        self, *arguments: str, stdin: str = "", wrap: Callable[[], None] | None = None
    ) -> Running:
        """Start a command; `wrap` is called in its process before anything else."""
        self.started += 1
        place = self.folder / "printed" / str(self.started)
        place.mkdir(parents=True)
        (place / "stdin").write_text(stdin)
        environment = {"XDG_STATE_HOME": str(self.folder / "state")} | self.env
        from tests.support.world_process import main

        process = _FORKS.Process(target=main, args=(arguments, place, environment, wrap))
        process.start()
        return Running(process, place)

    def command(self, *arguments: str, stdin: str = "") -> Outcome:
        """Run any command of `orchestrate` to its end."""
        return self.start(*arguments, "--repo", str(self.repo.path), stdin=stdin).end()

    def run(self, text: str | None, *arguments: str) -> Outcome:
        """Run a plan, given by its text, to its end."""
        return self.start_run(text, *arguments).end()

    def start_run(
        self, text: str | None, *arguments: str, wrap: Callable[[], None] | None = None
    ) -> Running:
        """Start to run a plan."""
        file = self.folder / f"plan-{self.started}.yaml"
        chosen: tuple[str, ...] = ()
        if text is not None:
            file.write_text(text)
            chosen = ("--plan", str(file))
        where = ("--repo", str(self.repo.path), "--json")
        return self.start("run", *chosen, *where, *arguments, wrap=wrap)

    def resume(self, run: str, *arguments: str) -> Outcome:
        """Go on with a run."""
        return self.run(None, "--resume", run, *arguments)

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """All refs below a prefix and what they point to."""
        lines = self.repo.git("for-each-ref", "--format=%(refname) %(objectname)", prefix)
        return dict(line.split(" ") for line in lines.splitlines())

    def files(self, branch: str) -> dict[str, str]:
        """Every file of a commit, with its text."""
        out = self.repo.git("ls-tree", "-r", "-z", branch)
        entries = [one.split("\t", 1) for one in out.split("\0") if " blob " in one]
        return {name: self.repo.git("cat-file", "blob", what.split()[-1]) for what, name in entries}

    def tree(self, commit: str) -> str:
        """The id of a commit's tree."""
        return self.repo.git("rev-parse", f"{commit}^{{tree}}")

    def runs(self) -> list[str]:
        """Ids of the recorded runs."""
        return [ref.rpartition("/")[2] for ref in self.refs("refs/orchestrate/runs/")]

    def events(self, run: str) -> list[dict[str, Any]]:
        """A run's recorded events."""
        text = self.repo.git("cat-file", "blob", f"refs/orchestrate/runs/{run}:events.jsonl")
        return [json.loads(line) for line in text.splitlines()]

    def ledger_lines(self) -> list[dict[str, Any]]:
        """Every line of the ledger, in the order of writing."""
        if "refs/heads/orchestrate/ledger" not in self.refs():
            return []
        found = self.files("orchestrate/ledger").items()
        months = (text for name, text in found if name.startswith("ledger/"))
        return [json.loads(line) for text in months for line in text.splitlines()]

    def worktrees(self) -> list[str]:
        """Names of attempts' folders that are still there."""
        return sorted(path.name for path in self.folder.glob("state/orchestrate/*/*/worktrees/*"))

    def untouched(self) -> Snapshot:
        """Everything of the user's, to be compared before and after."""
        return self.repo.snapshot(without=OURS)


def make_world(
    folder: Path,
    files: Mapping[str, str | bytes] | None = None,
    *,
    settings: str = GATES_OFF,
    repo: Repo | None = None,
) -> World:
    """Make a repository with these files and settings (gates off), and a home beside it."""
    outside = folder / "outside"
    outside.mkdir(parents=True)
    known = {"README.md": "# Example\n"} if files is None else files
    given = {SETTINGS: settings} if settings else {}
    return World(repo or make_repo(folder / "repo", {**given, **known}), outside)
