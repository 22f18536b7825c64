"""Somebody comes back to a repository and asks what happened, from git alone."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.event_ref import Batch, EventRef
from bot.adapters.git import Repository
from bot.cli.app import run_app
from bot.cli.costs import By, costs
from bot.cli.doctor import doctor
from bot.cli.log import log
from bot.cli.models import models
from bot.cli.status import status
from bot.core.base import RunId
from bot.core.events import TierExhausted
from bot.core.ledger import Billing, LedgerLine
from bot.errors import UserError
from tests.support.builders import PASSED, RUN, asked, at, plan, run_of, workstream
from tests.support.repos import OURS, Repo, make_repo

MODEL = "ORCHESTRATE_BASE_URL"


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    text: str
    exit: int


def calls(*, provider: str, usd: str, month: int, billing: Billing = Billing.PAID) -> LedgerLine:
    return LedgerLine(
        id=f"{provider}-{month}",
        at=at(0).replace(month=month),
        run=RUN,
        provider=provider,
        tier=f"{provider}-tier",
        billing=billing,
        input_tokens=1_200,
        output_tokens=30,
        cost_usd=Decimal(usd),
    )


@pytest.fixture
def shop(tmp_path) -> Repo:
    repo = make_repo(tmp_path / "shop", {"api.py": "x = 1\n"})
    spend = (
        calls(provider="groq", usd="0.25", month=11),
        calls(provider="openai", usd="1.50", month=10),
        calls(provider="local", usd="0", month=11, billing=Billing.FREE),
    )
    record = EventRef(Repository.open(str(repo.path)), RUN)
    record.append(Batch(PASSED, {}, spend=spend), at(99))
    return repo


@pytest.fixture
def say(shop, capsys):
    """Run a command in the repository."""

    def run(command, **options) -> Said:
        code = command(repo=str(shop.path), **options)
        return Said(capsys.readouterr().out, int(code))

    return run


def test_status_lists_every_run_even_one_that_is_damaged(shop, say):
    second = run_of(
        plan(workstream("a", approval=True)), asked("May a?", "workstream:a", workstream="a")
    )
    repository = Repository.open(str(shop.path))
    EventRef(repository, RunId("b2")).append(Batch(second, {}), at(500))
    shop.git("update-ref", "refs/orchestrate/runs/broken", _damaged(shop))
    said = say(status, run=None, json=False)
    rows = {line.split()[0]: line.split()[1] for line in said.text.splitlines()[1:]}
    assert rows == {"7f3a": "passed", "b2": "waiting", "broken": "unreadable"}
    listed = json.loads(say(status, run=None, json=True).text)
    assert {run["run"]: run["status"] for run in listed} == {
        "7f3a": "passed",
        "b2": "waiting",
        "broken": None,
    }


def _damaged(repo: Repo) -> str:
    """Make a commit whose events are none, beside everything else."""
    repository = Repository.open(str(repo.path))
    return repository.commit_files({"events.jsonl": b'{"type": "run.req'}, "Broken\n", at(0))


def test_status_of_a_run_shows_gates_and_what_to_type(say):
    said = say(status, run="7f3a", json=False)
    assert said.exit == 0
    assert said.text.startswith("Run 7f3a passed after 1m 39s\nAdd pagination\n")
    assert "tests     passed" in said.text
    assert said.text.endswith("  git merge orchestrate/7f3a/combined\n")


def test_status_as_json_is_the_report(say):
    report = json.loads(say(status, run="7f3a", json=True).text)
    assert (report["status"], report["workstreams"][0]["status"]) == ("passed", "landed")


def test_log_tells_the_run_from_its_ref(say):
    lines = say(log, run="7f3a").text.splitlines()
    assert len(lines) == 1 + len(PASSED)
    assert lines[-1].endswith("run         passed: every gate passed")


@pytest.mark.parametrize("command", [log, lambda **o: status(json=False, **o)])
def test_a_run_that_is_not_there_is_named_beside_those_that_are(shop, command):
    with pytest.raises(UserError, match="no run nope") as caught:
        command(run="nope", repo=str(shop.path))
    assert "7f3a" in caught.value.fix


def test_costs_are_summed_by_what_is_asked(say):
    text = say(costs, month=None, by=By.PROVIDER, json=False).text
    rows = {line.split()[0]: line.split()[-1] for line in text.splitlines()[1:4]}
    assert rows == {"groq": "$0.2500", "local": "$0.0000", "openai": "$1.5000"}
    assert text.endswith("Really spent: $1.7500\n")
    november = json.loads(say(costs, month="2026-11", by=By.TIER, json=True).text)
    assert (november["spent_usd"], list(november["rows"])) == (
        "0.250000",
        ["groq-tier", "local-tier"],
    )


def test_where_a_month_ends_is_told_of_past_ones_too_and_by_provider_only(shop, say):
    old = calls(provider="acme", usd="1.50", month=2)
    old = old.model_copy(update={"at": old.at.replace(year=2020)})
    repository = Repository.open(str(shop.path))
    EventRef(repository, RunId("old")).append(Batch(PASSED, {}, spend=(old,)), at(99))
    (shop.path / ".github").mkdir()
    (shop.path / ".github" / "orchestrate.yml").write_text("limits: {provider_month_usd: 1}")
    text = say(costs, month="2020-02", forecast=True).text
    assert text.startswith("2020-02: spent $1.50\n")
    assert re.search(r"^acme +\$1\.50 +\$1\.00: reached on 2020-02-21$", text, re.MULTILINE)
    february = json.loads(say(costs, month="2020-02", forecast=True, json=True).text)
    assert february["providers"]["acme"]["forecast_usd"] == "1.500000"
    assert february["providers"]["acme"]["cap_usd"] == "1.000000"
    now = json.loads(say(costs, forecast=True, json=True).text)
    assert (now["days_gone"] > 0, "openrouter-free" in now["free"]) == (True, True)
    for wrong in ({"month": "2026-13"}, {"month": "2999-01"}, {"by": By.RUN}):
        with pytest.raises(UserError):
            costs(**wrong, forecast=True, repo=str(shop.path))


@pytest.mark.parametrize(
    ("typed", "help_of"),
    [
        pytest.param(["log"], "orchestrate log", id="a word is missing"),
        pytest.param(["engines", "install", "--foo"], "orchestrate engines install", id="below"),
        pytest.param(["rum"], "orchestrate", id="no such command"),
    ],
)
def test_who_types_it_wrong_is_led_to_the_help_of_that_command(typed, help_of, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["orchestrate", *typed])
    assert run_app() == 2
    assert f"  {help_of} --help says" in capsys.readouterr().err


def test_a_choice_that_is_none_is_answered_with_those_that_are(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["orchestrate", "costs", "--by", "foo"])
    assert run_app() == 2
    said = capsys.readouterr().err.splitlines()[0]
    assert said.endswith("'--by': 'foo' is not one of 'provider', 'tier', 'run'.")


def test_a_month_without_calls_and_a_month_that_is_none(shop, say):
    said = say(costs, month="2026-01", by=By.RUN, json=False)
    assert said.text == "The ledger has no model call of 2026-01.\n"
    with pytest.raises(UserError, match="'2026-13' is no month"):
        costs(month="2026-13", repo=str(shop.path))


def test_models_are_those_of_the_repository_with_the_keys_of_this_machine(shop, say, monkeypatch):
    own = (
        "tiers: [{name: mine, engine: builtin, provider: me, model: m, billing: free, key_env: K}]"
    )
    (shop.path / ".github").mkdir()
    (shop.path / ".github" / "orchestrate.yml").write_text(own)
    monkeypatch.delenv("NVIDIA_API_KEY", raising=False)
    monkeypatch.setenv("OPENROUTER_API_KEY", "a-secret-key")
    said = say(models, kind="review", json=True)
    found = json.loads(said.text)
    rungs = {rung["tier"]["name"]: rung for rung in found["rungs"]}
    assert next(iter(rungs)) == "mine", "the repository's own come first"
    assert rungs["nvidia-free"]["why_not"] == "no key: set NVIDIA_API_KEY"
    assert found["first"][0]["tier"] == "openrouter-free"
    assert "a-secret-key" not in said.text
    with pytest.raises(UserError, match="'reveiw' is no kind of work") as caught:
        models(kind="reveiw", repo=str(shop.path))
    assert caught.value.fix == "Did you mean 'review'?"


def test_models_say_which_tiers_ran_out_in_the_last_runs_and_when_they_are_back(shop, say):
    now = SystemClock().now().replace(microsecond=0)
    for nth, (tier, back) in enumerate([("opencode", -1), ("gemini", 3)]):
        run = RunId(f"{nth}abc")
        found = TierExhausted(
            at=now - timedelta(hours=2),
            run=run,
            tier=tier,
            because="429",
            back_at=now + timedelta(hours=back),
        )
        EventRef(Repository.open(str(shop.path)), run).append(Batch((found,), {}), now)
    shop.git("update-ref", "refs/orchestrate/runs/broken", "HEAD")
    rungs = {
        rung["tier"]["name"]: rung for rung in json.loads(say(models, json=True).text)["rungs"]
    }
    back_at = f"{now + timedelta(hours=3):%Y-%m-%d %H:%M} UTC"
    assert rungs["gemini"]["ran_out"] == f"ran out in run 1abc, back at {back_at}"
    assert rungs["opencode"]["ran_out"] == "", "it is back"


def test_the_doctor_finds_nothing_wrong_and_changes_nothing(shop, say):
    before = shop.snapshot()
    said = say(doctor)
    assert said.exit == 0
    assert "0 failures" in said.text
    assert shop.snapshot() == before


def test_the_doctor_names_each_failure_and_its_fix(tmp_path, capsys):
    repo = make_repo(tmp_path / "sick", {"x": "1"})
    repo.write(".github/orchestrate.yml", "max_paralel: 3\n")
    repo.write("agents/roles/tester.md", "no front matter")
    repo.git("branch", "orchestrate")
    repo.git("update-ref", "refs/orchestrate/runs/broken", _damaged(repo))
    before = repo.snapshot(without=OURS)
    code = doctor(repo=str(repo.path))
    text = capsys.readouterr().out
    assert code == 2
    assert text.splitlines()[-1].startswith("4 failures")
    for part in (
        "line 1: max_paralel: unknown key",
        "Did you mean 'max_parallel'?",
        "agents/roles/tester.md: line 1: no front matter",
        "git branch -m orchestrate another-name",
        "The record of run broken cannot be read",
    ):
        assert part in text
    assert repo.snapshot(without=OURS) == before


@pytest.mark.parametrize("files", [{}, None], ids=["no commit", "no repository"])
def test_the_doctor_says_why_there_is_nothing_to_look_at(tmp_path, capsys, files):
    folder = tmp_path / "empty"
    folder.mkdir()
    if files is not None:
        make_repo(folder, files)
    assert doctor(repo=str(folder)) == 2
    text = capsys.readouterr().out
    assert "failure  repository" in text
    assert text.splitlines()[-1].startswith("1 failure")


def test_the_doctor_never_prints_a_key(shop, say):
    shop.write(
        ".github/orchestrate.yml",
        "tiers:\n- {name: mine, engine: builtin, provider: mine, model: m, billing: free,\n"
        "   base_url: 'http://127.0.0.1:9/v1', key_env: SHOP_MODEL_KEY}\n",
    )
    os.environ["SHOP_MODEL_KEY"] = "hunter2-hunter2"
    try:
        text = say(doctor).text
    finally:
        del os.environ["SHOP_MODEL_KEY"]
    assert "set: SHOP_MODEL_KEY;" in text
    assert "hunter2" not in text
