"""What the documents say is what the code does: fields, defaults, commands, plans, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path

import pytest
import typer
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.core import TyperCommand, TyperGroup

from bot.cli.app import app
from bot.core.config import AnalyzerSettings, Settings, read_settings
from bot.core.events import RunStatus
from bot.core.handoff import CompletionStatus
from bot.core.metrics import Metrics
from bot.core.names import ALWAYS_PROTECTED
from bot.core.plan import (
    Complexity,
    Criterion,
    GatesWanted,
    Limits,
    NeedType,
    Plan,
    Workstream,
    read_plan,
)
from bot.core.planning.lint import Author, lint
from bot.core.report import Report
from bot.core.routing import Tier
from bot.core.routing_rules import RoutingRule
from bot.core.state import WorkstreamStatus
from bot.errors import Exit
from bot.wiring.engines import engine_programs, known_servers
from bot.wiring.tiers import SPEECHES

ROOT = Path(__file__).parents[2]
GUIDES = (
    "quickstart",
    "permissions",
    "github",
    "commands",
    "plans",
    "settings",
    "models",
    "engines",
    "mcp",
    "costs",
    "gates",
    "running",
    "security",
    "stuck",
    "review",
)
PAGES = (ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in GUIDES))
EVERY_PAGE = tuple(
    path
    for pattern in ("*.md", "docs/**/*.md", "changes/*.md", "agents/**/*.md")
    for path in sorted(ROOT.glob(pattern))
)

MODELS: dict[str, type[BaseModel]] = {
    model.__name__: model
    for model in (
        *(Plan, Workstream, Criterion, GatesWanted, Limits),
        *(Settings, AnalyzerSettings, Tier, RoutingRule),
        *(Report, Metrics),
    )
}
VALUES: dict[str, type[StrEnum]] = {
    values.__name__: values
    for values in (NeedType, Complexity, RunStatus, WorkstreamStatus, CompletionStatus)
}
# Where what the model holds is not what a reader has to know.
IN_WORDS = {
    "Plan.gates": "all from the settings",
    "Plan.limits": "all from the settings",
    "Workstream.title": "the goal's first line",
    "Workstream.role": "by the kind",
    "Workstream.engine": "by the ladder",
}


def tables(kind: str) -> dict[str, list[list[str]]]:
    """Return the tables below `<!-- kind: Name -->` in all pages, as rows of cells by name."""
    found = {}
    for page in PAGES:
        marks = re.finditer(rf"<!-- {kind}: (\w+) -->\n((?:\|.*\n)+)", page.read_text())
        for mark in marks:
            assert mark[1] not in found, f"two tables of {mark[1]}"
            rows = mark[2].splitlines()[2:]
            found[mark[1]] = [[c.strip() for c in row.strip("|").split(" | ")] for row in rows]
    return found


def names_in(rows: list[list[str]]) -> list[str]:
    return [cells[0].strip("` ") for cells in rows]


def fields_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield a model's fields by dotted name; settings hold models, whose fields are the ones."""
    for name, field in model.model_fields.items():
        if model is Settings and isinstance(field.default, BaseModel):
            yield from fields_of(type(field.default), f"{name}.")
        else:
            yield f"{prefix}{name}", field


