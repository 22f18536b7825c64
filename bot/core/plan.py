"""The plan: workstreams, what each needs, owns and must fulfil."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from bot.core.base import (
    WORKSTREAM_ID,
    ZERO_USD,
    Pattern,
    RepoPath,
    Strict,
    Usd,
    WorkstreamId,
    digest,
)
from bot.core.documents import Document, Problem, parse, read_yaml, spell
from bot.core.graph import topological
from bot.core.patterns import is_readable, may_meet
from bot.core.plan_structure import Placed, structure_problems

MAX_WORKSTREAMS = 256
MAX_TASK = 20_000  # characters

Line = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TASK)]
Name = Annotated[str, StringConstraints(pattern=WORKSTREAM_ID)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Kind(StrEnum):
    """The task type that routing goes by."""

    IMPLEMENTATION = "implementation"
    TESTS = "tests"
    REVIEW = "review"
    DOCS = "docs"
    RESEARCH = "research"
    PLANNING = "planning"
    ARCHITECTURE = "architecture"
    AUDIT = "audit"
    FIX = "fix"
    CHECK = "check"

    @property
    def changes_nothing(self) -> bool:
        """Whether a workstream of this kind hands back words and no diff."""
        return self in _CHANGES_NOTHING


_CHANGES_NOTHING = {Kind.REVIEW, Kind.RESEARCH, Kind.PLANNING, Kind.AUDIT, Kind.CHECK}

DEFAULT_ROLE = {
    Kind.IMPLEMENTATION: "builder",
    Kind.TESTS: "test-automator",
    Kind.REVIEW: "code-reviewer",
    Kind.DOCS: "technical-writer",
    Kind.RESEARCH: "scout",
    Kind.PLANNING: "planner",
    Kind.ARCHITECTURE: "architect",
    Kind.AUDIT: "auditor",
    Kind.FIX: "builder",
    Kind.CHECK: "scout",
}


class Complexity(StrEnum):
    """How much a task needs: one agent, two, several side by side, or a person's yes."""

    SIMPLE = "simple"
    STANDARD = "standard"
    COMPLEX = "complex"
    CRITICAL = "critical"


class NeedType(StrEnum):
    """What must have happened to a need before the one that needs it starts."""

    FINISH = "finish"  # it has landed
    STACK = "stack"  # it has landed, and the later one continues its branch
    CONTRACT = "contract"  # its interfaces have landed
    EXCLUDE = "exclude"  # nothing: only never both at the same time


class Need(Strict):
    """Another workstream, and how this one depends on it."""

    id: WorkstreamId
    type: NeedType = NeedType.FINISH


class Criterion(Strict):
    """What the result must fulfil: a command that we run, or words for whoever judges."""

    run: Line | None = None
    text: Line | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.run is None) == (self.text is None):
            raise ValueError("a criterion has either run or text; write one of them")
        return self

    def __str__(self) -> str:
        return self.run or self.text or ""


def _as_need(value: Any) -> Any:  # noqa: ANN401 - whatever stood in the file
    return {"id": value} if isinstance(value, str) else value


def _need_as_written(need: Need) -> Any:  # noqa: ANN401 - the short form where it says it all
    return need.id if need.type is NeedType.FINISH else {"id": need.id, "type": need.type.value}


def _as_list(value: Any) -> Any:  # noqa: ANN401 - whatever stood in the file
    return [value] if isinstance(value, str) else value


WrittenNeed = Annotated[
    Need,
    BeforeValidator(_as_need, json_schema_input_type=Name | Need),
    PlainSerializer(_need_as_written, when_used="json"),
]


def _readable(pattern: str) -> str:
    if not is_readable(pattern):
        raise ValueError(f"{pattern!r} is no pattern; write it like src/** or docs/*.md")
    return pattern


Owned = Annotated[Pattern, AfterValidator(_readable)]

