"""What the agent process is told, as one JSON document on its standard input."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.core.base import Strict
from bot.core.constraints import NO_RULES, Rules

Tokens = Annotated[int, Field(ge=1, le=100_000_000)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Price = Annotated[Decimal, Field(ge=0, le=1_000_000)]


class _Quiet(Strict):
    """A value whose errors do not repeat what was wrong, since that may be a key."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Endpoint(_Quiet):
    """Where the model is: anything that answers `POST {base_url}/chat/completions`."""

    base_url: str
    model: Annotated[str, Field(min_length=1)]
    api_key: SecretStr | None = None
    context_tokens: Tokens
    max_output_tokens: Tokens
    extra_headers: Mapping[str, str] = {}

    @field_validator("base_url")
    @classmethod
    def _is_plain_http(cls, text: str) -> str:
        url = urlsplit(text)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("not an http or https address")
        if url.username or url.password or url.query or url.fragment:
            raise ValueError("must carry no user, query or fragment; a key goes in api_key")
        return text.rstrip("/")

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not re.fullmatch(r"[!#-\[\]-~]{1,4096}", key.get_secret_value()):
            raise ValueError("has a space, a quote, a backslash or a character outside ASCII")
        return key

    @model_validator(mode="after")
    def _leaves_room_for_a_prompt(self) -> Self:
        if self.max_output_tokens >= self.context_tokens:
            raise ValueError("max_output_tokens leaves no room for a prompt in context_tokens")
        return self


class Limits(_Quiet):
    """What this process may use; every one of them is checked before a request is sent.

    Prices are dollars for a million tokens; None means that nobody knows, which is not free.
    """

    max_requests: Annotated[int, Field(ge=1)]
    max_input_tokens: Tokens
    max_output_tokens: Tokens
    max_usd: Annotated[Decimal, Field(ge=0)] | None = None
    input_usd_per_million: Price | None = None
    output_usd_per_million: Price | None = None
    paid: bool = False
    seconds: Seconds
    silence_seconds: Seconds = 60  # longest wait for the next byte of an answer


class BuiltinJob(_Quiet):
    """One go of the agent: the endpoint, the worktree, what to say and what it may use."""

    endpoint: Endpoint
    worktree: str
    system: str
    prompt: Annotated[str, Field(min_length=1)]
    session_file: str
    usage_file: str
    limits: Limits
    environment: Mapping[str, str] = {}
    command_timeout_seconds: Seconds = 600
    deny: Rules = NO_RULES
    role: str = ""  # whose rules hold
    only_writes: tuple[str, ...] | None = None  # it reads, and writes these; no commands

    @model_validator(mode="after")
    def _records_are_out_of_reach(self) -> Self:
        worktree = Path(self.worktree).resolve()
        if not worktree.is_dir():
            raise ValueError("worktree is not a directory")
        for name in ("session_file", "usage_file"):
            if Path(getattr(self, name)).resolve().is_relative_to(worktree):
                raise ValueError(f"{name} lies in the worktree, where the agent could change it")
        return self

    def as_stdin(self) -> str:
        """Return the document for the agent process: the one place where the key is written."""
        document = self.model_dump(mode="json")
        if self.endpoint.api_key is not None:
            document["endpoint"]["api_key"] = self.endpoint.api_key.get_secret_value()
        return json.dumps(document)
