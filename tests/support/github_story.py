"""One story on the fake GitHub that can be taken up before any of its jobs, to let a job go wrong.

Three workstreams, two of them side by side; the second fails until a person has put a file in
place and typed `/retry`. The story is told once without a fault, and before each job all that lasts
is put aside: what the fake knows, and its git. Jobs know nothing else, so a story that is taken up
there goes on as it did; and one that looks the same after a job ends the same.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from bot.core.events import RunStatus
from tests.support.github import Exchange, FakeGithub
from tests.support.github_standing import Standing, standing_of
from tests.support.workshop import WORKFLOWS, Payload, Ran, Time, Workshop

PLAN = """\
Please.

```yaml orchestrate
version: 1
task: Write three files
workstreams:
  - {{id: one, title: Write one, kind: implementation, files: [one.txt], goal: One,
     engine: shell, run: ["echo one > one.txt"]}}
  - {{id: two, title: Write two, kind: implementation, files: [two.txt], goal: Two,
     engine: shell, run: ["cat {word} > two.txt"]}}
  - {{id: three, title: Write three, kind: implementation, files: [three.txt], goal: Three,
     needs: [one, two], engine: shell, run: ["cat one.txt two.txt > three.txt"]}}
```
"""
FILES = {
    "README.md": "# Widget\n",
    **{f".github/workflows/{path.name}": path.read_text() for path in WORKFLOWS.glob("*.yml")},
    ".github/orchestrate.yml": "coverage: {enabled: false}\ndocs: {enabled: false}\n"
    "review: {enabled: false}\ntests: {command: 'echo \"3 passed in 0.01s\"'}\n",
}
JOBS = (
    *("label: intake", "label: announce"),
    *("one.1: agent", "one.1: publish", "two.1: agent", "two.1: publish"),
    *("first gates: tests", "first gates: review", "first gates: docs", "first gates: verdict"),
    *("retry: intake", "retry: announce", "two.2: agent", "two.2: publish"),
    *("three.1: agent", "three.1: publish"),
    *("last gates: tests", "last gates: review", "last gates: docs", "last gates: verdict"),
)
NAME, ALICE = "acme/widget", "alice"
LONGER_THAN_ANY_LEASE = timedelta(hours=3)
_NOT_KEPT = {"folder", "clock", "lock"}  # of the fake's world

_COUNTED = ("rest", "graphql", "push")


class Run(Protocol):
    """Runs a job; `attempt` 2 is what "Re-run" does, `twin` another run of the same workflow."""

    def __call__(self, *, attempt: int = 1, twin: bool = False) -> Ran: ...


Tamper = Callable[["Telling", Run], Ran]


@dataclass
class Moment:
    """All that lasts, just before a job, and how the job went."""

    step: int  # of the story
    taken: int  # dispatches that were run before that step
    payload: Payload  # of that step
    world: dict[str, Any]
    git: Path
    ran: Ran = field(default_factory=lambda: Ran("", {}))
    artifact: Path | None = None
    requests: tuple[Exchange, ...] = ()  # of the API, and pushes


class AsBefore(Exception):
    """All is as it was without the fault: so is what follows."""


class Telling(Workshop):
    """The story as it goes on from one of its moments."""

    def __init__(self, story: Story, since: int, tamper: Tamper | None = None) -> None:
        folder = Path(tempfile.mkdtemp(dir=story.folder))
        super().__init__(story.github, story.github.repository(NAME), folder, story.time)
        self.story, self.since, self.tamper = story, since, tamper
        self.step, self.at = 0, -1  # the step of the story, the job that goes on
        self.went_on = True  # to its end; False: the rest was known
        self.mend: Callable[[Telling], None] | None = None  # done once this step is over
        self.said: Payload | None = None  # the command, where it came early

    def tell(self, payload: Payload | None = None) -> None:
        """Go on to the end, or to where all is known to go on as before."""
        try:
            while self.step < len(_EVENTS):
                self.payload, self.taken_before = payload or self.act(), self._taken
                payload = None
                self.deliver(_EVENTS[self.step], self.payload)
                mend, self.mend = self.mend, None
                if mend:
                    mend(self)
                self.step += 1
        except AsBefore:
            self.went_on = False

    def resume(self, moment: Moment) -> None:
        """Take the story up at the step that a moment was in."""
        self.step, self._taken = moment.step, moment.taken
        self._runs += moment.step
        self.at = next(n for n, m in enumerate(self.story.moments) if m.step == moment.step) - 1
        if moment.step:
            self.story.put_word()
        self.tell(moment.payload)

    def act(self) -> Payload:
        """Do what a person does at this step."""
        if self.step == 0:
            plan = PLAN.format(word=self.story.word)
            issue = self.repository.open_issue("Write three files", plan, by=ALICE)
            return self.repository.label(issue.number, "orchestrate", by=ALICE)
        self.story.put_word()
        return self.said or self.type_retry()

    def type_retry(self) -> Payload:
        """Type the story's command."""
        return self.repository.comment(1, "/retry", by=ALICE)

    def deliver_again(self) -> None:
        """Let this step's webhook come a second time."""
        self.deliver(_EVENTS[self.step], self.payload)

    def run_all_again(self) -> None:
        """Press "Re-run all jobs" on every workflow run there was, the earliest first."""
        for step, name in enumerate(_EVENTS):
            moment = next(each for each in self.story.moments if each.step == step)
            self._orchestrate(name, moment.payload, 9_001 + step, 2)
            for entry in json.loads(moment.ran.outputs["work"]):
                inputs = {key: str(value) for key, value in entry.items()}
                self.workstream(inputs, moment.payload, 9_001 + step, name, 2)
        for dispatch in tuple(self.repository.dispatches):
            if dispatch.workflow == "gates.yml":
                self.gates("workflow_dispatch", dispatch.payload, dispatch.run_id, 2)
            else:
                about = (dispatch.payload, dispatch.run_id, "workflow_dispatch", 2)
                self.workstream(dict(dispatch.inputs), *about)
        self.drain()

    def job(self, *args: Any) -> Ran:
        """Run the next job; one before the moment is taken as it was."""
        self.at += 1
        if self.at < self.since:
            return self.story.moments[self.at].ran
        *what, run_id, _ = args

        def run(*, attempt: int = 1, twin: bool = False) -> Ran:
            return Workshop.job(self, *what, run_id + 100 * twin, attempt)

        if self.at == self.since and self.tamper:
            return self.tamper(self, run)
        return run()

    def zipped(self, folder: Path, name: str) -> Path:
        """Zip what a job left."""
        if self.at < self.since:
            kept = self.story.moments[self.at].artifact
            assert kept, f"{JOBS[self.at]} made no artifact"
            return kept
        return super().zipped(folder, name)

    def standing(self) -> Standing:
        """All that people and jobs can see."""
        return standing_of(self.repository)

    def stop_if_known(self) -> None:
        """End the telling where all is as it was after this job, or was in an earlier telling."""
        known, now = self.story.known[self.at], self.standing()
        if now in known:
            raise AsBefore
        known.append(now)

    def later(self) -> None:
        """Let the schedule look at all runs once nobody's lease lasts any more."""
        self.time.ahead += LONGER_THAN_ANY_LEASE
        self.sweep()


