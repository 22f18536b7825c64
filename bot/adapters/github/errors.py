"""Why GitHub did not do what was asked: a family for each reason that somebody acts on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime

from bot.errors import BotError, Exit, Unavailable, UserError

_MAX_MESSAGE = 300  # characters of GitHub's own words, for each of a few things
_MAX_MESSAGES = 10


class Refusal(UserError):
    """GitHub looked at a request and will not do it; the same request again changes nothing."""

    status = 0  # of HTTP
    messages: tuple[str, ...] = ()  # GitHub's own words, a line each


class NotFound(Refusal):
    """It is not there, or the token may not see it: GitHub says the same of both."""


class Gone(Refusal):
    """It was there: a deleted issue, an expired artifact, a feature that is switched off."""


class Moved(Refusal):
    """It is somewhere else now: a transferred issue, a renamed repository."""

    to = ""  # address in the API


class Forbidden(Refusal):
    """The token lacks a right, or a setting forbids it."""

    needs = ""  # the permission, as GitHub names it: "issues=write"; empty where it does not


class Unprocessable(Refusal):
    """GitHub understood the request and finds what is in it wrong."""

    exit_code = Exit.BUG


class ActionsMayNotOpenPulls(Forbidden):
    """The setting that lets workflows open pull requests is off, as it is by default."""


class NoDrafts(Unprocessable):
    """The repository's plan has no draft pull requests."""


class NotOffered(Refusal):
    """This GitHub, or this repository, lacks the feature, or keeps it from us."""


class TooLarge(Refusal):
    """A download is larger than we are ready to take."""


class RateLimited(Unavailable):
    """GitHub's limit on requests; `until` is when it expects to answer again."""

    def __init__(self, endpoint: str, until: datetime) -> None:
        when = until.strftime("%Y-%m-%d %H:%M UTC")
        super().__init__(
            f"GitHub's rate limit stops {endpoint} until {when}.",
            fix="Nothing is lost: what is missing is made when the run is looked at again.",
        )
        self.until = until


class OddAnswer(BotError):
    """GitHub answered, but not in the shape that its description promises."""


def refusal(endpoint: str, status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
    """Name an answer that is neither a success, nor a rate limit, nor a fault of the server."""
    messages = _messages(body)
    said = "; ".join(messages) or "no reason given"
    error = _family(endpoint, status, headers, said)
    error.status, error.messages = status, messages
    return error


def _family(endpoint: str, status: int, headers: Mapping[str, str], said: str) -> Refusal:
    what = f"GitHub refuses {endpoint} ({status}): {said}"
    if "not permitted to create or approve pull requests" in said:
        return ActionsMayNotOpenPulls(
            "This repository does not let GitHub Actions open pull requests.",
            fix='Tick "Allow GitHub Actions to create and approve pull requests" under'
            " Settings → Actions → General → Workflow permissions.",
        )
    if "Draft pull requests are not supported" in said:
        return NoDrafts("This repository has no draft pull requests.", fix="Open it as ready.")
    if status in {401, 403}:
        return _forbidden(what, status, headers)
    if status == 404:
        return NotFound(
            f"GitHub has no such thing, or hides it from this token: {endpoint}",
            fix="See that it still exists and that the token has the right to read it.",
        )
    if status == 410:
        return Gone(what, fix="It was deleted, has expired or is switched off.")
    if 300 <= status < 400:
        moved = Moved(
            f"What {endpoint} asks for is elsewhere now.",
            fix="It was transferred or renamed: begin again where it is now.",
        )
        moved.to = headers.get("location", "")
        return moved
    return Unprocessable(what) if status == 422 else Refusal(what)


def _forbidden(what: str, status: int, headers: Mapping[str, str]) -> Forbidden:
    needs = _one_line(headers.get("x-accepted-github-permissions", ""))
    if status == 401:
        fix = "The token is wrong, expired or withdrawn: start the job again, or set a new one."
    elif needs:
        fix = f"Give the job's token the permission {needs.replace('=', ': ')}."
    else:
        fix = "See which permissions the job gives its token, and what the settings allow."
    error = Forbidden(what, fix=fix)
    error.needs = needs
    return error


def _messages(body: bytes) -> tuple[str, ...]:
    """Read GitHub's own words: one message, then one for each thing that is wrong."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ()
    if not isinstance(answer, dict):
        return ()
    details = answer.get("errors")
    more = [_detail(each) for each in details] if isinstance(details, list) else []
    found = [answer.get("message"), *more[:_MAX_MESSAGES]]
    return tuple(_one_line(text) for text in found if isinstance(text, str) and text.strip())


def _detail(detail: object) -> object:
    if not isinstance(detail, dict):
        return detail
    fields = (detail.get("message"), detail.get("field"), detail.get("code"))
    return " ".join(text for text in fields if isinstance(text, str))


def _one_line(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()[:_MAX_MESSAGE]
