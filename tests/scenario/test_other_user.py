"""Agents as another user: what they cannot reach, and that their work arrives all the same."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.engines.builtin_engine import BuiltinEngine
from bot.adapters.engines.shell import ShellEngine
from bot.adapters.gateway.gateway import Gateway
from bot.adapters.git import Repository
from bot.adapters.other_user import OtherUser, OtherUserProcesses, why_not_apart
from bot.adapters.processes import LocalProcesses
from bot.adapters.run_folder import RunFolder
from bot.adapters.worktree import ChangeLimits, GitWorktrees
from bot.core.base import ZERO_USD, RunId, Sha
from bot.core.environment import built_environment
from bot.core.handoff import Context, Delegation, Isolation
from bot.core.plan import Kind, Workstream
from bot.core.redact import Redactor
from bot.core.routing import SHELL, Tier
from bot.errors import UserError
from bot.ports import Command, Engine, Finished, Snapshot, Worktree
from bot.usecases.attempt import Handout, Result, Tools
from bot.usecases.run_workstream import run_workstream
from tests.support.agents_user import agents_user, needs_another_user, python_for_others
from tests.support.repos import make_repo
from tests.support.scripted_model import MODEL, ScriptedModel, call, calls, finish

PATH = "/usr/local/bin:/usr/bin:/bin"
KEY = "sk-very-secret-0123456789"
pytestmark = needs_another_user
__all__ = ["agents_user"]


@pytest.fixture(scope="module")
def user(agents_user: str) -> OtherUser:
    return OtherUser.named(agents_user)


@dataclass(frozen=True)
class Place:
    """A run's folder and a repository where the other user can reach them."""

    top: Path
    processes: OtherUserProcesses
    repository: Repository
    base: Sha
    worktrees: GitWorktrees
    environment: dict[str, str]

    @property
    def attempt(self) -> Path:
        return self.top / "run/attempts/a.1"

    def worktree(self) -> Worktree:
        return self.worktrees.create("a.1", self.base)

    def run(self, script: str, cwd: str | None = None, seconds: float = 30) -> Finished:
        where = cwd or str(self.attempt)
        return self.processes.run(Command(("sh", "-c", script), where, self.environment, seconds))


@pytest.fixture
def place(user: OtherUser) -> Iterator[Place]:
    """Make it below /tmp itself, for pytest's own folders are closed to others."""
    top = Path(tempfile.mkdtemp(prefix="orchestrate-", dir="/tmp"))
    top.chmod(0o711)
    repo = make_repo(top / "repo", {"a.txt": "old\n", "src/app.py": "x = 1\n"})
    repository = Repository.open(str(repo.path))
    folder = RunFolder(top / "run").attempt("a.1")
    environment = built_environment(
        path=PATH, home=str(folder / "home"), tmp=str(folder / "tmp"), extra={}
    )
    yield Place(
        top=top,
        processes=OtherUserProcesses(user, top / "run"),
        repository=repository,
        base=Sha(repo.git("rev-parse", "HEAD")),
        worktrees=GitWorktrees(repository, top / "run", ChangeLimits(100, 1_000_000)),
        environment=environment,
    )
    shutil.rmtree(top)


def test_it_is_the_other_user_with_no_group_right_or_variable_of_ours(place, user) -> None:
    os.environ["OUR_SECRET"] = "hunter2"
    try:
        finished = place.run(
            "id -u; id -G; grep -E 'NoNewPrivs|CapEff|CapPrm' /proc/self/status; env"
        )
    finally:
        del os.environ["OUR_SECRET"]
    assert finished.exit_code == 0
    uid, groups, *rest = finished.output.splitlines()
    assert (uid, groups) == (str(user.uid), str(user.gid))
    assert "NoNewPrivs:\t1" in rest
    assert all(line.endswith(":\t0000000000000000") for line in rest if line.startswith("Cap"))
    assert "hunter2" not in finished.output


