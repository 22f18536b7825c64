"""Generated repositories to measure in, and git as anybody would call it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Change = Mapping[str, str | None]  # text by path; None: the file goes


def git(folder: Path, *args: str, stdin: bytes = b"", ok: Sequence[int] = (0,)) -> str:
    """Run plain git in a folder, with no option of ours."""
    done = subprocess.run(["git", *args], cwd=folder, input=stdin, capture_output=True, check=False)
    if done.returncode not in ok:
        raise RuntimeError(f"git {' '.join(args)} in {folder}: {done.stderr.decode()}")
    return done.stdout.decode().strip()


def make_repository(folder: Path, base: Change, branches: Mapping[str, Change]) -> None:
    """Make a repository with one commit on main, and branches of one commit each on it."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    stream = [_commit("refs/heads/main", base)]
    stream += [_commit(f"refs/heads/{name}", what, "main") for name, what in branches.items()]
    git(folder, "fast-import", "--quiet", stdin=b"".join(stream))
    git(folder, "reset", "-q", "--hard")


def source_files(count: int) -> dict[str, str]:
    """Return `count` files of 40 lines, 25 to a folder."""
    return {
        f"src/part{n // 25:03}/module_{n}.py": "".join(f"value_{n}_{k} = {k}\n" for k in range(40))
        for n in range(count)
    }


def _commit(ref: str, change: Change, start: str | None = None) -> bytes:
    return b"".join(_lines(ref, change, start))


def _lines(ref: str, change: Change, start: str | None) -> Iterable[bytes]:
    yield f"commit {ref}\ncommitter A <a@example.org> 1700000000 +0000\ndata 2\nx\n\n".encode()
    if start:
        yield f"from refs/heads/{start}\n".encode()
    for path, text in change.items():
        if text is None:
            yield f"D {path}\n".encode()
        else:
            content = text.encode()
            yield f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
