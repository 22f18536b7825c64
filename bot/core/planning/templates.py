"""Which shape of plan fits a task, and the plan that comes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from string import Template as Text
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bot.core.base import Strict, WorkstreamId
from bot.core.documents import Document, Problem, parse, read_yaml
from bot.core.names import ALWAYS_PROTECTED
from bot.core.patterns import owns
from bot.core.plan import Complexity, Criterion, Kind, Line, Name, Need, Plan, Workstream
from bot.core.planning.assess import SEVERAL, Assessment
from bot.core.planning.layout import (
    Layout,
    folder_pattern,
    is_changelog,
    is_code,
    is_document,
    part_patterns,
    pattern_of,
    without,
)
from bot.core.planning.partition import Partition, builders_for, partition
from bot.core.planning.targets import Target, TargetKind, targets_in

MOST_ARTIFACTS = 12
MOST_GOAL = 15_000


class Step(Strict):
    """A workstream, or several alike, of a template. Texts hold $placeholders."""

    id: WorkstreamId
    each: Literal["part", "url", "host", "container", "service"] | None = None
    when: Literal["hot", "no-target"] | None = None
    alone: bool = Field(default=False, description="does a simple task, and nobody else")
    kind: Kind
    role: str | None = None
    title: Line
    needs: tuple[WorkstreamId, ...] = ()
    goal: Line
    constraints: tuple[Line, ...] = ()
    files: tuple[Line, ...] = ()
    acceptance: tuple[Criterion, ...] = ()
    approval: bool = False
    run: tuple[Line, ...] | None = None
    env: dict[str, str] = Field(default_factory=dict)
    timeout_minutes: float = 20


class PlanTemplate(Strict):
    """A shape of plan, and the words of a task that call for it."""

    name: Name
    title: Line
    words: tuple[Line, ...]
    rank: int = Field(description="wins where words tie; the lowest is taken where there are none")
    complexity: Complexity | None = None  # where it does not follow from the files
    workstreams: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _needs_point_back(self) -> Self:
        seen: set[str] = set()
        for step in self.workstreams:
            if missing := set(step.needs) - seen:
                raise ValueError(f"{step.id!r} needs {sorted(missing)[0]!r}; write that one before")
            seen.add(step.id)
        return self


@dataclass(frozen=True)
class Choice:
    """A template, and why it fits."""

    template: PlanTemplate
    because: str


def read_template(data: bytes | str) -> PlanTemplate | tuple[Problem, ...]:
    """Read a template, or say everything that is wrong with it."""
    document = read_yaml(data)
    return parse(PlanTemplate, document) if isinstance(document, Document) else document


def choose(task: str, assessment: Assessment, templates: Sequence[PlanTemplate]) -> Choice:
    """Pick the template that most of the task's words call for; its first clause counts double.

    Where all that the task names is documents, it is documentation. Where words tie the higher
    rank wins; where there are none the lowest is taken.
    """
    by_name = {template.name: template for template in templates}
    files = assessment.files
    if "documentation" in by_name and assessment.sure and all(map(_words_only, files)) and files:
        return Choice(by_name["documentation"], "everything that the task names is a document")
    first, rest = _first_clause(task)
    called = {t.name: (_called(t, first), _called(t, rest)) for t in templates}
    best = max(
        templates, key=lambda t: (2 * len(called[t.name][0]) + len(called[t.name][1]), t.rank)
    )
    words = sorted(called[best.name][0] | called[best.name][1])[:4]
    if not words:
        default = min(templates, key=lambda t: t.rank)
        return Choice(default, "no word of the task calls for another one")
    return Choice(best, f"the task says {', '.join(map(repr, words))}")


def suited(assessment: Assessment, template: PlanTemplate) -> Assessment:
    """Take the class from the template where files say nothing of how much there is to do."""
    if template.complexity is None or assessment.complexity is Complexity.CRITICAL:
        return assessment
    because = f"a {template.title.lower()} looks at several things side by side"
    return replace(assessment, complexity=template.complexity, because=because)


def _first_clause(task: str) -> tuple[str, str]:
    """Split a task into what it asks for and what it adds ("…, and describe it in the README")."""
    parts = re.split(r"\n|;|\b(?:and|then|also)\b", task.strip(), maxsplit=1)
    return parts[0], "".join(parts[1:])


def _words_only(path: str) -> bool:
    return is_document(path) or is_changelog(path)


def _called(template: PlanTemplate, text: str) -> set[str]:
    return {word for word in template.words if _word(word).search(text)}


def _word(word: str) -> re.Pattern[str]:
    stem, doubled = re.escape(word.removesuffix("e")), re.escape(word[-1])
    ends = rf"(?:e|es|ed|ing|{doubled}ed|{doubled}ing|s|d)?"
    return re.compile(rf"(?<![\w-]){stem}{ends}(?![\w-])", re.IGNORECASE)


_API = re.compile(
    r"\b(?:public )?(?:apis?|endpoints?|openapi|swagger|sdk|graphql|grpc|library|routes?)\b|"
    r"\b(?:GET|POST|PUT|PATCH|DELETE) /",
    re.IGNORECASE,
)
_USERS = re.compile(
    r"\b(?:commands?|cli|options?|flags?|buttons?|pages?|screens?|dialogs?|forms?|ui|users?|themes?"
    r"|tutorials?|guides?|readme|install\w*|quick ?start|getting started|dark mode)\b",
    re.IGNORECASE,
)
_API_FILE = re.compile(
    r"(?:^|.*/)(?:api|apis|routes|endpoints|openapi)(?:/.*|\.\w+)", re.IGNORECASE
)


def docs_role(task: str, files: Iterable[str]) -> tuple[str, str]:
    """Pick who documents a change, by what changes: (role, because)."""
    if found := _API.search(task):
        return "api-documenter", f"public API changes: {found[0]!r}"
    if api := next((path for path in files if _API_FILE.fullmatch(path)), None):
        return "api-documenter", f"public API changes: {_clean(api)}"
    if found := _USERS.search(task):
        return "tutorial-engineer", f"what users do changes: {found[0]!r}"
    return "technical-writer", "internals change"


def instantiate(template: PlanTemplate, task: str, assessment: Assessment, layout: Layout) -> Plan:
    """Make the plan of a task. Values are filled into texts, never into YAML."""
    complexity = assessment.complexity
    alone = next((step for step in template.workstreams if step.alone), None)
    filled = _Filled(task, assessment, layout)
    if complexity is Complexity.SIMPLE and alone is not None:
        streams = filled.alone(alone)
    else:
        streams = filled.steps(template.workstreams)
    return Plan(task=task, complexity=complexity, workstreams=streams)


class _Filled:
    """Steps of a template, filled with what is known of a task."""

    def __init__(self, task: str, assessment: Assessment, layout: Layout) -> None:
        self._task = task if len(task) <= MOST_GOAL else task[:MOST_GOAL] + " …"
        self._assessment = assessment
        self._layout = layout
        self._role, self._why = docs_role(task, assessment.files)
        self._targets = targets_in(task)
        self._code = tuple(path for path in assessment.files if is_code(path))
        self._split = self._partition()

    def _partition(self) -> Partition:
        if self._assessment.one_builder or len(self._code) <= SEVERAL:
            return Partition((self._code,))
        return partition(self._code, self._assessment.weights, builders_for(len(self._code)))

    def alone(self, step: Step) -> tuple[Workstream, ...]:
        """Let one agent do all of a simple task, with its tests, documents and changelog entry."""
        files = self._patterns("$documents") if step.kind is Kind.DOCS else ("**",)
        if self._assessment.sure:
            tests = self._layout.tests if self._code else ()
            named = map(_with_room, self._assessment.files)
            files = tuple(dict.fromkeys((*named, *tests, *self._layout.changelog)))
        return (self._workstream(step, step.id, files, {}),)

    def steps(self, steps: Sequence[Step]) -> tuple[Workstream, ...]:
        """Write out each step, once or for each part or target; needs follow to all of them."""
        ids: dict[str, tuple[str, ...]] = {}
        streams: list[Workstream] = []
        for step in steps:
            made = self._written(step)
            ids[step.id] = tuple(stream.id for stream in made)
            needs = tuple(Need(id=name) for need in step.needs for name in ids.get(need, ()))
            streams += [stream.model_copy(update={"needs": needs}) for stream in made]
        return tuple(streams)

    def _written(self, step: Step) -> list[Workstream]:
        absent = (step.when == "hot" and not self._split.hot) or (
            step.when == "no-target" and bool(self._targets)
        )
        if absent:
            return []
        if step.each == "part":
            return self._for_each_part(step)
        if step.each is not None:
            of_kind = [t for t in self._targets if t.kind is TargetKind(step.each)]
            return [self._for_target(step, n, target) for n, target in enumerate(of_kind, 1)]
        files = tuple(p for item in step.files for p in self._patterns(item))
        return [self._workstream(step, step.id, files, {}, self._code)]

    def _for_each_part(self, step: Step) -> list[Workstream]:
        parts = self._split.parts
        if len(parts) < 2:
            return [self._workstream(step, step.id, self._layout.code, {}, self._code)]
        everyone = (*self._split.hot, *(path for part in parts for path in part))
        made = []
        for number, part in enumerate(parts, 1):
            files = self._without_quality(part_patterns(part, everyone))
            where = {"where": f" in {_whereabouts(part)}"}
            made.append(self._workstream(step, f"{step.id}-{number}", files, where, part))
        return made

    def _for_target(self, step: Step, number: int, target: Target) -> Workstream:
        values = {"target": target.name, "id": f"{step.id}-{number}"}
        files = tuple(Text(item).safe_substitute(values) for item in step.files)
        return self._workstream(step, values["id"], files, values)

    def _without_quality(self, patterns: tuple[str, ...]) -> tuple[str, ...]:
        layout = self._layout
        return without(patterns, layout.tests, layout.docs, layout.changelog)

    def _patterns(self, item: str) -> tuple[str, ...]:
        layout = self._layout
        sure = self._assessment.sure
        named = tuple(pattern_of(p) for p in self._assessment.files if sure or _words_only(p))
        known: dict[str, tuple[str, ...]] = {
            "$code": layout.code,
            "$part": layout.code,
            "$hot": tuple(map(pattern_of, self._split.hot)),
            "$tests": layout.tests,
            "$docs": layout.docs,
            "$changelog": layout.changelog,
            "$documents": tuple(dict.fromkeys((*layout.docs, *layout.changelog, *named))),
        }
        return known.get(item, (item,))

    def _workstream(
        self,
        step: Step,
        name: str,
        files: tuple[str, ...],
        values: Mapping[str, str],
        reads: Sequence[str] = (),
    ) -> Workstream:
        known = {"task": self._task, "docs_why": self._why, "where": "", "id": name, **values}
        protected = any(owns(ALWAYS_PROTECTED, path) for path in self._assessment.files)
        fields = {
            "id": name,
            "kind": step.kind,
            "role": self._role if step.role == "$docs_role" else step.role,
            "title": Text(step.title).safe_substitute(known)[:200],
            "goal": Text(step.goal).safe_substitute(known),
            "constraints": step.constraints,
            "acceptance": step.acceptance,
            "files": files,
            "artifacts": tuple(filter(_can_be_written, reads))[:MOST_ARTIFACTS],
            "approval": step.approval or (protected and not step.kind.changes_nothing),
            "run": step.run,
            "env": {key: Text(value).safe_substitute(known) for key, value in step.env.items()},
            "timeout_minutes": step.timeout_minutes,
        }
        return Workstream.model_validate(fields)


def _with_room(path: str) -> str:
    """Own a document alone, and code with the folder around it, where new files may be needed."""
    folder = path.rpartition("/")[0]
    return folder_pattern(folder) if folder and is_code(path) else pattern_of(path)


def _whereabouts(part: Sequence[str]) -> str:
    """Name a group of files by its folders."""
    folders = sorted({path.rpartition("/")[0] or "the top folder" for path in part})
    return _clean(", ".join(folders[:3]) + (" and more" if len(folders) > 3 else ""))


def _can_be_written(path: str) -> bool:
    """Whether a plan can hold a path as it is; most that cannot hold odd bytes."""
    return pattern_of(path).removeprefix("./") == path and not re.match(r"~|[A-Za-z]:", path)


def _clean(path: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "?", path)
