"""What an attempt came to, judged by what was measured and not by what the agent says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.core.base import digest, few, printable
from bot.core.handoff import Claim, CompletionStatus, TodoItem, Unreadable, Verification
from bot.core.names import ALWAYS_PROTECTED
from bot.core.outcomes import OutcomeClass
from bot.core.patterns import owned, owns
from bot.core.plan import Workstream

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds between sending an agent back


@dataclass(frozen=True)
class Evidence:
    """Everything that is known of an attempt once its engine has stopped."""

    outcome: OutcomeClass
    message: str
    changed: tuple[str, ...] = ()
    refused: str = ""  # why the worktree's contents were not read
    claim: Claim | Unreadable | None = None
    claim_is_due: bool = True  # the shell engine hands back none
    questions: tuple[str, ...] = ()
    todo: tuple[TodoItem, ...] = ()
    verification: tuple[Verification, ...] = ()


@dataclass(frozen=True)
class Judged:
    """How an attempt ended, and what is wrong with it."""

    status: CompletionStatus
    error: str | None = None


_BY_OUTCOME = {
    OutcomeClass.QUOTA: CompletionStatus.QUOTA,
    OutcomeClass.RATE_LIMIT: CompletionStatus.QUOTA,
    OutcomeClass.TIMEOUT: CompletionStatus.PARTIAL,
    OutcomeClass.LIMIT: CompletionStatus.PARTIAL,
    OutcomeClass.REFUSED: CompletionStatus.REFUSED,
}


def judge(workstream: Workstream, evidence: Evidence, protected: tuple[str, ...]) -> Judged:
    """Judge an attempt; success is what is left when nothing speaks against it."""
    if evidence.refused:
        return Judged(CompletionStatus.REFUSED, evidence.refused)
    if wrong := trespass(workstream, evidence.changed, protected):
        return Judged(CompletionStatus.REFUSED, wrong)
    if evidence.questions:
        return Judged(CompletionStatus.BLOCKED, "it asks: " + " ".join(evidence.questions))
    if evidence.outcome is not OutcomeClass.DONE:
        status = _BY_OUTCOME.get(evidence.outcome, CompletionStatus.FAILED)
        return Judged(status, evidence.message or evidence.outcome.value)
    if wrong := _against(evidence):
        return Judged(CompletionStatus.FAILED, wrong)
    if not evidence.changed and not workstream.kind.changes_nothing:
        said = evidence.claim.verification_result if isinstance(evidence.claim, Claim) else ""
        return Judged(CompletionStatus.NO_CHANGE, f"it changed nothing{': ' * bool(said)}{said}")
    return Judged(CompletionStatus.SUCCESS)


def trespass(workstream: Workstream, changed: tuple[str, ...], protected: tuple[str, ...]) -> str:
    """Name the files that it must not have changed; empty: there are none."""
    guarded = _guarded(protected)
    named = tuple(p for p in workstream.files if workstream.approval and _lies_in(p, guarded))
    touched = sorted(p for p in changed if owns(guarded, _folded(p)) and not owns(named, p))
    if touched:
        return f"it changed protected files: {few([*map(printable, touched)], 5)}"
    foreign = sorted(set(changed) - set(owned(workstream.may_change, changed)))
    if foreign:
        return f"it changed files that it does not own: {few([*map(printable, foreign)], 5)}"
    return ""


def names_protected(patterns: Iterable[str], protected: tuple[str, ...]) -> tuple[str, ...]:
    """Return the patterns that name something protected by name; `protected` are the settings'."""
    guarded = _guarded(protected)
    return tuple(pattern for pattern in patterns if _lies_in(pattern, guarded))


def _guarded(protected: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_folded(pattern) for pattern in ALWAYS_PROTECTED + protected)


def _lies_in(pattern: str, guarded: tuple[str, ...]) -> bool:
    """Whether a pattern names something protected by name, as `**` does not."""
    name = _folded(pattern).removeprefix("./").replace("*", "x").rstrip("/") or "x"
    return owns(guarded, name) or owns(guarded, f"{name}/x")


def _folded(path: str) -> str:
    """Spell a path as file systems that ignore case see it, and as patterns see no line end."""
    return path.casefold().replace("\n", " ")


def _against(evidence: Evidence) -> str:
    if evidence.claim_is_due and evidence.claim is None:
        return "it handed back no completion"
    if isinstance(evidence.claim, Unreadable):
        return f"its completion cannot be read: {evidence.claim.why}"
    failing = [check for check in evidence.verification if check.passed is False]
    if failing:
        code = failing[0].exit_code
        how = f"exit {code}" if code is not None else "ended by its time limit"
        why = f"{how}: {failing[0].because}" if failing[0].because else how
        return f"{failing[0].criterion!r} does not hold ({why})"
    if isinstance(evidence.claim, Claim) and evidence.claim.status == "failed":
        return evidence.claim.verification_result or "it says that it failed"
    left = [item.text for item in evidence.todo if not item.done]
    return f"left undone: {'; '.join(left)}" if left else ""


@dataclass(frozen=True)
class Stop:
    """An agent that stopped: what is still open, and a mark of how far it got."""

    open_items: tuple[str, ...]
    progress: str

    @classmethod
    def of(cls, evidence: Evidence, tree: str) -> Stop:
        """Describe where an agent stopped."""
        undone = [item.text for item in evidence.todo if not item.done]
        failing = [c.criterion for c in evidence.verification if c.passed is False]
        items = tuple(dict.fromkeys(undone + failing))
        return cls(items, digest(tree, items))


@dataclass(frozen=True)
class SendBack:
    """It goes on, after a pause, with what is open."""

    pause_seconds: float


@dataclass(frozen=True)
class LetGo:
    """It stays where it stopped."""

    because: str


def after_stop(stops: tuple[Stop, ...], evidence: Evidence, cap: int) -> SendBack | LetGo:
    """Decide whether an agent that stopped is sent back: `stops` holds every stop, this one last.

    It is not when nothing is open, when it asks something, when its engine could not go on, when
    it was sent back `cap` times, or when it got no further since it last was.
    """
    if not stops[-1].open_items:
        return LetGo("nothing is open")
    if evidence.questions:
        return LetGo("it asks a person")
    if evidence.outcome not in {OutcomeClass.DONE, OutcomeClass.GAVE_UP} or evidence.refused:
        return LetGo(f"its engine ended with {evidence.outcome.value}")
    if len(stops) > cap:
        return LetGo(f"it was sent back {cap} times")
    if len(stops) > 1 and stops[-1].progress == stops[-2].progress:
        return LetGo("it got no further since it was sent back")
    return SendBack(min(_FIRST_PAUSE * 2 ** (len(stops) - 1), _LONGEST_PAUSE))
