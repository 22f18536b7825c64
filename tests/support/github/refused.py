"""GitHub's no, as a value that travels."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):
    """GitHub says no: becomes an error answer over HTTP, a failed test from a person's method."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message} {errors or ''}")
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})


def invalid(resource: str, said: str, *, field: str = "") -> Refused:
    """Return GitHub's 422 with one error: `said` is a code, or a sentence for code "custom"."""
    error = {"resource": resource, "field": field, "code": said}
    if " " in said:
        error |= {"code": "custom", "message": said}
    return Refused(422, "Validation Failed", errors=[error])
