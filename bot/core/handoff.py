"""What an agent is handed, what it claims, and what was measured of what it did."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from json_repair import repair_json
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.core.base import ZERO_USD, Moment, Pattern, RepoPath, RunId, Sha, Strict, Usd, WorkstreamId
from bot.core.gates import Finding
from bot.core.plan import Criterion, Kind

MAX_CLAIM_BYTES = 1_000_000

Words = Annotated[str, Field(max_length=20_000)]


class TodoItem(Strict):
    """One thing that an agent has to do before it may stop."""

    id: int
    text: Words
    done: bool = False


class Upstream(Strict):
    """What a workstream that this one needs has handed over."""

    workstream: WorkstreamId
    outputs: tuple[Words, ...] = ()
    next_steps: Words = ""


class Context(Strict):
    """What an agent must know to do its part."""

    goal: str
    constraints: tuple[str, ...] = ()
    files: tuple[Pattern, ...] = ()
    shared: str = ""
    upstream: tuple[Upstream, ...] = ()


class Delegation(Strict):
    """What an agent is handed, as `.orchestrate/delegation.json` and in its prompt."""

    version: Literal[1] = 1
    run: RunId
    workstream: WorkstreamId
    target_agent: str
    role: str
    task_type: Kind
    context: Context
    artifacts: tuple[RepoPath, ...] = ()
    acceptance_criteria: tuple[Criterion, ...] = ()
    todo: tuple[TodoItem, ...] = ()
    base_sha: Sha
    deadline: Moment
    budget_usd: Usd = ZERO_USD


class _Lenient(BaseModel):
    """Agents add words of their own; those are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Acknowledgement(_Lenient):
    """How an agent understood its delegation; questions stop the workstream."""

    workstream: str
    understood: Words
    constraints_accepted: tuple[Words, ...] = ()
    questions: tuple[Words, ...] = ()


class Claim(_Lenient):
    """What an agent says that it did. Kept as its words; nothing is decided by it alone."""

    status: Literal["success", "no_change", "blocked", "failed"]
    outputs: tuple[Words, ...] = ()
    verification_result: Words = ""
    next_steps: Words = ""
    todo: tuple[TodoItem, ...] = ()
    questions: tuple[Words, ...] = ()
    findings: tuple[Finding, ...] = ()
    score: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None


@dataclass(frozen=True)
class Unreadable:
    """A file of an agent's that says nothing we can use."""

    why: str


Said = TypeVar("Said", Acknowledgement, Claim)


def read_said(model: type[Said], data: bytes) -> Said | Unreadable:
    """Read an agent's JSON: fences and trailing commas are mended, missing facts are not."""
    if len(data) > MAX_CLAIM_BYTES:
        return Unreadable(f"{len(data):,} bytes, of at most {MAX_CLAIM_BYTES:,}")
    text = data.decode("utf-8", "replace").strip()
    fenced = re.search(r"```(?:json)?\s*\n(.*?)\n?```", text, flags=re.DOTALL)
    text = fenced.group(1) if fenced else text
    value = _loads(text)
    if not isinstance(value, dict):
        return Unreadable("no JSON object")
    try:
        return model.model_validate_json(_whole_characters(value))
    except RecursionError:
        return Unreadable("it is nested too deeply")
    except ValidationError as error:
        first = error.errors()[0]
        return Unreadable(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _whole_characters(value: Any) -> str:  # noqa: ANN401 - whatever the agent wrote
    """Write JSON again with halves of characters replaced: nothing that we write can hold them."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


def _loads(text: str) -> Any:  # noqa: ANN401 - whatever the agent wrote; a model checks it next
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not text.startswith("{") or not text.rstrip("`\n ").endswith("}"):
        return None  # cut short: mending it would invent what is missing
    try:
        return repair_json(text, return_objects=True, skip_json_loads=True)
    except (ValueError, RecursionError):
        return None


class CompletionStatus(StrEnum):
    """How a workstream's attempt ended."""

    SUCCESS = "success"
    PARTIAL = "partial"  # timed out or interrupted; the work is kept
    NO_CHANGE = "no_change"
    BLOCKED = "blocked"  # the agent asks
    FAILED = "failed"
    QUOTA = "quota"  # the tier is exhausted
    REFUSED = "refused"  # a rule stopped it


class Verification(Strict):
    """One acceptance criterion, as we ran it ourselves."""

    criterion: str
    exit_code: int | None = None  # None: it is words, or it was ended
    passed: bool | None = None  # None: nobody can tell by running something
    seconds: float = 0.0
    log: str | None = None


class Usage(Strict):
    """What an attempt took from its model; cost unknown is not cost zero."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Usd = ZERO_USD
    cost_known: bool = True


class Isolation(StrEnum):
    """What kept the agent apart from the bot and from the user's things."""

    NONE = "none"  # same user; a built environment and a private repository all the same
    USER = "user"
    SANDBOX = "sandbox"


class Completion(Strict):
    """What an attempt came to: the agent's words beside what the bot measured."""

    version: Literal[1] = 1
    run: RunId
    workstream: WorkstreamId
    attempt: Annotated[int, Field(ge=1)]
    status: CompletionStatus
    outputs: tuple[Words, ...] = ()
    verification_result: Words = ""
    next_steps: Words = ""
    verification: tuple[Verification, ...] = ()
    engine: str
    tier: str
    isolation: Isolation = Isolation.NONE
    model_requested: str | None = None
    model_returned: str | None = None
    usage: Usage = Usage()
    base_sha: Sha
    head_sha: Sha | None = None
    files_changed: int = 0
    insertions: int = 0
    deletions: int = 0
    todo: tuple[TodoItem, ...] = ()
    questions: tuple[Words, ...] = ()
    score: float | None = None
    findings: tuple[Finding, ...] = ()
    acknowledged: bool = False
    started_at: Moment
    finished_at: Moment
    error: Words | None = None
