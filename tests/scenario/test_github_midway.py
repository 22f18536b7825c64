"""What people and machines do to a run while it goes, and how it ends all the same."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.events import RunStatus
from tests.support import workshop
from tests.support.stories import Story, plan, writes

TWO = plan(writes("one"), writes("two", needs="one"))


def meanwhile(shop: Story, job: str, act: Callable[[], object]) -> None:
    """Let somebody act right before the first run of a job."""
    acts = [act]

    def run(name: str, step: Callable[[], None]) -> None:
        if name == job and acts:
            acts.pop()()
        step()

    shop.wrap = run


def two_files(shop: Story) -> None:
    """The pull request has what both workstreams wrote."""
    head = shop.pull().head_sha
    assert (shop.text(head, "one.txt"), shop.text(head, "two.txt")) == ("one", "two")


# The issue


@pytest.mark.parametrize("fate", ["edited", "deleted", "transferred", "closed"])
def test_whatever_becomes_of_the_issue_the_pull_request_comes(shop: Story, fate: str) -> None:
    here = shop.repository
    acts: dict[str, Callable[[], object]] = {
        "edited": lambda: here.edit_issue(1, body=plan(writes("evil")), by="alice"),
        "deleted": lambda: here.delete_issue(1, by="alice"),
        "transferred": lambda: here.transfer_issue(1, to="somebody/else", by="alice"),
        "closed": lambda: here.close_issue(1, by="alice"),
    }
    meanwhile(shop, "publish", acts[fate])
    shop.ask(TWO)
    assert shop.state().status is RunStatus.PASSED
    assert not shop.pull().draft
    two_files(shop)
    assert shop.errors() == []


def test_an_issue_that_is_gone_before_it_is_announced_stops_nothing(shop: Story) -> None:
    meanwhile(shop, "announce", lambda: shop.repository.delete_issue(1, by="alice"))
    shop.ask(TWO)
    assert shop.state().status is RunStatus.PASSED
    assert "was deleted" in shop.repository.issues[shop.pull_number()].body
    assert shop.errors() == []


def test_a_sub_issue_or_live_comment_that_somebody_deletes_stops_nothing(shop: Story) -> None:
    def delete() -> None:
        shop.repository.delete_issue(shop.presence().sub_issues["one"].number, by="alice")
        comment = shop.presence().comment
        assert comment
        shop.repository.delete_comment(comment, by="alice")

    meanwhile(shop, "publish", delete)
    shop.ask(TWO)
    assert shop.state().status is RunStatus.PASSED
    assert "**Passed.**" in shop.live()
    assert shop.errors() == []


# Branches


def test_a_branch_that_somebody_moved_is_kept_beside_what_lands_on_it(shop: Story) -> None:
    mine = "orchestrate/1/one"
    meanwhile(shop, "publish", lambda: shop.repository.push(mine, {"mine.txt": "x"}, by="alice"))
    shop.ask(TWO)
    assert shop.state().status is RunStatus.PASSED
    two_files(shop)
    assert shop.text("refs/orchestrate/rescue/1/one.1", "mine.txt") == "x"
    assert shop.errors() == []


@pytest.mark.parametrize("file", ["other.txt", "one.txt"])
def test_a_default_branch_that_moves_is_no_matter_unless_it_conflicts_and_then_it_is_said(
    shop: Story, file: str
) -> None:
    meanwhile(shop, "verdict", lambda: shop.repository.push("main", {file: "x\n"}, by="alice"))
    number = shop.ask(TWO)
    assert shop.state().status is RunStatus.PASSED
    two_files(shop)
    warning = "**`main` has moved and conflicts** in `one.txt`."
    for text in (shop.live(), shop.repository.issues[shop.pull_number()].body or ""):
        assert (warning in text) == (file == "one.txt")
    assert number in shop.repository.issues
    assert shop.errors() == []


def test_another_run_that_is_merged_meanwhile_changes_nothing_of_this_one(shop: Story) -> None:
    shop.ask(plan(writes("three")))
    first = shop.pull_number()
    meanwhile(shop, "publish", lambda: shop.repository.merge_pull(first, by="alice"))
    issue = shop.repository.open_issue("Two more", TWO, by="alice")
    shop.deliver("issues", shop.repository.label(issue.number, "orchestrate", by="alice"))
    run = str(issue.number)
    assert shop.state(run).status is RunStatus.PASSED
    second = shop.presence(run).pull
    assert second
    shop.repository.merge_pull(second.number, by="alice")
    assert [shop.text("main", f"{n}.txt") for n in ("one", "two", "three")] == [
        *("one", "two", "three")
    ]
    assert shop.repository.issues[issue.number].state == "closed"


# The pull request


@pytest.mark.parametrize("how", ["merged", "closed"])
def test_a_pull_request_that_is_merged_or_closed_midway_ends_the_run(shop: Story, how: str) -> None:
    def act() -> None:
        number = shop.pull_number()
        if how == "merged":
            shop.repository.merge_pull(number, by="alice")
        else:
            shop.repository.close_issue(number, by="alice")

    meanwhile(shop, "tests", act)
    number = shop.ask(TWO)
    assert shop.state().status is RunStatus.CANCELLED
    assert f"pull request #{shop.pull_number()} was {how}" in shop.live()
    assert [shop.repository.issues[n].state for n in (2, 3)] == ["closed", "closed"]
    [answer] = shop.say(number, "/retry")
    assert "**Not done:**" in answer
    assert shop.errors() == []
    shop.say(number, "/orchestrate")
    assert "1-2" in shop.run_ids()


def test_a_failed_run_whose_pull_request_was_closed_is_not_taken_up_again(shop: Story) -> None:
    number = shop.ask(plan(writes("one"), writes("two", run='"exit 3"')))
    assert shop.state().status is RunStatus.FAILED
    shop.repository.close_issue(shop.pull_number(), by="alice")
    before = shop.events()
    [answer] = shop.say(number, "/retry")
    assert f"pull request #{shop.pull_number()} was closed" in answer
    assert shop.events() == before


def test_a_run_that_passed_is_left_as_it_is_when_its_pull_request_is_merged(shop: Story) -> None:
    shop.ask(TWO)
    before = shop.events()
    shop.repository.merge_pull(shop.pull_number(), by="alice")
    shop.sweep()
    assert shop.events() == before


def test_where_actions_may_not_open_pull_requests_it_is_said_and_a_retry_opens_it_later(
    shop: Story,
) -> None:
    shop.repository.settings.actions_may_open_pulls = False
    number = shop.ask(TWO)
    assert shop.repository.pulls == {}
    assert "Allow GitHub Actions to create and approve pull requests" in shop.live()
    assert "[Open it by hand](" in shop.live()
    shop.repository.settings.actions_may_open_pulls = True
    shop.say(number, "/retry")
    assert not shop.pull().draft
    assert "Without the pull request" not in shop.live()
    assert shop.errors() == []


def test_where_github_has_no_sub_issues_dependencies_and_drafts_it_is_said_and_the_run_goes_on(
    shop: Story,
) -> None:
    has = shop.repository.settings
    has.sub_issues = has.dependencies = has.drafts = False
    shop.ask(plan(writes("one"), writes("two", needs="one")))
    assert shop.state().status is RunStatus.PASSED
    for said in ("sub-issues: ", "dependencies between sub-issues: ", "a draft: GitHub has none"):
        assert f"Without {said}" in shop.live()
    assert "Without a draft: " in (shop.repository.issues[shop.pull_number()].body or "")
    for issue in shop.presence().sub_issues.values():
        assert f"/issues/{issue.number})" in shop.live()
    assert shop.errors() == []


# Rights


@pytest.mark.parametrize("right", ["issues", "pull-requests", "actions", "checks", "contents"])
def test_a_token_without_a_right_is_named_and_the_run_ends_well_once_it_has_it(
    shop: Story, monkeypatch: pytest.MonkeyPatch, right: str
) -> None:
    usual = workshop.rights
    lacking = {"publish", "verdict", "announce"}

    def rights(workflow: str, job: str) -> dict[str, str]:
        had = usual(workflow, job)
        return {**had, right: "read"} if job in lacking and right in had else had

    monkeypatch.setattr(workshop, "rights", rights)
    number = shop.ask(TWO)
    said = [f"{error.what} {error.fix}" for error in shop.errors()] or [shop.live()]
    assert any(right.replace("-", "_") in text.replace("-", "_") for text in said)
    lacking.clear()
    shop.ran.clear()
    shop.time.ahead += timedelta(hours=7)
    shop.sweep()
    shop.sweep()
    assert shop.state().status is RunStatus.PASSED
    assert not shop.pull().draft
    assert set(shop.checks().values()) == {"success", "neutral"}
    assert "**Passed.**" in shop.live()
    assert number
    assert shop.errors() == []


# What an agent's job hands back


def rewritten(path: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def _symlink(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("completion.json")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")


def _as_two(path: Path) -> None:
    """Say that it is the work of another workstream."""

    def change(files: dict[str, bytes]) -> None:
        said = json.loads(files["completion.json"])
        files["completion.json"] = json.dumps({**said, "workstream": "two"}).encode()

    rewritten(path, change)


ARTIFACTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "there is no artifact"),
    "corrupt": (lambda path: path.write_bytes(path.read_bytes()[:-40]), "no whole zip"),
    "path traversal": (
        lambda path: rewritten(path, lambda files: files.update({"../../evil": b"x"})),
        "a file that is not handed back",
    ),
    "zip bomb": (
        lambda path: rewritten(path, lambda files: files.update({"handback.json": bytes(40**5)})),
        "handback.json is larger than 32 MB",
    ),
    "symlink": (_symlink, "completion.json is no plain file"),
    "another's workstream": (_as_two, "not of the attempt that was handed out"),
}


@pytest.mark.parametrize("kind", ARTIFACTS)
def test_an_artifact_that_proves_nothing_fails_its_attempt_and_a_retry_mends_it(
    shop: Story, tmp_path: Path, kind: str
) -> None:
    act, because = ARTIFACTS[kind]
    shop.tamper = lambda path, name: act(path) if name == "1.one.1" else None
    number = shop.ask(TWO)
    last = shop.state().track("one").last
    assert last
    assert last.completion
    assert because in (last.completion.error or "")
    assert because in shop.live()
    assert shop.state().landing == ()
    assert list(tmp_path.rglob("evil")) == []
    shop.say(number, "/retry")
    assert shop.state().status is RunStatus.PASSED
    two_files(shop)
    assert shop.errors() == []
