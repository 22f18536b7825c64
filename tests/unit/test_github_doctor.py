"""The doctor of a repository on GitHub: each finding with its fix, and what was not seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.config import Settings
from bot.core.github.health import GithubFacts, Hosted, HostedFiles
from bot.core.github.requirements import (
    ACTIONS_APP,
    CHECKS,
    RulesetFound,
    ruleset_wanted,
)
from bot.core.health import Check, Health, Trouble
from bot.usecases.github_doctor import MAY_OPEN_PULLS, diagnose_github

WORKFLOW = ".github/workflows/gates.yml"
HOSTED = Hosted(
    name="acme/shop",
    default_branch="main",
    private=False,
    fork=False,
    archived=False,
    has_issues=True,
    right="admin",
)
FACTS = GithubFacts(
    repository=HOSTED,
    files=HostedFiles({WORKFLOW: "1" * 40}, None, Settings()),
    shipped={WORKFLOW: "1" * 40},
    switched_off={},
    actions_enabled=True,
    label="orchestrate",
    label_exists=True,
    required=dict.fromkeys(CHECKS, ACTIONS_APP),
    may_open_pulls=True,
    requests_left=(4_900, 5_000),
    secrets=("NVIDIA_API_KEY",),
    in_the_way=False,
)


def judged(facts: GithubFacts | Trouble) -> list[Check]:
    return [check for check in diagnose_github(facts) if check.health is not Health.OK]


def hosted(**changes: object) -> GithubFacts:
    return replace(FACTS, repository=replace(HOSTED, **changes))


def test_all_is_well() -> None:
    assert judged(FACTS) == []


ONLY_TESTS = {CHECKS[0]: ACTIONS_APP}
FINDINGS = {
    "it cannot be reached": (Trouble("No.", "Another token."), Health.FAILURE, "Another token."),
    "it is archived": (hosted(archived=True), Health.FAILURE, "Unarchive it"),
    "it has no issues": (hosted(has_issues=False), Health.FAILURE, "Tick Issues"),
    "it is a fork": (hosted(fork=True), Health.WARNING, "Press the button"),
    "actions are off": (replace(FACTS, actions_enabled=False), Health.FAILURE, "Allow them"),
    "nobody tells whether they are": (
        replace(FACTS, actions_enabled=None),
        Health.WARNING,
        "An administrator sees it",
    ),
    "a workflow is off": (
        replace(FACTS, switched_off={WORKFLOW: "disabled manually"}),
        Health.FAILURE,
        "gh workflow enable gates.yml",
    ),
    "workflows cannot be listed": (
        replace(FACTS, switched_off=None),
        Health.WARNING,
        "gh workflow list --all",
    ),
    "three checks are not required": (
        replace(FACTS, required=ONLY_TESTS),
        Health.WARNING,
        "orchestrate setup",
    ),
    "a check is bound to another app": (
        replace(FACTS, required=FACTS.required | {CHECKS[1]: 4}),
        Health.WARNING,
        "orchestrate setup",
    ),
    "actions may not open pull requests": (
        replace(FACTS, may_open_pulls=False),
        Health.FAILURE,
        MAY_OPEN_PULLS,
    ),
    "few requests are left": (
        replace(FACTS, requests_left=(3, 5_000)),
        Health.WARNING,
        "Wait for the next hour.",
    ),
}


@pytest.mark.parametrize(("facts", "health", "fix"), FINDINGS.values(), ids=FINDINGS.keys())
def test_one_thing_is_found_with_its_fix(
    facts: GithubFacts | Trouble, health: Health, fix: str
) -> None:
    [check] = judged(facts)

    assert check.health is health
    assert fix in check.fix


def test_somebody_elses_workflow_that_is_off_is_none_of_ours() -> None:
    assert judged(replace(FACTS, switched_off={".github/workflows/nightly.yml": "disabled"})) == []


def test_a_private_repository_is_told_of_drafts() -> None:
    assert any(check.name == "drafts" for check in diagnose_github(hosted(private=True)))


RULE = {
    "type": "required_status_checks",
    "parameters": {
        "required_status_checks": [
            {"context": name, "integration_id": ACTIONS_APP} for name in CHECKS
        ]
    },
}
WELL = RulesetFound(7, "active", ("~DEFAULT_BRANCH",), (), (RULE,))
RULESETS = {
    "for trial only": (replace(WELL, enforcement="evaluate"), "not active but evaluate"),
    "for another branch": (replace(WELL, include=("refs/heads/next",)), "does not cover main"),
    "for all but the default branch": (
        replace(WELL, include=("~ALL",), exclude=("refs/heads/main",)),
        "leaves refs/heads/main out",
    ),
    "without rules": (replace(WELL, rules=()), "does not require orchestrate/docs"),
    "with rules of a shape that nobody knows": (
        replace(WELL, rules=({"type": "required_status_checks", "parameters": None},)),
        "does not require orchestrate/docs",
    ),
}


@pytest.mark.parametrize("covering", ["~DEFAULT_BRANCH", "~ALL", "refs/heads/main"])
def test_a_ruleset_that_does_all_of_it_is_left_alone(covering: str) -> None:
    assert ruleset_wanted(replace(WELL, include=(covering,)), "main") is None


@pytest.mark.parametrize(("found", "said"), RULESETS.values(), ids=RULESETS.keys())
def test_a_ruleset_is_mended_once(found: RulesetFound, said: str) -> None:
    wanted = ruleset_wanted(found, "main")
    assert wanted is not None
    assert any(said in each for each in wanted.lacking)

    refs = wanted.body["conditions"]["ref_name"]
    mended = RulesetFound(
        found.id,
        wanted.body["enforcement"],
        tuple(refs["include"]),
        tuple(refs["exclude"]),
        tuple(wanted.body["rules"]),
    )
    assert ruleset_wanted(mended, "main") is None
