"""The doctor: each failure with its fix, and warnings that stand in nobody's way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.base import RunId
from bot.core.documents import Problem
from bot.core.health import Check, Facts, Health, RepositoryFacts, Trouble
from bot.core.routing import Ladder, Rung
from bot.usecases.doctor import diagnose, failures
from tests.support.builders import ladder, tier

WELL = RepositoryFacts(
    path="/home/ada/shop",
    files={".github/orchestrate.yml": ()},
    branches=("orchestrate/ledger", "orchestrate/7f3a/build", "orchestrate/7f3a/combined"),
    records={RunId("7f3a"): None},
    ledger=12,
    folder="/home/ada/.local/state/orchestrate/shop",
    free_bytes=9_000_000_000,
)
FACTS = Facts((2, 43, 0), (2, 38), WELL)
MODELS = ladder(tier())
DAMAGED = Trouble("The record of run 7f3a cannot be read: line 1", "git log shows it.")


def judged(facts: Facts = FACTS, models: Ladder | Trouble = MODELS) -> list[Check]:
    return [check for check in diagnose(facts, models) if check.health is not Health.OK]


def test_a_machine_without_a_sandbox_is_a_warning_with_what_mends_it():
    none = Trouble("bubblewrap is not installed", "sudo apt install bubblewrap")
    [check] = judged(replace(FACTS, sandbox=none))
    assert (check.health, check.fix) == (Health.WARNING, none.fix)
    assert check.detail == "Agents run as you: bubblewrap is not installed."


def with_repository(**changes: object) -> Facts:
    return replace(FACTS, repository=replace(WELL, **changes))


def test_all_is_well():
    assert judged() == []
    assert failures(diagnose(FACTS, MODELS)) == 0


FAILURES = {
    "git is missing": (replace(FACTS, git_version=()), "git", "Install git 2.38."),
    "git is too old": (
        replace(FACTS, git_version=(2, 37, 9)),
        "git",
        "Install git 2.38 or later.",
    ),
    "there is no repository": (
        replace(FACTS, repository=Trouble("/tmp is not in a git repository.", "Run git init.")),
        "repository",
        "Run git init.",
    ),
    "there is no commit": (
        with_repository(has_commit=False),
        "repository",
        "Commit something: git commit",
    ),
    "a branch takes the place of all others": (
        with_repository(branches=("orchestrate",)),
        "branches",
        "git branch -m orchestrate another-name",
    ),
    "a record is damaged": (with_repository(records={"7f3a": DAMAGED}), "records", DAMAGED.fix),
    "the ledger is damaged": (with_repository(ledger=DAMAGED), "ledger", DAMAGED.fix),
    "the folder of runs cannot be written": (
        with_repository(folder_is_writable=False),
        "room",
        "Set XDG_STATE_HOME to a folder that can.",
    ),
    "the disk is nearly full": (
        with_repository(free_bytes=499_000_000),
        "room",
        "Make room for at least 500 MB.",
    ),
}


@pytest.mark.parametrize(("facts", "name", "fix"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_has_its_fix(facts, name, fix):
    assert [(c.name, c.health, c.fix) for c in judged(facts)] == [(name, Health.FAILURE, fix)]


def test_every_problem_of_every_file_is_a_failure_of_its_own():
    problems = (
        Problem("unknown key 'max_paralel'", "Did you mean 'max_parallel'?", "max_paralel", 3),
        Problem("'version' is missing", "Add 'version'."),
    )
    found = judged(
        with_repository(files={".github/orchestrate.yml": problems, "agents/roles/a.md": problems})
    )
    assert [check.name for check in found] == ["settings", "settings", "agents", "agents"]
    assert found[0].detail == (
        ".github/orchestrate.yml: line 3: max_paralel: unknown key 'max_paralel'"
    )
    assert found[0].fix == "Did you mean 'max_parallel'?"


WARNINGS = {
    "a shallow repository": (with_repository(shallow=True), "repository"),
    "a branch where a run could have its own": (
        with_repository(branches=("orchestrate/mine",)),
        "branches",
    ),
    "worktrees of a dead run": (with_repository(leftovers=("7f3a/build.1",)), "leftovers"),
}


@pytest.mark.parametrize(("facts", "name"), WARNINGS.values(), ids=WARNINGS.keys())
def test_a_warning_is_no_failure(facts, name):
    assert [(c.name, c.health) for c in judged(facts)] == [(name, Health.WARNING)]
    assert failures(diagnose(facts, MODELS)) == 0


def test_without_a_model_only_plans_with_commands_work_and_that_is_a_warning():
    nobody = Ladder(rungs=(Rung(tier=tier(), why_not="ORCHESTRATE_BASE_URL is not set"),))
    [check] = judged(models=nobody)
    assert check.health is Health.WARNING
    assert check.detail == "No tier can serve here; only plans with run: commands work."
    assert check.fix.startswith("orchestrate models says what each lacks.")
    assert "ORCHESTRATE_BASE_URL=http://127.0.0.1:11434/v1" in check.fix


def test_of_keys_only_the_names_are_told():
    keyed = ladder(tier("groq", usd="1", key_env="GROQ_API_KEY"), tier("x", key_env="X_KEY"))
    facts = replace(FACTS, variables=frozenset({"GROQ_API_KEY"}))
    keys = next(check for check in diagnose(facts, keyed) if check.name == "keys")
    assert keys.detail == "set: GROQ_API_KEY; not set: X_KEY"
