"""Which files of the base commit, and which facts of the run, an agent is given to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from bot.core.base import Pattern, Strict
from bot.core.context import LeftOut, Source, estimated_tokens, listed, plain, shortened
from bot.core.documents import Document, Problem, parse, read_yaml
from bot.core.handoff import Upstream
from bot.core.patterns import may_meet, owned
from bot.core.plan import Kind, Plan, Workstream

MOST_NEAR = 40  # AGENTS.md and README files
MOST_RULES = 200
MOST_OWNED = 2_000  # files that rules are matched with; of more, the patterns themselves
MOST_BELOW = 20  # files of a folder that is to be read first
_ARTIFACT_RANK, _RULE_RANK, _NEAR_RANK = 0, 1, 2

_RULE = re.compile(r"agents/rules/[^/]+\.md")
_GUIDE = re.compile(r"AGENTS\.md|(?i:README(?:\.(?:md|rst|txt|adoc))?)")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*\n?", re.DOTALL | re.MULTILINE)
_WILD = re.compile(r"[*?\[\\]")

ReadBase = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Wanted:
    """A file that is worth giving, and why; a lower rank is more important."""

    path: str
    why: str
    rank: int


class RuleHead(Strict):
    """Front matter of `agents/rules/*.md`: for which files the rule is, and for which kinds."""

    files: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    kinds: tuple[Kind, ...] = ()  # none: every kind


@dataclass(frozen=True)
class Gathered:
    """Texts that may be given, and files that could not be read or used."""

    sources: tuple[Source, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def gather(workstream: Workstream, paths: Sequence[str], read: ReadBase) -> Gathered:
    """Read what an agent should know of the repository; `read` gives files of the base commit.

    `paths` are all tracked paths of the same commit.
    """
    sources: list[Source] = []
    left_out: list[LeftOut] = []
    for found in (*_wanted_texts(workstream, paths, read), *rules(workstream, paths, read)):
        if isinstance(found, Source):
            sources.append(found)
        else:
            left_out.append(found)
    return Gathered(tuple(sources), tuple(left_out))


def wanted_files(workstream: Workstream, paths: Sequence[str]) -> tuple[Wanted | LeftOut, ...]:
    """Choose the artifacts, then the AGENTS.md and README files nearest to what it owns."""
    artifacts = tuple(_artifacts(workstream, paths))
    taken = {found.path for found in artifacts}
    near = [found for found in _guides(workstream, paths) if found.path not in taken]
    farther = tuple(
        LeftOut(found.path, 0, f"farther from its files than the {MOST_NEAR} nearest guides")
        for found in near[MOST_NEAR:]
    )
    return (*artifacts, *near[:MOST_NEAR], *farther)


def _artifacts(workstream: Workstream, paths: Sequence[str]) -> Iterator[Wanted | LeftOut]:
    tracked = frozenset(paths)
    for artifact in dict.fromkeys(workstream.artifacts):
        name = artifact.removeprefix("./").rstrip("/")
        below = sorted(path for path in tracked if path.startswith(f"{name}/"))
        if name in tracked:
            yield Wanted(name, "to be read first", _ARTIFACT_RANK)
        elif not below:
            yield LeftOut(artifact, 0, "to be read first, but not in the base commit")
        for path in below[:MOST_BELOW]:
            yield Wanted(path, f"to be read first, below {name}", _ARTIFACT_RANK)
        for path in below[MOST_BELOW:]:
            yield LeftOut(path, 0, f"more than {MOST_BELOW} files are below {name}")


def _guides(workstream: Workstream, paths: Sequence[str]) -> list[Wanted]:
    """Return AGENTS.md and README files from the owned files' folders up to the top, by rank."""
    distance: dict[str, int] = {}
    for folder in _owned_folders(workstream, paths):
        for up, ancestor in enumerate(_upwards(folder)):
            distance[ancestor] = min(up, distance.get(ancestor, up))
    guides = []
    for path in paths:
        folder, _, name = path.rpartition("/")
        if folder in distance and _GUIDE.fullmatch(name):
            is_readme = name != "AGENTS.md"
            up = distance[folder]
            where = "at the top" if not folder else f"{up} folders up" if up else "beside them"
            why = f"{'about' if is_readme else 'guide for'} its files, {where}"
            rank = _NEAR_RANK + 2 * up + is_readme
            guides.append(Wanted(path, why, rank))
    return sorted(guides, key=lambda guide: (guide.rank, guide.path))


def _owned_folders(workstream: Workstream, paths: Sequence[str]) -> set[str]:
    """Return folders of the files that it may change; of files still to be made, the known part."""
    if not workstream.may_change:
        return {""}
    folders = {path.rpartition("/")[0] for path in owned(workstream.may_change, paths)}
    for pattern in _patterns_for_new_files(workstream, paths):
        *parents, _ = pattern.removeprefix("./").split("/")
        wild = next((n for n, part in enumerate(parents) if _WILD.search(part)), len(parents))
        folders.add("/".join(parents[:wild]))
    return folders


