"""The door to GitHub, over real HTTP: what is asked again, what is waited for, what is said."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from bot.adapters.github.api import Api
from bot.adapters.github.errors import (
    ActionsMayNotOpenPulls,
    Forbidden,
    Gone,
    NoDrafts,
    NotFound,
    OddAnswer,
    RateLimited,
    Refusal,
    Unprocessable,
)
from bot.adapters.github.pace import Pace
from bot.adapters.github.values import Issue, Label, Part
from bot.errors import Exit, Unavailable
from tests.support.scripted_http import ISSUE, NOW, RESET, TOKEN, Opens, Reply, Time, found_nothing

SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait."}


def test_a_request_names_the_version_of_the_api_and_who_asks(door: Opens) -> None:
    opened = door(Reply(body=ISSUE))
    issue = opened.api.get("/repos/o/r/issues/7", Issue)
    assert (issue.number, issue.id, issue.author) == (7, 4100000007, "github-actions[bot]")
    headers = opened.server.seen[0].headers
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert headers["User-Agent"] == "orchestrate-bot"


@pytest.mark.parametrize("fault", [Reply(502), Reply(500), Reply(503, b"<html>"), RESET])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_what_may_be_asked_twice_is_asked_again(
    door: Opens, method: str, fault: Reply | str
) -> None:
    opened = door(fault, fault, fault, Reply(body=ISSUE))
    ask = opened.api
    answer = ask.get("/x", Issue) if method == "GET" else ask.send(method, "/x", Issue, {"a": 1})
    assert answer.number == 7
    assert [pause for pause in opened.time.pauses if pause in {1, 2, 4}][:3] == [1, 2, 4]
    assert ask.requests_made == len(opened.server.seen) == 4


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=b"<html>down</html>"), id="a page where JSON should be"),
        pytest.param(Reply(body=ISSUE, length=5000), id="an answer that breaks off"),
    ],
)
def test_a_success_that_cannot_be_read_is_asked_again(door: Opens, reply: Reply) -> None:
    opened = door(reply, Reply(body=ISSUE))
    assert opened.api.get("/x", Issue).number == 7


def test_after_four_tries_it_is_said_that_github_does_not_answer(door: Opens) -> None:
    opened = door(*[Reply(502)] * 5)
    with pytest.raises(Unavailable, match="GET /x: status 502") as caught:
        opened.api.get("/x", Issue)
    assert caught.value.exit_code is Exit.TRY_AGAIN
    assert len(opened.server.seen) == 4


@pytest.mark.parametrize("fault", [Reply(502), RESET, Reply(201, b"<html>")])
def test_what_was_made_before_the_answer_was_lost_is_found_and_not_made_again(
    door: Opens, fault: Reply | str
) -> None:
    opened = door(fault)
    made = Issue.model_validate(ISSUE)
    assert opened.api.create("/issues", Issue, {"title": "x"}, lambda: made) is made
    assert opened.asked == ["POST /issues"]


def test_what_was_not_made_is_asked_for_again_only_after_a_look(door: Opens) -> None:
    opened = door(Reply(502), Reply(201, ISSUE))
    looks: list[int] = []

    def find() -> None:
        looks.append(len(opened.server.seen))

    assert opened.api.create("/issues", Issue, {"title": "x"}, find).number == 7
    assert looks == [1]
    assert opened.asked == ["POST /issues"] * 2


def test_the_last_try_is_looked_for_too(door: Opens) -> None:
    opened = door(*[RESET] * 4)
    made = Issue.model_validate(ISSUE)

    def find() -> Issue | None:
        return made if len(opened.server.seen) == 4 else None

    assert opened.api.create("/issues", Issue, {}, find) is made
    assert opened.asked == ["POST /issues"] * 4


def test_a_thing_that_is_never_made_ends_as_unavailable(door: Opens) -> None:
    opened = door(*[Reply(503)] * 5)
    with pytest.raises(Unavailable, match="POST /issues: status 503"):
        opened.api.create("/issues", Issue, {}, found_nothing)
    assert len(opened.server.seen) == 4


@pytest.mark.parametrize(
    ("refused", "seconds"),
    [
        (Reply(429, SECONDARY, {"Retry-After": "17"}), 17),
        (Reply(403, SECONDARY, {"Retry-After": "30"}), 30),
        (Reply(403, SECONDARY), 60),
        (Reply(429, b""), 60),
        (Reply(429, {}, {"Retry-After": "0"}), 1),
        (
            Reply(
                403,
                {"message": "API rate limit exceeded"},
                {
                    "x-ratelimit-remaining": "0",
                    "x-ratelimit-reset": str(int(NOW.timestamp()) + 41),
                },
            ),
            42,
        ),
    ],
    ids=["429 with a time", "403 with a time", "no time", "429 alone", "at once", "primary"],
)
def test_a_rate_limit_is_waited_out_and_nothing_is_looked_for(
    door: Opens, refused: Reply, seconds: float
) -> None:
    opened = door(refused, Reply(201, ISSUE))

    def find() -> None:
        pytest.fail("a refused request made nothing")

    assert opened.api.create("/issues", Issue, {}, find).number == 7
    assert opened.time.pauses == [seconds]


def test_a_limit_without_a_time_is_waited_for_twice_as_long_each_time(door: Opens) -> None:
    limit = Reply(403, SECONDARY)
    opened = door(limit, limit, Reply(body=ISSUE), max_wait=300)
    opened.api.send("PATCH", "/x", Issue, {})
    assert opened.time.pauses == [60, 120]


def test_waits_of_one_process_end_somewhere_and_it_is_said_when_to_come_back(door: Opens) -> None:
    limit = Reply(429, SECONDARY, {"Retry-After": "70"})
    opened = door(limit, Reply(body=ISSUE), limit)
    opened.api.get("/x", Issue)
    with pytest.raises(RateLimited) as caught:
        opened.api.get("/y", Issue)
    assert caught.value.until == NOW + timedelta(seconds=140)
    assert caught.value.exit_code is Exit.TRY_AGAIN
    assert opened.time.pauses == [70]


def test_an_absurd_time_to_wait_is_no_crash(door: Opens) -> None:
    opened = door(Reply(429, {}, {"Retry-After": "9" * 400}))
    with pytest.raises(RateLimited):
        opened.api.get("/x", Issue)


def test_writes_keep_a_second_between_them_and_reads_do_not_wait(door: Opens) -> None:
    opened = door(*[Reply(body=ISSUE)] * 4)
    opened.api.send("PATCH", "/x", Issue, {})
    opened.api.get("/x", Issue)
    assert opened.time.pauses == []
    opened.time.at += timedelta(seconds=0.4)
    opened.api.create("/x", Issue, {}, found_nothing)
    assert opened.time.pauses == [pytest.approx(0.6)]
    opened.time.at += timedelta(seconds=5)
    opened.api.send("DELETE", "/x", Issue)
    assert len(opened.time.pauses) == 1


@pytest.mark.parametrize(
    ("reply", "family", "said"),
    [
        (Reply(404, {"message": "Not Found"}), NotFound, "POST /x"),
        (Reply(410, {"message": "This issue was deleted"}), Gone, "This issue was deleted"),
        (Reply(401, {"message": "Bad credentials"}), Forbidden, "Bad credentials"),
        (Reply(403, {"message": "Resource not accessible"}), Forbidden, "not accessible"),
        (Reply(409, {"message": "Conflict"}), Refusal, "(409): Conflict"),
        (
            Reply(422, {"message": "Validation Failed", "errors": [{"message": "too long"}]}),
            Unprocessable,
            "Validation Failed; too long",
        ),
        (
            Reply(422, {"message": "Validation Failed", "errors": ["Draft pull requests are not "
                                                                   "supported in this repo."]}),
            NoDrafts,
            "no draft pull requests",
        ),
        (
            Reply(403, {"message": "GitHub Actions is not permitted to create or approve pull "
                                   "requests."}),
            ActionsMayNotOpenPulls,
            "does not let GitHub Actions open pull requests",
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)  # fmt: skip
def test_each_refusal_has_a_family_and_is_not_repeated(
    door: Opens, reply: Reply, family: type[Refusal], said: str
) -> None:
    opened = door(reply)
    with pytest.raises(family) as caught:
        opened.api.create("/x", Issue, {}, found_nothing)
    assert type(caught.value) is family
    assert said in caught.value.what
    assert caught.value.status == reply.status
    assert "\n" not in caught.value.what
    assert opened.asked == ["POST /x"]
    assert opened.time.pauses == []


def test_a_missing_right_is_named(door: Opens) -> None:
    opened = door(Reply(403, {}, {"X-Accepted-GitHub-Permissions": "issues=write"}))
    with pytest.raises(Forbidden) as caught:
        opened.api.get("/x", Issue)
    assert caught.value.needs == "issues=write"
    assert "issues: write" in caught.value.fix


def test_the_box_that_lets_workflows_open_pull_requests_is_named(door: Opens) -> None:
    said = "GitHub Actions is not permitted to create or approve pull requests."
    with pytest.raises(ActionsMayNotOpenPulls) as caught:
        door(Reply(403, {"message": said})).api.send("POST", "/x", Issue)
    assert "Settings → Actions → General → Workflow permissions" in caught.value.fix


def test_words_of_a_refusal_are_one_short_line_without_terminal_escapes(door: Opens) -> None:
    said = "a\x1b[31m\n::set-output name=x::y\r" + "z" * 5000
    with pytest.raises(Unprocessable) as caught:
        door(Reply(422, {"message": said})).api.get("/x", Issue)
    assert not set(caught.value.what) & set("\x1b\n\r")
    assert len(caught.value.what) < 500


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**ISSUE, "number": "seven"}, "number"),
        ({"number": 7}, "id"),
        ([], "the whole of it"),
        ({**ISSUE, "user": {"login": 5}}, "user.login"),
    ],
)
def test_an_answer_of_another_shape_names_endpoint_and_field(
    door: Opens, body: object, field: str
) -> None:
    with pytest.raises(OddAnswer, match=f"GET /x is not what it should be at {field}"):
        door(Reply(body=body)).api.get("/x", Issue)


def test_an_author_whose_account_is_gone_is_a_ghost(door: Opens) -> None:
    assert door(Reply(body={**ISSUE, "user": None})).api.get("/x", Issue).author == "ghost"


def test_a_list_is_read_to_its_end_and_not_past_the_cap(door: Opens) -> None:
    first = [{"name": f"a{n}"} for n in range(100)]
    following = {"Link": '<{here}/labels?page=2>; rel="next", <{here}/labels?page=9>; rel="last"'}
    opened = door(Reply(body=first, headers=following), Reply(body=[{"name": "b"}]))
    names = [label.name for label in opened.api.pages("/labels", Label)]
    assert names == [*(label["name"] for label in first), "b"]
    assert [seen.path for seen in opened.server.seen] == ["/labels?per_page=100", "/labels?page=2"]

    opened = door(*[Reply(body=first, headers=following)] * 3)
    assert len(opened.api.pages("/labels", Label, most=150)) == 150
    assert len(opened.server.seen) == 2


class _Viewer(Part):
    login: str


@pytest.mark.parametrize(
    ("kind", "family"),
    [("FORBIDDEN", Forbidden), ("NOT_FOUND", NotFound), ("UNPROCESSABLE", Unprocessable),
     ("RATE_LIMITED", RateLimited)],
)  # fmt: skip
def test_graphql_says_its_errors_in_a_success(
    door: Opens, kind: str, family: type[Exception]
) -> None:
    errors = [{"type": kind, "message": "no", "path": ["x"]}]
    with pytest.raises(family):
        door(Reply(body={"data": None, "errors": errors})).api.query("{ x }", {}, _Viewer)


def test_graphql_answers_with_data(door: Opens) -> None:
    opened = door(Reply(502), Reply(body={"data": {"login": "me"}}))
    assert opened.api.query("query($a: Int) { login }", {"a": 1}, _Viewer).login == "me"
    assert opened.server.seen[0].path == "/graphql"
    assert opened.server.seen[0].body == {
        "query": "query($a: Int) { login }",
        "variables": {"a": 1},
    }


def test_only_errors_of_ours_leave_the_door_when_nobody_listens() -> None:
    time = Time()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening
        api = Api(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN, Pace(time.pause, time.now))
        with pytest.raises(Unavailable, match="ConnectionError"):
            api.get("/x", Issue)
    assert time.pauses == [1, 2, 4]
