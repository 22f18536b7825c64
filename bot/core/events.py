"""What happened in a run: small facts, appended once and never changed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from bot.core.allowance import WHOLE, Share
from bot.core.base import ZERO_USD, Moment, RunId, Sha, Strict, Usd, digest
from bot.core.gates import GateName, GateResult
from bot.core.handoff import Completion
from bot.core.outcomes import OutcomeClass
from bot.core.plan import Plan, Workstream
from bot.core.routing import Ladder

BOT = "orchestrate"
AFTER_NOT_RUN = "after it did not run"  # in the cause of a gate's result that came late


class RunStatus(StrEnum):
    """Where a run stands."""

    PLANNING = "planning"
    RUNNING = "running"
    WAITING = "waiting"
    INTEGRATING = "integrating"
    GATING = "gating"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Policy(Strict):
    """What a run goes by: the settings and the ladder as they were when it was asked for."""

    max_parallel: Annotated[int, Field(ge=1, le=256)] = 8
    jobs: Annotated[int, Field(ge=1, le=256)] | None = None  # what --jobs asked for
    max_attempts: Annotated[int, Field(ge=1)] = 3
    max_iterations: Annotated[int, Field(ge=1)] = 3
    gates: tuple[GateName, ...] = tuple(GateName)  # those that are switched on
    budget_usd: Usd | None = None  # of the run; None: what is approved is the bound
    workstream_usd: Usd | None = None  # an attempt takes at most so much of an approval
    delivery_percent: Annotated[int, Field(ge=0, le=50)] = 0  # of an approval, for fixes alone
    month_caps: dict[str, Usd] = Field(default_factory=dict)  # of each paid provider
    engine: str | None = None  # what --engine asked for, where a workstream pins none
    apart: bool = False  # attempts run on machines of their own
    tier_wait_minutes: Annotated[float, Field(ge=0)] = 10  # for one that is back so soon
    paid_answer_minutes: Annotated[float, Field(ge=0)] | None = 60  # 0: nobody is asked
    ladder: Ladder = Ladder()
    reaching: dict[str, str] = Field(default_factory=dict)  # what MCP servers may do outside


class _Event(Strict):
    """`id` names the fact itself, so that a second delivery is the same event."""

    id: str = ""
    at: Moment
    by: str = BOT
    run: RunId
    cause: str = ""

    @model_validator(mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:  # noqa: ANN401 - a dict from a file or keywords
        if not isinstance(value, dict):
            return value
        keys = ("run", "workstream", "attempt", "iteration")
        what = [str(value.get(key) or "") for key in keys]
        name = digest(cls.model_fields["type"].default, *what, cls._what(value))
        if value.get("id", name) != name:
            raise ValueError(f"event {value['id']!r} was changed after it was written")
        return {**value, "id": name}

    @classmethod
    def _what(cls, value: dict[str, Any]) -> str:
        """Tell apart events of one type, workstream and iteration: by their cause."""
        return str(value.get("cause") or "")


RESUMED = "resume "  # how the cause of a request begins that goes on with a run


class RunRequested(_Event):
    """Somebody asked for a run; asked again (a resume), its policy takes the earlier's place."""

    type: Literal["run.requested"] = "run.requested"
    task: str
    base_sha: Sha
    base_ref: str = ""
    policy: Policy = Policy()

    @property
    def is_again(self) -> bool:
        """Whether it is a resume."""
        return self.cause.startswith(RESUMED)


class PlanProposed(_Event):
    """A plan was made from the task, or read from a file."""

    type: Literal["plan.proposed"] = "plan.proposed"
    plan: Plan
    source: str
    notes: tuple[str, ...] = ()


class PlanAccepted(_Event):
    """The plan is the one to run. `expected_seconds` orders what could start at once."""

    type: Literal["plan.accepted"] = "plan.accepted"
    plan_hash: str
    expected_seconds: dict[str, float] = Field(default_factory=dict)
    owned_tokens: dict[str, int] = Field(default_factory=dict)  # of files, by workstream


class WorkstreamStarted(_Event):
    """An attempt is about to be handed out; without a sign of life until `lease_until` again."""

    type: Literal["workstream.started"] = "workstream.started"
    workstream: str
    attempt: Annotated[int, Field(ge=1)]
    tier: str
    engine: str
    because: str
    base_sha: Sha
    start_from: Sha | None = None  # an earlier attempt's work, to go on from
    reserved_usd: Usd = ZERO_USD  # of an approval, while the attempt runs
    share: Share = WHOLE  # of what the tier's account allows, for as long
    provider: str = ""
    lease_until: Moment
    handed_out_by: str = ""  # the platform's own name of who did: a memory, no part of the id


class WorkstreamAcknowledged(_Event):
    """The agent said how it understood its delegation."""

    type: Literal["workstream.acknowledged"] = "workstream.acknowledged"
    workstream: str
    attempt: int
    understood: str
    questions: tuple[str, ...] = ()


class WorkstreamProgressed(_Event):
    """A sign of life, or of its end: the lease now runs until `lease_until`."""

    type: Literal["workstream.progressed"] = "workstream.progressed"
    workstream: str
    attempt: int
    lease_until: Moment
    note: str = ""
    used_usd: Usd | None = None  # of what was reserved, where it ended and that is known


class WorkstreamFinished(_Event):
    """An attempt ended; the first result of an attempt is the one that counts.

    A later one has a cause, and is there for what it cost.
    """

    type: Literal["workstream.finished"] = "workstream.finished"
    workstream: str
    attempt: int
    completion: Completion
    outcome: OutcomeClass


