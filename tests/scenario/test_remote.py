"""Somebody at a laptop asks how the runs on GitHub stand, and what they cost."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from bot.adapters.event_ref import Batch, EventRef
from bot.adapters.git import GitError, Repository
from bot.adapters.remote_record import remote_runs
from bot.cli.costs import By, costs
from bot.cli.log import log
from bot.cli.status import status
from bot.core.base import RunId
from bot.core.github.presence import Presence, PullRequest
from bot.core.ledger import Billing, LedgerLine
from bot.errors import Unavailable, UserError
from tests.support.builders import PASSED, asked, at, plan, run_of, workstream
from tests.support.github import FakeGithub
from tests.support.repos import Repo, make_repo

ON_GITHUB = Presence(issue=42, pull=PullRequest(number=57, node_id="PR_1"))
RUN = RunId("42")
WAITING = run_of(
    plan(workstream("a", approval=True), task="Add pagination"),
    asked("May a?", "workstream:a", workstream="a"),
)
Say = Callable[..., str]


def spent(usd: str) -> LedgerLine:
    about = {"id": usd, "at": at(0), "run": RUN, "provider": "groq", "billing": Billing.PAID}
    return LedgerLine.model_validate({**about, "cost_usd": Decimal(usd)})


def write_run(path: Path, run: RunId = RUN, usd: str = "1.25") -> None:
    """Record a run that waits for a person, with what it spent and a long log."""
    files = {
        "github.json": ON_GITHUB.model_dump_json().encode(),
        "evidence/a.1/engine.log": b"a long story\n" * 1_000,
    }
    record = EventRef(Repository.open(str(path)), run)
    record.append(Batch(WAITING, files, spend=(spent(usd),)), at(99))


@pytest.fixture
def origin(tmp_path: Path) -> Repo:
    made = make_repo(tmp_path / "origin", {"api.py": "x = 1\n"})
    made.git("config", "uploadpack.allowFilter", "true")
    made.commit("A second one")
    return made


@pytest.fixture
def clone(tmp_path: Path, origin: Repo) -> Repo:
    origin.git("clone", "--quiet", str(origin.path), str(tmp_path / "clone"))
    return Repo(tmp_path / "clone")


@pytest.fixture
def say(clone: Repo, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command in the clone on what its remote has; return what it printed."""

    def run(command: Callable[..., int], **options: object) -> str:
        command(**{"repo": str(clone.path), "remote": True, **options})
        return capsys.readouterr().out

    return run


def test_status_shows_where_runs_stand_and_what_to_write_on_which_issue(
    origin: Repo, say: Say
) -> None:
    write_run(origin.path)
    [head, row] = say(status).splitlines()
    assert head.split() == ["run", "pull", "status", "age", "task"]
    assert row.split()[:3] == ["42", "#57", "waiting"]
    text = say(status, run="42")
    assert "Issue #42, pull request #57\n" in text
    assert text.endswith("Next, in a comment on issue #42\n  /approve a\n")
    report = json.loads(say(status, run="42", json=True))
    assert (report["issue"], report["pull_request"]) == (42, 57)
    assert report["next_steps"] == ["/approve a"]


def test_log_and_costs_are_those_of_the_remote(origin: Repo, say: Say) -> None:
    write_run(origin.path)
    assert "asks a person: May a?" in say(log, run="42")
    assert say(costs, month="2026-11", by=By.RUN).endswith("Really spent: $1.2500\n")


def test_a_forecast_is_of_the_remotes_ledger_under_the_cap_of_the_settings_here(
    origin: Repo, clone: Repo, say: Say
) -> None:
    old = spent("1.25").model_copy(update={"at": at(0).replace(year=2020)})
    record = EventRef(Repository.open(str(origin.path)), RUN)
    record.append(Batch(WAITING, {}, spend=(old,)), at(99))
    (clone.path / ".github").mkdir()
    (clone.path / ".github" / "orchestrate.yml").write_text("limits: {provider_month_usd: 3}")
    found = json.loads(say(costs, month="2020-11", forecast=True, json=True))
    [cap] = {row["cap_usd"] for row in found["providers"].values()}
    assert (found["spent_usd"], cap) == ("1.250000", "3.000000")
    here = json.loads(say(costs, month="2020-11", forecast=True, json=True, remote=False))
    assert here["spent_usd"] == "0.000000"