def test_it_reads_and_writes_nothing_of_ours_and_cannot_end_us(place) -> None:
    ours, command_file = place.top / "key", place.top / "github_env"
    ours.write_text("hunter2")
    ours.chmod(0o600)
    command_file.write_text("")
    for attack in (
        f"cat {ours}",
        f"cat /proc/{os.getpid()}/environ",
        f"head -c 1 /proc/{os.getpid()}/mem",
        f"ls /proc/{os.getpid()}/fd",
        f"kill -9 {os.getpid()}",
        f"kill -0 {os.getppid()}",
        f"echo PATH=/tmp/evil >> {command_file}",
        f"rm -f {command_file}",
        f"mv {place.top}/run {place.top}/other",
        f"ln -s /etc {place.top}/run/worktrees/b.1",
        f"echo evil > {place.repository.common_dir}/config",
        "su -c true",
        f"chown 0 {place.attempt}/home",
    ):
        finished = place.run(attack)
        assert finished.exit_code not in {0, None}, attack
    assert command_file.read_text() == ""


def test_what_runs_on_in_the_background_is_gone_whatever_it_did_to_hide(place, user) -> None:
    hidden = "setsid env -i PATH=/usr/bin:/bin sh -c 'cd /; exec sleep 600' >/dev/null 2>&1 &"
    bomb = "for n in 1 2 3 4 5 6 7 8; do (while :; do sleep 0.01 & done) >/dev/null 2>&1 & done"
    for script in (hidden, "(trap '' TERM HUP; sleep 600) &", f"ulimit -u 100; {bomb}"):
        assert place.run(f"{script}\n exit 3").exit_code == 3
        assert living(user) == []


def test_a_command_that_hangs_and_ignores_everything_is_ended_in_time(place, user) -> None:
    finished = place.run("trap '' TERM; while :; do sleep 1; done", seconds=0.2)
    assert finished.stopped_because == "timeout"
    assert living(user) == []


def living(user: OtherUser) -> list[str]:
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-o", "args=", "-U", str(user.uid)], capture_output=True, text=True,
        check=False,
    ).stdout  # fmt: skip
    return [line for line in listed.splitlines() if not line.startswith("Z")]


def test_work_of_any_mode_lands_in_the_snapshot(place) -> None:
    worktree = place.worktree()
    finished = place.run(
        "umask 077; echo new > a.txt; mkdir -p deep/er; echo 1 > deep/er/f; echo 2 > run; chmod 100"
        " run; chmod 000 deep/er/f deep/er deep; ln -s a.txt link; git add a.txt; git status -s",
        worktree.path,
    )
    assert finished.exit_code == 0, finished.output
    found = place.worktrees.snapshot(worktree)
    assert isinstance(found, Snapshot), found
    assert found.changed == ("a.txt", "deep/er/f", "link", "run")
    listed = place.repository.text("ls-tree", "-r", found.tree, "run", "link")
    assert [line.split()[0] for line in listed.splitlines()] == ["120000", "100755"]
    assert Path(worktree.path, "deep/er/f").stat().st_mode & 0o600 == 0o600
    assert Path(worktree.path, "deep").stat().st_mode & 0o700 == 0o700
    again = place.run("echo more >> a.txt; cat deep/er/f", worktree.path)
    assert again.output == "1\n"
    place.worktrees.remove(worktree)


