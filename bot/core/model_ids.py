"""Whether the model that answered is the one that was asked for."""

from __future__ import annotations

import re

_PINNED = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{3}|latest)$|:latest$")
_ODD = re.compile(r"[^A-Za-z0-9@_./:+~-]")
_LONGEST = 200


def as_name(said: str) -> str:
    """Return what a provider calls its model as a record may have it: it may say anything."""
    return _ODD.sub("_", said[:_LONGEST])


def same_model(asked: str, returned: str) -> bool:
    """Whether two names are one model's: a dated snapshot is, another size or generation is not.

    A prefix that says where the model is does not count: `models/`, a provider's or a host's.
    """
    return _bare(asked) == _bare(returned)


def _bare(name: str) -> str:
    name = name.strip().casefold().rpartition("/")[2]
    return _PINNED.sub("", name)
