"""Making events: the facts that follow from what was done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.core import events as happened
from bot.core.actions import AskHuman, FinishRun, RunGates, StartIteration, StartWorkstream
from bot.core.allowance import WHOLE, Share
from bot.core.base import RunId, Sha, digest
from bot.core.events import AFTER_NOT_RUN, Event
from bot.core.gates import GateResult
from bot.core.handoff import Acknowledgement, Completion, CompletionStatus
from bot.core.ledger import Billing, LedgerLine, spent
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Plan
from bot.core.shares import is_used_up
from bot.core.state import RunState
from bot.core.tracks import Attempt

LEASE_SLACK = timedelta(minutes=5)  # beyond an attempt's own time limit

_TIER_IS_OUT = {OutcomeClass.QUOTA, OutcomeClass.RATE_LIMIT, OutcomeClass.AUTHENTICATION}


@dataclass(frozen=True)
class Journal:
    """Writes a run's events at one moment."""

    run: RunId
    at: datetime

    def planned(
        self,
        plan: Plan,
        source: str,
        notes: tuple[str, ...],
        owned_tokens: Mapping[str, int],
    ) -> Iterable[Event]:
        """Record a plan, and that it is the one to run, for files as large as they are."""
        yield happened.PlanProposed(
            at=self.at, run=self.run, cause=plan.hash, plan=plan, source=source, notes=notes
        )
        yield happened.PlanAccepted(
            at=self.at, run=self.run, plan_hash=plan.hash, owned_tokens=dict(owned_tokens)
        )

    def started(
        self,
        start: StartWorkstream,
        state: RunState,
        base: Sha,
        slack: timedelta = LEASE_SLACK,
        place: str = "",
    ) -> Event:
        """Record a hand-out, before it happens; handed out again, it says after which lease."""
        workstream = state.workstreams[start.id]
        last = state.track(start.id).last
        again = last is not None and last.number == start.attempt
        return happened.WorkstreamStarted(
            at=self.at,
            run=self.run,
            cause=f"again after {last.lease_until.isoformat()}" if last and again else "",
            workstream=start.id,
            attempt=start.attempt,
            tier=start.tier.name,
            engine=start.tier.engine,
            provider=start.tier.provider,
            because=start.because,
            base_sha=base,
            start_from=start.start_from,
            reserved_usd=start.reserved_usd,
            share=start.share,
            lease_until=self.at + timedelta(minutes=workstream.timeout_minutes) + slack,
            handed_out_by=place,
        )

    def lost(self, attempt: Attempt, note: str, used_usd: Decimal | None) -> Event:
        """Record that nobody works on an attempt any more: its lease ends now."""
        return happened.WorkstreamProgressed(
            at=self.at,
            run=self.run,
            cause=f"after {attempt.lease_until.isoformat()}",
            workstream=attempt.started.workstream,
            attempt=attempt.number,
            lease_until=self.at,
            note=note,
            used_usd=used_usd,
        )

    def finished(
        self,
        completion: Completion,
        outcome: OutcomeClass,
        acknowledgement: Acknowledgement | None,
        back_at: datetime | None = None,
        share: Share = WHOLE,
    ) -> Iterable[Event]:
        """Record how an attempt ended, and what that says of its tier; a share is not all of it."""
        about = {"at": self.at, "run": self.run, "workstream": completion.workstream}
        if acknowledgement is not None:
            yield happened.WorkstreamAcknowledged(
                **about,
                attempt=completion.attempt,
                understood=acknowledgement.understood,
                questions=acknowledgement.questions,
            )
        yield happened.WorkstreamFinished(
            **about, attempt=completion.attempt, completion=completion, outcome=outcome
        )
        out = completion.status is CompletionStatus.QUOTA or outcome in _TIER_IS_OUT
        if out and not is_used_up(share, completion.usage):
            yield happened.TierExhausted(
                at=self.at,
                run=self.run,
                cause=f"{completion.workstream}.{completion.attempt}",
                tier=completion.tier,
                because=completion.error or outcome.value,
                back_at=back_at,
            )

    def late(self, completion: Completion, outcome: OutcomeClass) -> Event:
        """Record a result of an attempt that has another one: for what it cost, and no more."""
        return happened.WorkstreamFinished(
            at=self.at,
            run=self.run,
            cause=f"late {digest(completion.model_dump_json())}",
            workstream=completion.workstream,
            attempt=completion.attempt,
            completion=completion,
            outcome=outcome,
        )

    def paid(self, completion: Completion, lines: Iterable[LedgerLine]) -> Iterable[Event]:
        """Record what went out under an approval, as the ledger has it."""
        paid = [line for line in lines if line.billing is Billing.PAID]
        for provider in sorted({line.provider for line in paid}):
            yield happened.ApprovalUsed(
                at=self.at,
                run=self.run,
                cause=next(line.id for line in paid if line.provider == provider),
                workstream=completion.workstream,
                attempt=completion.attempt,
                provider=provider,
                usd=spent(line for line in paid if line.provider == provider),
            )

    def published(self, workstream: str, attempt: int, branch: str, head: Sha) -> Event:
        """Record that a workstream landed."""
        return happened.WorkstreamPublished(
            at=self.at,
            run=self.run,
            workstream=workstream,
            attempt=attempt,
            branch=branch,
            head_sha=head,
        )

    def conflict(
        self, workstream: str, attempt: int, others: tuple[str, ...], files: tuple[str, ...]
    ) -> Event:
        """Record that a workstream does not merge with what landed."""
        return happened.ConflictFound(
            at=self.at,
            run=self.run,
            workstream=workstream,
            attempt=attempt,
            others=others,
            files=files,
        )

    def asked(self, question: AskHuman) -> Event:
        """Record a question to a person."""
        return happened.ApprovalRequested(
            at=self.at,
            run=self.run,
            cause=question.cause,
            workstream=question.workstream,
            provider=question.provider,
            question=question.question,
            others_usd=question.others_usd,
        )

    def iteration(self, start: StartIteration) -> Event:
        """Record that the gates sent the work back."""
        return happened.IterationStarted(
            at=self.at,
            run=self.run,
            iteration=start.iteration,
            fix=start.fix,
            because=start.because,
        )

    def integrated(self, state: RunState, iteration: int, branch: str, head: Sha) -> Event:
        """Record what the combined branch holds."""
        return happened.IntegrationFinished(
            at=self.at,
            run=self.run,
            iteration=iteration,
            branch=branch,
            head_sha=head,
            included=state.landing,
        )

    def pushed(self, state: RunState, head: Sha) -> Event:
        """Record that a person's commits are on the combined branch."""
        return happened.IntegrationFinished(
            at=self.at,
            run=self.run,
            cause=f"pushed over {state.head_sha}",
            iteration=state.iteration,
            branch=state.integration.branch if state.integration else "",
            head_sha=head,
            included=state.integration.included if state.integration else (),
            pushed=True,
        )

    def gates_started(
        self, asked: RunGates, state: RunState, lasting: timedelta, place: str
    ) -> Event:
        """Record that the gates are handed out; handed out again, it says after which lease."""
        before = state.gates_started
        again = f"after {before.lease_until.isoformat()}" if before else ""
        return happened.GatesStarted(
            at=self.at,
            run=self.run,
            cause=f"{state.requests} {again}",
            iteration=asked.iteration,
            head_sha=asked.head_sha,
            lease_until=self.at + lasting,
            handed_out_by=place,
        )

    def gate(self, result: GateResult, state: RunState, iteration: int, head: Sha) -> Event:
        """Record what a gate says; asked again on a resume, it may say something else.

        What did not run may run when its job is run again; any other result stays.
        """
        before = state.results.get(result.name) if head == state.head_sha else None
        late = before is not None and before.status == "not_run" != result.status
        return happened.GateFinished(
            at=self.at,
            run=self.run,
            cause=f"{state.requests} {AFTER_NOT_RUN}" if late else str(state.requests),
            iteration=iteration,
            head_sha=head,
            result=result,
        )

    def ended(self, finish: FinishRun, state: RunState) -> Event:
        """Record the end; whatever took the run up again was seen, so that it can end again."""
        return happened.RunFinished.model_validate(
            {
                "at": self.at,
                "run": self.run,
                "cause": f"after {len(state.seen)} events",
                "status": finish.status,
                "because": finish.because,
            }
        )
