"""Runs the demo in a terminal of its own and draws what it shows: `make picture`."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 100, 50
PICTURE = Path(__file__).with_name("run.svg")

REDRAWN = re.compile(r"\r?\x1b\[2K(?:\x1b\[1A\x1b\[2K)*")  # what rich's live table begins with
CURSOR = re.compile(r"\x1b\[\?25[lh]")
FONT_FACES = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)  # they would be fetched


def shown_by_demo() -> str:
    """Run the demo where it believes to be in a terminal; return all that it wrote there."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    program = Path(sys.executable).with_name("orchestrate")
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    demo = subprocess.Popen([program, "demo"], stdin=its, stdout=its, stderr=its, env=environment)
    os.close(its)
    written = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while part := os.read(ours, 65536):
            written += part
    if demo.wait() != 0:
        sys.exit("The demo did not show what it promises; run it to see why: make demo")
    return written.decode().replace("\r\n", "\n")


def telling(table: str) -> tuple[bool, int, int]:
    """Rate a table: three or more run (the last line says so too), some have landed."""
    said = Text.from_ansi(table).plain
    return said.count("running") > 3, said.count("landed"), len("".join(said.split()))


def draw(written: str) -> str:
    """Draw the command, the table while it ran, and the summary, without what only a demo says."""
    intro, *frames = REDRAWN.split(CURSOR.sub("", written))
    command = next(line for line in intro.splitlines() if "$ orchestrate run" in line)
    table = max((frame for frame in frames if "Gates" not in frame), key=telling)
    summary = frames[-1][frames[-1].index("\x1b[1mRun ") : frames[-1].index("\x1b[1mNext")]
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    parts = (command, "", table.strip("\n"), "", "\x1b[2m⋮\x1b[0m", "", summary.rstrip(), "")
    console.print(Text.from_ansi("\n".join(parts)))
    plain = FONT_FACES.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code", "DejaVu Sans Mono, Menlo")
    plain = plain.replace("<svg ", '<svg xml:space="preserve" ', 1)  # or leading spaces go
    return console.export_svg(title="orchestrate", code_format=plain, unique_id="run")


if __name__ == "__main__":
    PICTURE.write_text(draw(shown_by_demo()), encoding="utf-8")
