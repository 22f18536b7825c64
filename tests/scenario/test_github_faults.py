"""Whatever goes wrong once in a run on GitHub: nothing is made twice, nothing is missing.

Three workstreams, two of them side by side; the second fails until a person types `/retry`. One
thing goes wrong, in every place where it can, and everything ends as it does without: issues,
comments, pull request, checks, branches, the record (`github_standing`). A job that leaves all of
it as it was without the fault, or as an earlier scenario went on from, ends its scenario there, for
later jobs know nothing else; every other one goes on to the end.

A job killed between two writes leaves what it leaves after the first of them, so it is killed
before its first request and after each write. Left out unless EVERY_FAULT=1: that the schedule does
what is left of showing, which a job that is run again does by the same search.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator

import pytest

from bot.core.events import RunStatus
from bot.errors import Unavailable
from tests.support.github import Exchange, FakeGithub, Fault
from tests.support.github_axe import axe
from tests.support.github_standing import Standing, differences
from tests.support.github_story import JOBS, Run, Story, Telling
from tests.support.workshop import Ran, Time

EVERY = bool(os.environ.get("EVERY_FAULT"))
WRITING = tuple(
    job for job in JOBS if job.split(": ")[1] in {"intake", "announce", "publish", "verdict"}
)
COMPUTING = tuple(job for job in JOBS if job not in WRITING)
_API = ("rest", "graphql")
_COMBINED = "refs/heads/orchestrate/1/combined"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with pytest.MonkeyPatch.context() as monkeypatch, FakeGithub() as github:
        time = Time()
        time.install(monkeypatch)
        yield Story(github, tmp_path_factory.mktemp("story"), time)


def test_jobs_that_run_what_is_not_ours_ask_nothing_of_github(story: Story) -> None:
    talked = [job for job, moment in zip(JOBS, story.moments, strict=True) if moment.requests]
    assert tuple(talked) == WRITING


@pytest.mark.parametrize(
    "how",
    [Fault.BAD_GATEWAY, Fault.SECONDARY_LIMIT, Fault.RESET_BEFORE, Fault.RESET_AFTER],
    ids=lambda how: how.name.lower(),
)
@pytest.mark.parametrize("job", WRITING)
def test_a_request_that_goes_wrong_once_changes_nothing(story: Story, job: str, how: Fault) -> None:
    number = JOBS.index(job)

    def meet(nth: int) -> Telling:
        def tamper(telling: Telling, run: Run) -> Ran:
            story.github.fail(how=how, nth=nth)
            return _unharmed(telling, run)

        return story.take_up(number, tamper)

    _try_each(story, meet, _requests(story, number, _API))


@pytest.mark.parametrize(
    "how", [Fault.PUSH_REJECTED, Fault.RESET_AFTER], ids=lambda how: how.name.lower()
)
@pytest.mark.parametrize("job", WRITING)
def test_a_push_that_goes_wrong_once_changes_nothing(story: Story, job: str, how: Fault) -> None:
    number = JOBS.index(job)

    def meet(nth: int) -> Telling:
        def tamper(telling: Telling, run: Run) -> Ran:
            story.github.fail(how=how, nth=nth, on="push")
            return _unharmed(telling, run)

        return story.take_up(number, tamper)

    _try_each(story, meet, _requests(story, number, ("push",)))


@pytest.mark.parametrize("job", WRITING)
def test_a_job_killed_anywhere_does_the_rest_when_it_is_run_again(story: Story, job: str) -> None:
    number = JOBS.index(job)

    def kill(at: int) -> Telling:
        def tamper(telling: Telling, run: Run) -> Ran:
            _kill(telling, run, at)
            ran = run(attempt=2)
            telling.stop_if_known()
            return ran

        return story.take_up(number, tamper)

    _try_each(story, kill, _kills(story, number))


@pytest.mark.parametrize("job", WRITING)
def test_what_a_killed_job_left_undone_is_done_on_schedule(story: Story, job: str) -> None:
    number = JOBS.index(job)

    def kill(at: int) -> Telling:
        def tamper(telling: Telling, run: Run) -> Ran:
            telling.mend = Telling.later
            return _kill(telling, run, at)

        return story.take_up(number, tamper)

    kills = _kills(story, number)
    if job.endswith("intake"):  # before the record no schedule knows of it: it is run again
        kills = {at: each for at, each in kills.items() if each and each.kind == "push"}
    elif not EVERY:
        kills = {at: each for at, each in kills.items() if each is None or _hands_on(each)}
    _try_each(story, kill, kills, but=_without_reply if job == "retry: intake" else None)


def _without_reply(standing: Standing) -> Standing:
    """Leave out the answer to a command whose job died: the live comment shows what it did."""
    first = standing["issues"]["1"]
    kept = [each for each in first["comments"] if ":reply-" not in each[1]]
    return {**standing, "issues": {**standing["issues"], "1": {**first, "comments": kept}}}


def _seen(standing: Standing) -> Standing:
    """What a reviewer sees: the files, the pull request and its checks, the issues."""
    refs = {ref: tree for ref, tree in standing["refs"].items() if "/heads/" in ref}
    head = refs[_COMBINED]
    checks = {name: said[-1] for name, said in standing["checks"].items() if name.startswith(head)}
    issues = {
        name: {
            part: each[part]
            for part in ("state", "sub-issues", "blocked by", "pull")
            if part in each
        }
        for name, each in standing["issues"].items()
    }
    return {"refs": refs, "checks": checks, "issues": issues}


def _hands_on(exchange: Exchange) -> bool:
    """Whether other jobs go on from it; the rest is what is shown."""
    return exchange.kind == "push" or exchange.path.endswith("/dispatches")


@pytest.mark.parametrize("job", WRITING)
def test_what_was_made_before_github_went_away_is_found_when_it_is_back(
    story: Story, job: str
) -> None:
    number = JOBS.index(job)
    requests = _requests(story, number, _API)

    def go_away(nth: int) -> Telling:
        def tamper(telling: Telling, run: Run) -> Ran:
            github = story.github
            github.fail(how=Fault.RESET_AFTER, nth=nth)
            for later in range(1, 60):
                github.fail(how=Fault.BAD_GATEWAY, nth=nth + later)
            assert isinstance(run().error, Unavailable | None)
            github.faults.waiting.clear()
            ran = run(attempt=2)
            assert ran.error is None
            telling.stop_if_known()
            return ran

        return story.take_up(number, tamper)

    _try_each(story, go_away, requests)


@pytest.mark.parametrize("job", COMPUTING)
def test_a_job_killed_at_its_work_is_made_good_by_a_person(story: Story, job: str) -> None:
    number = JOBS.index(job)

    def tamper(telling: Telling, run: Run) -> Ran:
        with axe(telling.github, 1, after=False, kind="fetch") as hung:
            telling.wrap = hung.run
            ran = run()
            telling.wrap = None
        return ran

    telling = story.take_up(number, tamper)
    if telling.state().status is RunStatus.FAILED:
        telling.deliver("issue_comment", telling.type_retry())
    assert telling.state().status is RunStatus.PASSED
    assert list(differences(_seen(telling.standing()), _seen(story.end))) == []


@pytest.mark.parametrize("job", ["label: intake", "retry: intake"])
def test_a_webhook_delivered_twice_counts_once(story: Story, job: str) -> None:
    def twice(telling: Telling, run: Run) -> Ran:
        ran = run()
        assert json.loads(run(twin=True).outputs["work"]) == []
        telling.mend = Telling.deliver_again
        return ran

    _require_same_end(story, story.take_up(JOBS.index(job), twice))


def test_a_command_that_comes_before_its_label_is_answered_once(story: Story) -> None:
    def early(telling: Telling, run: Run) -> Ran:
        telling.said = telling.type_retry()
        telling.deliver("issue_comment", telling.said)
        return run()

    _require_same_end(story, story.take_up(0, early))


def test_every_job_run_again_after_the_end_changes_nothing(story: Story) -> None:
    telling = story.take_up(len(JOBS) - 1, lambda _, run: run())
    telling.run_all_again()
    assert telling.errors() == []
    assert list(differences(telling.standing(), story.end)) == []


def _try_each(
    story: Story,
    play: Callable[[int], Telling],
    places: dict[int, Exchange | None],
    but: Callable[[Standing], Standing] | None = None,
) -> None:
    """Let it go wrong in each place, and say where the end was another one."""
    wrong = []
    for place, exchange in places.items():
        telling = play(place)
        assert not story.github.take_violations()
        assert not story.github.faults.waiting
        if telling.went_on:
            ends = (telling.standing(), story.end)
            found = list(differences(*(_settled(but(end) if but else end) for end in ends)))
            what = f"{exchange.method} {exchange.path}" if exchange else "its start"
            wrong += [f"{place}, {what}: {difference[:300]}" for difference in found[:4]]
    assert not wrong, "\n".join(wrong)


def _require_same_end(story: Story, telling: Telling) -> None:
    assert telling.errors() == []
    assert list(differences(_settled(telling.standing()), _settled(story.end))) == []


def _unharmed(telling: Telling, run: Run) -> Ran:
    ran = run()
    assert ran.error is None
    telling.stop_if_known()
    return ran


def _kill(telling: Telling, run: Run, at: int) -> Ran:
    with axe(telling.github, max(at, 1), after=at > 0) as hung:
        telling.wrap = hung.run
        ran = run()
        telling.wrap = None
    return ran


def _requests(story: Story, number: int, kinds: tuple[str, ...]) -> dict[int, Exchange | None]:
    """Number a job's requests of some kinds, from 1."""
    made = [each for each in story.moments[number].requests if each.kind in kinds]
    return dict(enumerate(made, start=1))


def _kills(story: Story, number: int) -> dict[int, Exchange | None]:
    """Number the writes after which a job is killed; 0 is its start."""
    made = enumerate(story.moments[number].requests, start=1)
    return {0: None} | {at: each for at, each in made if each.method != "GET"}


def _settled(standing: Standing) -> Standing:
    """Take out how often, and in which order, work was handed out: the first result counts."""
    files = dict(standing["files"])
    for path, events in files.items():
        if path.endswith("events.jsonl"):
            names = ("type", "workstream", "attempt", "status")
            files[path] = sorted({str([event.get(name) for name in names]) for event in events})
    return {name: each for name, each in standing.items() if name != "dispatches"} | {
        "files": files
    }