def test_a_local_run_with_the_same_id_is_neither_shown_nor_touched(
    origin: Repo, clone: Repo, say: Say
) -> None:
    write_run(origin.path)
    own = EventRef(Repository.open(str(clone.path)), RUN)
    own.append(Batch(PASSED, {}, spend=(spent("7"),)), at(99))
    before, refs = clone.snapshot(), clone.git("for-each-ref")
    for command in (status, log):
        assert "May a?" in say(command, run="42")
        assert "May a?" not in say(command, run="42", remote=False)
    assert "$1.2500" in say(costs)
    assert "$7.0000" in say(costs, remote=False)
    assert (clone.snapshot(), clone.git("for-each-ref")) == (before, refs)


def test_a_shallow_clone_works_and_stays_as_shallow_and_a_whole_one_whole(
    origin: Repo, clone: Repo, tmp_path: Path, say: Say
) -> None:
    write_run(origin.path)
    url = f"file://{origin.path}"
    clone.git("clone", "--quiet", "--depth=1", url, str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow")
    before = (shallow.path / ".git" / "shallow").read_text()
    assert "#57" in say(status, repo=str(shallow.path))
    assert (shallow.path / ".git" / "shallow").read_text() == before
    say(status)
    say(costs)
    assert clone.git("rev-parse", "--is-shallow-repository") == "false"
    assert not (clone.path / ".git" / "FETCH_HEAD").exists()


def test_runs_that_are_not_there_are_said_to_be_missing(origin: Repo, say: Say) -> None:
    assert say(status) == "No run is recorded at origin.\n"
    assert "The ledger has no model call yet." in say(costs)
    write_run(origin.path)
    with pytest.raises(UserError, match="no run 421") as caught:
        say(log, run="421")
    assert caught.value.fix == "Runs: 42"


def test_a_remote_that_is_missing_or_silent_is_named(origin: Repo, say: Say) -> None:
    with pytest.raises(UserError, match="no remote 'upstream'"):
        say(status, remote_name="upstream")
    with pytest.raises(UserError, match="no remote '--upload-pack=touch pwned'"):
        say(status, remote_name="--upload-pack=touch pwned")
    shutil.rmtree(origin.path)
    with pytest.raises(Unavailable, match=r"origin does not answer: .*not appear to be a git"):
        say(costs)


def test_another_remote_is_read_by_its_name_from_wherever_it_lies(
    origin: Repo, clone: Repo, say: Say
) -> None:
    write_run(origin.path)
    clone.git("remote", "rename", "origin", "upstream")
    clone.git("remote", "set-url", "upstream", "../origin")
    assert "#57" in say(status, remote=False, remote_name="upstream")


def test_a_damaged_run_of_the_remote_does_not_hide_the_others(origin: Repo, say: Say) -> None:
    write_run(origin.path)
    repository = Repository.open(str(origin.path))
    files = {"events.jsonl": b'{"type": "run.req', "github.json": b"[]"}
    broken = repository.commit_files(files, "Broken\n", at(0))
    origin.git("update-ref", "refs/orchestrate/runs/7", broken)
    rows = {line.split()[0]: line.split()[2] for line in say(status).splitlines()[1:]}
    assert rows == {"42": "waiting", "7": "unreadable"}


def test_of_many_runs_no_evidence_is_fetched_and_of_one_nothing_of_the_others(
    origin: Repo, clone: Repo
) -> None:
    write_run(origin.path)
    write_run(origin.path, RunId("43"), usd="2")
    clone.git("remote", "set-url", "origin", f"file://{origin.path}")
    mine = Repository.open(str(clone.path))
    with remote_runs(mine, "origin", {}, None) as copy:
        assert len(EventRef(copy, RUN).load()) == len(WAITING)
        [tip] = copy.refs("refs/orchestrate/runs/42").values()
        evidence = copy.text("ls-tree", "-r", tip, "evidence/").split()[2]
        with pytest.raises(GitError):
            copy.git("cat-file", "-e", evidence)


def test_a_login_that_only_the_clone_knows_is_used(tmp_path: Path) -> None:
    over_http = {"GIT_ALLOW_PROTOCOL": "http"}
    with FakeGithub() as github:
        github.add_user("alice")
        repository = github.create_repository("acme/widget", files={"a.txt": "a\n"}, private=True)
        write_run(Path(repository.git.path))
        clone = make_repo(tmp_path / "clone", {"a.txt": "a\n"})
        clone.git("remote", "add", "origin", f"{github.url}/acme/widget.git")
        mine = Repository.open(str(clone.path))
        with (
            pytest.raises(Unavailable, match="origin does not answer"),
            remote_runs(mine, "origin", over_http, None),
        ):
            pass
        token = github.job_token("acme/widget", {"contents": "read"})
        login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        clone.git("config", f"http.{github.url}/.extraheader", f"AUTHORIZATION: basic {login}")
        with remote_runs(mine, "origin", over_http, RUN) as copy:
            assert len(EventRef(copy, RUN).load()) == len(WAITING)
