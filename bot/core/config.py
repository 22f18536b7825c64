"""The repository's settings, `.github/orchestrate.yml`, and their defaults."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bot.core.base import RepoPath, Strict, Usd
from bot.core.documents import Document, Problem, parse, read_yaml
from bot.core.plan import Line, Name, Owned, VariableName
from bot.core.routing import Tier

HostName = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*$")]
Minutes = Annotated[float, Field(gt=0, le=360)]


def _off(value: object) -> object:
    """Take a bare `off` for what was written: YAML takes it for false."""
    return "off" if value is False else value


Sandbox = Annotated[Literal["auto", "required", "off"], BeforeValidator(_off)]


class TestsSettings(Strict):
    """The tests gate. Without a command it is detected."""

    enabled: bool = True
    command: Line | None = None
    timeout_minutes: Minutes = 20


class CoverageSettings(Strict):
    """The coverage gate, in per cent of lines."""

    enabled: bool = True
    minimum: Annotated[float, Field(ge=0, le=100)] = 85
    patch_minimum: Annotated[float, Field(ge=0, le=100)] | None = None
    report: RepoPath | None = None  # where the test command leaves its report


class AnalyzerSettings(Strict):
    """A program that writes SARIF: to standard output, or to the path in `sarif`."""

    name: Name
    run: Line
    sarif: RepoPath | None = None


class ReviewSettings(Strict):
    """The review gate, in points of ten."""

    enabled: bool = True
    minimum: Annotated[float, Field(ge=0, le=10)] = 7
    analyzers: tuple[AnalyzerSettings, ...] = ()


class DocsSettings(Strict):
    """The docs gate. Without `changelog` it is found; `none` says that there is none."""

    enabled: bool = True
    changelog: Owned | Literal["none"] | None = None


class AgentSettings(Strict):
    """What agents may use, and what no agent may change."""

    pass_env: tuple[VariableName, ...] = ()  # variables of yours that agents and gates get
    protected: tuple[Owned, ...] = ()  # beside those that always are
    max_changed_files: Annotated[int, Field(ge=1)] = 1_000
    max_changed_mb: Annotated[float, Field(gt=0)] = 50
    max_log_mb: Annotated[float, Field(gt=0)] = 10
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    max_nudges: Annotated[int, Field(ge=0, le=20)] = 5
    context_tokens: Annotated[int, Field(ge=500)] = 24_000  # of files given along with the task
    sandbox: Sandbox = "auto"
    registries: tuple[HostName, ...] = ()  # that a sandbox lets commands reach
    max_memory_mb: Annotated[int, Field(ge=256)] = 8_000  # of all processes of a command
    max_processes: Annotated[int, Field(ge=16)] = 1_000  # the same
    paid_without_sandbox: bool = False
    tier_wait_minutes: Annotated[float, Field(ge=0, le=360)] = 10  # for one that is back so soon
    paid_answer_minutes: Minutes = 60
    without_answer: Literal["free", "wait"] = "free"


class LimitSettings(Strict):
    """Dollars that may be spent at most, and only with an approval."""

    run_usd: Usd | None = None  # None: what a person approves is the bound
    workstream_usd: Usd | None = None
    provider_month_usd: Usd = Decimal(20)
    provider_month: dict[Name, Usd] = Field(default_factory=dict)  # of single providers instead
    delivery_percent: Annotated[int, Field(ge=0, le=50)] = 10  # of an approval, for fixes alone


class AutoRule(Strict):
    """Issues that start a run by themselves: all that is given must hold, and something must be."""

    labels: tuple[Line, ...] = ()  # any of these
    authors: tuple[Line, ...] = ()  # logins; each still needs the right to write
    kinds: tuple[Line, ...] = ()  # what the issue form was answered with

    @model_validator(mode="after")
    def _not_everything(self) -> Self:
        if not (self.labels or self.authors or self.kinds):
            raise ValueError("a rule for every issue; give labels, authors or kinds")
        return self


class GithubSettings(Strict):
    """The run on GitHub: who may start and steer it, and what is shown."""

    label: Line = "orchestrate"
    may_command: Literal["write", "maintain", "admin"] = "write"
    may_approve_paid: Literal["write", "maintain", "admin"] = "write"
    bots: tuple[Line, ...] = ()  # logins of bots that count as people with the right to write
    auto: tuple[AutoRule, ...] = ()
    sub_issues: bool = True
    other_pull_requests: Literal["check", "neutral"] = "check"
    planner: Literal["template", "model"] = "template"


class Settings(Strict):
    """Everything a repository can choose. An empty file means all defaults."""

    version: Literal[1] = 1
    max_parallel: Annotated[int, Field(ge=1, le=256)] = 8
    max_iterations: Annotated[int, Field(ge=1, le=10)] = 3
    tests: TestsSettings = TestsSettings()
    coverage: CoverageSettings = CoverageSettings()
    review: ReviewSettings = ReviewSettings()
    docs: DocsSettings = DocsSettings()
    agents: AgentSettings = AgentSettings()
    limits: LimitSettings = LimitSettings()
    github: GithubSettings = GithubSettings()
    tiers: tuple[Tier, ...] = ()  # rungs of your own, before the catalog's


def read_settings(data: bytes | str) -> Settings | tuple[Problem, ...]:
    """Read the settings file, or say everything that is wrong with it."""
    document = read_yaml(data)
    if not isinstance(document, Document):
        return document
    return parse(Settings, document if document.value is not None else Document({}, None))
