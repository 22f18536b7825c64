"""One request to GitHub and what can come of it; nothing here asks twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.adapters.github.errors import OddAnswer, TooLarge
from bot.errors import Unavailable

if TYPE_CHECKING:
    import requests

_TIMEOUT = (5.0, 15.0)  # seconds: to connect, between two pieces of an answer
_CHUNK = 65_536
_OK = 200

T = TypeVar("T")
Query = Mapping[str, str | int]


@dataclass(frozen=True)
class Request:
    """A request; `endpoint` is what messages call it, for an address may hold a signature."""

    method: str
    url: str
    endpoint: str
    body: Mapping[str, object] | None = None
    query: Query | None = None


@dataclass(frozen=True)
class Answer:
    """GitHub did it. `link` is the next page of a list, or where a download is."""

    value: object  # JSON; an empty object where there is no body
    link: str | None

    @classmethod
    def read(cls, response: requests.Response) -> Answer | Lost:
        """Read what a success says."""
        try:
            value = json.loads(response.content) if response.content else {}
        except ValueError:
            return Lost("what came is not JSON")
        return cls(value, response.links.get("next", {}).get("url"))


@dataclass(frozen=True)
class Lost:
    """No answer that says what happened, and why there is none."""

    why: str

    def error(self, endpoint: str) -> Unavailable:
        """Return what to raise where asking again did not help."""
        return Unavailable(
            f"GitHub does not answer {endpoint}: {self.why}.",
            fix="See githubstatus.com, and run the same again later.",
        )


def session(token: str | None) -> requests.Session:
    """Begin to talk to one host. Loading requests takes a fifth of a job's start, so it is late."""
    import requests

    http = requests.Session()
    # A proxy variable or a .netrc must not send the token elsewhere or replace it.
    http.trust_env = False
    http.headers["User-Agent"] = "orchestrate-bot"
    if token is not None:
        http.headers["Authorization"] = f"Bearer {token}"
    return http


def _faults() -> tuple[type[Exception], ...]:
    import requests
    import urllib3

    return (requests.RequestException, urllib3.exceptions.HTTPError)


def exchange(http: requests.Session, request: Request) -> requests.Response | Lost:
    """Make a request. A fault becomes a value: its own text may quote an address."""
    try:
        return http.request(
            request.method,
            request.url,
            params=request.query,
            json=request.body,
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
    except _faults() as error:
        return Lost(type(error).__name__)


def fetch(url: str, max_bytes: int, endpoint: str) -> bytes | Lost:
    """Read a signed address in a session that knows no token. Raises TooLarge past the cap."""
    data = bytearray()
    try:
        with (
            session(None) as http,
            http.get(url, stream=True, timeout=_TIMEOUT, allow_redirects=False) as response,
        ):
            if response.status_code != _OK:
                return Lost(f"its storage says {response.status_code}")
            # Never unpacked on the way: what is small packed may be large.
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                data += chunk
                if len(data) > max_bytes:
                    break
    except _faults() as error:
        return Lost(type(error).__name__)
    if len(data) > max_bytes:
        raise TooLarge(f"What {endpoint} gives is larger than {max_bytes:,} bytes.")
    return bytes(data)


def parse(shape: type[T], value: object, endpoint: str) -> T:
    """Accept an answer as what it should be. Raises OddAnswer, which names the field."""
    try:
        return TypeAdapter(shape).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "the whole of it"
    raise OddAnswer(
        f"GitHub's answer to {endpoint} is not what it should be at {field}: {first['msg']}.",
        fix="If github.com is well (githubstatus.com), please report this.",
    )
