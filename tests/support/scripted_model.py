"""A scripted chat endpoint over real HTTP: turns and faults in order, and a log of requests.

    script = [call("write_file", path="a.txt", content="hi"), fault_429(retry_after=0), say("ok")]
    with ScriptedModel(script) as model:
        …  # model.base_url, model.requests

A step is a turn of a recorded session, played as the recorded player plays it, or a fault. Each
request takes one step. A step that nobody met fails the test, as does a request after the last.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Self

from bot.adapters.loopback import LoopbackServer
from bot.adapters.recorded_model import (
    Asked,
    RecordedCall,
    RecordedTurn,
    chunks,
    error_reply,
    event,
    played,
)
from tests.support import pieces

MODEL = "scripted-1"
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Fault:
    """Something that is not a proper answer.

    `pieces` are sent one by one; `then` says what comes after them: "end" as it should be,
    "cut" the connection closes early, "hang" nothing comes until the test is over.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    pieces: tuple[bytes, ...] = ()
    then: str = "end"


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, object]


Step = RecordedTurn | Fault


def call(name: str, **arguments: object) -> RecordedTurn:
    """A turn that calls one tool."""
    return RecordedTurn(calls=(RecordedCall(name=name, arguments=arguments),))


def calls(*turns: RecordedTurn) -> RecordedTurn:
    """One turn that makes the calls of several."""
    return RecordedTurn(calls=tuple(one for turn in turns for one in turn.calls))


def say(text: str) -> RecordedTurn:
    """A turn without a tool call."""
    return RecordedTurn(text=text)


def finish(status: str = "success", **more: object) -> RecordedTurn:
    """The turn that ends a run."""
    return call("finish", status=status, **more)


def refusal(status: int, message: str, *, code: str = "", **headers: str) -> Fault:
    """An HTTP error in OpenAI's form; `retry_after="3"` becomes a header."""
    reply = error_reply(status, code, message)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(status, names, reply.content_type, reply.pieces)


def stream(*deltas: Mapping[str, object], finish_reason: str | None = None) -> tuple[bytes, ...]:
    """Events with these deltas, for faults in the middle or at the end of a stream."""
    bodies = [{"model": MODEL, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    if finish_reason:
        bodies.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]})
    return tuple(event(body) for body in bodies)


def raw_call(name: str, arguments: str, finish_reason: str = "tool_calls") -> Fault:
    """A call whose arguments are sent as they are, valid or not."""
    function = {"name": name, "arguments": arguments}
    delta = {"tool_calls": [{"index": 0, "id": "raw_1", "function": function}]}
    return Fault(pieces=(*stream(delta, finish_reason=finish_reason), DONE))


def without_usage(turn: RecordedTurn) -> Fault:
    """A turn whose stream tells no token counts."""
    return Fault(pieces=(*map(event, list(chunks(turn, 0, MODEL))[:-1]), DONE))


def cut(turn: RecordedTurn) -> Fault:
    """A turn whose connection closes before its end."""
    return Fault(pieces=tuple(map(event, list(chunks(turn, 0, MODEL))[:-2])), then="cut")


def document(turn: RecordedTurn) -> Fault:
    """A turn from an endpoint that does not stream, whatever it was asked."""
    reply = played(turn, 0, MODEL, stream=False)
    return Fault(200, {}, reply.content_type, reply.pieces)


class ScriptedModel:
    """The endpoint; `requests` is what it was asked, in order."""

    def __init__(self, script: Sequence[Step]) -> None:
        self.requests: list[Request] = []
        self._script = list(script)
        self.over = threading.Event()  # a hanging step waits for it
        self._server = LoopbackServer(_handler_for(self))

    @property
    def base_url(self) -> str:
        """Where clients find it."""
        return f"{self._server.url}/v1"

    def take(self, request: Request) -> Step:
        """Note a request and return its step."""
        self.requests.append(request)
        place = len(self.requests) - 1
        if place < len(self._script):
            return self._script[place]
        return refusal(418, "the script is over")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.over.set()
        self._server.stop()
        if kind is None:
            met, scripted = len(self.requests), len(self._script)
            assert met == scripted, f"{met} requests met a script of {scripted} steps"


def _handler_for(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            step = model.take(Request(self.path, dict(self.headers), body))
            if isinstance(step, RecordedTurn):
                place = len(model.requests)
                asked = Asked.model_validate(body)
                reply = played(step, place, MODEL, asked.stream)
                step = Fault(200, {}, reply.content_type, reply.pieces)
            try:
                self._send(step)
            except OSError:
                self.close_connection = True  # the client was stopped, which a test may want

        def _send(self, fault: Fault) -> None:
            if fault.then != "end" and not fault.pieces:
                self._leave(fault)
                return
            pieces.begin(self, fault.status, fault.headers, fault.content_type)
            for piece in fault.pieces:
                pieces.send(self, piece)
            if fault.then == "end":
                pieces.end(self)
            else:
                self._leave(fault)

        def _leave(self, fault: Fault) -> None:
            self.close_connection = True
            if fault.then == "hang":
                model.over.wait(30)

        def log_message(self, format: str, *args: object) -> None:
            """The test's own output is enough."""

    return Handler
