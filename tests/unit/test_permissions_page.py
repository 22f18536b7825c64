"""The page on permissions says of every job what its workflow gives it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot.adapters.installing import WORKFLOW_NAMES
from bot.wiring.installing import secret_names

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "permissions.md").read_text()
WORKFLOWS = {
    name: yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
    for name in WORKFLOW_NAMES
}


def test_every_job_is_listed_with_exactly_its_rights() -> None:
    table = PAGE.split("<!-- jobs -->\n")[1].split("\n\n")[0].splitlines()[2:]
    listed = {tuple(c.strip("` ") for c in row.strip("|").split(" | ")[:3]) for row in table}
    given = {
        (name, job, ", ".join(f"{k}: {v}" for k, v in sorted(what["permissions"].items())))
        for name, workflow in WORKFLOWS.items()
        for job, what in workflow["jobs"].items()
    }

    assert listed == given


def test_every_secret_is_listed_and_every_variable() -> None:
    quickstart = (ROOT / "docs" / "quickstart.md").read_text()
    texts = [(ROOT / f".github/workflows/{name}.yml").read_text() for name in WORKFLOW_NAMES]
    variables = set(re.findall(r"\bvars\.([A-Z_]+)", "".join(texts)))

    assert [name for name in secret_names() if f"`{name}`" not in PAGE] == []
    assert [name for name in variables if f"| `{name}` |" not in quickstart] == []


@pytest.mark.parametrize("name", WORKFLOW_NAMES)
def test_the_app_asks_for_no_more_than_the_page_has_people_grant(name: str) -> None:
    text = (ROOT / f".github/workflows/{name}.yml").read_text()
    asked = set(re.findall(r"^ +permission-([a-z-]+): (\w+)", text, re.MULTILINE))

    assert asked <= {(one, "write") for one in ("actions", "contents", "issues", "pull-requests")}
