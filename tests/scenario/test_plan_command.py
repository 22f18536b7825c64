"""Stories of `orchestrate plan`: a task in, a plan out; a plan in, a verdict out."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest
import yaml

from bot.cli.plan import plan
from bot.core.plan import Plan, read_plan
from bot.errors import Exit, UserError
from tests.support.repos import make_repo

FILES = {
    "src/shop/users.py": "def load_user(): ...\n",
    "src/shop/api.py": "from shop.users import load_user\n",
    "src/shop/cart.py": "from shop.users import load_user\n",
    "tests/test_users.py": "",
    "README.md": "A shop.\n",
    "CHANGELOG.md": "",
}


@pytest.fixture
def repo(tmp_path):
    return make_repo(tmp_path / "a shop", FILES)


def orchestrate(*args, stdin=b"", code=0):
    """Run the command; return what it printed to standard output and to standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "plan", *map(str, args)], input=stdin, capture_output=True
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == code, out + err
    assert "Traceback" not in err
    return out, err


def test_a_task_becomes_a_plan_with_its_reasons_and_the_repository_is_as_it_was(repo, tmp_path):
    before = repo.snapshot()
    out, _ = orchestrate("Rename `load_user` to `fetch_user`", "--repo", repo.path)
    made = read_plan(out)
    assert isinstance(made, Plan)
    assert out.startswith("# standard: 3 files matched")
    assert made.needs["review"] == ("refactor", "tests", "docs")
    assert repo.snapshot() == before
    again, _ = orchestrate("--check", "-", "--repo", repo.path, stdin=out.encode())
    assert "stdin can be run: 4 workstreams, 3 at once from the start" in again


def test_a_task_comes_from_a_file_as_well(repo, tmp_path):
    issue = tmp_path / "issue.md"
    issue.write_bytes("\ufeffFix the crash in src/shop/cart.py\r\n\r\nIt – crashes.\r\n".encode())
    out, _ = orchestrate("--issue-file", issue, "--repo", repo.path)
    assert yaml.safe_load(out)["task"] == "Fix the crash in src/shop/cart.py\n\nIt – crashes."


def test_every_problem_of_a_plan_is_named_in_one_go(repo, tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(
        "version: 1\ntask: x\nworkstreams:\n  - id: Make\n    goal: g\n    neds: []\n"
        "  - id: b\n    goal: g\n    needs: [c]\n    files: [../x]\n"
    )
    _, err = orchestrate("--check", file, "--repo", repo.path, code=2)
    lines = err.splitlines()
    assert f"{file}:4: workstreams[0].id: 'Make' does not match" in err
    assert f"{file}:6: workstreams[0].neds: unknown key 'neds'. Did you mean 'needs'?" in lines
    assert f"{file}:9: workstreams[1].needs[0]: 'b' needs 'c', which is no workstream." in err
    assert f"{file}:10: workstreams[1].files[0]: '../x' leaves the repository." in err
    assert lines[-1] == f"{file} is no plan that can be run: 4 problems."


def test_a_role_that_nobody_wrote_is_a_problem_of_the_plan(tmp_path):
    text = b"task: x\nworkstreams: [{id: a, role: bilder, goal: g}]\n"
    _, err = orchestrate("--check", "-", "--repo", tmp_path, stdin=text, code=2)
    assert (
        "stdin:2: workstreams[0].role: no role is called 'bilder'. Did you mean 'builder'?" in err
    )


def test_outside_of_a_repository_a_plan_may_name_what_ships(tmp_path):
    text = (
        b"task: x\nworkstreams: [{id: a, files: [x.py], goal: g, mcp: [fetch], approval: true}]\n"
    )
    out, _ = orchestrate("--check", "-", "--repo", tmp_path, stdin=text)
    assert "can be run" in out


def test_what_safety_needs_is_said_and_the_plan_can_be_run(tmp_path):
    text = (
        b"task: x\nworkstreams: [{id: a, files: [x.py], goal: g}, {id: b, goal: g, kind: docs}]\n"
    )
    out, _ = orchestrate("--check", "-", "--repo", tmp_path, stdin=text)
    assert "'b' names no files, so it owns all of them" in out
    assert "'b' now needs 'a'" in out


LATIN_1, BOMB = b"task: caf\xe9", b"a: &a [x]\nb: [*a, *a]\n"
REFUSED = {
    "nothing to do": ({}, b"", "Nothing to plan"),
    "two things to do": ({"task": "x", "schema": True}, b"", "More than one thing"),
    "an empty task": ({"task": "  "}, b"", "empty"),
    "a file that is not there": ({"check": "nowhere.yaml"}, b"", "nowhere.yaml cannot be read"),
    "a folder for a file": ({"check": "."}, b"", ". cannot be read"),
    "a task in latin-1": ({"issue_file": "FILE"}, LATIN_1, "not UTF-8"),
    "a plan in latin-1": ({"check": "FILE"}, LATIN_1, "not UTF-8"),
    "a bomb": ({"check": "FILE"}, BOMB, "alias"),
    "a plan of nothing": ({"check": "FILE"}, b"", "not a plan"),
    "a base that is not there": ({"task": "Add it", "base": "nope"}, b"", "'nope' is no commit"),
    "a folder that is no repository": ({"task": "Add it", "repo": "/"}, b"", "not in a git"),
}


@pytest.mark.parametrize(("options", "content", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_wrong_input_is_refused_in_words(repo, tmp_path, capsys, options, content, expected):
    file = tmp_path / "file"
    file.write_bytes(content)
    given = {name: str(file) if value == "FILE" else value for name, value in options.items()}
    said = ""
    try:
        code = plan(**{"repo": str(repo.path)} | given)
    except UserError as error:
        code, said = error.exit_code, f"{error.what} {error.fix}"
    assert code == Exit.BAD_INPUT
    assert expected in said + capsys.readouterr().err


def test_the_schema_is_json_schema_and_takes_a_plan_that_we_made(repo):
    out, _ = orchestrate("--schema")
    schema = json.loads(out)
    jsonschema.Draft202012Validator.check_schema(schema)
    made, _ = orchestrate("Add a list", "--repo", repo.path)
    jsonschema.validate(yaml.safe_load(made), schema)
    short = {"id": "a", "goal": "g", "files": "src/**", "run": "make"}
    jsonschema.validate({"task": "x", "workstreams": [short]}, schema)


def test_a_plan_is_drawn_here_and_as_mermaid(repo):
    both, _ = orchestrate("Add a list", "--repo", repo.path, "--graph")
    assert both.startswith("starts at once\n")
    assert "└─ review  [review, code-reviewer]  ← implement, tests, docs" in both
    assert "flowchart TD" in both
    alone, _ = orchestrate("Add a list", "--repo", repo.path, "--mermaid")
    assert alone.startswith("flowchart TD\n")
