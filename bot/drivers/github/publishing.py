"""What is done with what an agent's job handed back: nothing is believed, all is checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from bot.adapters.github.handback_files import HandedBack, Unusable, read_handback
from bot.adapters.github.quarantine import Awaited, Received, Rules, receive
from bot.adapters.worktree import ChangeLimits
from bot.core.events import Event, WorkstreamStarted
from bot.core.github.defuse import title
from bot.core.github.handback import Envelope, Expected, check_handback
from bot.core.handoff import Completion, CompletionStatus, commit_message
from bot.core.lost import nothing_back
from bot.core.outcomes import OutcomeClass
from bot.core.redact import Redactor
from bot.core.state import RunState
from bot.core.tracks import Attempt
from bot.drivers.github.heeding import heed_pull
from bot.drivers.github.run import GithubRun, tier_of
from bot.drivers.settling import Fact
from bot.errors import UserError
from bot.usecases.attempt import Result


def publish(
    run: GithubRun, workstream: str, attempt: int, artifact: Path, redactor: Redactor
) -> None:
    """Take an attempt's result in, land it or say why not, and hand out what it made ready.

    A second delivery changes nothing; of another result for the same attempt only what it cost is
    recorded. Raises UserError for an attempt that nobody handed out.
    """
    attempts = run.state.track(workstream).attempts
    if not 1 <= attempt <= len(attempts):
        raise UserError(f"Attempt {attempt} of {workstream} was never handed out.")
    result = _Reception(run, attempts[attempt - 1], redactor).result(artifact)
    heed_pull(run)
    run.settle(_first(run, result), _late(run, result))
    run.hand_out()
    run.show(f"{workstream}.{attempt}")


def _first(run: GithubRun, result: Result) -> Fact:
    """Bring a result that counts, if the attempt has none yet."""
    done = result.completion

    def events(state: RunState) -> Iterable[Event]:
        if _known(state, done) is None:
            started = state.track(done.workstream).attempts[done.attempt - 1].started
            ended = (done, result.outcome, result.acknowledgement, result.back_at)
            yield from run.journal.finished(*ended, started.share)

    return Fact(events, result)


def _late(run: GithubRun, result: Result) -> Fact:
    """Bring what it cost, if the attempt has another result: it was handed out, or run, twice."""
    done = result.completion

    def events(state: RunState) -> Iterable[Event]:
        known = _known(state, done)
        if known and known.started_at != done.started_at and result.spend:
            yield run.journal.late(done, result.outcome)
            yield from run.journal.paid(done, result.spend)

    return Fact(events, spend=result.spend, spent_by=done)


def _known(state: RunState, done: Completion) -> Completion | None:
    return state.track(done.workstream).attempts[done.attempt - 1].completion


class _Reception:
    """One attempt's artifact, held against the record."""

    def __init__(self, run: GithubRun, handed_out: Attempt, redactor: Redactor) -> None:
        self._run = run
        self._started = handed_out.started
        self._workstream = run.state.workstreams[handed_out.started.workstream]
        self._tier = tier_of(run.state, handed_out.started)
        agents = run.desk.settings.agents
        limits = ChangeLimits(agents.max_changed_files, int(agents.max_changed_mb * 1e6))
        self._rules = Rules(limits, agents.protected, redactor)

    def result(self, artifact: Path) -> Result:
        """Return what is to be recorded; what proves nothing becomes a failure with its reason."""
        found = read_handback(artifact, max_bundle_bytes=self._rules.max_bundle_bytes)
        if isinstance(found, HandedBack):
            found = self._without_secrets(found)
        if isinstance(found, Unusable):
            return self._nothing(f"its job handed nothing back: {found.because}")
        wrong = self._wrong(found)
        if wrong:
            return self._nothing(
                f"what it handed back is refused: {wrong}", CompletionStatus.REFUSED
            )
        return self._received(found)

    def _wrong(self, found: HandedBack) -> str:
        """Say what the record does not bear out of any hand-out of the attempt; empty: nothing."""
        wrongs = []
        for started in self._hand_outs():
            wrongs.append(check_handback(found.envelope, found.completion, self._expected(started)))
            if not wrongs[-1]:
                return ""
        return wrongs[0]

    def _hand_outs(self) -> list[WorkstreamStarted]:
        """Return every hand-out of the attempt, the latest first."""
        me = (self._started.workstream, self._started.attempt)
        events = reversed(self._run.record.load())
        started = (event for event in events if isinstance(event, WorkstreamStarted))
        return [event for event in started if (event.workstream, event.attempt) == me]

    def _without_secrets(self, found: HandedBack) -> HandedBack | Unusable:
        """Take secrets out of all words once more: what did it there ran beside the agent."""
        clean = self._rules.redactor.text
        try:
            return replace(
                found,
                completion=Completion.model_validate_json(
                    clean(found.completion.model_dump_json())
                ),
                envelope=Envelope.model_validate_json(clean(found.envelope.model_dump_json())),
            )
        except ValidationError:
            return Unusable("a secret stands where none of its words do")

    def _received(self, found: HandedBack) -> Result:
        said, envelope = found.completion, found.envelope
        result = Result(
            completion=said,
            outcome=envelope.outcome,
            spend=envelope.spend,
            acknowledgement=envelope.acknowledgement,
            back_at=envelope.back_at,
            evidence={name: text.encode() for name, text in envelope.evidence.items()},
        )
        if found.bundle is None or said.head_sha is None:
            return result
        # The plan may be an issue's: nothing in a commit's message may close another issue.
        named = self._workstream.model_copy(update={"title": title(self._workstream.title)})
        message = commit_message(self._run.run, named, said.tier)
        awaited = Awaited(self._workstream, said.base_sha, said.head_sha, message, said.finished_at)
        change = receive(found.bundle, awaited, self._rules, self._run.desk.origin)
        if isinstance(change, Received):
            measured = {
                "head_sha": change.head_sha,
                "files_changed": len(change.changed),
                "insertions": change.insertions,
                "deletions": change.deletions,
            }
            return replace(result, completion=said.model_copy(update=measured))
        refused = {
            "status": CompletionStatus.REFUSED,
            "error": change.because,
            **{"head_sha": None, "files_changed": 0, "insertions": 0, "deletions": 0},
        }
        return replace(
            result, completion=said.model_copy(update=refused), outcome=OutcomeClass.REFUSED
        )

    def _nothing(self, because: str, status: CompletionStatus = CompletionStatus.FAILED) -> Result:
        """Write the completion that the job should have: what a paid tier took is not known."""
        at = self._run.desk.clock.now()
        completion = nothing_back(self._started, self._tier, at, because, status)
        refused = status is CompletionStatus.REFUSED
        return Result(completion, OutcomeClass.REFUSED if refused else OutcomeClass.CRASH, ())

    def _expected(self, started: WorkstreamStarted) -> Expected:
        return Expected(
            run=self._run.run,
            workstream=self._workstream,
            attempt=started.attempt,
            base_sha=started.base_sha,
            tier=tier_of(self._run.state, started),
            handed_out_at=started.at,
            now=self._run.desk.clock.now(),
        )
