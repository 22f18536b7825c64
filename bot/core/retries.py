"""Whether a workstream that did not succeed gets another attempt."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.handoff import Completion, CompletionStatus
from bot.core.outcomes import OutcomeClass
from bot.core.routing import SHELL

MOST_ON_ONE_TIER = 10  # attempts that it ran out under
_NOBODY_CAN_MEND = {
    OutcomeClass.AUTHENTICATION: "the provider refused the key",
    OutcomeClass.BAD_REQUEST: "the provider did not understand the request",
    OutcomeClass.REFUSED: "a rule stopped it",
}


@dataclass(frozen=True)
class Ended:
    """How one attempt ended."""

    completion: Completion
    outcome: OutcomeClass


@dataclass(frozen=True)
class Verdict:
    """Another attempt or not, and why."""

    again: bool
    because: str


def another_attempt(ended: tuple[Ended, ...], *, max_attempts: int) -> Verdict:
    """Judge by the class of the error, the cap, and whether the last attempt got any further.

    An attempt that only found its tier exhausted does not count against the cap: the tiers
    themselves run out, and one that comes back is believed only so often.
    """
    last = ended[-1]
    if last.completion.engine == SHELL.engine:
        return Verdict(again=False, because="the same commands would do the same again")
    if why := _NOBODY_CAN_MEND.get(last.outcome):
        return Verdict(again=False, because=why)
    if last.completion.status is CompletionStatus.REFUSED:
        return Verdict(again=False, because="a rule stopped it")
    if last.completion.status is CompletionStatus.QUOTA:
        tier, times = last.completion.tier, _times_exhausted(ended)
        if times >= MOST_ON_ONE_TIER:
            return Verdict(again=False, because=f"{tier} ran out under it {times} times")
        return Verdict(again=True, because=f"{tier} is exhausted")
    counted = [e for e in ended if e.completion.status is not CompletionStatus.QUOTA]
    if len(counted) >= max_attempts:
        return Verdict(again=False, because=f"{len(counted)} attempts, of at most {max_attempts}")
    if len(counted) > 1 and _got_to(counted[-1]) == _got_to(counted[-2]):
        return Verdict(again=False, because="the last two attempts got no further")
    return Verdict(again=True, because=last.completion.error or last.outcome.value)


def _times_exhausted(ended: tuple[Ended, ...]) -> int:
    """Count how often the last attempt's tier, or a share of it, ran out under the workstream."""
    tier, quota = ended[-1].completion.tier, CompletionStatus.QUOTA
    return sum(e.completion.status is quota and e.completion.tier == tier for e in ended)


def _got_to(ended: Ended) -> tuple[object, ...]:
    """Describe where an attempt got to, so that two that got to the same place look the same."""
    completion = ended.completion
    done = tuple(check.passed for check in completion.verification)
    size = (completion.files_changed, completion.insertions, completion.deletions)
    return (completion.status, ended.outcome, size, done)