# One or many: a single line or path may stand where a list is meant.
Lines = Annotated[
    tuple[Line, ...], BeforeValidator(_as_list, json_schema_input_type=Line | tuple[Line, ...])
]
Patterns = Annotated[
    tuple[Owned, ...],
    BeforeValidator(_as_list, json_schema_input_type=Owned | tuple[Owned, ...]),
]
Paths = Annotated[
    tuple[RepoPath, ...],
    BeforeValidator(_as_list, json_schema_input_type=RepoPath | tuple[RepoPath, ...]),
]


class Workstream(Strict):
    """The part of a plan that one agent does on one branch."""

    id: WorkstreamId
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    kind: Kind = Kind.IMPLEMENTATION
    role: Name = "builder"
    needs: tuple[WrittenNeed, ...] = ()
    files: Patterns = ()
    shares: Patterns = Field(
        default=(),
        description="Files it may change although another workstream may change them at the same "
        "time; whoever lands second and conflicts is left out.",
    )
    goal: Line
    constraints: Lines = ()
    artifacts: Paths = ()
    acceptance: tuple[Criterion, ...] = ()
    approval: bool = False
    mcp: tuple[Name, ...] = Field(
        default=(),
        description="MCP servers with an effect outside of its folder that it gets; it then "
        "waits for a person's yes.",
    )
    engine: Name | None = None
    run: Lines | None = None
    env: dict[VariableName, str] = Field(default_factory=dict)
    timeout_minutes: Annotated[float, Field(gt=0, le=360)] = 20
    budget_usd: Usd = ZERO_USD

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, value: Any) -> Any:  # noqa: ANN401 - whatever stood in the file
        """A role follows from the kind, a title from the goal, the engine from `run`."""
        if not isinstance(value, dict):
            return value
        filled = dict(value)
        kind = filled.get("kind", Kind.IMPLEMENTATION)
        if not filled.get("role") and kind in {k.value for k in Kind}:
            filled["role"] = DEFAULT_ROLE[Kind(kind)]
        if not filled.get("title") and isinstance(filled.get("goal"), str):
            filled["title"] = (filled["goal"].splitlines() or [""])[0][:100]
        if filled.get("run") is not None and filled.get("engine") is None:
            filled["engine"] = "shell"
        return filled

    @model_validator(mode="after")
    def _commands_fit_the_engine(self) -> Self:
        if self.run is not None and self.engine != "shell":
            raise ValueError("run is for the shell engine; remove run or write engine: shell")
        if self.engine == "shell" and not self.run:
            raise ValueError("the shell engine has nothing to do; add run with its commands")
        if self.env and self.engine != "shell":
            raise ValueError("env is for the shell engine; remove env")
        return self

    @model_validator(mode="after")
    def _reaching_out_is_approved(self) -> Self:
        if self.mcp and not self.approval:
            raise ValueError(
                f"mcp gives it {', '.join(self.mcp)}, which act outside of its folder, and nobody "
                "is asked; add approval: true, or remove mcp"
            )
        return self

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Ids that must have landed before this one starts."""
        return tuple(need.id for need in self.needs if need.type is not NeedType.EXCLUDE)

    @property
    def may_change(self) -> tuple[str, ...]:
        """Every pattern that it may change: those it owns and those it shares."""
        return self.files + self.shares


class GatesWanted(Strict):
    """Thresholds of the gates; where a plan is silent the settings decide."""

    coverage_min: Annotated[float, Field(ge=0, le=100)] | None = None
    review_min: Annotated[float, Field(ge=0, le=10)] | None = None
    max_iterations: Annotated[int, Field(ge=1, le=10)] | None = None


class Limits(Strict):
    """What a plan may use at most; where it is silent the settings decide."""

    max_parallel: Annotated[int, Field(ge=1, le=256)] | None = None
    budget_usd: Usd | None = None


class Plan(Strict):
    """The acyclic graph of workstreams made from a task. One that exists can be run."""

    version: Literal[1] = 1
    task: Line
    complexity: Complexity = Complexity.STANDARD
    workstreams: Annotated[tuple[Workstream, ...], Field(min_length=1, max_length=MAX_WORKSTREAMS)]
    gates: GatesWanted = GatesWanted()
    limits: Limits = Limits()
    text_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="after")
    def _can_be_run(self) -> Self:
        if problems := structure_problems(_placed(self.workstreams)):
            raise ValueError("; ".join(problem.message for _, problem in problems))
        return self

    def __getitem__(self, name: str) -> Workstream:
        return self.by_id[name]

    @property
    def by_id(self) -> dict[str, Workstream]:
        """The workstreams by their ids, in the order in which they were written."""
        return {workstream.id: workstream for workstream in self.workstreams}

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """Who must have landed before whom."""
        return {workstream.id: workstream.waits_for for workstream in self.workstreams}

    @property
    def order(self) -> tuple[str, ...]:
        """Ids in topological order, ties in the order of writing."""
        place = {workstream.id: at for at, workstream in enumerate(self.workstreams)}
        return topological(self.needs, key=place.__getitem__)

    @property
    def hash(self) -> str:
        """Name of exactly this plan; an approval is bound to it."""
        return digest(self.model_dump(mode="json"))


def collide(a: Workstream, b: Workstream) -> bool:
    """Whether two workstreams must never run at the same time.

    They must not when one's own files may be the other's, or when a need says so. Files that
    both of them share are the plan's own word that they may meet.
    """
    if any(n.type is NeedType.EXCLUDE and n.id == b.id for n in a.needs):
        return True
    if any(n.type is NeedType.EXCLUDE and n.id == a.id for n in b.needs):
        return True
    return bool(may_meet(a.files, b.may_change) or may_meet(b.files, a.shares))


def _placed(workstreams: tuple[Workstream, ...]) -> tuple[Placed, ...]:
    return tuple(
        Placed(
            at,
            workstream.id,
            tuple(
                (nth, need.id, need.type is not NeedType.EXCLUDE)
                for nth, need in enumerate(workstream.needs)
            ),
        )
        for at, workstream in enumerate(workstreams)
    )


def read_plan(data: bytes | str) -> Plan | tuple[Problem, ...]:
    """Read a plan that a person or a model wrote, or say everything that is wrong with it."""
    document = read_yaml(data)
    if not isinstance(document, Document):
        return document
    if not isinstance(document.value, dict):
        return (Problem("not a plan", "Begin with 'version: 1', 'task:' and 'workstreams:'."),)
    streams = document.value.get("workstreams")
    if isinstance(streams, list) and len(streams) > MAX_WORKSTREAMS:
        line = document.line_of(("workstreams",))
        what = f"{len(streams):,} workstreams, of at most {MAX_WORKSTREAMS}"
        return (Problem(what, "Split the task into several runs.", "workstreams", line),)
    plan = parse(Plan, document)
    if isinstance(plan, Plan):
        return plan
    structure = _structure_of(document)
    return (*(p for p in plan if p.path or not structure), *structure)


def _structure_of(document: Document) -> tuple[Problem, ...]:
    """Find structural problems also where other fields are wrong, so that all come in one go."""
    streams = document.value.get("workstreams")
    placed = tuple(
        Placed(at, stream["id"], _needs_as_written(stream.get("needs")))
        for at, stream in enumerate(streams if isinstance(streams, list) else ())
        if isinstance(stream, dict) and isinstance(stream.get("id"), str)
    )
    return tuple(
        Problem(problem.message, problem.fix, spell(loc), document.line_of(loc))
        for loc, problem in structure_problems(placed)
    )


def _needs_as_written(value: Any) -> tuple[tuple[int, str, bool], ...]:  # noqa: ANN401 - the file's
    """Read what can be read of `needs`; what cannot is a problem that the model names."""
    found = []
    for nth, need in enumerate(value if isinstance(value, list) else ()):
        if isinstance(need, str):
            found.append((nth, need, True))
        elif isinstance(need, dict) and isinstance(need.get("id"), str):
            found.append((nth, need["id"], need.get("type") != NeedType.EXCLUDE.value))
    return tuple(found)
