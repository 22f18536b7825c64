"""Which folders of a run are a command's own."""

from __future__ import annotations

from pathlib import Path

from bot.ports import Command

KINDS = ("worktrees", "attempts")  # of folders in a run's folder that are an attempt's


def folders_of(top: Path, command: Command) -> tuple[Path, ...]:
    """Return the folders of the attempts that a command works in, below the run's own folder.

    None where it works in no attempt's.
    """
    places = (command.cwd, command.env.get("HOME", ""), command.env.get("TMPDIR", ""))
    names: dict[str, None] = {}
    for place in map(Path, places):
        below = place.is_relative_to(top) and ".." not in place.parts
        inside = place.relative_to(top).parts if below else ()
        if len(inside) >= 2 and inside[0] in KINDS:
            names[inside[1]] = None
        elif place == Path(command.cwd):
            return ()
    both = (top / kind / name for name in names for kind in KINDS)
    return tuple(path for path in both if path.is_dir() and not path.is_symlink())
