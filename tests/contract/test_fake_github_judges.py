"""What GitHub would not have, the fake GitHub notices, of others and of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.support.desk import Desk, make_desk
from tests.support.github import FakeGithub, Fault, openapi

Json = Any

needs_description = pytest.mark.skipif(not openapi.available(), reason=openapi.NOT_CHECKED)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with make_desk() as desk:
        yield desk


@needs_description
@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        pytest.param("POST", "/issues", {"body": "x"}, '"title" is a required', id="no title"),
        pytest.param(
            "POST", "/issues", {"title": "x", "lables": []}, "/lables", id="a misspelt field"
        ),
        pytest.param(
            "POST", "/issues/1/sub_issues", {"sub_issue_id": "7"}, "integer", id="an id as text"
        ),
        pytest.param(
            "PATCH", "/issues/1", {"state": "done"}, '"open" or "closed"', id="a state of its own"
        ),
        pytest.param("GET", "/issues?perpage=5", None, "'perpage'", id="a misspelt parameter"),
        pytest.param("GET", "/issues?per_page=500", None, "at most 100", id="too large a page"),
        pytest.param("GET", "/issue/1", None, "no such operation", id="a path GitHub has not"),
        pytest.param("POST", "/labels", None, "needs a body", id="no body"),
    ],
)
def test_a_wrong_request_fails_the_test_that_made_it(
    desk: Desk, method: str, path: str, body: Json, said: str
) -> None:
    desk.ask(method, path, body)
    assert any(said in violation for violation in desk.github.take_violations())


@needs_description
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda issue: issue | {"node_id": 7}, "/node_id", id="a number for a node id"),
        pytest.param(lambda issue: issue | {"priority": 1}, "/priority", id="an invented field"),
        pytest.param(lambda issue: issue | {"user": {}}, "/user", id="a user that is nobody"),
        pytest.param(
            lambda issue: issue | {"created_at": "today"}, "/created_at", id="a time in words"
        ),
        pytest.param(lambda _: None, "needs a body", id="no body"),
    ],
)
def test_a_wrong_answer_of_the_fake_is_noticed(
    desk: Desk, spoil: Callable[[Json], Json], said: str
) -> None:
    answer, path = desk.ask("GET", "/issues/1").json(), "/repos/acme/widget/issues/1"
    check = openapi.description().check_answer
    assert [*check("GET", path, 200, answer)] == []
    assert any(said in violation for violation in check("GET", path, 200, spoil(answer)))


@needs_description
def test_a_wrong_status_or_event_of_the_fake_is_noticed() -> None:
    described = openapi.description()
    said = [*described.check_answer("POST", "/repos/acme/widget/issues", 200, {})]
    assert "GitHub answers 201" in said[0]
    assert [*described.check_event("issues", {"action": "labelled"})]
    assert [*described.check_event("issues", {"action": "labeled", "issue": {}})]


def test_a_test_that_asks_for_what_is_not_there_fails_at_its_end() -> None:
    github = FakeGithub()
    with pytest.raises(AssertionError, match="no such route"), github:
        requests.get(f"{github.api_url}/zen", auth=("", github.user_token("ghost")), timeout=10)


def test_a_fault_that_nobody_met_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="nobody met"), FakeGithub() as github:
        github.fail(how=Fault.BAD_GATEWAY)
