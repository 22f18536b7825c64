"""One attempt at a workstream: hand over, run the engine, verify, measure, judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from bot.core import names
from bot.core.denials import MAX_COMMAND, Denial
from bot.core.handoff import (
    Acknowledgement,
    Claim,
    Completion,
    TodoItem,
    Unreadable,
    Verification,
    commit_message,
    read_said,
    usage_of,
)
from bot.core.outcomes import OutcomeClass
from bot.core.reading import CAN_ONLY_READ
from bot.core.routing import SHELL
from bot.core.verdict import Evidence, LetGo, Stop, after_stop, judge
from bot.ports import (
    Command,
    EngineJob,
    EngineOutcome,
    ModelCall,
    Refused,
    Snapshot,
    Worktree,
)
from bot.usecases.at_door import AtDoor, way_to_model
from bot.usecases.attempt import Handout, Result, Tools
from bot.usecases.spending import ledger_lines

MAX_OUTPUT_CHARACTERS = 100_000  # that are kept of what one command prints: its end
LINES_A_SECOND = 200  # that are shown of what one engine prints


def run_workstream(handout: Handout, tools: Tools, say: Callable[[str], None]) -> Result:
    """Run one attempt to its end in a worktree of its own, which is gone afterwards."""
    started = tools.clock.now()
    worktree = tools.worktrees.create(handout.name, handout.base_sha, handout.start_from)
    handed_in = (names.ACKNOWLEDGEMENT_FILE, names.CLAIM_FILE, *(handout.only_writes or ()))
    for path in handed_in:  # a commit may hold them: that is nobody's word here
        tools.worktrees.clear(worktree, path)
    if handout.only_writes is not None:  # it may be anybody's commit
        for name in CAN_ONLY_READ.get(handout.tier.engine, ()):
            tools.worktrees.hide(worktree, name)
    delegation = handout.delegation.model_dump_json(indent=2).encode()
    tools.worktrees.give(worktree, names.DELEGATION_FILE, delegation)
    with way_to_model(handout, tools, started) as at_door:
        attempt = _Attempt(handout, tools, worktree, say, at_door)
        attempt.go_until_done()
    attempt.calls = at_door.counted(attempt.calls)  # what came late is in it, too
    completion = attempt.complete(started)
    spend = ledger_lines(completion, handout.tier, attempt.calls)
    written = {path: tools.worktrees.take(worktree, path) for path in handout.only_writes or ()}
    tools.worktrees.remove(worktree)
    return Result(
        completion=completion.model_copy(update={"usage": usage_of(spend)}),
        outcome=attempt.ended.outcome,
        spend=spend,
        back_at=attempt.ended.back_at,
        acknowledgement=attempt.acknowledgement,
        evidence=attempt.evidence_files,
        interrupted=attempt.interrupted,
        written={path: data for path, data in written.items() if data},
    )


class _Attempt:
    """The state of one attempt while it runs."""

    def __init__(
        self,
        handout: Handout,
        tools: Tools,
        worktree: Worktree,
        say: Callable[[str], None],
        at_door: AtDoor,
    ) -> None:
        self._at_door = at_door
        self._handout = handout
        self._tools = tools
        self._worktree = worktree
        self._say = say
        self._stops: tuple[Stop, ...] = ()
        self._is_shell = handout.tier.engine == SHELL.engine
        self.snapshot: Snapshot | Refused = Refused("it was never read")
        self.evidence = Evidence(OutcomeClass.CRASH, "it was never started")
        self.ended = EngineOutcome(OutcomeClass.CRASH, "")
        self.calls: tuple[ModelCall, ...] = ()
        self.denied: tuple[Denial, ...] = ()
        self.acknowledgement: Acknowledgement | None = None
        self.evidence_files: dict[str, bytes] = {}
        self.interrupted = False
        self._shown: Counter[int] = Counter()  # lines in each second

    def go_until_done(self) -> None:
        """Run the engine, and again while it is worth sending it back."""
        prompt = self._handout.prompt
        while True:
            self._go(prompt)
            if self._is_shell or self.interrupted:
                return
            tree = self.snapshot.tree if isinstance(self.snapshot, Snapshot) else ""
            self._stops = (*self._stops, Stop.of(self.evidence, tree))
            verdict = after_stop(self._stops, self.evidence, self._handout.max_nudges)
            if isinstance(verdict, LetGo) or self._seconds_left() < verdict.pause_seconds:
                return
            self._say(f"sent back: {len(self._stops[-1].open_items)} open")
            self._tools.pause(verdict.pause_seconds)
            prompt = self._continuation()

    def complete(self, started: datetime) -> Completion:
        """Measure what came of it and write the completion, but for what its calls took."""
        handout, claim = self._handout, self.evidence.claim
        judged = judge(handout.workstream, self.evidence, handout.protected)
        now = self._tools.clock.now()
        head = None
        found = self.snapshot if isinstance(self.snapshot, Snapshot) else Snapshot("", ())
        if found.changed:
            message = commit_message(handout.run, handout.workstream, handout.tier.name)
            head = self._tools.worktrees.commit(self._worktree, found, message, now)
        words = claim if isinstance(claim, Claim) else Claim(status="failed")
        clean = self._tools.redactor.text
        return Completion(
            run=handout.run,
            workstream=handout.workstream.id,
            attempt=handout.attempt,
            status=judged.status,
            outputs=tuple(clean(text) for text in words.outputs),
            verification_result=clean(words.verification_result),
            next_steps=clean(words.next_steps),
            verification=self.evidence.verification,
            engine=handout.tier.engine,
            tier=handout.tier.name,
            isolation=self._tools.isolation,
            model_requested=handout.tier.model or None,
            model_returned=next((c.model_returned for c in self.calls[::-1]), None),
            base_sha=handout.base_sha,
            head_sha=head,
            files_changed=len(found.changed),
            insertions=found.insertions,
            deletions=found.deletions,
            todo=self.evidence.todo,
            questions=tuple(clean(text) for text in self.evidence.questions),
            score=words.score,
            findings=tuple(
                f.model_copy(update={"message": clean(f.message), "evidence": clean(f.evidence)})
                for f in words.findings
            ),
            acknowledged=self.acknowledgement is not None,
            denied=tuple(
                Denial(rule=clean(one.rule)[:100], command=clean(one.command)[:MAX_COMMAND])
                for one in self.denied
            ),
            started_at=started,
            finished_at=now,
            error=clean(judged.error)[:2_000] if judged.error else None,
        )

    def _go(self, prompt: str) -> None:
        """Run the engine once and read everything that it left."""
        handout, tools = self._handout, self._tools
        job = EngineJob(
            workstream=handout.workstream,
            tier=handout.tier,
            worktree=self._worktree.path,
            folder=handout.folder,
            system=handout.system,
            opening=handout.prompt,
            prompt=prompt,
            environment=handout.environment,
            seconds=max(1.0, self._seconds_left()),
            max_usd=handout.max_usd,
            log=f"{handout.folder}/engine.log",
            max_log_bytes=handout.max_log_bytes,
            deny=handout.deny,
            only_writes=handout.only_writes,
            model_url=self._at_door.url,
            tool_servers=tuple(
                server.placed(self._worktree.path, handout.folder)
                for server in handout.tool_servers
            ),
        )
        command = self._at_door.in_reach_of(
            tools.engine.command(job), lambda text: self._say(tools.redactor.text(text))
        )
        finished = tools.processes.run(command, self._show)
        self.interrupted = finished.stopped_because == "interrupted"
        self.ended = self._at_door.ended(tools.engine.outcome(job, finished))
        self.calls = self._at_door.counted(tools.engine.calls(job))
        self.denied = tools.engine.denied(job)
        for text in self._at_door.other_models(self.calls):
            self._say(tools.redactor.text(text))
        self._keep("engine.log", finished.output)
        self.snapshot = self._read_worktree()
        self.evidence = self._gather()

    def _show(self, line: str) -> None:
        """Show a line; of a flood only some, for cleaning all of it takes longer than it runs."""
        second = int(self._tools.clock.now().timestamp())
        self._shown[second] += 1
        if self._shown[second] > LINES_A_SECOND:
            return
        text = self._tools.engine.progress(line)
        if text:
            self._say(self._tools.redactor.text(text))

    def _read_worktree(self) -> Snapshot | Refused:
        found = self._tools.worktrees.snapshot(self._worktree)
        if isinstance(found, Snapshot) and found.changed:
            secrets = self._tools.redactor.found(found.added_text)
            if secrets:
                return Refused(f"a secret in the change ({secrets[0].kind}); it is not kept")
        return found

    def _gather(self) -> Evidence:
        said = self._tools.worktrees.take(self._worktree, names.CLAIM_FILE)
        claim = read_said(Claim, said) if said else None
        ack = self._tools.worktrees.take(self._worktree, names.ACKNOWLEDGEMENT_FILE)
        acknowledgement = read_said(Acknowledgement, ack) if ack else None
        if isinstance(acknowledgement, Acknowledgement):
            self.acknowledgement = acknowledgement
        found = self.snapshot
        refused = found.because if isinstance(found, Refused) else ""
        stopped = self.ended.outcome in {OutcomeClass.DONE, OutcomeClass.GAVE_UP}
        return Evidence(
            outcome=self.ended.outcome,
            message=self.ended.message,
            changed=() if isinstance(found, Refused) else found.changed,
            refused=refused,
            claim=claim,
            claim_is_due=not self._is_shell,
            questions=_questions(claim, self.acknowledgement),
            todo=self._todo(claim),
            verification=self._verify() if stopped and not refused else (),
        )

    def _todo(self, claim: Claim | Unreadable | None) -> tuple[TodoItem, ...]:
        """Take the list that was handed over, with what the agent ticked; it cannot drop items."""
        if self._is_shell:
            return ()
        ticked = {i.id for i in claim.todo if i.done} if isinstance(claim, Claim) else set()
        return tuple(
            item.model_copy(update={"done": item.id in ticked})
            for item in self._handout.delegation.todo
        )

    def _verify(self) -> tuple[Verification, ...]:
        """Run the criteria ourselves; words are for whoever reviews."""
        criteria = self._handout.workstream.acceptance
        return tuple(
            self._run_check(nth, criterion.run)
            if criterion.run
            else Verification(criterion=criterion.text or "")
            for nth, criterion in enumerate(criteria, 1)
        )

    def _run_check(self, nth: int, command: str) -> Verification:
        finished = self._tools.processes.run(
            Command(
                argv=("sh", "-c", command),
                cwd=self._worktree.path,
                env=self._handout.environment,
                timeout_seconds=max(1.0, self._seconds_left()),
            )
        )
        self.interrupted = self.interrupted or finished.stopped_because == "interrupted"
        name = self._keep(f"{nth}.log", f"$ {command}\n{finished.output}")
        return Verification(
            criterion=command,
            exit_code=finished.exit_code,
            passed=finished.exit_code == 0,
            seconds=round(finished.seconds, 3),
            log=name,
            because=self._tools.redactor.text(finished.wall),
        )

    def _keep(self, name: str, text: str) -> str:
        """Put output into the record, its end if it is long; return where it will be."""
        path = f"evidence/{self._handout.name}/{name}"
        kept = self._tools.redactor.text(text[-MAX_OUTPUT_CHARACTERS:])
        self.evidence_files[path] = kept.encode("utf-8", "replace")
        return path

    def _continuation(self) -> str:
        from bot.render.prompt import FailingCheck, continuation_prompt  # with a template engine

        failing = [
            FailingCheck(c.criterion, self.evidence_files.get(c.log or "", b"").decode())
            for c in self.evidence.verification
            if c.passed is False
        ]
        undone = [item for item in self.evidence.todo if not item.done]
        return continuation_prompt(tuple(undone), tuple(failing))

    def _seconds_left(self) -> float:
        left = self._handout.delegation.deadline - self._tools.clock.now()
        return left.total_seconds()


def _questions(
    claim: Claim | Unreadable | None, acknowledgement: Acknowledgement | None
) -> tuple[str, ...]:
    asked = acknowledgement.questions if acknowledgement else ()
    if isinstance(claim, Claim):
        blocked = ("it is blocked and does not say by what",) if claim.status == "blocked" else ()
        asked = claim.questions or asked or blocked
    return asked
