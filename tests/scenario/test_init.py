"""`orchestrate init`: a maintainer sets up a repository, changes things, and upgrades later."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.core.config import Settings, read_settings
from bot.core.github.installation import Installed, Pin, blob_id, pin_of_direct_url, write_installed
from bot.core.github.issue_form import HEADINGS
from tests.support.peers import dev_tool, lint
from tests.support.repos import OURS, Repo, make_repo

ROOT = Path(__file__).parents[2]
PIN = "acme/orchestrate@" + "1" * 40
NEWER = "acme/orchestrate@" + "2" * 40
NAMES = ("gates", "gates-post", "orchestrate", "workstream")
WORKFLOW = ".github/workflows/gates.yml"
RECORD = ".github/orchestrate/installed.json"


def init(repo: Path, *args: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    """Run `orchestrate init` as a person does, in the repository."""
    return subprocess.run(
        [sys.executable, "-m", "bot", "init", *args],
        cwd=repo,
        input=answer,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "shop", {"app.py": "x = 1\n"})


@pytest.fixture
def ready(repo: Repo) -> Repo:
    """A repository that was set up, and the result committed."""
    done = init(repo.path, "--from", PIN, "--yes")
    assert done.returncode == 0, done.stderr
    repo.commit("Set up Orchestrate")
    return repo


def aged(repo: Repo, path: str = WORKFLOW) -> str:
    """Make a file what an older version wrote, with the record that goes with it."""
    older = (
        repo.path.joinpath(path).read_text().replace("timeout-minutes: 20", "timeout-minutes: 9")
    )
    repo.write(path, older)
    record = Installed.model_validate_json((repo.path / RECORD).read_bytes())
    files = record.files | {path: blob_id(older.encode())}
    repo.write(RECORD, write_installed(record.model_copy(update={"files": files})))
    repo.commit("An older version")
    return older


def test_init_shows_everything_before_it_writes_and_commits_nothing(repo: Repo) -> None:
    before = repo.snapshot()
    refused = init(repo.path, "--from", PIN, answer="n\n")
    unanswered = init(repo.path, "--from", PIN)

    assert (refused.returncode, unanswered.returncode) == (3, 3)
    assert "+++ b/.github/workflows/orchestrate.yml" in refused.stdout
    assert "+name: Orchestrate" in refused.stdout
    assert repo.snapshot() == before

    agreed = init(repo.path, "--from", PIN, answer="y\n")

    assert agreed.returncode == 0, agreed.stderr
    assert "gh secret set GEMINI_API_KEY" in agreed.stdout  # the first of the ladder
    assert repo.snapshot(without=OURS).refs == before.refs
    for name in NAMES:
        ours = (ROOT / f".github/workflows/{name}.yml").read_bytes()
        assert (repo.path / f".github/workflows/{name}.yml").read_bytes() == ours


def test_what_init_says_to_type_next_stages_all_that_it_wrote(repo: Repo) -> None:
    printed = init(repo.path, "--from", PIN, "--yes").stdout
    for line in re.findall(r"^  git (add .*)$", printed, re.MULTILINE):
        repo.git(*shlex.split(line))

    assert "??" not in repo.git("status", "--porcelain", "--untracked-files=all")
    script = repo.git("ls-files", "--stage", ".github/actions/orchestrate/setup.sh")
    assert script.startswith("100755"), "the set-up action could not run it"


def test_the_settings_it_writes_hold_as_they_are_and_with_every_example_taken(ready: Repo) -> None:
    text = (ready.path / ".github/orchestrate.yml").read_text()
    taken = re.sub(r"^# (?=(?: *)[a-z_]+:( |$))", "", text, flags=re.MULTILINE)
    taken = re.sub(r"^#   (?=[a-z_]+: )", "  ", taken, flags=re.MULTILINE)

    assert read_settings(text) == Settings()
    assert isinstance(read_settings(taken), Settings)
    assert read_settings(taken) != Settings()


def test_a_second_init_finds_nothing_to_do(ready: Repo) -> None:
    before = ready.snapshot()

    assert init(ready.path).returncode == 0
    assert init(ready.path, "--check").returncode == 0
    assert ready.snapshot() == before


def test_the_set_up_action_installs_what_is_pinned_in_one_place(ready: Repo) -> None:
    pin = ready.path / ".github/orchestrate/bot.txt"

    def folder() -> str:
        script = ready.path / ".github/actions/orchestrate/setup.sh"
        done = subprocess.run([script, "folder"], capture_output=True, text=True, check=True)
        return done.stdout

    assert pin.read_text().endswith(f"@ git+https://github.com/{PIN}\n")
    first = folder()
    done = init(ready.path, "--from", NEWER, "--upgrade", "--yes")

    assert done.returncode == 0, done.stderr
    moved = {".github/orchestrate/bot.txt", RECORD, ".github/orchestrate.yml"}
    assert set(ready.git("diff", "--name-only").splitlines()) == moved
    assert folder() != first, "a cache of the old bot would be taken for the new one"


def test_a_workflow_that_a_person_changed_is_kept_and_shown(ready: Repo) -> None:
    aged(ready)
    rarer = (ready.path / WORKFLOW).read_text().replace("ubuntu-24.04", "our-runners")
    ready.write(WORKFLOW, rarer)
    ready.commit("Our runners")

    done = init(ready.path, "--from", NEWER, "--upgrade", "--yes")

    assert done.returncode == 1
    assert "changed by you: .github/workflows/gates.yml" in done.stdout
    assert "-    runs-on: our-runners" in done.stdout, "what would have come is not shown"
    assert (ready.path / WORKFLOW).read_text() == rarer
    assert init(ready.path, "--check").returncode == 1


def test_only_an_upgrade_updates_what_nobody_changed(ready: Repo) -> None:
    older = aged(ready)

    plain = init(ready.path, "--yes")
    assert plain.returncode == 1
    assert "orchestrate init --upgrade" in plain.stdout
    assert (ready.path / WORKFLOW).read_text() == older

    upgraded = init(ready.path, "--from", PIN, "--upgrade", "--yes")
    assert upgraded.returncode == 0, upgraded.stdout
    assert (ready.path / WORKFLOW).read_bytes() == (ROOT / WORKFLOW).read_bytes()


def test_settings_roles_and_form_are_their_owners_to_change_and_to_remove(ready: Repo) -> None:
    ready.write(".github/orchestrate.yml", "version: 1\nmax_parallel: 2\n")
    (ready.path / "agents/roles/auditor.md").unlink()
    ready.commit("As we like it")
    before = ready.snapshot()

    done = init(ready.path, "--from", PIN, "--upgrade", "--yes")

    assert (done.returncode, ready.snapshot()) == (0, before)


def test_a_workflow_of_the_same_name_by_somebody_else_is_kept(repo: Repo) -> None:
    repo.write(WORKFLOW, b"name: Ours\non: push\n\x1b[31m\xff\xfe\n")

    done = init(repo.path, "--from", PIN, "--yes")

    assert done.returncode == 1
    assert "in the way: .github/workflows/gates.yml" in done.stdout
    assert "\x1b" not in done.stdout
    assert (repo.path / WORKFLOW).read_bytes().startswith(b"name: Ours")
    assert (repo.path / ".github/workflows/orchestrate.yml").exists()


def test_a_checkout_with_crlf_is_the_same_and_stays_so(ready: Repo) -> None:
    aged(ready)
    for file in (ready.path / ".github").rglob("*.yml"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    done = init(ready.path, "--from", PIN, "--upgrade", "--yes")

    assert done.returncode == 0, done.stdout
    changed = (ready.path / WORKFLOW).read_bytes()
    assert changed == (ROOT / WORKFLOW).read_bytes().replace(b"\n", b"\r\n")


OBSTACLES = {
    "a link in place of a folder": ("ln -s ../elsewhere .github", ".github is a link to"),
    "a link in place of a file": (
        "mkdir -p .github/workflows && ln -s /etc/passwd .github/workflows/gates.yml",
        "gates.yml is no plain file",
    ),
    "a file in place of a folder": ("touch agents", "agents is a file, and a folder is needed"),
    "a folder in place of a file": ("mkdir -p .github/orchestrate.yml", "is no plain file"),
    "a damaged record": (
        'mkdir -p .github/orchestrate && echo "{" > .github/orchestrate/installed.json',
        "installed.json is damaged",
    ),
    "a record that reaches outside": (
        "mkdir -p .github/orchestrate && echo '"
        + json.dumps(
            {
                "pin": {"repository": "a/b", "commit": "1" * 40},
                "thin": False,
                "files": {".github/orchestrate/../../../x": "1" * 40},
            }
        )
        + "' > .github/orchestrate/installed.json",
        "installed.json is damaged",
    ),
}


@pytest.mark.parametrize(("make", "said"), OBSTACLES.values(), ids=OBSTACLES.keys())
def test_what_is_in_the_way_is_named_and_nothing_is_written(
    repo: Repo, make: str, said: str
) -> None:
    (repo.path.parent / "elsewhere").mkdir()
    subprocess.run(["sh", "-c", make], cwd=repo.path, check=True)
    before = repo.snapshot()

    done = init(repo.path, "--from", PIN, "--yes")

    assert done.returncode == 2
    assert said in done.stderr
    assert repo.snapshot() == before
    assert list((repo.path.parent / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(repo: Repo) -> None:
    repo.path.chmod(0o555)
    try:
        done = init(repo.path, "--from", PIN, "--yes")
    finally:
        repo.path.chmod(0o755)
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True)


REFUSALS = {
    "a folder without git": ("mkdir ../bare && cd ../bare", ("--from", PIN), "not in a git"),
    "a bare repository": (
        "git init -q --bare ../bare && cd ../bare",
        ("--from", PIN),
        "has no work tree",
    ),
    "a branch for a commit": ("cd .", ("--from", "acme/orchestrate@main"), "all 40 digits"),
    "no word on which bot": ("cd .", (), "Name it with --from OWNER/REPO@COMMIT"),
    "two bots": ("cd .", ("--from", PIN, "--thin", PIN), "not both"),
}


@pytest.mark.parametrize(("make", "args", "said"), REFUSALS.values(), ids=REFUSALS.keys())
def test_init_says_why_it_cannot_begin(
    repo: Repo, make: str, args: tuple[str, ...], said: str
) -> None:
    subprocess.run(["sh", "-c", make], cwd=repo.path, check=True)
    bare = repo.path.parent / "bare"

    done = init(bare if bare.exists() else repo.path, *args, "--yes")

    assert done.returncode == 2
    assert said in done.stderr


def test_the_bot_does_not_install_itself_over_itself() -> None:
    done = init(ROOT, "--from", PIN)

    assert (done.returncode, "bot's own repository" in done.stderr) == (2, True)


# Thin callers: two repositories, one that calls and one that is called.


@pytest.fixture
def thin(repo: Repo) -> Repo:
    done = init(repo.path, "--thin", PIN, "--yes")
    assert done.returncode == 0, done.stderr
    return repo


@pytest.mark.parametrize("name", NAMES)
def test_a_caller_gives_what_the_called_workflow_takes_and_needs(thin: Repo, name: str) -> None:
    text = (thin.path / f".github/workflows/{name}.yml").read_text()
    caller = yaml.safe_load(text)
    ours = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
    [job] = caller["jobs"].values()
    repository, commit = PIN.split("@")
    call = ours[True]["workflow_call"]
    dispatch = (ours[True].get("workflow_dispatch") or {}).get("inputs", {})

    assert caller["name"] == ours["name"], "workflow_run and run-names go by it"
    assert caller.get("run-name") == ours.get("run-name")
    assert caller[True] == {k: v for k, v in ours[True].items() if k != "workflow_call"}
    assert caller["permissions"] == {}
    assert job["uses"] == f"{repository}/.github/workflows/{name}.yml@{commit}"
    assert job["with"].keys() <= call["inputs"].keys()
    assert {k for k, v in call["inputs"].items() if v["required"]} <= job["with"].keys()
    assert job["with"] == {
        "bot_repository": repository,
        "bot_commit": commit,
        **{each: f"${{{{ inputs.{each} }}}}" for each in call["inputs"] if each in dispatch},
    }
    assert job.get("secrets", {}) == {
        each: f"${{{{ secrets.{each} }}}}" for each in call.get("secrets", {})
    }
    for called_job in ours["jobs"].values():
        for right, level in called_job["permissions"].items():
            assert job["permissions"][right] in {level, "write"}


def test_judges_of_workflows_find_nothing_in_caller_and_called(thin: Repo) -> None:
    """With the called workflows beside the callers, inputs, secrets and rights are compared too."""
    for name in NAMES:
        caller = thin.path / f".github/workflows/{name}.yml"
        called = (ROOT / f".github/workflows/{name}.yml").read_text()
        near = caller.read_text().replace(f"uses: {PIN.split('@')[0]}/.github", "uses: ./.github")
        thin.write(f".github/workflows/call-{name}.yml", near.replace(f"@{PIN.split('@')[1]}", ""))
        thin.write(f".github/workflows/{name}.yml", called)
    done = subprocess.run(
        (dev_tool("actionlint"), "-no-color", "-shellcheck="),
        cwd=thin.path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = [line for line in done.stdout.splitlines() if line.startswith(".github")]

    assert [line for line in found if "has no explicit cache access limit" not in line] == []
    assert lint(sorted((thin.path / ".github/workflows").glob("*.yml"))) == ""


def test_judges_of_workflows_find_nothing_in_a_copy(ready: Repo) -> None:
    assert lint(sorted((ready.path / ".github/workflows").glob("*.yml"))) == ""


def test_the_form_asks_what_the_bot_reads() -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/orchestrate.yml").read_text())

    assert tuple(one["attributes"]["label"] for one in form["body"]) == HEADINGS
    assert form["labels"] == [Settings().github.label]


def test_thin_callers_bring_nothing_to_install_and_upgrade_by_their_pins(thin: Repo) -> None:
    assert not (thin.path / ".github/actions").exists()
    thin.commit("Set up Orchestrate")

    done = init(thin.path, "--thin", NEWER, "--upgrade", "--yes")

    assert done.returncode == 0, done.stdout
    text = (thin.path / WORKFLOW).read_text()
    assert (NEWER.split("@")[1] in text, PIN.split("@")[1] in text) == (True, False)


def test_going_from_vendored_to_thin_removes_what_only_ours_was(ready: Repo) -> None:
    ready.write(".github/actions/orchestrate/setup.sh", "echo mine\n")
    ready.write(".github/actions/orchestrate/notes.md", "mine\n")

    done = init(ready.path, "--thin", PIN, "--upgrade", "--yes")

    assert done.returncode == 0, done.stdout
    left = {file.name for file in (ready.path / ".github/actions/orchestrate").iterdir()}
    assert left == {"setup.sh", "notes.md"}
    assert [file.name for file in (ready.path / ".github/orchestrate").iterdir()] == [
        "installed.json"
    ]


@pytest.mark.parametrize(
    ("url", "pin"),
    [
        ("https://github.com/acme/orchestrate", "acme/orchestrate"),
        ("ssh://git@github.com/acme/orchestrate.git", "acme/orchestrate"),
        ("https://gitlab.example/acme/orchestrate", None),
        ("file:///src/orchestrate", None),
    ],
)
def test_a_bot_that_pip_took_from_github_knows_its_own_commit(url: str, pin: str | None) -> None:
    expected = Pin(repository=pin, commit="3" * 40) if pin else None

    assert pin_of_direct_url(url, "3" * 40) == expected
