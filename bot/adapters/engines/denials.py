"""The file in an attempt's folder that says which commands were denied."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from bot.adapters.engines.proving import PROOF
from bot.core.constraints import Denied
from bot.core.denials import MAX_NOTED, MAX_NOTES_BYTES, Denial, read_denials


def note(file: Path, denied: Denied) -> None:
    """Add what was denied; nothing that goes wrong with it may keep anybody from denying it."""
    rule, command = _whole(denied.rule), _whole(denied.what)
    with suppress(OSError, ValueError):
        line = Denial(rule=rule[:100], command=command[:MAX_NOTED]).model_dump_json()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(file, flags, 0o644), "ab") as notes:
            if os.fstat(notes.fileno()).st_size < MAX_NOTES_BYTES:
                notes.write(f"{line}\n".encode())


def noted(file: Path) -> tuple[Denial, ...]:
    """Read what was denied, from a plain file alone: whoever was denied could put another there."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as notes:
            plain = stat.S_ISREG(os.fstat(handle).st_mode)
            found = read_denials(notes.read(MAX_NOTES_BYTES)) if plain else ()
    except OSError:
        return ()
    return tuple(one for one in found if one.rule != PROOF)


def _whole(text: str) -> str:
    """Replace halves of characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode()
