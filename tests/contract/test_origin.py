"""A clone's writes count once origin has them: with leases, all or none, and whatever gets lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.git import RefMoved, RefUpdate
from bot.adapters.github.origin import Origin, Remote, refspecs
from bot.core.base import RunId, Sha
from bot.errors import Unavailable, UserError
from tests.support.github import FakeGithub, FakeRepository, Fault

AT = datetime(2026, 1, 2, tzinfo=UTC)
RUN = "refs/orchestrate/runs/7"
LEDGER = "refs/heads/orchestrate/ledger"


@pytest.fixture
def github() -> Iterator[FakeGithub]:
    with FakeGithub() as github:
        github.create_repository("acme/widget", files={"README.md": "hello\n"})
        yield github


def clone(github: FakeGithub, path: Path, rights: str = "write") -> Origin:
    token = github.job_token("acme/widget", {"contents": rights})
    remote = Remote(f"{github.url}/acme/widget.git", token)
    specs = refspecs("main", RunId("7"))
    return Origin.clone(path, remote, "main", specs, lambda _: None)


def commit(origin: Origin, text: str) -> Sha:
    return origin.commit_files({"file": text.encode()}, f"{text}\n", AT)


def there(github: FakeGithub) -> FakeRepository:
    return github.repository("acme/widget")


def test_what_one_writes_another_reads_and_what_is_deleted_is_gone(
    github: FakeGithub, tmp_path: Path
) -> None:
    one, two = clone(github, tmp_path / "one"), clone(github, tmp_path / "two")
    sha = commit(one, "a")
    one.update_refs([RefUpdate(RUN, sha, None), RefUpdate(LEDGER, sha, None)])
    two.fetch()
    assert two.refs(RUN) == {RUN: sha}
    one.update_refs([RefUpdate(LEDGER, None, sha)])
    two.fetch()
    assert two.refs(LEDGER) == {}


def test_of_two_who_write_over_the_same_one_learns_that_it_was_overtaken_and_nothing_is_half_done(
    github: FakeGithub, tmp_path: Path
) -> None:
    one, two = clone(github, tmp_path / "one"), clone(github, tmp_path / "two")
    first, second = commit(one, "first"), commit(two, "second")
    one.update_refs([RefUpdate(RUN, first, None)])
    with pytest.raises(RefMoved):
        two.update_refs([RefUpdate(LEDGER, second, None), RefUpdate(RUN, second, None)])
    assert two.refs(RUN) == {RUN: first}, "it has seen what took its place"
    assert there(github).git.sha(LEDGER) is None, "the ledger moves with the record or not at all"


@pytest.mark.parametrize("how", [Fault.RESET_AFTER, Fault.BAD_GATEWAY_AFTER])
def test_a_push_whose_answer_is_lost_counts(how: Fault, github: FakeGithub, tmp_path: Path) -> None:
    origin = clone(github, tmp_path / "one")
    sha = commit(origin, "a")
    github.fail(how=how, on="push")
    origin.update_refs([RefUpdate(RUN, sha, None)])
    assert there(github).git.sha(RUN) == sha
    assert origin.refs(RUN) == {RUN: sha}


def test_a_push_whose_answer_is_lost_counts_also_where_another_came_before_the_look(
    github: FakeGithub, tmp_path: Path
) -> None:
    two = clone(github, tmp_path / "two")

    class Slow(Origin):
        def fetch(self, *more: str) -> None:
            two.fetch()
            if (tip := two.refs(RUN).get(RUN)) == sha:
                later = two.commit_files({"file": b"b"}, "b\n", AT, tip)
                two.update_refs([RefUpdate(RUN, later, tip)])
            super().fetch(*more)

    origin = Slow(**vars(clone(github, tmp_path / "one")))
    sha = commit(origin, "a")
    github.fail(how=Fault.RESET_AFTER, on="push")
    origin.update_refs([RefUpdate(RUN, sha, None)])
    assert origin.refs(RUN) == two.refs(RUN) == {RUN: there(github).git.sha(RUN)} != {RUN: sha}


@pytest.mark.parametrize("how", [Fault.RESET_BEFORE, Fault.BAD_GATEWAY])
def test_a_push_that_did_not_get_through_is_made_again(
    how: Fault, github: FakeGithub, tmp_path: Path
) -> None:
    origin = clone(github, tmp_path / "one")
    sha = commit(origin, "a")
    github.fail(how=how, on="push")
    origin.update_refs([RefUpdate(RUN, sha, None)])
    assert there(github).git.sha(RUN) == sha


def test_a_token_that_may_not_write_says_so_and_is_in_no_message_and_no_argument(
    github: FakeGithub, tmp_path: Path
) -> None:
    origin = clone(github, tmp_path / "one", rights="read")
    with pytest.raises((UserError, Unavailable)) as caught:
        origin.update_refs([RefUpdate(RUN, commit(origin, "a"), None)])
    said = f"{caught.value} {caught.value.fix} {origin!r} {caught.value.__cause__!r}"
    assert origin.remote.token not in said
    assert "ghs_" not in (tmp_path / "one" / "config").read_text()


def test_a_workflow_file_is_refused_in_words(github: FakeGithub, tmp_path: Path) -> None:
    origin = clone(github, tmp_path / "one")
    base = origin.refs("refs/heads/main")["refs/heads/main"]
    sha = origin.commit_files({".github/workflows/x.yml": b"on: push\n"}, "x\n", AT, base)
    with pytest.raises(UserError, match="workflow"):
        origin.update_refs([RefUpdate("refs/heads/orchestrate/7/x", sha, None)])


def test_a_repository_that_is_not_there_is_said_to_be_unreachable(
    github: FakeGithub, tmp_path: Path
) -> None:
    token = github.job_token("acme/widget", {"contents": "read"})
    remote = Remote(f"{github.url}/acme/nothing.git", token)
    with pytest.raises(Unavailable, match="nothing"):
        Origin.clone(tmp_path / "x", remote, "main", refspecs("main"), lambda _: None)


def test_a_branch_named_like_our_folder_is_said_to_be_in_the_way(
    github: FakeGithub, tmp_path: Path
) -> None:
    there(github).push("orchestrate", {"a": "a"}, by="acme")
    origin = clone(github, tmp_path / "one")
    with pytest.raises(UserError, match="branch orchestrate is in the way"):
        origin.update_refs([RefUpdate("refs/heads/orchestrate/7/x", commit(origin, "a"), None)])


def test_a_push_that_met_another_at_one_moment_is_made_again(
    github: FakeGithub, tmp_path: Path
) -> None:
    origin = clone(github, tmp_path / "one")
    sha = commit(origin, "a")
    github.fail(how=Fault.PUSH_REJECTED, on="push")
    origin.update_refs([RefUpdate(RUN, sha, None)])
    assert there(github).git.sha(RUN) == sha