class WorkstreamPublished(_Event):
    """Its branch landed: it merged with everything that landed before."""

    type: Literal["workstream.published"] = "workstream.published"
    workstream: str
    attempt: int
    branch: str
    head_sha: Sha


class WorkstreamRetried(_Event):
    """Somebody, or a rule, gives a workstream another attempt, numbered `attempt`."""

    type: Literal["workstream.retried"] = "workstream.retried"
    workstream: str
    attempt: int
    because: str
    answer: str = ""  # to the agent's questions


class ConflictFound(_Event):
    """A finished workstream does not merge with what landed before, and is left out."""

    type: Literal["conflict.found"] = "conflict.found"
    workstream: str
    attempt: int
    others: tuple[str, ...]
    files: tuple[str, ...]


class IntegrationFinished(_Event):
    """The combined branch holds these workstreams."""

    type: Literal["integration.finished"] = "integration.finished"
    iteration: int
    branch: str
    head_sha: Sha
    included: tuple[str, ...]
    pushed: bool = False  # a person put commits on the branch: they are kept from then on

    @classmethod
    def _what(cls, value: dict[str, Any]) -> str:
        """Tell apart by what it holds too: work that changes nothing leaves the head as it is."""
        held = [str(value.get("head_sha")), *value.get("included", ())]
        return " ".join([*held, *filter(None, [value.get("cause")])])


class GatesStarted(_Event):
    """The gates were handed out; without results until `lease_until` they are again."""

    type: Literal["gates.started"] = "gates.started"
    iteration: int
    head_sha: Sha
    lease_until: Moment
    handed_out_by: str = ""

    @classmethod
    def _what(cls, value: dict[str, Any]) -> str:
        return f"{value.get('head_sha')} {value.get('cause') or ''}"


class GateFinished(_Event):
    """A gate said something of a commit."""

    type: Literal["gate.finished"] = "gate.finished"
    iteration: int
    head_sha: Sha
    result: GateResult

    @classmethod
    def _what(cls, value: dict[str, Any]) -> str:
        result = value.get("result")
        name = result.get("name") if isinstance(result, dict) else getattr(result, "name", "")
        return f"{value.get('head_sha')} {name!s} {value.get('cause') or ''}"


class IterationStarted(_Event):
    """The gates found something that `workstream` is to mend."""

    type: Literal["iteration.started"] = "iteration.started"
    iteration: int
    fix: Workstream
    because: str


class ApprovalRequested(_Event):
    """A person must decide; `cause` names what: workstream:x, question:x, paid: or choice:p."""

    type: Literal["approval.requested"] = "approval.requested"
    workstream: str | None = None
    provider: str | None = None
    question: str
    others_usd: Usd = ZERO_USD  # what other runs had of the provider's month just then


class ApprovalGranted(_Event):
    """A person said yes: to a workstream, or to spending with a provider."""

    type: Literal["approval.granted"] = "approval.granted"
    workstream: str | None = None
    provider: str | None = None
    usd: Usd = ZERO_USD
    because: str = ""
    plan_hash: str = ""
    until: Moment | None = None  # money goes out under it before then; None: while the run lasts

    @classmethod
    def _what(cls, value: dict[str, Any]) -> str:
        return f"{value.get('cause') or ''} {value.get('provider') or ''}"


class ApprovalUsed(_Event):
    """Money went out under an approval."""

    type: Literal["approval.used"] = "approval.used"
    workstream: str
    attempt: int
    provider: str
    usd: Usd = ZERO_USD


class OverrideGranted(_Event):
    """A person lets a gate's failure pass."""

    type: Literal["override.granted"] = "override.granted"
    gate: GateName
    because: str

    @classmethod
    def _what(cls, value: dict[str, Any]) -> str:
        return f"{value.get('cause') or ''} {value.get('gate')!s}"


class TierExhausted(_Event):
    """A tier has no quota left: until a time, or until the run is asked for again.

    `cause` names the attempt that found out: a tier may run out again after a resume.
    """

    type: Literal["tier.exhausted"] = "tier.exhausted"
    tier: str
    because: str
    back_at: Moment | None = None  # when it serves again, if it said so

    @classmethod
    def _what(cls, value: dict[str, Any]) -> str:
        return f"{value.get('cause') or ''} {value.get('tier')}"


class RunCancelled(_Event):
    """A person stopped the run."""

    type: Literal["run.cancelled"] = "run.cancelled"
    because: str = ""


class RunFinished(_Event):
    """The run is over."""

    type: Literal["run.finished"] = "run.finished"
    status: Literal[RunStatus.PASSED, RunStatus.FAILED, RunStatus.CANCELLED]
    because: str


Event = (
    RunRequested
    | PlanProposed
    | PlanAccepted
    | WorkstreamStarted
    | WorkstreamAcknowledged
    | WorkstreamProgressed
    | WorkstreamFinished
    | WorkstreamPublished
    | WorkstreamRetried
    | ConflictFound
    | IntegrationFinished
    | GatesStarted
    | GateFinished
    | IterationStarted
    | ApprovalRequested
    | ApprovalGranted
    | ApprovalUsed
    | OverrideGranted
    | TierExhausted
    | RunCancelled
    | RunFinished
)

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def write_events(events: tuple[Event, ...]) -> bytes:
    """Write events as JSON lines."""
    return b"".join(event.model_dump_json().encode() + b"\n" for event in events)


def read_events(data: bytes) -> tuple[Event, ...]:
    """Read what `write_events` wrote. Raises ValueError, naming the line, on anything else."""
    events: list[Event] = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            events += [EVENT.validate_json(line)] if line.strip() else []
        except ValidationError as error:
            said = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(f"line {number}: {said}") from error
    return tuple(events)
