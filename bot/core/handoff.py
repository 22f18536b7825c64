"""What an agent is handed, what it claims, and what was measured of what it did."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.core.base import ZERO_USD, Moment, Pattern, RepoPath, RunId, Sha, Strict, Usd, WorkstreamId
from bot.core.denials import Denial
from bot.core.gates import Finding
from bot.core.ledger import LedgerLine
from bot.core.plan import Criterion, Kind, Workstream

MAX_CLAIM_BYTES = 1_000_000
MAX_MENDED_CHARACTERS = 50_000  # what is longer and broken would take seconds to mend

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
    value = _loads(_unfenced(text))
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


def _unfenced(text: str) -> str:
    """Return what the first fence holds; only at the end of a line does one end."""
    begin = re.search(r"```(?:json)?[ \t\r]*\n", text)
    if begin is None:
        return text
    inside = text[begin.end() :]
    end = re.search(r"(?:^|(?<=\}))[ \t]*```[ \t\r]*$", inside, flags=re.MULTILINE)
    return inside[: end.start()] if end else inside


def _loads(text: str) -> Any:  # noqa: ANN401 - whatever the agent wrote; a model checks it next
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    text = text.rstrip("`\n ")
    if len(text) > MAX_MENDED_CHARACTERS or not _is_whole(text):
        return None  # cut short: mending it would invent what is missing
    from json_repair import repair_json  # few need it, and it takes long to load

    try:
        return repair_json(text, return_objects=True, skip_json_loads=True)
    except (ValueError, RecursionError):
        return None


_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|["{}\[\]]', re.DOTALL)


def _is_whole(text: str) -> bool:
    """Whether a text is one object from its first brace to its last, as far as brackets tell."""
    open_brackets: list[str] = []
    for piece in _STRING_OR_BRACKET.finditer(text):
        mark = piece.group()
        if mark == '"':
            return False  # a string that does not end
        if mark in {"{", "["}:
            open_brackets.append(mark)
        elif mark in {"}", "]"}:
            if not open_brackets or open_brackets.pop() + mark not in {"{}", "[]"}:
                return False
            if not open_brackets:
                return text.startswith("{") and piece.end() == len(text)
    return False


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
    because: str = ""  # what is known beyond its exit code


class Usage(Strict):
    """What an attempt took from its model; cost unknown is not cost zero."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Usd = ZERO_USD
    cost_known: bool = True


def usage_of(lines: Sequence[LedgerLine]) -> Usage:
    """Add up what calls took, a line each; the cost is known only where each one's is."""
    return Usage(
        requests=len(lines),
        input_tokens=sum(line.input_tokens for line in lines),
        cached_tokens=sum(line.cached_tokens for line in lines),
        output_tokens=sum(line.output_tokens for line in lines),
        cost_usd=sum((line.cost_usd for line in lines), ZERO_USD),
        cost_known=all(line.cost_known for line in lines),
    )


class Isolation(StrEnum):
    """What kept the agent apart from the bot and from the user's things."""

    NONE = "none"  # same user; a built environment and a private repository all the same
    USER = "user"
    SANDBOX = "sandbox"


def commit_message(run: RunId, workstream: Workstream, tier: str) -> str:
    """Say on the one commit of an attempt what it is and who made it."""
    return f"{workstream.title}\n\nWorkstream {workstream.id} of run {run}, by {tier}.\n"


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
    denied: tuple[Denial, ...] = ()  # commands, as they were noted in the agent's reach
    started_at: Moment
    finished_at: Moment
    error: Words | None = None