def _patterns_for_new_files(workstream: Workstream, paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        pattern
        for pattern in workstream.may_change
        if not pattern.startswith("!") and not owned((pattern,), paths)
    )


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def _wanted_texts(
    workstream: Workstream, paths: Sequence[str], read: ReadBase
) -> Iterator[Source | LeftOut]:
    for wanted in wanted_files(workstream, paths):
        if isinstance(wanted, LeftOut):
            yield wanted
            continue
        text = _text(wanted.path, read)
        if isinstance(text, str):
            yield Source(wanted.path, text, wanted.why, wanted.rank)
        else:
            yield text


def _text(path: str, read: ReadBase) -> str | LeftOut:
    data = read(path)
    if data is None:
        return LeftOut(path, 0, "not a file in the base commit")
    if b"\0" in data[:8192]:
        return LeftOut(path, 0, "not text")
    return plain(data.decode("utf-8-sig", "replace"))


def rules(
    workstream: Workstream, paths: Sequence[str], read: ReadBase
) -> Iterator[Source | LeftOut]:
    """Return the repository's rules for the files that it owns, and those that cannot be read.

    A workstream that owns nothing, such as a review, gets the rules that name its kind.
    """
    mine = owned(workstream.may_change, paths)
    if len(mine) > MOST_OWNED:
        mine, patterns = (), workstream.may_change
    else:
        patterns = _patterns_for_new_files(workstream, paths)
    found = [path for path in sorted(paths) if _RULE.fullmatch(path)]
    for path in found[MOST_RULES:]:
        yield LeftOut(path, 0, f"more than {MOST_RULES} rules")
    for path in found[:MOST_RULES]:
        rule = _rule(path, read)
        if isinstance(rule, LeftOut):
            yield rule
            continue
        head, text = rule
        if head.kinds and workstream.kind not in head.kinds:
            continue
        if (
            owned(head.files, mine)
            or may_meet(head.files, patterns)
            or (head.kinds and not workstream.may_change)
        ):
            why = shortened(f"rule for {', '.join(head.files)}", 200)
            yield Source(path, text, why, _RULE_RANK)


def _rule(path: str, read: ReadBase) -> tuple[RuleHead, str] | LeftOut:
    text = _text(path, read)
    if isinstance(text, LeftOut):
        return text
    match = _FRONT_MATTER.match(text)
    if match is None:
        return LeftOut(path, estimated_tokens(text), "a rule without front matter: '---', 'files:'")
    document = read_yaml(match[1])
    head = parse(RuleHead, document) if isinstance(document, Document) else document
    if not isinstance(head, RuleHead):
        return LeftOut(path, estimated_tokens(text), f"a rule with an error: {_said(head)}")
    return head, text[match.end() :]


def _said(problems: tuple[Problem, ...]) -> str:
    lines = []
    for problem in problems:
        where = f"line {problem.line + 1}: " if problem.line else ""  # below the opening '---'
        lines.append(f"{where}{problem.message}. {problem.fix}".strip())
    return shortened(" ".join(lines), 400)


_MOST_WORKSTREAMS = 60
_LONGEST_TASK, _LONGEST_FILES = 8_000, 300
_UPSTREAM_WORDS, _LEAST_WORDS = 16_000, 200  # characters of all together, and of each at least


def shared_context(plan: Plan, workstream: Workstream, upstream: Sequence[Upstream]) -> str:
    """Tell one agent of the whole: the task, who else works on what, and what has landed."""
    others = [w for w in plan.workstreams if w.id != workstream.id]
    parts = [f"Task of the run: {shortened(plan.task, _LONGEST_TASK)}"]
    if others:
        lines = listed((_other(w, workstream) for w in others), _MOST_WORKSTREAMS)
        parts.append("\n".join(["Others work on this run, each on files of its own:", *lines]))
    if upstream:
        words = max(_LEAST_WORDS, _UPSTREAM_WORDS // len(upstream))
        told = listed((_told(u, words) for u in upstream), _MOST_WORKSTREAMS)
        parts.append("\n".join(["Has landed before this, in its own words:", *told]))
    return plain("\n\n".join(parts))


def _other(other: Workstream, workstream: Workstream) -> str:
    theirs = [p for p in other.may_change if p not in workstream.may_change]
    files = shortened(f"; do not touch: {', '.join(theirs)}", _LONGEST_FILES) if theirs else ""
    return f"- {other.id} ({other.kind.value}): {other.title}{files}"


def _told(upstream: Upstream, characters: int) -> str:
    """Repeat what a workstream handed over, half of the room for its outputs, half for the rest."""
    outputs = shortened("; ".join(upstream.outputs), characters // 2) or "no outputs named"
    steps = shortened(upstream.next_steps, characters // 2)
    return f"- {upstream.workstream}: {outputs}" + (f"\n  Next steps: {steps}" if steps else "")
