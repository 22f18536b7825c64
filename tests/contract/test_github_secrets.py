"""What never goes where it should not: the token, signed addresses, downloads past their cap."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator

import pytest

from bot.adapters.github.errors import (
    Gone,
    Moved,
    OddAnswer,
    TooLarge,
)
from bot.adapters.github.values import Comment, Issue, Label
from bot.errors import Unavailable
from tests.support.scripted_http import ISSUE, RESET, TOKEN, Door, Opens, Reply, found_nothing


def test_a_login_file_of_the_user_does_not_replace_the_token(
    door: Opens, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    opened = door(Reply(body=ISSUE))
    opened.api.get("/repos/o/r/issues/7", Issue)
    assert opened.server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("status", [301, 302, 307])
def test_what_moved_is_not_followed_for_it_may_be_somebody_elses(door: Opens, status: int) -> None:
    opened = door(Reply(status, {}, {"Location": "{here}/repositories/9/issues/7"}))
    with pytest.raises(Moved) as caught:
        opened.api.get("/repos/o/r/issues/7", Issue)
    assert caught.value.to.endswith("/repositories/9/issues/7")
    assert len(opened.server.seen) == 1


def test_a_list_that_goes_on_at_another_host_does_not_get_the_token(door: Opens) -> None:
    other = door()
    here = door(Reply(body=[], headers={"Link": f'<{other.server.url}/x>; rel="next"'}))
    with pytest.raises(OddAnswer, match="another host"):
        here.api.pages("/labels", Label)
    assert other.server.seen == []


def test_a_download_is_fetched_from_its_storage_without_the_token(door: Opens) -> None:
    storage = door(Reply(body=b"PK\x05\x06"))
    here = door(Reply(302, b"", {"Location": f"{storage.server.url}/blob?sig=s3cr3t"}))
    assert here.api.download("/repos/o/r/actions/artifacts/1/zip", 100) == b"PK\x05\x06"
    assert storage.server.seen[0].path == "/blob?sig=s3cr3t"
    assert TOKEN not in str(storage.server.seen[0].headers)
    assert here.api.requests_made == 1


def test_a_download_whose_storage_fails_begins_again_with_a_new_address(door: Opens) -> None:
    storage = door(Reply(403), Reply(body=b"half", length=99), RESET, Reply(body=b"whole"))
    here = door(*[Reply(302, b"", {"Location": f"{storage.server.url}/blob"})] * 4)
    assert here.api.download("/zip", 100) == b"whole"
    assert here.time.pauses == [1, 2, 4]


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}])
def test_a_download_past_the_cap_is_cut_off(door: Opens, headers: dict[str, str]) -> None:
    storage = door(Reply(body=b"x" * 101, headers=headers))
    here = door(Reply(302, b"", {"Location": f"{storage.server.url}/blob"}))
    with pytest.raises(TooLarge, match="larger than 100 bytes"):
        here.api.download("/zip", 100)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", ""])
def test_a_download_from_an_odd_address_fails(door: Opens, location: str) -> None:
    here = door(*[Reply(302, b"", {"Location": location})] * 4)
    with pytest.raises((OddAnswer, Unavailable)):
        here.api.download("/zip", 100)


def test_an_expired_download_is_gone(door: Opens) -> None:
    with pytest.raises(Gone):
        door(Reply(410, {"message": "Artifact has expired"})).api.download("/zip", 100)


def _attempts(opened: Door) -> Iterator[Callable[[], object]]:
    api = opened.api
    yield lambda: api.get("/x", Issue)
    yield lambda: api.send("PATCH", "/x", Issue, {"body": "text"})
    yield lambda: api.create("/x", Comment, {}, found_nothing)
    yield lambda: api.pages("/x", Issue)
    yield lambda: api.query("{ x }", {}, Issue)
    yield lambda: api.download("/x", 10)


@pytest.mark.parametrize(
    "reply",
    [
        *(Reply(status, {"message": f"no, {TOKEN}!"}) for status in (301, 401, 403, 404, 422, 500)),
        Reply(403, {"message": f"secondary rate limit for {TOKEN}"}, {"Retry-After": "999"}),
        Reply(200, {"number": TOKEN, "data": {"number": TOKEN}}),
        Reply(200, {"errors": [{"message": TOKEN}]}),
        Reply(302, b"", {"Location": "http://127.0.0.1:1/?sig=s3cr3t"}),
        RESET,
    ],
    ids=str,
)
def test_neither_token_nor_signature_is_in_any_error(door: Opens, reply: Reply | str) -> None:
    for number in range(6):
        opened = door(*[reply] * 4)
        attempt = list(_attempts(opened))[number]
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
            attempt()
        error = caught.value
        told = "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(opened.api)
        assert TOKEN not in told
        assert "s3cr3t" not in repr(error) + getattr(error, "what", "")