_EVENTS = ("issues", "issue_comment")


class _FirstTelling(Telling):
    """Puts all aside as it goes."""

    def job(self, *args: Any) -> Ran:
        github, moments = self.github, self.story.moments
        git = self.story.folder / f"moment-{len(moments):02}.git"
        _copy(self.repository.git.path, git)
        kept = {name: each for name, each in vars(github.world).items() if name not in _NOT_KEPT}
        moments.append(Moment(self.step, self.taken_before, self.payload, deepcopy(kept), git))
        before = len(github.requests)
        moments[-1].ran = super().job(*args)
        made = github.requests[before:]
        moments[-1].requests = tuple(each for each in made if each.kind in _COUNTED)
        self.story.known.append([self.standing()])
        return moments[-1].ran

    def zipped(self, folder: Path, name: str) -> Path:
        made = super().zipped(folder, name)
        self.story.moments[self.at].artifact = made
        return made


class Story:
    """The story, told once without a fault."""

    def __init__(self, github: FakeGithub, folder: Path, time: Time) -> None:
        self.github, self.folder, self.time = github, folder, time
        self.word = folder / "word.txt"
        self.moments: list[Moment] = []
        self.known: list[list[Standing]] = []  # after each job, those that were gone on from
        github.add_user(ALICE)
        github.create_repository(NAME, files=FILES).collaborators[ALICE] = "write"
        first = _FirstTelling(self, 0)
        first.tell()
        assert first.errors() == []
        self.end = first.standing()
        assert first.state().status is RunStatus.PASSED

    def put_word(self) -> None:
        """Put in place what the second workstream needs."""
        self.word.write_text("two\n")

    def take_up(self, number: int, tamper: Tamper) -> Telling:
        """Go on from just before a job, which is run by `tamper`."""
        moment = self.moments[number]
        world = self.github.world
        vars(world).update(deepcopy(moment.world))
        _copy(moment.git, self.github.repository(NAME).git.path)
        self.github.limits._pools.clear()
        self.time.ahead = timedelta()
        self.word.unlink(missing_ok=True)
        telling = Telling(self, number, tamper)
        telling.resume(moment)
        shutil.rmtree(telling.folder)
        return telling


def _copy(source: Path, target: Path) -> None:
    """Copy a bare repository: git never writes into a file that is there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=os.link)
