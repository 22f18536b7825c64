"""The branches of a run: what landed of them, combined, and what the next one starts from."""

from __future__ import annotations

from datetime import datetime

from bot.adapters.combine import Branch, Combination, Conflict, Landed
from bot.adapters.event_ref import EventRef
from bot.adapters.git import Repository
from bot.core.actions import PublishWorkstream
from bot.core.base import Sha
from bot.core.bases import landed_for, mends_the_combination
from bot.core.owned_sizes import owned_tokens
from bot.core.plan import Plan
from bot.core.state import RunState
from bot.ports import Clock


class Branches:
    """Combines what lands, and remembers the combination until it is told to forget it."""

    def __init__(self, record: EventRef, repository: Repository, clock: Clock) -> None:
        self._record = record
        self._repository = repository
        self._clock = clock
        self._combination: Combination | None = None

    def forget(self) -> None:
        """Combine anew the next time: what was landed here did not get into the record."""
        self._combination = None

    def land(self, action: PublishWorkstream, base: Sha, state: RunState) -> Landed | Conflict:
        """Try a finished branch on top of all that landed."""
        return self._combined(state).land(Branch(action.id, base, action.head_sha))

    def head(self, state: RunState) -> Sha:
        """Return the commit that holds everything that landed."""
        return self._combined(state).head()

    def base_for(self, name: str, state: RunState) -> Sha:
        """Return the commit that a workstream's next attempt starts from, merged where it must."""
        if mends_the_combination(state, name):
            return self.head(state)
        branches = [_branch(other, state) for other in landed_for(state, name)]
        branches = [branch for branch in branches if branch.head != branch.base]
        base = run_base(state)
        if not branches:
            return base
        if len(branches) == 1 and branches[0].base == base:
            return branches[0].head
        combination = self._new_combination(state)
        combination.land_all(branches)
        return combination.head()

    def _combined(self, state: RunState) -> Combination:
        """Return the combination of all that landed, made anew after a restart."""
        if self._combination is None:
            self._combination = self._new_combination(state)
            held: tuple[str, ...] = ()
            if state.pushed:
                self._combination.adopt(state.pushed.head_sha)
                held = state.pushed.included
            landed = [name for name in state.landing if name not in held]
            self._combination.land_all([_branch(name, state) for name in landed])
        return self._combination

    def _new_combination(self, state: RunState) -> Combination:
        return Combination(self._repository, run_base(state), self._asked_at)

    @property
    def _asked_at(self) -> datetime:
        """The date of every merge commit: that of the first request, so that they stay equal."""
        return next((e.at for e in self._record.load()), self._clock.now())


def run_base(state: RunState) -> Sha:
    """Return the commit that the whole run starts from."""
    assert state.request is not None, "a plan runs only after a request"
    return state.request.base_sha


def _branch(name: str, state: RunState) -> Branch:
    track = state.track(name)
    assert track.landed is not None, "only what landed is combined"
    attempt = track.attempts[track.landed.attempt - 1]
    return Branch(name, attempt.started.base_sha, track.landed.head_sha)


def sizes_for(repository: Repository, state: RunState, plan: Plan) -> dict[str, int]:
    """Measure what each workstream owns, where a rule of the run's ladder asks for it."""
    rules = state.policy.ladder.rules
    if state.request is None or all(rule.larger_than_tokens is None for rule in rules):
        return {}
    return owned_tokens(plan, repository.sizes(state.request.base_sha))
