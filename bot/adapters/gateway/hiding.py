"""Keys in what a provider says: nobody behind the gateway is to read them."""

from __future__ import annotations

import re

_HIDDEN = b"[key]"


class Hiding:
    """Takes a key out of what passes, for some providers repeat it in what they say."""

    def __init__(self, key: str | None) -> None:
        self._key = (key or "").encode()
        self._rest = b""  # what a key may begin with

    def through(self, data: bytes) -> bytes:
        """Take the next bytes; return what goes on now."""
        if not self._key:
            return data
        data = (self._rest + data).replace(self._key, _HIDDEN)
        longest = min(len(self._key) - 1, len(data))
        held = next((n for n in range(longest, 0, -1) if self._key.startswith(data[-n:])), 0)
        self._rest = data[len(data) - held :]
        return data[: len(data) - held]

    def end(self) -> bytes:
        """Return what was held back: it is no key."""
        return self._rest

    def whole(self, data: bytes) -> bytes:
        """Take it out of all that there is, also where JSON writes it with escapes."""
        if not self._key:
            return data
        each = [(re.escape(bytes([one])), one) for one in self._key]
        written = b"".join(rb"(?:%b|(?i:\\u%04x)|\\%b)" % (c, one, c) for c, one in each)
        return re.sub(written, _HIDDEN, data)