def default_of(field: FieldInfo) -> str:
    """Spell a default as the documents do."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    match value:
        case None:
            return "none"
        case "":
            return "empty"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return "`[]`"
        case dict():
            return "`{}`"
        case StrEnum():
            return f"`{value.value}`"
        case float() | Decimal():
            return f"`{value:f}`".replace(".000000", "")
        case _:
            return f"`{value}`"


@pytest.mark.parametrize("name", MODELS)
def test_every_field_is_documented_and_no_other(name: str) -> None:
    documented = tables("fields")[name]

    assert names_in(documented) == [field for field, _ in fields_of(MODELS[name])]


@pytest.mark.parametrize("name", [name for name in MODELS if name not in {"Report", "Metrics"}])
def test_a_documented_default_is_the_one_that_holds(name: str) -> None:
    documented = {cells[0].strip("`"): cells[1] for cells in tables("fields")[name]}
    held = {
        field: IN_WORDS.get(f"{name}.{field}", default_of(info))
        for field, info in fields_of(MODELS[name])
    }

    assert documented == held


@pytest.mark.parametrize("name", VALUES)
def test_every_value_is_explained_and_no_other(name: str) -> None:
    assert names_in(tables("values")[name]) == [value.value for value in VALUES[name]]


def test_the_protected_paths_are_listed() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    listed = page.split("<!-- protected -->\n")[1].split("\n")[0]

    assert tuple(re.findall(r"`([^`]+)`", listed)) == ALWAYS_PROTECTED


def test_every_template_is_listed() -> None:
    page = (ROOT / "docs" / "plans.md").read_text()
    listed = re.findall(r"^\| `([a-z-]+)` ", page.split("<!-- templates -->")[1], re.MULTILINE)
    shipped = sorted(file.stem for file in (ROOT / "agents" / "plans").glob("*.yaml"))

    assert sorted(listed[: len(shipped)]) == shipped


def test_every_exit_code_is_explained_in_the_readme() -> None:
    page = (ROOT / "README.md").read_text()

    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == [str(int(code)) for code in Exit]


def test_every_variable_of_ours_is_explained() -> None:
    source = "".join(path.read_text() for path in (ROOT / "bot").rglob("*.py"))
    read = set(re.findall(r"\"(ORCHESTRATE_[A-Z_]+)\"", source)) - {"ORCHESTRATE_PROCESS"}
    page = (ROOT / "docs" / "settings.md").read_text()

    assert set(re.findall(r"^\| `(ORCHESTRATE_[A-Z_]+)`", page, re.MULTILINE)) == read


# Commands.


@cache
def commands() -> dict[str, TyperCommand]:
    """Return every command by its name, also those that help does not list."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(group.commands)


def first_sentence(command: TyperCommand) -> str:
    return " ".join((command.help or "").partition("\n\n")[0].split()).removesuffix(".")


def test_the_command_table_is_what_help_says() -> None:
    page = (ROOT / "README.md").read_text()
    table = page.split("<!-- commands -->\n")[1].split("<!-- /commands -->")[0]
    shown = {name: c for name, c in commands().items() if not c.hidden}
    rows = [f"| `{name}` | {first_sentence(c)} |" for name, c in shown.items()]

    assert table.splitlines()[2:] == rows, "should be:\n" + "\n".join(rows)


def test_no_command_is_cut_short_where_all_are_listed() -> None:
    cut = [name for name, c in commands().items() if c.get_short_help_str(61).endswith("...")]

    assert cut == []