def test_nothing_beyond_the_attempt_changes_hands(place) -> None:
    """Links in its folders lead to our files; second names of our files are not its own."""
    ours = place.top / "ours"
    ours.mkdir()
    (ours / "file").write_text("ours")
    (ours / "file").chmod(0o640)
    worktree = place.worktree()
    place.run(f"ln -s {ours} folder; ln -s {ours}/file file", worktree.path)
    os.link(ours / "file", Path(worktree.path, "second"))
    Path(worktree.path, "second-link").symlink_to(ours / "file")
    finished = place.run(f"cat second; echo evil > second; cp /bin/sh s; chmod 6755 s; ls {ours}",
                         worktree.path)  # fmt: skip
    assert "ours" not in finished.output.splitlines()
    kept = (ours / "file").stat()
    assert ((ours / "file").read_text(), kept.st_uid) == ("ours", os.geteuid())
    assert stat.S_IMODE(kept.st_mode) == 0o640
    sneaked = Path(worktree.path, "s").stat()
    assert sneaked.st_uid == os.geteuid()
    assert not sneaked.st_mode & (stat.S_ISUID | stat.S_ISGID)


def test_a_log_or_usage_file_that_became_a_link_or_a_pipe_is_gone(place) -> None:
    target = place.top / "target"
    target.write_text("")
    place.run(f"ln -sf {target} engine.log; mkfifo usage.jsonl; rmdir home; ln -s / home")
    command = Command(("echo", "hello"), str(place.attempt), place.environment, 30,
                      log=str(place.attempt / "engine.log"))  # fmt: skip
    place.processes.run(command)
    assert (target.read_text(), (place.attempt / "engine.log").read_text()) == ("", "hello\n")
    assert not (place.attempt / "usage.jsonl").exists()
    assert not (place.attempt / "home").is_symlink()


def test_a_command_elsewhere_is_not_run(place) -> None:
    for cwd in ("/", str(place.top), str(place.top / "run"), f"{place.attempt}/../../../repo"):
        finished = place.run("echo ran", cwd)
        assert (finished.exit_code, "ran" in finished.output.split()) == (126, False)


def test_how_a_command_ended_is_told_as_for_our_own(place) -> None:
    assert place.run("kill -SEGV $$").exit_code == 128 + 11
    missing = place.processes.run(
        Command(("no-such-program",), str(place.attempt), place.environment, 5)
    )
    assert missing.exit_code == 127
    limited = Command(("sh", "-c", "head -c 3000000 /dev/zero > big"), str(place.attempt),
                      place.environment, 5, max_file_bytes=1_000_000)  # fmt: skip
    assert place.processes.run(limited).stopped_because in {"file size limit", None}
    assert (place.attempt / "big").stat().st_size <= 1_000_448


def test_neither_root_nor_ourselves_are_another_user() -> None:
    for name in ("root", pwd.getpwuid(os.geteuid()).pw_name, "nobody-of-that-name"):
        with pytest.raises(UserError):
            OtherUser.named(name)


# --- whole attempts ------------------------------------------------------------------------------


