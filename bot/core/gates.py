"""Gates: what was found, what a check says, and when it passes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bot.core.base import RepoPath, Strict


class Severity(StrEnum):
    """How bad a finding is, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Finding(Strict):
    """One thing that somebody, or something, says is wrong."""

    path: RepoPath | None = None
    line: Annotated[int, Field(ge=1)] | None = None
    severity: Severity = Severity.MEDIUM
    rule: str = ""
    message: str
    evidence: str = ""


class GateName(StrEnum):
    """The four checks on the combined result, in the order in which they are shown."""

    TESTS = "tests"
    COVERAGE = "coverage"
    REVIEW = "review"
    DOCS = "docs"


class GateResult(Strict):
    """What one gate says of one commit.

    `not_run` means that nothing was proved, and is never a pass; `off` is a choice in the
    settings and is listed as such. `value` and `threshold` share the gate's own unit: tests
    run, per cent of lines, points of ten, undocumented names.
    """

    name: GateName
    status: Literal["passed", "failed", "not_run", "off"]
    value: float | None = None
    threshold: float | None = None
    because: str
    findings: tuple[Finding, ...] = ()
    command: str | None = None
    exit_code: int | None = None
    seconds: float | None = None
    log: str | None = None
