"""Files that ship with the package: `agents/` and `examples/`, in a wheel or beside a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def data_file(*parts: str) -> Path:
    """Return where a shipped file or folder is, such as `data_file("agents", "roles")`.

    In a wheel it is `bot/data/…`, in a checkout `…` beside `bot/`. Raises FileNotFoundError
    where it is in neither, which means that the installation is broken.
    """
    for root in (_PACKAGE / "data", _PACKAGE.parent):
        found = root.joinpath(*parts)
        if found.exists():
            return found
    raise FileNotFoundError("/".join(parts))