@pytest.fixture
def python(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    """Find a Python with the bot in it that the other user may run."""
    if place.run(f"{sys.executable} -c 'import bot'").exit_code == 0:
        return sys.executable
    found = python_for_others(place.top)
    monkeypatch.setattr(sys, "executable", found)
    return found


def attempt(place: Place, engine: Engine, tier: Tier, workstream: Workstream, why: str) -> Result:
    clock = SystemClock()
    handout = Handout(
        run=RunId("7f3a"),
        workstream=workstream,
        attempt=1,
        tier=tier,
        base_sha=place.base,
        start_from=None,
        delegation=Delegation(
            run=RunId("7f3a"), workstream="a", target_agent=tier.engine, role="builder",
            task_type=Kind.IMPLEMENTATION, context=Context(goal="g"), base_sha=place.base,
            deadline=clock.now() + timedelta(minutes=5),
        ),
        system="You build.", prompt="Build.", folder=str(place.attempt),
        environment=place.environment, max_usd=ZERO_USD, max_log_bytes=1_000_000,
        max_nudges=1,
    )  # fmt: skip
    held = Isolation.NONE if why else Isolation.USER
    models = Gateway(lambda _: KEY, clock.now)
    tools = Tools(
        place.worktrees, place.processes, engine, models, clock, lambda _: None, Redactor(), held
    )
    return run_workstream(handout, tools, lambda _: None)


def probed(place: Place) -> str:
    return why_not_apart(
        place.processes, place.top / "run", environment=place.environment,
        readable=(f"{place.repository.common_dir}/objects",),
        guarded=(f"{place.repository.common_dir}/config",),
    )  # fmt: skip


def test_a_shell_attempt_succeeds_and_says_how_it_was_kept_apart(place, python, user) -> None:
    workstream = Workstream.model_validate(
        {"id": "a", "goal": "g", "files": ["a.txt", "who.txt"],
         "acceptance": [{"run": "grep -q new a.txt"}],
         "run": ["umask 077", "id -u > who.txt", "echo new > a.txt", "git diff --stat"]}
    )  # fmt: skip
    result = attempt(place, ShellEngine(), SHELL, workstream, probed(place))
    completion = result.completion
    assert (completion.status, completion.isolation, completion.error) == ("success", "user", None)
    assert place.repository.read(completion.head_sha, "who.txt") == f"{user.uid}\n".encode()


def test_a_builtin_attempt_succeeds_and_its_commands_cannot_read_its_key(
    place, python, monkeypatch
) -> None:
    spy = (  # what it prints is computed, for the model is told the command, too
        "cat /proc/$PPID/environ >/dev/null 2>&1 && echo READ$((40+1)); (exec 3</proc/$PPID/mem)"
        " 2>/dev/null && echo READ$((40+2)); ls /proc/$PPID/fd/0 >/dev/null 2>&1 && echo"
        " READ$((40+3)); cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep very-secret;"
        " echo LOOKED$((40+4))"
    )
    script = [
        calls(
            call("acknowledge", understood="g"), call("write_file", path="a.txt", content="new\n")
        ),
        call("run", command=spy),
        finish(outputs=["a.txt"], verification_result="new", next_steps=""),
    ]  # fmt: skip
    workstream = Workstream.model_validate(
        {"id": "a", "goal": "g", "files": ["a.txt"], "acceptance": [{"run": "grep -q new a.txt"}]}
    )
    with ScriptedModel(script) as model:
        tier = Tier.model_validate(
            {"name": "t", "engine": "builtin", "provider": "p", "model": MODEL, "billing": "free",
             "base_url": model.base_url, "key_env": "T_KEY"}
        )  # fmt: skip
        result = attempt(place, BuiltinEngine(lambda _: KEY), tier, workstream, probed(place))
        told = str(model.requests[2].body)
    assert (result.completion.error, result.completion.status) == (None, "success")
    assert result.completion.isolation is Isolation.USER
    assert "LOOKED44" in told
    assert not any(f"READ4{n}" in told for n in (1, 2, 3))
    assert KEY not in told
    assert len(result.spend) == 3


def test_where_it_does_not_hold_the_reason_is_told(place, python, user) -> None:
    assert probed(place) == ""
    Path(place.repository.common_dir, "config").chmod(0o666)
    assert probed(place) == f"it may write {place.repository.common_dir}/config"
    Path(place.repository.common_dir, "objects").chmod(0o700)
    assert "it cannot read" in probed(place)


def test_a_probe_of_no_other_user_fails(place, python) -> None:
    """Processes that only say that they are another user's are found out."""

    class Pretending(OtherUserProcesses):
        def _as_user(self, command: Command) -> tuple[str, ...]:
            return command.argv

        def _end_all(self) -> None:
            """Nothing, for it would be us."""

    pretending = Pretending(place.processes.user, place.top / "run")
    why = probed(replace(place, processes=pretending))
    for reason in ("it runs as", "it reads a file", "it reads our environment", "it may end us"):
        assert reason in why


def test_our_own_processes_would_be_reached(place) -> None:
    """What the tests above refuse does work as ourselves: they look at something."""
    command = Command(("sh", "-c", f"cat /proc/{os.getpid()}/environ"), "/", {"PATH": PATH}, 5)
    assert LocalProcesses().run(command).exit_code == 0