def written_commands() -> Iterator[tuple[str, str]]:
    """Yield every `orchestrate …` of the documents, with its page."""
    for page in PAGES:
        text = page.read_text()
        fenced = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
        lines = re.findall(r"(?:^|[$|;&] )(orchestrate [^\n|;&]*)", fenced, re.MULTILINE)
        inline = re.findall(r"`(orchestrate [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
        for line in (*lines, *inline):
            yield page.name, line.partition(" #")[0].strip()


@pytest.mark.parametrize(
    ("page", "line"), sorted(set(written_commands())), ids=lambda text: text.replace("…", "x")
)
def test_a_written_command_exists_with_its_options(page: str, line: str) -> None:
    _, name, *words = shlex.split(line.replace("…", "x"))
    if name == "COMMAND" or name.startswith("-"):
        return
    assert name in commands(), f"{page}: there is no command {name!r}"
    command = commands()[name]
    if isinstance(command, TyperGroup) and words and words[0] != "x" and words[0][0] != "-":
        assert words[0] in command.commands, f"{page}: there is no command {name} {words[0]!r}"
        command = command.commands[words[0]]
    options = [word for word in words if word.startswith("--")]
    known = {opt for parameter in command.params for opt in parameter.opts} | {"--help"}

    assert set(options) <= known, f"{page}: {line}"


def test_every_message_that_leaves_people_stuck_is_one_of_ours() -> None:
    """A symptom is looked for by its words; where we say it otherwise nobody finds it."""
    source = "".join(path.read_text() for path in (ROOT / "bot").rglob("*.py"))
    joined = re.sub(r"\"\s+f?\"", "", source)
    page = (ROOT / "docs" / "stuck.md").read_text()
    symptoms = re.findall(r"`([^`]+)`", "\n".join(re.findall(r"^\|([^|]+)\|", page, re.MULTILINE)))
    pieces = [piece.strip(" ,?:") for symptom in symptoms for piece in symptom.split("…")]

    assert len(symptoms) > 15
    assert [p for p in pieces if p not in joined and p.replace(" ", "_") not in joined] == []


# Programs of others.


def rows_below(page: str, head: str) -> list[list[str]]:
    """Return the cells of the table whose head begins so."""
    table = (ROOT / "docs" / page).read_text().split(head)[1].split("\n\n")[0]
    return [[c.strip() for c in row.strip("|").split(" | ")] for row in table.splitlines()[2:]]


def test_each_agent_program_is_listed_at_the_version_that_was_tried() -> None:
    listed = [
        (name, package, version)
        for name, package, version, *_ in rows_below("engines.md", "| engine | npm package")
    ]
    assert listed == [
        (f"`{each.name}`", f"`{each.package}`", each.version) for each in engine_programs().engines
    ]


def test_each_agent_program_is_listed_with_the_protocols_that_it_speaks() -> None:
    listed = {row[0]: row[-1] for row in rows_below("engines.md", "| engine | npm package")}
    assert listed == {
        f"`{speech.name}`": ", ".join(f"`{wire}`" for wire in speech.wires) for speech in SPEECHES
    }


def test_each_server_is_listed_with_where_it_is_from_and_whether_it_reaches_further() -> None:
    listed = {
        name: (origin, acts[:3]) for name, origin, acts in rows_below("mcp.md", "| server | from")
    }
    registries = {"npm": "npm", "pypi": "PyPI"}
    for each in known_servers().servers:
        origin, acts = listed.pop(f"`{each.name}`")
        assert acts.startswith("yes" if each.reaches else "no:")
        if each.package:
            assert origin == f"{registries[each.package.registry]} `{each.package.name}`"
    assert listed == {}


# Plans and settings.


def yaml_blocks() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text()
        found = re.findall(r"^([ ]*)```yaml\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE)
        for indent, block in found:
            yield page.name, re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
        for block in re.findall(r"cat > \S+\.yaml <<'END'\n(.*?)^END", text, re.DOTALL | re.M):
            yield page.name, block


@pytest.mark.parametrize(("page", "block"), list(yaml_blocks()))
def test_an_example_in_yaml_is_a_good_plan_or_good_settings(page: str, block: str) -> None:
    said = yaml.safe_load(block)
    if isinstance(said, list):  # workstreams of a plan
        block = yaml.safe_dump({"task": "A task", "workstreams": said})
    elif "workstreams" not in said:
        assert isinstance(read_settings(block), Settings), f"{page}: {read_settings(block)}"
        return
    plan = read_plan(block)
    assert isinstance(plan, Plan), f"{page}: {plan}"
    linted = lint(plan, (), written_by=Author.PERSON)

    assert linted.notes == (), f"{page}: an example that is reported or mended"


def test_settings_named_in_passing_are_settings() -> None:
    known = {name for name, _ in fields_of(Settings)}
    sections = "|".join(name for name, f in Settings.model_fields.items() if f.default is not None)
    wrong = [
        (page.name, name)
        for page in PAGES
        for name in re.findall(rf"`((?:{sections})\.[a-z_]+)`", page.read_text())
        if name not in known
    ]

    assert wrong == []


# Links.


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(there), f"{target}: no such heading"
