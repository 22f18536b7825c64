"""One chat request over HTTP: sent, read as it comes, judged."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import requests
import urllib3

from bot.adapters.engines.builtin.job import Endpoint
from bot.adapters.engines.builtin.stream import (
    Answer,
    AnswerError,
    Assembler,
    BadAnswer,
    event_data,
)
from bot.core.outcomes import OutcomeClass
from bot.core.provider_failures import Failure, Trouble, failure_in_stream, failure_of

_CONNECT_SECONDS = 15.0
_MAX_ANSWER_BYTES = 20_000_000
_MAX_ERROR_BYTES = 65_536


class Deadline:
    """The moment by which everything has to be over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return how many seconds are left; never less than none."""
        return max(0.0, self._end - time.monotonic())


class TimeUp(Exception):
    """The deadline passed."""


@dataclass(frozen=True)
class _Dialect:
    """The two fields that not every endpoint takes."""

    output_limit: str = "max_tokens"
    stream_options: bool = True

    def after(self, failure: Failure) -> _Dialect | None:
        """Return what to try after an endpoint refused a field by name; None: it was not that."""
        if failure.outcome is not OutcomeClass.BAD_REQUEST:
            return None
        if "max_completion_tokens" in failure.message and self.output_limit == "max_tokens":
            return replace(self, output_limit="max_completion_tokens")
        if "stream_options" in failure.message and self.stream_options:
            return replace(self, stream_options=False)
        return None


@dataclass(frozen=True)
class Incomplete:
    """A failure in the middle of an answer, and what had come of it."""

    failure: Failure
    answer: Answer


class ChatClient:
    """Talks to one endpoint; reads nothing from the environment, follows no redirect."""

    def __init__(self, endpoint: Endpoint, silence_seconds: float, deadline: Deadline) -> None:
        self._endpoint = endpoint
        self._silence = silence_seconds
        self.deadline = deadline
        self._dialect = _Dialect()
        self._http = requests.Session()
        # A proxy variable or a .netrc must not send the key elsewhere or replace it.
        self._http.trust_env = False
        self._http.headers.update(endpoint.extra_headers)
        self._http.headers["Accept-Encoding"] = "identity"
        if endpoint.api_key is not None:
            self._http.headers["Authorization"] = f"Bearer {endpoint.api_key.get_secret_value()}"

    def ask(
        self, messages: list[dict[str, object]], tools: list[dict[str, object]]
    ) -> Answer | Incomplete | Failure:
        """Send one request and read its answer. Raises TimeUp when the deadline passes."""
        while True:
            outcome = self._ask(messages, tools)
            other = self._dialect.after(outcome) if isinstance(outcome, Failure) else None
            if other is None:
                return outcome
            self._dialect = other

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(
        self, messages: list[dict[str, object]], tools: list[dict[str, object]]
    ) -> Answer | Incomplete | Failure:
        body: dict[str, object] = {
            "model": self._endpoint.model,
            "messages": messages,
            "tools": tools,
            "stream": True,
            self._dialect.output_limit: self._endpoint.max_output_tokens,
        }
        if self._dialect.stream_options:
            body["stream_options"] = {"include_usage": True}
        try:
            with self._http.post(
                f"{self._endpoint.base_url}/chat/completions",
                json=body,
                stream=True,
                allow_redirects=False,
                timeout=(min(_CONNECT_SECONDS, self._patience()), self._patience()),
            ) as response:
                return self._read(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            return self._broken(error)

    def _patience(self) -> float:
        if not self.deadline.left():
            raise TimeUp
        return min(self._silence, self.deadline.left())

    def _broken(self, error: Exception) -> Failure:
        if not self.deadline.left():
            raise TimeUp from error
        if _was_never_sent(error):
            message = f"no connection to {self._endpoint.base_url}"
            return Failure(OutcomeClass.CRASH, message, Trouble.DOWN)
        message = f"the connection broke before an answer came ({type(error).__name__})"
        trouble = Trouble.CUT if isinstance(error, requests.ReadTimeout) else Trouble.DOWN
        return Failure(OutcomeClass.CRASH, message, trouble, maybe_billed=True)

    def _read(self, response: requests.Response) -> Answer | Incomplete | Failure:
        headers: Mapping[str, str] = response.headers
        if response.status_code != 200:
            body = b"".join(self._chunks(response, _MAX_ERROR_BYTES)).decode("utf-8", "replace")
            return failure_of(
                response.status_code,
                body,
                retry_after=headers.get("Retry-After", ""),
                date=headers.get("Date", ""),
            )
        kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/html":
            message = "the endpoint answers with a web page; is base_url right, with its /v1?"
            return Failure(OutcomeClass.BAD_REQUEST, message)
        return self._assemble(response, is_document=kind == "application/json")

    def _assemble(
        self, response: requests.Response, *, is_document: bool
    ) -> Answer | Incomplete | Failure:
        assembler = Assembler()
        broke = "the answer broke off"
        try:
            chunks = self._chunks(response, _MAX_ANSWER_BYTES)
            if is_document:
                assembler.add_document(b"".join(chunks).decode("utf-8", "replace"))
            else:
                for data in event_data(chunks):
                    assembler.add(data)
                    if assembler.closed:
                        break
        except AnswerError as error:
            return Incomplete(failure_in_stream(error.body), assembler.answer())
        except BadAnswer as error:
            broke = f"the answer is not what a chat endpoint sends: {error}"
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if not self.deadline.left():
                raise TimeUp from error
            broke = f"the answer broke off ({type(error).__name__})"
        if assembler.complete:
            return assembler.answer()
        failure = Failure(OutcomeClass.CRASH, broke, Trouble.CUT, maybe_billed=True)
        return Incomplete(failure, assembler.answer())

    def _chunks(self, response: requests.Response, limit: int) -> Iterator[bytes]:
        """Yield bytes as they come: `read1` returns what is there, `iter_content` may wait."""
        total = 0
        while data := response.raw.read1(65_536, decode_content=True):
            if not self.deadline.left():
                raise TimeUp
            yield data
            total += len(data)
            if total > limit:
                return  # an answer without its end counts as cut


def _was_never_sent(error: Exception) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(
        reason,
        urllib3.exceptions.NewConnectionError
        | urllib3.exceptions.ConnectTimeoutError
        | urllib3.exceptions.SSLError,
    )
