"""What `orchestrate init` is about to write, and what comes next, for people."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from bot.core.escapes import without_escapes
from bot.core.github.installation import STANDS_OFF, WRITES, FileStep, Step, unix
from bot.render.terminal import plain
from bot.render.words import count

_LONGEST_DIFF = 400  # lines of one file; a lock file has more, and nobody reads them here
_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_WHY = {
    Step.OUTDATED: "a later version is there: orchestrate init --upgrade",
    Step.CHANGED: "kept as you have it; above is what would have come",
    Step.FOREIGN: "kept, for it was not written by init; above is what would have come",
}


def print_diffs(console: Console, steps: Sequence[FileStep]) -> None:
    """Print the unified diff of every file that is written, or would have been."""
    for each in steps:
        if each.step not in WRITES | STANDS_OFF:
            continue
        lines = list(_diff(each))
        for line in lines[:_LONGEST_DIFF]:
            console.print(Text(line, style=_STYLES.get(line[:1], "")), soft_wrap=True)
        if len(lines) > _LONGEST_DIFF:
            console.print(f"… {count(len(lines) - _LONGEST_DIFF, 'line')} more of {each.path}")


def _diff(each: FileStep) -> Iterator[str]:
    old, new = ([] if data is None else _lines(data) for data in (each.before, each.after))
    before, after = (
        "/dev/null" if data is None else f"{side}/{each.path}"
        for side, data in (("a", each.before), ("b", each.after))
    )
    yield from difflib.unified_diff(old, new, before, after, lineterm="")


def _lines(data: bytes) -> list[str]:
    """Return lines that steer no terminal, whatever they hold."""
    text = without_escapes(unix(data).decode("utf-8", "replace"))
    safe = "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)
    return safe.splitlines()


def print_steps(console: Console, steps: Sequence[FileStep]) -> None:
    """Print a line for every file, but for those that are as they should be."""
    for each in steps:
        if each.step in {Step.UNCHANGED, Step.OWNED}:
            continue
        why = f" ({_WHY[each.step]})" if each.step in _WHY else ""
        console.print(plain(f"{each.step.value}: {each.path}{why}"), soft_wrap=True)
    same = sum(each.step in {Step.UNCHANGED, Step.OWNED} for each in steps)
    if same:
        stay = "stays as it is" if same == 1 else "stay as they are"
        console.print(f"{count(same, 'file')} {stay}.")


def print_next(console: Console, steps: Sequence[FileStep], keys: Sequence[str]) -> None:
    """Say what to type after the files are written; nothing of it was done."""
    written = [each.path for each in steps if each.step in WRITES]
    tops = sorted({path.partition("/")[0] for path in written})
    scripts = [path for path in written if path.endswith(".sh")]
    commands = [
        f"git add --all {' '.join(tops)}",
        *(f"git add --chmod=+x {path}" for path in scripts),
        'git commit -m "Set up Orchestrate"',
        "git push",
        f"gh secret set {keys[0]}    # or another: {', '.join(keys[1:])}",
        "orchestrate setup    # label and required checks, with an administrator's token",
    ]
    console.print("\nNothing is committed yet. Next:", soft_wrap=True)
    for command in commands:
        console.print(f"  {command}", soft_wrap=True)
