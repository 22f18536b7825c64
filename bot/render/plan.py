"""Plans as people read and write them: YAML, a drawing for the terminal, Mermaid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from bot.core.base import few
from bot.core.plan import DEFAULT_ROLE, NeedType, Plan, Workstream

PLAIN_LINE = 100


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, lists indented below their key, no aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    lines = text.split("\n")
    block = len(lines) > 1 and not any(line != line.rstrip() for line in lines)
    # YAML ends lines at these, too: outside of quotes they would be read back as line feeds.
    odd = any(mark in text for mark in ("\x85", "\u2028", "\u2029"))
    style = '"' if odd else "|" if block else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(plan: Plan) -> str:
    """Write a plan as YAML that reads back to the same plan; what is the default is left out."""
    fields = plan.model_dump(mode="json", exclude_defaults=True)
    document = {"version": plan.version, "task": plan.task, "complexity": plan.complexity.value}
    document["workstreams"] = [_written(workstream) for workstream in plan.workstreams]
    others = ("gates", "limits", "text_sha256")
    document |= {name: fields[name] for name in others if fields.get(name)}
    return yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=PLAIN_LINE
    )


def _written(workstream: Workstream) -> dict[str, Any]:
    fields = workstream.model_dump(mode="json", exclude_defaults=True)
    if workstream.role == DEFAULT_ROLE[workstream.kind]:
        fields.pop("role", None)
    else:
        fields["role"] = workstream.role
    if workstream.run is not None and workstream.engine == "shell":
        fields.pop("engine", None)
    if workstream.title == (workstream.goal.splitlines() or [""])[0][:100]:
        fields.pop("title", None)
    if "acceptance" in fields:
        fields["acceptance"] = [
            {key: value for key, value in criterion.items() if value is not None}
            for criterion in fields["acceptance"]
        ]
    fields["kind"] = workstream.kind.value
    return {name: fields[name] for name in Workstream.model_fields if name in fields}


def levels(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Group ids by the longest way to them: those of one group may run side by side."""
    depth: dict[str, int] = {}
    for name in plan.order:
        depth[name] = max((depth[need] + 1 for need in plan.needs[name]), default=0)
    return tuple(
        tuple(name for name in plan.order if depth[name] == level)
        for level in range(max(depth.values()) + 1)
    )


def to_graph(plan: Plan, *, unicode: bool = True) -> str:
    """Draw a plan for a terminal: who can start at once on top, who waits for whom below."""
    last, more, bar, arrow = ("└─", "├─", "│ ", "←") if unicode else ("`-", "|-", "| ", "<-")
    lines: list[str] = []
    groups = levels(plan)
    for level, names in enumerate(groups):
        lines.append("starts at once" if level == 0 else f"step {level + 1}")
        for at, name in enumerate(names):
            end = at == len(names) - 1
            workstream = plan[name]
            lines.append(f"{last if end else more} {_head(workstream, arrow)}")
            lines += [f"{'  ' if end else bar}    {line}" for line in _details(workstream)]
    text = "\n".join(_one_line(line) for line in lines) + "\n"
    return text if unicode else text.encode("ascii", "backslashreplace").decode()


def _head(workstream: Workstream, arrow: str) -> str:
    needs = [
        need.id if need.type is NeedType.FINISH else f"{need.id} ({need.type.value})"
        for need in workstream.needs
    ]
    waits = f"  {arrow} {', '.join(needs)}" if needs else ""
    approval = "  waits for approval" if workstream.approval else ""
    engine = f", {workstream.engine}" if workstream.engine else ""
    about = f"[{workstream.kind.value}, {workstream.role}{engine}]"
    return f"{workstream.id}  {about}{waits}{approval}"


def _details(workstream: Workstream) -> list[str]:
    title = [workstream.title[:PLAIN_LINE]] if workstream.title else []
    return title + ([f"files: {few(workstream.may_change, 6)}"] if workstream.may_change else [])


def _one_line(text: str) -> str:
    """Take out of a text what would move the terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


def to_mermaid(plan: Plan) -> str:
    """Write a plan as a Mermaid flowchart; texts are escaped, so that none can add to it."""
    nodes = {name: f"w{number}" for number, name in enumerate(plan.by_id)}
    lines = ["flowchart TD"]
    for workstream in plan.workstreams:
        shape = ("{{", "}}") if workstream.approval else ("[", "]")
        label = "<br/>".join(
            _escaped(text)
            for text in (workstream.id, f"{workstream.kind.value} · {workstream.role}")
        )
        lines.append(f'  {nodes[workstream.id]}{shape[0]}"{label}"{shape[1]}')
    for workstream in plan.workstreams:
        lines += [f"  {edge}" for edge in edges_of(workstream, nodes)]
    return "\n".join(lines) + "\n"


def edges_of(workstream: Workstream, nodes: Mapping[str, str]) -> list[str]:
    """Write a workstream's needs as Mermaid's arrows between the nodes of these names."""
    here = nodes[workstream.id]
    arrows = {NeedType.FINISH: "-->", NeedType.EXCLUDE: "-. never together .-"}
    return [
        f"{nodes[need.id]} {arrows.get(need.type, f'-->|{need.type.value}|')} {here}"
        for need in workstream.needs
    ]


def _escaped(text: str) -> str:
    """Write a text so that Mermaid shows it: everything but plain letters as a character code."""
    return "".join(c if c.isalnum() or c in " -_.,/·" else f"#{ord(c)};" for c in _one_line(text))
