"""The few fields of SARIF 2.1.0 that a finding is made from.

The libraries at hand either have no maintainer or refuse a whole report for one odd field
(golangci-lint writes `"level": "medium"`), and none resolves rules, levels and paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Properties(Lenient):
    security_severity: Annotated[object, Field(alias="security-severity")] = None
    issue_severity: object = None


class Message(Lenient):
    text: str | None = None
    markdown: str | None = None
    id: str | None = None
    arguments: tuple[str, ...] | None = None


class ArtifactLocation(Lenient):
    uri: str | None = None
    uri_base_id: Annotated[str | None, Field(alias="uriBaseId")] = None
    index: int | None = None


class Artifact(Lenient):
    location: ArtifactLocation | None = None


class Region(Lenient):
    start_line: Annotated[int | None, Field(alias="startLine")] = None


class PhysicalLocation(Lenient):
    artifact: Annotated[ArtifactLocation | None, Field(alias="artifactLocation")] = None
    region: Region | None = None


class Location(Lenient):
    physical: Annotated[PhysicalLocation | None, Field(alias="physicalLocation")] = None


class Configuration(Lenient):
    level: str | None = None
    rank: float | None = None


class Rule(Lenient):
    id: str = ""
    configuration: Annotated[Configuration | None, Field(alias="defaultConfiguration")] = None
    properties: Properties | None = None
    short: Annotated[Message | None, Field(alias="shortDescription")] = None
    messages: Annotated[dict[str, Message] | None, Field(alias="messageStrings")] = None


class Component(Lenient):
    name: str = ""
    rules: tuple[Rule, ...] | None = None


class Tool(Lenient):
    driver: Component
    extensions: tuple[Component, ...] | None = None


class Index(Lenient):
    index: int | None = None


class RuleReference(Lenient):
    id: str | None = None
    index: int | None = None
    component: Annotated[Index | None, Field(alias="toolComponent")] = None


class Suppression(Lenient):
    status: str | None = None


class Result(Lenient):
    rule_id: Annotated[str | None, Field(alias="ruleId")] = None
    rule_index: Annotated[int | None, Field(alias="ruleIndex")] = None
    rule: RuleReference | None = None
    kind: str | None = None
    level: str | None = None
    rank: float | None = None
    message: Message | None = None
    locations: tuple[Location, ...] | None = None
    suppressions: tuple[Suppression, ...] | None = None
    properties: Properties | None = None


class Notification(Lenient):
    message: Message | None = None


class Invocation(Lenient):
    successful: Annotated[bool | None, Field(alias="executionSuccessful")] = None
    exit_code: Annotated[int | None, Field(alias="exitCode")] = None
    exit_text: Annotated[str | None, Field(alias="exitCodeDescription")] = None
    execution: Annotated[
        tuple[Notification, ...] | None, Field(alias="toolExecutionNotifications")
    ] = None
    configuration: Annotated[
        tuple[Notification, ...] | None, Field(alias="toolConfigurationNotifications")
    ] = None


class Run(Lenient):
    tool: Tool
    results: tuple[Result, ...] | None = None
    invocations: tuple[Invocation, ...] | None = None
    artifacts: tuple[Artifact, ...] | None = None
    bases: Annotated[dict[str, ArtifactLocation] | None, Field(alias="originalUriBaseIds")] = None


class Log(Lenient):
    version: str
    runs: tuple[Run, ...]


def at(items: Sequence[T] | None, index: int | None) -> T | None:
    """Return the item that an index of the report means; None where it means none."""
    if items is None or index is None or not 0 <= index < len(items):
        return None
    return items[index]
