"""The provider's HTTP server, and its memory of what it was asked and what it told."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler

from bot.adapters.gateway.dialects import Dialect
from bot.adapters.loopback import LoopbackServer
from tests.support import pieces
from tests.support.provider.answers import Answer
from tests.support.provider.asked import Asked, read
from tests.support.provider.script import (
    SIDE_USAGE,
    SIDE_WORDS,
    Cut,
    Refused,
    Script,
    Step,
    Turn,
    Usage,
    Wrong,
)
from tests.support.provider.tools import NoTool, calls_of
from tests.support.provider.wire import Sent, answered, cut, refused, wrong

_SIDE = Turn(text=SIDE_WORDS, usage=SIDE_USAGE)
_SPOILT = Turn(text="I begin with what is the first thing to do.")


@dataclass(frozen=True)
class Request:
    """A request as it came; `script` is whose step it took, empty where it took none."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, object]
    script: str

    @property
    def text(self) -> str:
        """All that was said, answers of tools with it."""
        return json.dumps(self.body, ensure_ascii=False)


class Provider:
    """The server. A request that no script knows, and a step that nobody met, fail the test."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.requests: list[Request] = []
        self.told: list[Usage] = []  # of each answer that was sent to its end
        self.strange: list[str] = []  # what no script says
        self._scripts = scripts
        self._met: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.over = threading.Event()  # silence lasts until then
        self._server = LoopbackServer(_handler_for(self))

    @property
    def url(self) -> str:
        """Where it is, without a version: `/v1` or `/v1beta` goes behind it."""
        return self._server.url

    @property
    def total(self) -> Usage:
        """The sum of what was told."""
        told = self.told
        return Usage(
            input=sum(took.input for took in told),
            cached=sum(took.cached for took in told),
            output=sum(took.output for took in told),
            reasoning=sum(took.reasoning for took in told),
            written=sum(took.written for took in told),
        )

    def of(self, script: str) -> list[Request]:
        """The requests that took a step of a script."""
        return [request for request in self.requests if request.script == script]

    def answer(self, path: str, headers: Mapping[str, str], body: Mapping[str, object]) -> Sent:
        """Take a request in, and say what goes back."""
        asked = read(path, body)
        if asked is None:
            return refused(Dialect.CHAT, Refused(404, f"There is nothing at {path}."))
        with self._lock:
            name, step = self._next(asked)
            self.requests.append(Request(path, headers, body, name))
            number = len(self.requests)
        try:
            return self._write(asked, step, str(number))
        except NoTool as error:
            self.strange.append(f"{name}: {error}")
            return refused(asked.dialect, Refused(418, str(error)))

    def tell(self, count: Usage) -> None:
        """Note the count of an answer of which only the end is left to be sent."""
        with self._lock:
            self.told.append(count)

    def _next(self, asked: Asked) -> tuple[str, Step]:
        name = next((name for name in self._scripts if name in asked.told), None)
        if not asked.tools:  # a summary that forgot what it is about would end the script
            return "", replace(_SIDE, text=f"{SIDE_WORDS}. {name or ''}")
        if name is None:
            self.strange.append(f"no script knows this: {asked.told[-300:]}")
            return "", Refused(418, "No script knows this conversation.")
        script, at = self._scripts[name], self._met[name]
        self._met[name] += 1
        if at < len(script.steps):
            return name, script.steps[at]
        if script.ever is None:
            self.strange.append(f"{name}: request {at + 1} of a script of {len(script.steps)}")
            return name, Refused(418, "The script is over.")
        return name, script.ever

    def _write(self, asked: Asked, step: Step, number: str) -> Sent:
        dialect, streams = asked.dialect, asked.streams
        if isinstance(step, Refused):
            return refused(dialect, step)
        turn = step if isinstance(step, Turn) else _SPOILT
        proper = answered(dialect, _answer(asked, turn, number), streams=streams)
        match step:
            case Turn():
                return replace(proper, count=step.usage)
            case Cut():
                return cut(proper, step)
            case Wrong():
                return wrong(dialect, proper, step)

    def __enter__(self) -> Provider:
        self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.over.set()
        self._server.stop()
        if kind is None:
            assert not self.strange, self.strange
            for name, script in self._scripts.items():
                met, steps = self._met[name], len(script.steps)
                assert met >= steps, f"{name}: {met} requests met a script of {steps} steps"


def _answer(asked: Asked, turn: Turn, number: str) -> Answer:
    calls = calls_of(turn.intents, asked.tools, asked.folder, number)
    return Answer(turn.model or asked.model, turn.text, calls, turn.usage, number)


def _handler_for(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_error(404)  # no model is asked this way

        def do_HEAD(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sent = provider.answer(self.path, dict(self.headers), body)
            try:
                self._send(sent)
            except OSError:
                self.close_connection = True  # the client is gone, which a test may want

        def _send(self, sent: Sent) -> None:
            if sent.silent:
                provider.over.wait()
            if not sent.pieces:
                self.close_connection = True
                return
            pieces.begin(self, sent.status, sent.headers, sent.content_type)
            for piece in sent.pieces[:-1]:
                pieces.send(self, piece)
            if sent.count is not None:
                provider.tell(sent.count)
            pieces.send(self, sent.pieces[-1])
            if sent.whole:
                pieces.end(self)
            else:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """The test's own output is enough."""

    return Handler
