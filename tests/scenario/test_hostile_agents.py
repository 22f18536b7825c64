"""Agents that misbehave, each in a run of its own: a correct outcome, and nothing of the user's
is touched."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.world import GATES_OFF, Outcome, World, make_world, plan, work

KEY = "hunter2-hunter2-hunter2"
SHAPE = "ghp_" + "q8ZtR2vLx0KmW4nYb7Jc" + "D1sFh6Gp3TaE9uVo"  # apart: no scanner is to find it here
FILES = {"src/app.py": "x = 1\n", "a.txt": "old\n", "kept.txt": "kept\n", ".gitignore": "*.log\n"}


@dataclass(frozen=True)
class Case:
    """What an agent does, and what has to come of it."""

    does: str
    status: str = "landed"
    error: str = ""
    adds: dict[str, str] | None = None  # files that the combined branch has anew or changed
    minutes: float = 1.0


GOOD = {"a.txt": "good"}
HANDS_IN = "echo good > a.txt"

CASES = {
    "a hanging agent is ended by its time limit": Case(
        "echo good > a.txt; sleep 600", "failed", "its time ran out", minutes=0.01
    ),
    "an agent that ignores the request to end is ended": Case(
        "trap '' TERM; echo good > a.txt; while :; do sleep 1; done",
        "failed",
        "its time ran out",
        minutes=0.01,
    ),
    "a forked child that holds the output open is not waited for": Case(
        "echo good > a.txt; (trap '' HUP TERM; sleep 600) &", adds=GOOD
    ),
    "a daemon in a session of its own is ended with its agent": Case(
        "setsid sh -c 'sleep 600' </dev/null >/dev/null 2>&1 & echo good > a.txt", adds=GOOD
    ),
    "a file that is too large is refused before it is read": Case(
        "truncate -s 900M a.txt", "failed", "MB changed, of at most 50 MB"
    ),
    "a file past the size limit ends its agent": Case(
        "truncate -s 3G a.txt; echo not reached", "failed", "file size limit"
    ),
    "two thousand files are too many": Case(
        "mkdir d; cd d; seq 2000 | xargs touch", "failed", "files changed, of at most 1,000"
    ),
    "an endless log ends its agent": Case("yes", "failed", "output limit"),
    "without .git the work is still read": Case(f"{HANDS_IN}; rm -rf .git", adds=GOOD),
    "with a broken .git the work is still read": Case(
        f"{HANDS_IN}; rm -rf .git; echo gitdir: /nowhere > .git", adds=GOOD
    ),
    "an agent that moves HEAD changes nothing": Case(
        f"{HANDS_IN}; git checkout -q --orphan other; echo ref: refs/heads/main > .git/HEAD",
        adds=GOOD,
    ),
    "an agent's own commits are flattened": Case(
        f"{HANDS_IN}; git add -A; git commit -qm mine; git commit -q --allow-empty -m more",
        adds=GOOD,
    ),
    "a push has nowhere to go": Case(f"{HANDS_IN}; git push origin HEAD:main || :", adds=GOOD),
    "a push to the repository's own path is refused or undone": Case(
        f"{HANDS_IN}; git config user.name evil; git config core.hooksPath /tmp; git stash || :;"
        " echo good > a.txt; git branch evil; git tag evil; git update-ref refs/heads/main HEAD",
        adds=GOOD,
    ),
    "a folder in the place of its completion is none": Case(
        f"{HANDS_IN}; mkdir -p .orchestrate/completion.json/x", adds=GOOD
    ),
    "hooks do not run": Case(
        f"{HANDS_IN}; mkdir -p .git/hooks; for h in post-commit pre-commit post-checkout"
        " post-index-change reference-transaction; do printf '#!/bin/sh\\ntouch \"$OUT\"/ran\\n' >"
        " .git/hooks/$h; chmod +x .git/hooks/$h; done",
        adds=GOOD,
    ),
    "a filter in .gitattributes does not run": Case(
        "git config filter.evil.clean 'touch \"$OUT\"/ran; cat'; git config filter.evil.required"
        f" true; echo '* filter=evil' > .gitattributes; {HANDS_IN}",
        "failed",
        "protected files: .gitattributes",
    ),
    "a filter in .git/info/attributes does not run": Case(
        "git config filter.evil.clean 'touch \"$OUT\"/ran; cat'; git config filter.evil.required"
        f" true; mkdir -p .git/info; echo '* filter=evil' > .git/info/attributes; {HANDS_IN}",
        adds=GOOD,
    ),
    "a change outside of its files is refused": Case(
        f"{HANDS_IN}; echo bad >> kept.txt", "failed", "does not own: kept.txt"
    ),
    "a deletion outside of its files is refused": Case(
        f"{HANDS_IN}; git rm -q kept.txt", "failed", "does not own: kept.txt"
    ),
    "a protected file is refused": Case(
        "mkdir -p d .github/workflows; echo x > .github/workflows/ci.yml",
        "failed",
        "protected files: .github/workflows/ci.yml",
    ),
    "a link to a file of the system is refused": Case(
        "ln -sf /etc/passwd a.txt", "failed", "a link that leaves the repository: a.txt"
    ),
    "a link that climbs out is refused": Case(
        "ln -sf ../../../secret a.txt", "failed", "a link that leaves the repository: a.txt"
    ),
    "a link into .git is refused": Case(
        "mkdir -p d; ln -s ../.git/config d/x", "failed", "a link that leaves the repository: d/x"
    ),
    "a folder that became a link is not followed": Case(
        "mkdir -p d; echo x > d/x; rm -rf d; ln -s / d", "failed", "d"
    ),
    "a repository inside is refused": Case(
        "git init -q d; cd d; echo x > x; git add .; git -c user.name=a -c user.email=a@b commit"
        " -qm x",
        "failed",
        "a git repository inside the worktree: d/",
    ),
    "an empty repository inside is refused": Case(
        f"{HANDS_IN}; git init -q d", "failed", "a git repository inside the worktree: d/"
    ),
    "a submodule is refused": Case(
        "git init -q d; git -C d -c user.name=a -c user.email=a@b commit -q --allow-empty -m x;"
        " git add d; printf '[submodule \"d\"]\\n\\tpath = d\\n\\turl = ./d\\n' > .gitmodules",
        "failed",
        "",
    ),
    "odd file names are kept as they are": Case(
        "mkdir d; cd d; touch --"
        " \"$(printf 'new\\nline')\" '\"quoted\"' \"it's\" 'back\\slash' '-rf'"
        " \"$(printf '\\342\\200\\256right')\" ' ' '*'",
        adds={
            f"d/{name}": ""
            for name in (
                "new\nline",
                '"quoted"',
                "it's",
                "back\\slash",
                "-rf",
                "\u202eright",
                " ",
                "*",
            )
        },
    ),
    "a name that is not UTF-8 is kept as it is": Case(
        "mkdir d; touch \"d/$(printf 'caf\\351')\"", adds={"d/caf\udce9": ""}
    ),
    "odd names that are refused can be printed": Case(
        "touch \"$(printf 'b\\351\\nd\\033[31m\\342\\200\\256')\"", "failed", "does not own"
    ),
    "pipes and links in .orchestrate are not read": Case(
        f"{HANDS_IN}; rm -rf .orchestrate; mkdir .orchestrate; cd .orchestrate;"
        " mkfifo completion.json; ln -s /dev/zero acknowledgement.json; ln -s /etc x; mkfifo y",
        adds=GOOD,
    ),
    ".orchestrate as a link is not followed": Case(
        f"{HANDS_IN}; rm -rf .orchestrate; ln -s /etc .orchestrate", "failed", "a link that leaves"
    ),
    "a pipe among the files is no file": Case(f"{HANDS_IN}; mkdir d; mkfifo d/pipe", adds=GOOD),
    "code beside the bot's is not imported by it": Case(
        "mkdir -p d/bot; for f in sitecustomize.py usercustomize.py conftest.py bot/__init__.py"
        ' json.py pydantic.py; do printf \'import os\\nopen(os.environ.get("OUT", ".") +'
        ' "/ran", "w")\\n\' > d/$f; done',
        adds={},
    ),
    "a folder that nobody may enter is read and removed": Case(
        "echo good > a.txt; mkdir -p d/e; echo x > d/e/x; chmod 000 d/e d .", adds=GOOD
    ),
    "a completion that is no JSON is no success": Case(
        f"{HANDS_IN}; echo 'done!' > .orchestrate/completion.json",
        "failed",
        "its completion cannot be read: no JSON object",
    ),
    "a completion without its facts is no success": Case(
        f"{HANDS_IN}; echo '{{\"outputs\": []}}' > .orchestrate/completion.json",
        "failed",
        "its completion cannot be read: status",
    ),
    "a completion that says it failed is believed": Case(
        f'{HANDS_IN}; echo \'```json\n{{"status": "failed", "verification_result":'
        ' "no \\ud800 luck",}\n```\' > .orchestrate/completion.json',
        "failed",
        "luck",
    ),
    "a completion of brackets alone is no success": Case(
        f"{HANDS_IN}; head -c 900000 /dev/zero | tr '\\0' '[' > .orchestrate/completion.json",
        "failed",
        "its completion cannot be read",
    ),
    "a completion of gigabytes is not read": Case(
        f"{HANDS_IN}; truncate -s 900M .orchestrate/completion.json",
        "failed",
        "its completion cannot be read: 1,000,001 bytes",
    ),
    "a worktree that is gone has no work": Case('rm -rf "$PWD"', "failed", "the worktree is gone"),
    "a worktree that became a link is not followed": Case(
        'here=$PWD; rm -rf "$here"; ln -s "$OUT" "$here"', "failed", "the worktree is gone"
    ),
    "without our index the work is still read": Case(
        f'{HANDS_IN}; rm -rf "$HOME/../../../index"', adds=GOOD
    ),
    "without its home and log the work is still read": Case(
        f'{HANDS_IN}; d=$(dirname "$HOME"); rm -rf "$d"; ln -s /etc "$d"', adds=GOOD
    ),
    "a command that is not there fails with its words": Case(
        "no-such-program", "failed", "no-such-program"
    ),
    ".orchestrate as a file is nobody's": Case(
        f"{HANDS_IN}; rm -rf .orchestrate; echo x > .orchestrate", "failed", "does not own"
    ),
    "a key by its value is kept out of the branch": Case(
        f"echo {KEY} > a.txt", "failed", "a secret in the change (value)"
    ),
    "a key by its shape is kept out of the branch": Case(
        f"echo token={SHAPE} > a.txt", "failed", "a secret in the change (github-token)"
    ),
}


def run_case(world: World, case: Case, out: Path) -> Outcome:
    files = ["a.txt", "d/**", "d"]
    stream = work("a", case.does, files=files, timeout_minutes=case.minutes, env={"OUT": str(out)})
    return world.run(plan(stream))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_hostile_agent_gets_its_outcome_and_touches_nothing(tmp_path: Path, case: Case):
    world = make_world(tmp_path, FILES, settings=GATES_OFF + "agents: {max_log_mb: 1}\n")
    world.env["MY_API_KEY"] = KEY
    out = tmp_path / "out"
    out.mkdir()
    before, began = world.untouched(), time.monotonic()

    done = run_case(world, case, out)

    assert time.monotonic() - began < 30
    assert "Traceback" not in done.stderr
    assert done.workstream("a")["status"] == case.status, done.workstream("a")["error"]
    assert case.error in (done.workstream("a")["error"] or "")
    assert done.exit_code == (0 if case.status == "landed" else 1)
    assert world.untouched() == before
    assert world.worktrees() == []
    assert list(out.iterdir()) == [], "something of the agent's ran in our name"
    assert world.repo.git("fsck", "--no-dangling", "--no-progress") == ""
    assert "\x1b" not in done.stdout + done.stderr
    record = world.repo.git("log", "-p", "--all", "--text")
    assert KEY not in record + done.stdout + done.stderr or KEY in case.does
    if case.adds is not None:
        expected = world.files(str(done.report["base_sha"]))
        changed = world.files(done.report["branch"]).items() - expected.items()
        assert case.adds.items() <= dict(changed).items()


IN_THE_WAY = {
    "a folder at each path": "mkdir -p $(printf '.orchestrate/%s.json/d ' delegation"
    " acknowledgement completion); for d in .orchestrate/*/d; do echo x > $d/x; done",
    "a word that is nobody's": "mkdir .orchestrate;"
    """ echo '{"status": "failed"}' > .orchestrate/completion.json""",
    "links that leave": "mkdir .orchestrate; cd .orchestrate;"
    " for f in delegation acknowledgement completion; do ln -s ../kept.txt $f.json; done",
    "a link in the place of the folder": "mkdir d; ln -s d .orchestrate; echo x > d/x",
    "a file in the place of the folder": "echo x > .orchestrate",
}


@pytest.mark.parametrize("makes", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_a_commit_has_where_an_agent_is_handed_its_task_is_in_nobodys_way(
    tmp_path: Path, makes: str
):
    world = make_world(tmp_path, FILES)
    subprocess.run(("sh", "-c", makes), cwd=world.repo.path, check=True)
    world.repo.git("add", "--all")
    world.repo.git("commit", "--quiet", "-m", "Something in the way")
    reads = "grep -q goal .orchestrate/delegation.json && echo good > a.txt"
    done = world.run(plan(work("a", reads, files=["a.txt"])))
    assert done.workstream("a")["status"] == "landed", done.workstream("a")["error"]
    base = world.files(str(done.report["base_sha"]))
    assert world.files(done.report["branch"]) == base | GOOD


def test_a_folder_in_the_way_of_the_next_workstream_is_set_aside(tmp_path: Path):
    world = make_world(tmp_path, FILES)
    evil = work("a", "echo a > a.txt; mkdir ../b.1; echo trap > ../b.1/trap", files=["a.txt"])
    done = world.run(plan(evil, work("b", "ls; echo b > b.txt", needs=["a"])))
    assert done.exit_code == 0, done
    assert "trap" not in world.files(done.report["branch"])
    assert world.worktrees() == []
