"""Git's proc-receive hook: says of each pushed ref why it is refused, in GitHub's words.

It runs inside `git receive-pack`, apart from the rest. FAKE_GITHUB_REFUSE is a reason for all refs;
FAKE_GITHUB_NO_WORKFLOWS refuses those that bring a workflow file no branch has yet.
"""

from __future__ import annotations

import os
import subprocess
import sys

FOLDER = ".github/workflows"
ATOMIC = "atomic transaction failed"
REASON = (
    "refusing to allow a GitHub App to create or update workflow `{path}` "
    "without `workflows` permission"
)


def read_lines() -> list[str]:
    """Read one section of pkt-lines, up to its flush."""
    lines: list[str] = []
    while True:
        size = int(sys.stdin.buffer.read(4) or b"0", 16)
        if size == 0:
            return lines
        lines.append(sys.stdin.buffer.read(size - 4).decode().rstrip("\n"))


def write_lines(*lines: str) -> None:
    """Write one section of pkt-lines."""
    for line in lines:
        data = line.encode()
        sys.stdout.buffer.write(b"%04x%s" % (len(data) + 4, data))
    sys.stdout.buffer.write(b"0000")
    sys.stdout.buffer.flush()


def workflow_files(name: str) -> set[str]:
    """Return "<blob> <path>" of the workflow files in a commit."""
    done = subprocess.run(
        ("git", "ls-tree", "-r", "--format=%(objectname) %(path)", name, "--", FOLDER),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines())


def new_workflow(sha: str) -> str | None:
    """Return the path of a workflow file that is on no branch of the repository."""
    brought = workflow_files(sha)
    if not brought:
        return None
    listed = subprocess.run(
        ("git", "for-each-ref", "--format=%(objectname)", "refs/heads"),
        capture_output=True,
        text=True,
        check=True,
    )
    for branch in dict.fromkeys(listed.stdout.split()):
        brought -= workflow_files(branch)
        if not brought:
            return None
    return min(entry.split(" ", 1)[1] for entry in brought)


def why_not(new: str) -> str | None:
    """Return the reason to refuse a new value of a ref."""
    if reason := os.environ.get("FAKE_GITHUB_REFUSE"):
        return reason
    if os.environ.get("FAKE_GITHUB_NO_WORKFLOWS") and set(new) != {"0"}:
        path = new_workflow(new)
        return path and REASON.format(path=path)
    return None


def main() -> None:
    """Talk to receive-pack: version, commands in, verdicts out."""
    atomic = any("atomic" in line for line in read_lines())
    write_lines("version=1")
    reasons = {line.split(" ", 2)[2]: why_not(line.split(" ")[1]) for line in read_lines()}
    others = ATOMIC if atomic and any(reasons.values()) else None
    verdicts = []
    for ref, own in reasons.items():
        reason = own or others
        verdicts += [f"ng {ref} {reason}"] if reason else [f"ok {ref}", "option fall-through"]
    write_lines(*verdicts)


if __name__ == "__main__":
    main()
