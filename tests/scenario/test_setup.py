"""`orchestrate setup` and `doctor --github`: an administrator's evening, and what others see."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.support.github.rest_files  # noqa: F401 - the endpoints that doctor asks
from bot.core.github.installation import read_pin
from bot.wiring.installing import shipped_files
from tests.support.github import FakeGithub, FakeRepository
from tests.support.repos import make_repo

ROOT = Path(__file__).parents[2]
PIN = read_pin("acme/orchestrate@" + "1" * 40)
CHECKS = [f"orchestrate/{gate}" for gate in ("tests", "coverage", "review", "docs")]
FORBIDDEN = "Must have admin rights to Repository."


class Desk:
    """A repository on GitHub with its administrator, a colleague, and the command line."""

    def __init__(self, github: FakeGithub, folder: Path) -> None:
        self.github = github
        self.folder = folder
        for login, role in (("alice", "admin"), ("bob", "write")):
            github.add_user(login)
            self.repository.collaborators[login] = role

    @property
    def repository(self) -> FakeRepository:
        if "acme/shop" not in self.github.world.repositories:
            self.github.create_repository("acme/shop", files={"app.py": "x = 1\n"})
        return self.github.repository("acme/shop")

    def type(self, *args: str, by: str = "alice", answer: str = "") -> Typed:
        """Type an `orchestrate` command with somebody's token."""
        environment = {
            "PYTHONPATH": str(ROOT),
            "GITHUB_API_URL": self.github.api_url,
            "GH_TOKEN": self.github.user_token(by) if by else "",
        }
        done = subprocess.run(
            [sys.executable, "-m", "bot", *args],
            cwd=self.folder,
            input=answer,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Typed(done.returncode, done.stdout, done.stderr)

    def setup(self, *args: str, by: str = "alice") -> Typed:
        """Set the repository up."""
        return self.type("setup", "--github", "acme/shop", "--yes", *args, by=by)

    def doctor(self, by: str = "alice") -> dict[str, str]:
        """Ask the doctor; return what stands in the table, by health."""
        text = self.type("doctor", "--github", "acme/shop", by=by).printed
        found = re.split(r"^(ok|warning|failure) +", text, flags=re.MULTILINE)[1:]
        table: dict[str, str] = {}
        for health, row in zip(found[::2], found[1::2], strict=True):
            table[health] = f"{table.get(health, '')}{' '.join(row.split())}\n"
        return table

    def write(self, files: dict[str, str | bytes | None]) -> None:
        """Push files to the default branch."""
        self.repository.push("main", files, by="alice")


class Typed:
    """What a command did."""

    def __init__(self, code: int, printed: str, said: str) -> None:
        self.code, self.printed, self.said = code, printed, said


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with FakeGithub() as github:
        yield Desk(github, tmp_path)


def installed(thin: bool = False) -> dict[str, str | bytes | None]:
    """What init wrote, with its record."""
    from bot.core.github.installation import Installed, blob_id, write_installed

    files = {file.path: file.content for file in shipped_files(PIN, thin=thin)}
    ids = {path: blob_id(content) for path, content in files.items()}
    record = write_installed(Installed(pin=PIN, thin=thin, files=ids))
    return {**files, ".github/orchestrate/installed.json": record}


def required(repository: FakeRepository) -> dict[str, int | None]:
    [rules] = [one for one in repository.rulesets if one["name"] == "orchestrate"]
    [rule] = [one for one in rules["rules"] if one["type"] == "required_status_checks"]
    entries = rule["parameters"]["required_status_checks"]
    return {entry["context"]: entry.get("integration_id") for entry in entries}


def test_setup_requires_the_four_checks_from_actions_and_makes_the_label(desk: Desk) -> None:
    done = desk.setup()

    assert done.code == 0, done.said
    assert [label.name for label in desk.repository.labels] == ["orchestrate"]
    assert required(desk.repository) == dict.fromkeys(CHECKS, 15368)
    [ruleset] = desk.repository.rulesets
    assert ruleset["enforcement"] == "active"
    assert ruleset["conditions"]["ref_name"]["include"] == ["~DEFAULT_BRANCH"]
    assert "Allow GitHub Actions to create and approve pull requests" in done.printed
    assert "gh secret set GEMINI_API_KEY --repo acme/shop" in done.printed


def test_nothing_is_changed_before_somebody_says_yes(desk: Desk) -> None:
    done = desk.type("setup", "--github", "acme/shop", answer="n\n")

    assert (done.code, desk.repository.rulesets, desk.repository.labels) == (3, [], [])
    assert "require the four checks on the default branch" in done.printed


def test_a_second_setup_changes_nothing(desk: Desk) -> None:
    desk.setup()
    before = json.dumps(desk.repository.rulesets)
    done = desk.setup()

    assert done.code == 0
    assert "requires all four checks already" in done.printed
    assert json.dumps(desk.repository.rulesets) == before
    assert len(desk.repository.labels) == 1


def test_a_ruleset_that_is_there_keeps_what_others_put_into_it(desk: Desk) -> None:
    desk.setup()
    [ruleset] = desk.repository.rulesets
    ruleset["enforcement"] = "disabled"
    ruleset["conditions"]["ref_name"] = {"include": ["refs/heads/release/*"], "exclude": []}
    ruleset["bypass_actors"] = [
        {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}
    ]
    ruleset["rules"] = [
        {"type": "non_fast_forward"},
        {
            "type": "required_status_checks",
            "parameters": {
                "strict_required_status_checks_policy": True,
                "do_not_enforce_on_create": True,
                "required_status_checks": [
                    {"context": "build"},
                    {"context": "orchestrate/tests"},
                ],
            },
        },
    ]

    done = desk.setup()

    assert done.code == 0, done.said
    assert "it takes orchestrate/tests from others than GitHub Actions" in done.printed
    [ruleset] = desk.repository.rulesets
    assert required(desk.repository) == {"build": None, **dict.fromkeys(CHECKS, 15368)}
    assert {"type": "non_fast_forward"} in ruleset["rules"]
    [rule] = [one for one in ruleset["rules"] if one["type"] == "required_status_checks"]
    assert rule["parameters"]["strict_required_status_checks_policy"] is True
    assert rule["parameters"]["do_not_enforce_on_create"] is True
    assert ruleset["enforcement"] == "active"
    assert ruleset["conditions"]["ref_name"]["include"] == [
        "refs/heads/release/*",
        "~DEFAULT_BRANCH",
    ]
    assert ruleset["bypass_actors"][0]["actor_type"] == "RepositoryRole"


def test_who_is_no_administrator_gets_what_an_administrator_can_paste(desk: Desk) -> None:
    done = desk.setup(by="bob")
    desk.github.take_violations()

    assert done.code == 3
    assert FORBIDDEN in done.printed
    assert "gh api --method POST repos/acme/shop/rulesets --input - <<'END'" in done.printed
    pasted = json.loads(done.printed.split("<<'END'\n")[1].split("\nEND")[0])
    assert desk.repository.rulesets == []
    assert [label.name for label in desk.repository.labels] == ["orchestrate"]

    desk.repository.rulesets.append({**pasted, "id": 1, "source": "acme/shop"})
    assert required(desk.repository) == dict.fromkeys(CHECKS, 15368)


def test_the_label_is_the_one_in_the_default_branchs_settings(desk: Desk) -> None:
    desk.write({".github/orchestrate.yml": "github: {label: agents please}\n"})
    done = desk.setup()

    assert done.code == 0, done.said
    assert [label.name for label in desk.repository.labels] == ["agents please"]
    assert "gh variable set ORCHESTRATE_LABEL" in done.printed


def test_setup_needs_a_token_and_says_how_to_get_one(desk: Desk) -> None:
    without = desk.type("setup", "--github", "acme/shop", "--yes", by="")
    named = desk.type("setup", "--github", "acme/shop", "--token-env", "NOBODYS", "--yes")

    assert (without.code, named.code) == (2, 2)
    assert "GH_TOKEN and GITHUB_TOKEN are not set." in without.said
    assert "NOBODYS is not set." in named.said
    assert "gh auth token" in named.said


def test_without_a_name_it_is_the_repository_that_origin_names(desk: Desk) -> None:
    clone = make_repo(desk.folder / "clone", {"a": "b"})
    nowhere = desk.type("setup", "--repo", str(clone.path), "--yes")
    clone.git("remote", "add", "origin", "git@github.com:acme/shop.git")
    there = desk.type("setup", "--repo", str(clone.path), "--yes")

    assert (nowhere.code, there.code) == (2, 0), there.said
    assert "Give it as OWNER/REPO." in nowhere.said


# The doctor.


def test_a_repository_that_was_set_up_is_well(desk: Desk) -> None:
    desk.write(installed())
    desk.setup()
    table = desk.doctor()

    assert table.keys() == {"ok"}, table
    assert "acme/orchestrate at 111111111111" in table["ok"]
    assert "main requires all four checks, from GitHub Actions" in table["ok"]
    assert "NVIDIA_API_KEY" in table["ok"]


def test_thin_callers_are_well_too(desk: Desk) -> None:
    desk.write(installed(thin=True))
    desk.setup()

    assert desk.doctor().keys() == {"ok"}


def test_a_bare_repository_lacks_everything_and_each_has_its_fix(desk: Desk) -> None:
    table = desk.doctor()

    assert "main lacks .github/" in table["failure"]
    assert "orchestrate init" in table["failure"]
    assert "There is no label 'orchestrate'" in table["failure"]
    assert "can be merged into without orchestrate/tests" in table["warning"]


def changed_workflow(files: dict[str, str | bytes | None]) -> None:
    files[".github/workflows/gates.yml"] = "name: mine\n"


def missing_workflow(files: dict[str, str | bytes | None]) -> None:
    del files[".github/workflows/gates-post.yml"]


def older_workflow(files: dict[str, str | bytes | None]) -> None:
    from bot.core.github.installation import Installed, blob_id, write_installed

    path, record = ".github/workflows/gates.yml", ".github/orchestrate/installed.json"
    read = Installed.model_validate_json(files[record] or b"")
    ids = read.files | {path: blob_id(b"name: old\n")}
    files |= {path: "name: old\n", record: write_installed(read.model_copy(update={"files": ids}))}


def wrong_settings(files: dict[str, str | bytes | None]) -> None:
    files[".github/orchestrate.yml"] = "max_paralel: 3\n"


def damaged_record(files: dict[str, str | bytes | None]) -> None:
    files[".github/orchestrate/installed.json"] = "{"


DEFECTS = {
    "a workflow that somebody changed": (
        changed_workflow,
        "warning",
        "Not as init wrote them: .github/workflows/gates.yml",
    ),
    "a workflow that is missing": (missing_workflow, "failure", "main lacks .github/workflows"),
    "a workflow of an older version": (older_workflow, "warning", "orchestrate init --upgrade"),
    "settings with a slip in them": (wrong_settings, "failure", "Did you mean 'max_parallel'?"),
    "a damaged record": (damaged_record, "failure", "installed.json is damaged"),
}


@pytest.mark.parametrize(("spoil", "health", "said"), DEFECTS.values(), ids=DEFECTS.keys())
def test_the_doctor_finds(desk: Desk, spoil: object, health: str, said: str) -> None:
    files = installed()
    assert callable(spoil)
    spoil(files)
    desk.write(files)
    desk.setup()
    table = desk.doctor()

    assert said in table[health], table


def test_an_unbound_check_a_closed_box_and_a_branch_in_the_way_are_found(desk: Desk) -> None:
    desk.write(installed())
    desk.setup()
    [ruleset] = desk.repository.rulesets
    [rule] = ruleset["rules"]
    del rule["parameters"]["required_status_checks"][0]["integration_id"]
    desk.repository.settings.actions_may_open_pulls = False
    desk.repository.push("orchestrate", {"a": "b"}, by="alice")
    table = desk.doctor()

    assert "Whoever may write can post orchestrate/tests" in table["warning"]
    assert "Allow GitHub Actions to create and approve pull requests" in table["failure"]
    assert "is in the way of orchestrate/<run>/<workstream>" in table["failure"]


def test_what_a_colleagues_token_may_not_see_is_said_and_not_taken_for_well(desk: Desk) -> None:
    desk.write(installed())
    desk.setup()
    table = desk.doctor(by="bob")

    assert "failure" not in table
    assert "may not see whether Actions are on" in table["warning"]
    assert "may not see whether Actions may open pull requests" in table["warning"]


def test_a_wrong_token_and_a_wrong_name_are_one_clear_line(desk: Desk) -> None:
    nobody = desk.type("doctor", "--github", "acme/nothing")
    forgot = desk.type("doctor", "acme/shop")

    assert nobody.code == 2
    assert "hides it from this token" in nobody.printed
    assert "orchestrate doctor --github acme/shop" in forgot.said
