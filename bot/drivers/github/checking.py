"""What a gates job does: check one commit of a prepared clone and write down what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.adapters.event_ref import EventRef
from bot.adapters.git import Repository
from bot.core import events as happened
from bot.core import names
from bot.core.actions import RunGates
from bot.core.config import Settings
from bot.core.folding import fold
from bot.core.gates import GateName
from bot.core.github.gate_report import FILE, MAX_WORDS, GateReport
from bot.core.github.handback import Envelope
from bot.core.github.subject import Subject
from bot.core.handoff import Completion
from bot.core.state import RunState
from bot.errors import UserError
from bot.ports import Clock
from bot.usecases.run_gates import GateKeeper


@dataclass(frozen=True)
class Opinion:
    """What a reviewing agent handed back, with its ledger."""

    completion: Completion
    envelope: Envelope


EXECUTING = (GateName.TESTS, GateName.COVERAGE)


@dataclass(frozen=True)
class Checking:
    """Checks a subject with what the default branch says; nothing of the head is settings."""

    repository: Repository
    settings: Settings
    clock: Clock
    keeper: GateKeeper
    environment: Callable[[str], Mapping[str, str]]  # of the folder with this name
    read: Callable[[Subject, RunState], Opinion | str]  # by an agent; a text says why not

    def check(self, subject: Subject, wanted: tuple[GateName, ...]) -> GateReport:
        """Return a report on some of the gates.

        Analyzers may execute what the head configures, so they run where the tests do; asked for
        the review alone, an agent reads the change.
        """
        state = state_of(self.repository, subject, self.clock.now())
        if wanted == (GateName.REVIEW,):
            return self._read(subject, state)
        if set(wanted) & set(EXECUTING):
            wanted = (*wanted, GateName.REVIEW)
        asked = RunGates(state.iteration, subject.head, wanted)
        folder = names.gates_folder(asked.iteration)
        checked = self.keeper.check(asked, state, self.environment(folder))
        evidence = {
            name: data.decode("utf-8", "replace") for name, data in checked.evidence.items()
        }
        return self._report(subject, results=checked.results, evidence=evidence)

    def _read(self, subject: Subject, state: RunState) -> GateReport:
        found = self.read(subject, state) if self.settings.review.enabled else "it is switched off"
        if isinstance(found, str):
            return self._report(subject, unread=found[:MAX_WORDS])
        return self._report(subject, opinion=found.completion, envelope=found.envelope)

    def _report(self, subject: Subject, **found: object) -> GateReport:
        facts = {"head_sha": subject.head, "run": subject.run, "pull": subject.pull, **found}
        return GateReport.model_validate(facts)


def state_of(repository: Repository, subject: Subject, now: datetime) -> RunState:
    """Return the run as it is recorded, or one that stands for a pull request."""
    if subject.run is not None:
        state = fold(EventRef(repository, subject.run).load())
        if state.request is None:
            raise UserError(f"Run {subject.run} has no record.")
        return state
    base = subject.base
    if base is None:
        raise UserError("A pull request without a base cannot be checked.")
    request = happened.RunRequested.model_validate(
        {
            "at": now,
            "run": subject.name,
            "task": subject.title,
            "base_sha": repository.text("merge-base", base, subject.head),
        }
    )
    return fold([request])


def write_report(folder: Path, report: GateReport) -> None:
    """Write a report into a new folder."""
    folder.mkdir(parents=True)
    (folder / FILE).write_text(report.model_dump_json(), "utf-8")
