"""What passes a door and what does not: addresses, headers, keys, and connections that end."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

import pytest
import requests

from bot.adapters.gateway.dialects import Dialect
from bot.core.base import ZERO_USD
from bot.core.outcomes import OutcomeClass
from bot.ports import Door
from tests.support.dialects import answer, request
from tests.support.doorway import KEY, PAID, ask, door_to, gateway, post, tier_at
from tests.support.scripted_model import MODEL, Fault, ScriptedModel, say, stream

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))


@every_dialect
def test_the_provider_gets_the_key_and_nothing_of_the_clients_own(dialect: Dialect) -> None:
    with ScriptedModel([answer(dialect, say("ok"))]) as model, door_to(model.base_url) as door:
        path, body = request(dialect)
        post(door, path, json=body)
    (got,) = model.requests
    carrying = {
        Dialect.CHAT: ("authorization", f"Bearer {KEY}"),
        Dialect.RESPONSES: ("authorization", f"Bearer {KEY}"),
        Dialect.MESSAGES: ("x-api-key", KEY),
        Dialect.GEMINI: ("x-goog-api-key", KEY),
    }
    headers = {name.lower(): value for name, value in got.headers.items()}
    secret = {n: v for n, v in headers.items() if "key" in n or n in {"authorization", "cookie"}}
    assert secret == dict([carrying[dialect]])
    assert "dummy" not in str(headers)
    assert door.url.rpartition("/")[2] not in str((got.path, headers, got.body))


FOREIGN = {
    "X-Goog-User-Project": "evil",
    "X-Goog-Api-Key": "evil",
    "OpenAI-Organization": "evil",
    "OpenAI-Project": "evil",
    "X-HTTP-Method-Override": "DELETE",
    "X-Forwarded-Host": "evil",
    "Upgrade": "evil",
    "Expect": "evil",
}


def test_no_other_header_of_the_clients_goes_on_and_nothing_of_its_address() -> None:
    with ScriptedModel([answer(Dialect.CHAT, say("ok"))]) as model, door_to(model.base_url) as door:
        secret = door.url.rpartition("/")[2]
        target = f"http://evil.example/{secret}/v1/chat/completions?key=evil&alt=evil"
        fields = (*(f"{name}: {value}" for name, value in FOREIGN.items()), "Connection: close")
        head = head_of(door, *fields, f"Content-Length: {len(BODY)}")
        path = f"/{secret}/v1/chat/completions"
        assert b"HTTP/1.1 200" in raw(door, head.replace(path.encode(), target.encode()) + BODY)
    (got,) = model.requests
    assert got.path == "/v1/chat/completions"
    assert "evil" not in str(got.headers)


def test_a_tier_without_a_key_sends_none_and_a_broken_key_is_told() -> None:
    with ScriptedModel([answer(Dialect.CHAT, say("ok"))]) as model:
        with gateway(None).open(tier_at(model.base_url), ZERO_USD) as door:
            assert ask(door, Dialect.CHAT).status_code == 200
        with gateway("two\nlines").open(tier_at(model.base_url), ZERO_USD) as door:
            got = ask(door, Dialect.CHAT)
            assert (got.status_code, "lines" in got.text) == (403, False)
            assert "T_KEY" in got.text
    assert "Authorization" not in model.requests[0].headers


ECHOES = {
    "an error": Fault(422, {}, "application/json", (f'{{"error": "bad {KEY}"}}'.encode(),)),
    "a document": Fault(200, {}, "application/json", (f'{{"a": "{KEY}"}}'.encode(),)),
    "headers": Fault(200, {"X-Request-Id": KEY}, "application/json", (b'{"a": 1}',)),
    "pieces of a stream": Fault(
        pieces=tuple(bytes([b]) for b in f'data: {{"a": "{KEY}"}}\n\n'.encode())
    ),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_a_provider_that_repeats_the_key_tells_it_to_nobody(echo: str) -> None:
    with ScriptedModel([ECHOES[echo]]) as model, door_to(model.base_url) as door:
        got = ask(door, Dialect.RESPONSES, stream=True)
    assert got.content == b"".join(ECHOES[echo].pieces).replace(KEY.encode(), b"[key]")
    assert KEY not in str(got.headers)


ESCAPED = KEY.replace("-", r"\u002D").replace("v", r"\u0076")
NO_KEY = '{"error": {"code": "invalid_api_key", "message": "no such key: %s"}}'
TELLING = {
    "in place of an answer": Fault(200, {}, "application/json", ((NO_KEY % KEY).encode(),)),
    "in place of a stream": Fault(pieces=((f"data: {NO_KEY % KEY}\n\n").encode(),)),
    "with escapes": Fault(401, {}, "application/json", ((NO_KEY % ESCAPED).encode(),)),
    "with escapes, passed on": Fault(422, {}, "application/json", ((NO_KEY % ESCAPED).encode(),)),
    "as its model": Fault(200, {}, "application/json", (json.dumps({"model": KEY}).encode(),)),
}


@pytest.mark.parametrize("telling", TELLING)
def test_a_key_in_an_error_is_in_no_answer_reason_or_call(telling: str) -> None:
    with ScriptedModel([TELLING[telling]]) as model, door_to(model.base_url) as door:
        got = ask(door, Dialect.CHAT, stream="stream" in telling)
        told = (got.json(), door.failure(), door.trouble(), door.calls())
    assert "[key]" in str(told)
    assert KEY not in str(told)


NOWHERE = [
    "/v1/models", "/v1/embeddings", "/v1/files", "/v1/chat/completions/",
    "/v1/batches", f"/v1beta/models/{MODEL}:countTokens", "/v2/chat/completions", "",
    "/v1/chat/completions%2f..%2ffiles", "//evil.example/v1/chat/completions",
]  # fmt: skip


def test_only_the_four_ways_to_ask_a_model_are_there() -> None:
    with ScriptedModel([]) as model, door_to(model.base_url) as door:
        body = request(Dialect.CHAT)[1]
        assert {path: post(door, path, json=body).status_code for path in NOWHERE} == dict.fromkeys(
            NOWHERE, 404
        )
        root = door.url.rpartition("/")[0]
        for url in (root, f"{root}/{'x' * 43}"):
            got = requests.post(f"{url}/v1/chat/completions", json=body, timeout=20)
            assert got.status_code == 404
        assert requests.get(f"{door.url}/v1/chat/completions", timeout=20).status_code == 404


def test_a_door_that_is_closed_is_no_door() -> None:
    with ScriptedModel([]) as model, ExitingDoors(model) as (closed, still_open):
        url = f"{closed}/v1/chat/completions"
        assert still_open.partition("/")[0] == closed.partition("/")[0]
        got = requests.post(url, json=request(Dialect.CHAT)[1], timeout=20)
        assert got.status_code == 404


class ExitingDoors:
    """Two doors of one gateway, the first of them closed."""

    def __init__(self, model: ScriptedModel) -> None:
        ours, tier = gateway(), tier_at(model.base_url)
        self._first, self._second = (ours.open(tier, ZERO_USD) for _ in range(2))

    def __enter__(self) -> tuple[str, str]:
        urls = self._first.__enter__().url, self._second.__enter__().url
        self._first.__exit__(None, None, None)
        return urls

    def __exit__(self, *_: object) -> None:
        self._second.__exit__(None, None, None)


@pytest.mark.parametrize("data", ["", "[]", "nonsense", '{"a": 1e999}', "[" * 100_000])
def test_what_is_no_request_is_refused(data: str) -> None:
    with ScriptedModel([]) as model, door_to(model.base_url) as door:
        status = post(door, "/v1/chat/completions", data=data).status_code
        assert status in {400, 404}


def test_a_body_that_is_too_long_is_not_taken_in() -> None:
    with ScriptedModel([]) as model, door_to(model.base_url) as door:
        assert post(door, "/v1/chat/completions", data=b"x" * 33_000_000).status_code == 413


def test_a_small_body_that_unpacks_to_a_huge_one_is_not_taken_in() -> None:
    packed = gzip.compress(b" " * 60_000_000)
    with ScriptedModel([]) as model, door_to(model.base_url) as door:
        fields = ("Content-Encoding: gzip", f"Content-Length: {len(packed)}", "Connection: close")
        assert b" 413 " in raw(door, head_of(door, *fields) + packed)[:20]


def test_a_redirect_is_not_followed_and_does_not_tell_where() -> None:
    step = Fault(307, {"Location": "https://evil.example/"}, "text/plain", (b"moved",))
    with ScriptedModel([step]) as model, door_to(model.base_url) as door:
        path, body = request(Dialect.CHAT)
        got = requests.post(door.url + path, json=body, timeout=20, allow_redirects=False)
    assert (got.status_code, got.headers.get("Location")) == (400, None)
    assert "evil" not in got.text


def test_a_provider_that_is_not_there_costs_nothing() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        with door_to(url, "100", **PAID) as door:
            assert ask(door, Dialect.CHAT).status_code == 403
            calls, failure = door.calls(), door.failure()
    assert {(c.input_tokens, c.output_tokens, c.counted, c.usd) for c in calls} == {
        (0, 0, True, ZERO_USD)
    }
    assert len(calls) == 4
    assert failure is not None
    assert failure.outcome is OutcomeClass.CRASH


# --- connections that end ------------------------------------------------------------------------


@contextmanager
def one_answer(pieces: Iterator[bytes]) -> Iterator[tuple[str, threading.Event]]:
    """A provider that sends pieces until it may not; the event says that nobody listens."""
    left = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1_000_000)
                head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                try:
                    connection.sendall(head)
                    for piece in pieces:
                        connection.sendall(piece)
                    while connection.recv(1_000):
                        pass
                except OSError:
                    pass
                left.set()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1", left
        thread.join(20)
        assert not thread.is_alive()


def test_a_client_that_leaves_ends_the_request_to_the_provider() -> None:
    begun = stream({"content": "the beginning of it"})
    with one_answer(iter(begun)) as (url, left), door_to(url) as door:
        path, body = request(Dialect.CHAT, stream=True)
        with requests.post(door.url + path, json=body, stream=True, timeout=20) as got:
            assert b"beginning" in next(got.iter_content(None))
        assert left.wait(20)
        (one,) = door.calls()
    assert (one.counted, one.output_tokens, one.model_returned) == (False, 5, MODEL)


def test_what_is_under_way_ends_with_the_attempt_and_is_in_its_calls() -> None:
    failed = threading.Event()
    with one_answer(iter(stream({"content": "never the end"}))) as (url, left):
        with door_to(url) as door:
            arrived = threading.Event()

            def client() -> None:
                path, body = request(Dialect.CHAT, stream=True)
                with requests.post(door.url + path, json=body, stream=True, timeout=20) as got:
                    pieces = got.iter_content(None)
                    next(pieces)
                    arrived.set()
                    try:
                        list(pieces)
                    except requests.RequestException:
                        failed.set()

            thread = threading.Thread(target=client)
            thread.start()
            assert arrived.wait(20)
        assert left.wait(20)
        thread.join(20)
        assert len(door.calls()) == 1
    assert failed.is_set()


def test_a_slow_client_is_waited_for_and_gets_all_of_it() -> None:
    count = 3_000
    many = (stream({"content": "x" * 4_000})[0] for _ in range(count))
    sent: list[int] = []

    def noted() -> Iterator[bytes]:
        for piece in many:
            sent.append(len(piece))
            yield piece
        yield b"data: [DONE]\n\n"

    with one_answer(noted()) as (url, _), door_to(url) as door:
        path, body = request(Dialect.CHAT, stream=True)
        with requests.post(door.url + path, json=body, stream=True, timeout=20) as got:
            pieces = got.iter_content(65_536)
            total = len(next(pieces))
            assert len(sent) < count  # it is not all held in between
            while total < count * 4_000:
                total += len(next(pieces))


def test_who_has_just_connected_does_not_keep_the_gateway_from_ending() -> None:
    def come_and_go() -> None:
        with ScriptedModel([]) as model, door_to(model.base_url) as door:
            place = ("127.0.0.1", int(door.url.split(":")[2].partition("/")[0]))
            idle = [socket.create_connection(place) for _ in range(40)]
        for one in idle:
            one.close()

    thread = threading.Thread(target=come_and_go, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


# --- attacks -------------------------------------------------------------------------------------


def raw(door: Door, text: bytes) -> bytes:
    """Send bytes as they are; return all that comes back until the other side closes."""
    host, port = "127.0.0.1", int(door.url.split(":")[2].partition("/")[0])
    with socket.create_connection((host, port), 20) as connection:
        connection.sendall(text)
        got = b""
        while piece := connection.recv(65_536):
            got += piece
        return got


def head_of(door: Door, *fields: str) -> bytes:
    secret = door.url.rpartition("/")[2]
    lines = (f"POST /{secret}/v1/chat/completions HTTP/1.1", "Host: x", *fields)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


BODY = json.dumps(request(Dialect.CHAT)[1]).encode()
SMUGGLED = [
    ("Content-Length: 5", "Transfer-Encoding: chunked"),
    (f"Content-Length: {len(BODY)}", "Content-Length: 5"),
    ("Transfer-Encoding: chunked, identity",),
    (f"Content-Length: +{len(BODY)}",),
    (f"Content-Length : {len(BODY)}",),
]


@pytest.mark.parametrize("fields", SMUGGLED)
def test_a_request_that_two_readers_would_cut_differently_is_no_request(
    fields: tuple[str, ...], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedModel([]) as model, door_to(model.base_url) as door:
        got = raw(door, head_of(door, *fields) + BODY + BODY)
    assert b" 400 " in got[:20], got[:200]
    assert (capsys.readouterr().err, caplog.text) == ("", "")  # nobody's screen fills with it


def test_a_second_request_behind_the_first_is_one_of_its_own_and_counted() -> None:
    script = [answer(Dialect.CHAT, say("one")), answer(Dialect.CHAT, say("two"))]
    with ScriptedModel(script) as model, door_to(model.base_url) as door:
        size = f"Content-Length: {len(BODY)}"
        one, last = head_of(door, size) + BODY, head_of(door, size, "Connection: close") + BODY
        got = raw(door, one + last)
        assert len(door.calls()) == 2
    assert got.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("field", ["user-agent", "anthropic-version", "anthropic-beta"])
def test_no_header_of_the_clients_becomes_another_header(field: str) -> None:
    with ScriptedModel([answer(Dialect.CHAT, say("ok"))]) as model, door_to(model.base_url) as door:
        bad = head_of(door, f"{field}: a\rX-Evil: 1", f"Content-Length: {len(BODY)}") + BODY
        assert b" 400 " in raw(door, bad)[:20]
        size = f"Content-Length: {len(BODY)}"
        good = head_of(door, f"{field}: a", size, "Connection: close") + BODY
        assert b"HTTP/1.1 200" in raw(door, good)
    assert "x-evil" not in {name.lower() for name in model.requests[0].headers}


@pytest.mark.parametrize("model_name", ["m\r\nX-Evil: 1", "../../files", "m?key=1", "m#x", "m%0d"])
def test_a_models_name_stays_in_its_place_in_the_path(model_name: str) -> None:
    step = answer(Dialect.GEMINI, say("ok"))
    with (
        ScriptedModel([step]) as model,
        door_to(model.base_url, model=model_name) as door,
    ):
        body = request(Dialect.GEMINI)[1]
        path = f"/v1beta/models/{quote(model_name, safe='')}:generateContent"
        assert post(door, path, json=body).status_code == 200
    assert model.requests[0].path == f"/v1/models/{quote(model_name, safe='')}:generateContent"
    assert "X-Evil" not in model.requests[0].headers


def test_one_doors_secret_opens_no_other_and_is_nowhere_in_an_error() -> None:
    with ScriptedModel([answer(Dialect.CHAT, say("ok"))]) as model, ExitStack() as stack:
        ours, tier = gateway(), tier_at(model.base_url)
        one, two = (stack.enter_context(ours.open(tier, ZERO_USD)) for _ in range(2))
        secrets = [door.url.rpartition("/")[2] for door in (one, two)]
        assert len(set(secrets)) == 2
        mixed = secrets[0][:20] + secrets[1][20:]
        url = f"{one.url.rpartition('/')[0]}/{mixed}/v1/chat/completions"
        got = requests.post(url, json=request(Dialect.CHAT)[1], timeout=20)
        assert got.status_code == 404
        assert not any(secret in got.text for secret in secrets)
        assert ask(one, Dialect.CHAT).status_code == 200
        assert (len(one.calls()), len(two.calls())) == (1, 0)


def test_who_sends_a_request_a_byte_at_a_time_holds_up_nobody_else() -> None:
    with ScriptedModel([answer(Dialect.CHAT, say("ok"))]) as model, door_to(model.base_url) as door:
        place = ("127.0.0.1", int(door.url.split(":")[2].partition("/")[0]))
        slow = [socket.create_connection(place) for _ in range(100)]
        for one in slow:
            one.sendall(head_of(door, "Content-Length: 1000") + b"{")
        assert ask(door, Dialect.CHAT).status_code == 200
        assert len(door.calls()) == 1  # and ends them with it
        for one in slow:
            one.close()


def test_an_answer_that_is_packed_all_the_same_is_unpacked_and_counted() -> None:
    whole = answer(Dialect.CHAT, say("ok"))
    packed = gzip.compress(whole.pieces[0])
    step = Fault(200, {"Content-Encoding": "gzip"}, "application/json", (packed,))
    with ScriptedModel([step]) as model, door_to(model.base_url) as door:
        got = ask(door, Dialect.CHAT)
        assert door.calls()[0].counted
    assert got.content == whole.pieces[0]
    assert model.requests[0].headers["Accept-Encoding"] == "identity"


def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_taken_in() -> None:
    packed = gzip.compress(b" " * 60_000_000)
    step = Fault(200, {"Content-Encoding": "gzip"}, "application/json", (packed,))
    with ScriptedModel([step] * 3) as model, door_to(model.base_url) as door:
        assert ask(door, Dialect.CHAT).status_code == 403
        failure = door.failure()
    assert failure is not None
    assert "longer than" in failure.message
