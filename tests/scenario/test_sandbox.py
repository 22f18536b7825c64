"""Agents in a sandbox: what they cannot reach, use up or leave behind, and that work gets done."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.adapters.git import Repository
from bot.adapters.other_user import OtherUser, OtherUserProcesses
from bot.adapters.processes import LocalProcesses
from bot.adapters.run_folder import RunFolder
from bot.adapters.sandbox.bounds import Bounds
from bot.adapters.sandbox.probe import find_bwrap, may_close_user_namespaces, why_it_gives_way
from bot.adapters.sandbox.processes import SandboxProcesses, Walls
from bot.adapters.sandbox.registries import Registries
from bot.adapters.sandbox.view import View, lenders, open_to_all, our_own, tools_on
from bot.adapters.worktree import ChangeLimits, GitWorktrees
from bot.core.base import Sha
from bot.core.environment import built_environment
from bot.ports import Command, Finished, GivenFile, Snapshot, Worktree
from tests.support.agents_user import agents_user, needs_another_user, python_for_others
from tests.support.repos import make_repo
from tests.support.sandboxes import needs_sandbox

PATH = "/usr/local/bin:/usr/bin:/bin"
MEGA = 1_000_000
pytestmark = needs_sandbox
__all__ = ["agents_user"]


@dataclass(frozen=True)
class Place:
    """A home with secrets in it, and in it the state of runs, as on a laptop."""

    home: Path
    run_folder: Path
    processes: SandboxProcesses
    repository: Repository
    base: Sha
    worktrees: GitWorktrees
    worktree: Worktree
    environment: dict[str, str]
    walls: Walls

    def run(self, script: str, seconds: float = 60, **more: object) -> Finished:
        command = Command(("sh", "-c", script), self.worktree.path, self.environment, seconds)
        return self.processes.run(replace(command, **more))  # type: ignore[arg-type]

    def python(self, script: str, seconds: float = 60, **more: object) -> Finished:
        return self.run(f"{sys.executable} -I - <<'END'\n{script}\nEND", seconds, **more)

    def with_walls(self, **changed: object) -> Place:
        walls = replace(self.walls, **changed)  # type: ignore[arg-type]
        processes = SandboxProcesses(LocalProcesses(), self.run_folder, walls)
        return replace(self, walls=walls, processes=processes)


@pytest.fixture
def place() -> Iterator[Place]:
    top = Path(tempfile.mkdtemp(prefix="orchestrate-sandbox-", dir="/tmp"))
    top.chmod(0o711)
    home = top / "home"
    for name, text in {
        ".ssh/id_ed25519": "KEY",
        ".aws/credentials": "KEY",
        ".netrc": "KEY",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    repo = make_repo(home / "repo", {"a.txt": "old\n", "src/app.py": "x = 1\n"})
    repository = Repository.open(str(repo.path))
    runs = home / ".local/state/orchestrate/repo-1"
    folder = RunFolder(runs / "7f3a").attempt("a.1")
    (runs / "7f3a/attempts/b.1").mkdir()
    (runs / "7f3a/attempts/b.1/session.jsonl").write_text("KEY")
    (runs / "other/attempts").mkdir(parents=True)
    (runs / "other/attempts/session.jsonl").write_text("KEY")
    environment = built_environment(
        path=PATH, home=str(folder / "home"), tmp=str(folder / "tmp"), extra={}
    )
    objects = lenders(Path(repository.common_dir) / "objects")
    bwrap = find_bwrap(PATH)
    assert bwrap, "it is installed, else this is skipped"
    walls = Walls(
        bwrap=bwrap,
        may_close_user_namespaces=may_close_user_namespaces(bwrap),
        view=View((*our_own(), *tools_on(PATH), *objects), (home, runs)),
        bounds=Bounds(500 * MEGA, 100),
        registries=Registries(),
        uid=os.geteuid(),
        gid=os.getegid(),
    )
    worktrees = GitWorktrees(repository, runs / "7f3a", ChangeLimits(100, 1_000_000))
    base = Sha(repo.git("rev-parse", "HEAD"))
    yield Place(
        home=home,
        run_folder=runs / "7f3a",
        processes=SandboxProcesses(LocalProcesses(), runs / "7f3a", walls),
        repository=repository,
        base=base,
        worktrees=worktrees,
        worktree=worktrees.create("a.1", base),
        environment=environment,
        walls=walls,
    )
    shutil.rmtree(top)


# --- files ---------------------------------------------------------------------------------------


def test_no_secret_of_the_users_is_there_to_be_read(place: Place) -> None:
    repo, run = place.repository.path, place.run_folder
    for path in (
        *(f"{place.home}/{name}" for name in (".ssh/id_ed25519", ".aws/credentials", ".netrc")),
        *(f"{repo}/a.txt", f"{repo}/.git/config", f"{repo}/.git/HEAD"),
        *(f"{run}/attempts/b.1/session.jsonl", f"{run}/index/a.1"),
        f"{run.parent}/other/attempts/session.jsonl",
        *(
            "/etc/shadow",
            "/proc/kcore",
            "/dev/mem",
            "/dev/vda",
            "/root/.bashrc",
            "/var/log/dpkg.log",
        ),
    ):
        finished = place.run(f"cat '{path}'")
        assert finished.exit_code not in {0, None}, path
    assert Path(repo, ".git/config").read_text()


def test_nothing_but_its_own_folders_and_memory_disks_can_be_written(place: Place) -> None:
    """As root, too, /proc/sys and the like belong to whoever is inside."""
    looked = place.run(
        "{ find / -xdev -writable; find /proc /etc /usr /dev /run $HOME/../.. -maxdepth 3"
        " -not -path '/proc/[0-9]*' -not -path '/dev/*' -writable; } 2>/dev/null |"
        ' while read -r path; do [ -f "$path" ] || [ -d "$path" ] && echo "$path"; done; true'
    )
    attempt = f"{place.run_folder}/attempts/a.1"
    found = {line for line in looked.output.splitlines() if not line.startswith(attempt)}
    assert {str(Path(line).resolve()) for line in found} <= {"/tmp", "/var/tmp", attempt}


@pytest.mark.parametrize(
    "attack",
    [
        "echo evil > {git}/hooks/post-checkout",
        "echo evil >> {git}/config",
        "rm -rf {git}/objects/*",
        "echo x > {git}/objects/info/alternates",
        "ln -s {home} link && echo evil > link/.bashrc",
        "ln -s {home}/.ssh/id_ed25519 link && echo evil > link",
        "ln {git}/config second",
        "mkdir -p {home}/.config && echo evil > {home}/.config/evil",
        "mount --bind / /tmp",
        "mount -o remount,rw /",
        "umount {home}",
        "mv $PWD {home}/elsewhere",
        "mv $HOME/.. {home}/elsewhere",
        "echo 1 > /proc/sys/kernel/core_pattern",
        "echo b > /proc/sysrq-trigger",
        "chmod u+s /tmp/s 2>/dev/null; cp /usr/bin/env {home}/s",
        "mknod /tmp/disk b 254 0 && cat /tmp/disk",
    ],
)  # fmt: skip
def test_writing_elsewhere_fails_and_changes_nothing(place: Place, attack: str) -> None:
    config = Path(place.repository.common_dir, "config")
    before, names = config.read_text(), sorted(p.name for p in place.home.iterdir())
    finished = place.run(attack.format(git=place.repository.common_dir, home=place.home))
    assert finished.exit_code not in {0, None}, finished.output
    assert config.read_text() == before
    assert sorted(p.name for p in place.home.iterdir()) == names
    assert (place.home / ".ssh/id_ed25519").read_text() == "KEY"


def test_a_link_that_an_agent_left_in_its_folders_moves_no_wall(place: Place) -> None:
    """The next command's sandbox is built over whatever the last one left."""
    first = place.run("rm -rf $TMPDIR $HOME; ln -s / $TMPDIR; ln -s /etc $HOME; ln -s / tmp")
    assert first.exit_code == 0
    second = place.run(f"cat $HOME/shadow tmp{place.home}/.netrc; ls -A tmp{place.home}")
    assert "KEY" not in second.output
    assert ".netrc" not in second.output.split()


def test_tools_work_and_what_an_agent_does_arrives(place: Place) -> None:
    finished = place.run(
        "set -e; echo new > a.txt; git add a.txt; git commit -qm x; git log --oneline | wc -l;"
        f" python3 -c 'import ssl, sqlite3'; {sys.executable} -I -c 'import bot.adapters.engines';"
        " echo kept > $TMPDIR/kept; echo gone > /tmp/gone; id -un; cat /dev/null; mktemp"
    )
    assert finished.exit_code == 0, finished.output
    assert "2\n" in finished.output
    found = place.worktrees.snapshot(place.worktree)
    assert isinstance(found, Snapshot)
    assert found.changed == ("a.txt",)
    later = place.run("cat $TMPDIR/kept; cat /tmp/gone")
    assert later.output.startswith("kept\n")
    assert later.exit_code == 1


def test_a_given_file_and_the_log_are_where_they_were_promised(place: Place) -> None:
    given = GivenFile(f"{place.run_folder}/attempts/a.1/engine/rules.json", "{}")
    log = f"{place.run_folder}/attempts/a.1/engine.log"
    finished = place.run(f"cat {given.path}", files=(given,), log=log)
    assert (finished.output, Path(log).read_text()) == ("{}", "{}")


def test_of_a_home_only_programs_and_their_libraries_are_shown(place: Place) -> None:
    home = place.home
    for name in (
        *("bin/tool", "src/project/key", ".local/bin/tool", ".local/lib/python/x.py"),
        *(".local/share/keyrings/key", ".cargo/bin/cargo", ".cargo/credentials.toml"),
        *("go1/bin/go", "go1/VERSION", "go1/src/fmt.go", "venvs/t/bin/t", "venvs/t/lib/t.py"),
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("")
    (home / "bin/t").symlink_to(home / "venvs/t/bin/t")
    path = f"{home}/bin:{home}/.local/bin:{home}/.cargo/bin:{home}/go1/bin:{PATH}"
    view = View((*our_own(), *tools_on(path)), place.walls.view.hidden)
    seen = place.with_walls(view=view).run(f"find {home} -type f -not -path '*/7f3a/*'")
    found = {str(Path(line).relative_to(home)) for line in seen.output.splitlines()}
    assert found == {
        *("bin/tool", ".local/bin/tool", ".local/lib/python/x.py", ".cargo/bin/cargo"),
        *("go1/bin/go", "go1/src/fmt.go", "venvs/t/bin/t", "venvs/t/lib/t.py"),
    }


def test_a_program_is_found_by_way_of_all_links_that_lead_to_it(place: Place) -> None:
    """As uv does it: else the next Python on PATH would run, and nobody would know."""
    home = place.home
    (home / "pythons/3.11.2/bin").mkdir(parents=True)
    (home / "pythons/3.11.2/bin/tool").write_text("#!/bin/sh\necho it runs\n")
    (home / "pythons/3.11.2/bin/tool").chmod(0o755)
    (home / "pythons/3.11").symlink_to("3.11.2")
    (home / "venv/bin").mkdir(parents=True)
    (home / "venv/bin/tool").symlink_to(home / "pythons/3.11/bin/tool")
    (home / "bin").mkdir()
    (home / "bin/tool").symlink_to("../venv/bin/tool")
    (home / "bin/round").symlink_to("round")
    view = View((*our_own(), *tools_on(f"{home}/bin:{PATH}")), place.walls.view.hidden)
    assert place.with_walls(view=view).run(f"{home}/bin/tool").output == "it runs\n"


# --- processes -----------------------------------------------------------------------------------


def test_it_sees_no_process_of_ours_and_has_no_right(place: Place) -> None:
    ours = subprocess.Popen(("sleep", "600"), env={"OUR_SECRET": "hunter2", "PATH": PATH})
    try:
        finished = place.run(
            "cat /proc/[0-9]*/environ | tr '\\0' '\\n'; ls /proc | grep -c '^[0-9]';"
            f" kill -9 {ours.pid}; kill -9 -1; unshare -Ur true && echo ESCAPED;"
            " grep -E 'NoNewPrivs|Cap(Eff|Prm|Bnd)' /proc/self/status"
        )
        assert ours.poll() is None
    finally:
        ours.kill()
        ours.wait()
    assert "hunter2" not in finished.output
    assert "ESCAPED" not in finished.output or not place.walls.may_close_user_namespaces


def test_rights_are_none_and_cannot_grow(place: Place) -> None:
    finished = place.run("grep -E 'NoNewPrivs|Cap(Eff|Prm|Bnd)' /proc/self/status; su -c id")
    status = [line for line in finished.output.splitlines() if ":\t" in line]
    assert "NoNewPrivs:\t1" in status
    assert {line.split("\t")[1] for line in status if line.startswith("Cap")} == {"0" * 16}
    assert "uid=0" not in finished.output


def test_tracing_and_reading_memory_of_the_first_process_shows_nothing_of_ours(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_SECRET", "hunter2")
    finished = place.run(
        "cat /proc/1/environ /proc/1/root/etc/shadow; ls /proc/1/fd; ls /proc/1/cwd/"
    )
    assert "hunter2" not in finished.output
    assert "root:" not in finished.output
    listed = place.run(f"cat /proc/1/cmdline; ls -d /proc/1/root{place.home}/.ssh /proc/1/cwd/home")
    assert str(place.home / ".ssh") not in listed.output.split()


def test_it_cannot_type_into_our_terminal(place: Place) -> None:
    """TIOCSTI pushes characters into a terminal that somebody else reads."""
    finished = place.python(
        "import fcntl, os, sys\n"
        "for where in (0, 1, 2, '/dev/tty', '/dev/console'):\n"
        "    try:\n"
        "        f = os.open(where, os.O_RDWR) if isinstance(where, str) else where\n"
        "        fcntl.ioctl(f, 0x5412, b'x')\n"
        "        print('TYPED')\n"
        "    except OSError as error:\n"
        "        pass\n"
        "print('tried')"
    )
    assert finished.output == "tried\n"


@pytest.mark.parametrize(
    "script",
    [
        "setsid env -i PATH=/usr/bin:/bin sh -c 'cd /; exec sleep 617' >/dev/null 2>&1 &",
        "(trap '' TERM HUP INT; sleep 617) &",
        "( ( setsid sleep 617 & ) & )",
    ],
    ids=["a session of its own", "deaf to signals", "forked twice"],
)
def test_nothing_that_it_started_outlives_it(place: Place, script: str) -> None:
    assert place.run(f"{script}\nexit 3").exit_code == 3
    assert sleepers() == []


def test_a_command_that_is_deaf_is_ended_in_time_and_one_that_hears_can_save(place: Place) -> None:
    deaf = place.run("trap '' TERM; setsid sleep 617 & while :; do sleep 1; done", seconds=0.5)
    assert deaf.stopped_because == "timeout"
    assert sleepers() == []
    heard = place.run("trap 'echo saved > saved; exit' TERM; sleep 617 & wait", seconds=0.5)
    assert heard.stopped_because == "timeout"
    assert Path(place.worktree.path, "saved").read_text() == "saved\n"


def test_a_killed_bot_leaves_nothing(place: Place) -> None:
    bot = os.fork()
    if bot == 0:
        place.run("sleep 617")
        os._exit(0)
    until(lambda: bool(sleepers()))
    os.kill(bot, signal.SIGKILL)
    os.waitpid(bot, 0)
    until(lambda: not sleepers())
    assert sleepers() == []


def sleepers() -> list[str]:
    listed = subprocess.check_output(("ps", "-eo", "stat=,args="), text=True)
    lines = (line.split(None, 1) for line in listed.splitlines())
    return [args for stat, args in lines if args == "sleep 617" and not stat.startswith("Z")]


def until(holds: object, seconds: float = 20) -> None:
    assert callable(holds)
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_how_a_command_ended_is_told_as_for_our_own(place: Place) -> None:
    assert place.run("exit 7").exit_code == 7
    assert place.run("kill -SEGV $$").exit_code == 128 + 11
    assert place.run("exec no-such-program").exit_code == 127
    for argv, code in ((("no-such-program",), 127), (("/etc",), 126), ((), 126)):
        finished = place.run("", argv=argv)
        assert finished.exit_code == code, finished
    heard = place.run("cat; yes | head -1; echo error >&2", stdin="said\n")
    assert heard.output == "said\ny\nerror\n"


def test_a_command_that_is_no_attempts_is_not_run(place: Place) -> None:
    for cwd in ("/", str(place.home), str(place.run_folder), f"{place.worktree.path}/../../.."):
        finished = place.run("echo ran", cwd=cwd)
        assert (finished.exit_code, "ran" in finished.output.split()) == (126, False)


# --- limits --------------------------------------------------------------------------------------


def test_a_fork_bomb_is_ended_and_named(place: Place) -> None:
    bomb = "f() { f | f & }; f; sleep 30"
    finished = place.run(bomb)
    assert (finished.exit_code, finished.stopped_because) == (None, "process limit")


def test_memory_is_bounded_for_all_processes_together(place: Place) -> None:
    """None of the four would be too large alone."""
    hungry = "import time; x = b'x' * 200_000_000; time.sleep(60)"
    finished = place.run(f'for n in 1 2 3 4; do python3 -c "{hungry}" & done; wait')
    assert (finished.exit_code, finished.stopped_because) == (None, "memory limit")


def test_one_process_cannot_take_much_more_than_all_may_at_once(place: Place) -> None:
    finished = place.run("python3 -c \"x = b'x' * 3_000_000_000\"")
    assert finished.stopped_because == "memory limit" or "MemoryError" in finished.output


def test_files_and_memory_disks_are_bounded(place: Place) -> None:
    large = place.run("head -c 10G /dev/zero > big; ls -l big", max_file_bytes=2 * MEGA)
    assert Path(place.worktree.path, "big").stat().st_size <= 2 * MEGA + 512
    assert large.stopped_because == "file size limit" or large.exit_code == 0
    for disk in ("/tmp", "/var/tmp", "/dev/shm"):
        full = place.run(f"head -c 900000000 /dev/zero > {disk}/big")
        assert full.exit_code not in {0, None}, disk


# --- network -------------------------------------------------------------------------------------


@pytest.fixture
def neighbour() -> Iterator[int]:
    """A service of the user's on this machine, which greets whoever comes."""
    yield from greeter(b"NEIGHBOUR")


def greeter(greeting: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_greet, args=(server, greeting), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _greet(server: socket.socket, greeting: bytes) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(greeting + connection.recv(100))


TALK = """\
import socket
for address in {addresses!r}:
    try:
        with socket.create_connection(address, 5) as s:
            s.sendall(b"hello")
            print(address, s.recv(100).decode())
    except OSError as error:
        print(address, "unreachable")
"""


def test_without_a_door_there_is_no_network(place: Place, neighbour: int) -> None:
    addresses = [("127.0.0.1", neighbour), ("192.0.2.1", 80), ("169.254.169.254", 80)]
    finished = place.python(TALK.format(addresses=addresses))
    assert [line.split()[-1] for line in finished.output.splitlines()] == ["unreachable"] * 3


def test_the_door_is_all_that_can_be_reached(place: Place, neighbour: int) -> None:
    for door in greeter(b"GATEWAY "):
        addresses = [("127.0.0.1", door), ("127.0.0.1", neighbour), ("localhost", door)]
        finished = place.python(
            TALK.format(addresses=addresses), door=f"http://127.0.0.1:{door}/secret"
        )
        words = [line.rpartition(")")[2].strip() for line in finished.output.splitlines()]
        assert words == ["GATEWAY hello", "unreachable", "GATEWAY hello"]


def test_a_large_body_passes_whole_both_ways_at_once(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        port = server.getsockname()[1]
        finished = place.python(
            "import hashlib, socket, threading\n"
            "data = bytes(range(256)) * 40_000\n"
            f"s = socket.create_connection(('127.0.0.1', {port}))\n"
            "def send():\n    s.sendall(data); s.shutdown(socket.SHUT_WR)\n"
            "threading.Thread(target=send).start()\n"
            "back = b''.join(iter(lambda: s.recv(65536), b''))\n"
            "print(back == data)",
            door=f"http://127.0.0.1:{port}/secret",
        )
    assert finished.output == "True\n"


def _echo(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def test_connections_that_a_command_leaves_open_end_with_it_and_without_a_word(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """What asyncio says of tasks that it had to drop would stand in the middle of the screen."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes calls and never answers
        port = server.getsockname()[1]
        for _ in range(5):
            finished = place.python(
                "import os, socket, time\n"
                f"door = ('127.0.0.1', {port})\n"
                "kept = [socket.create_connection(door) for _ in range(20)]\n"
                "time.sleep(0.1)\n"  # these are carried by now, the others are not yet
                "kept += [socket.create_connection(door) for _ in range(20)]\n"
                "os._exit(0)",
                door=f"http://127.0.0.1:{port}/secret",
            )
            assert finished.exit_code == 0, finished.output
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []


def test_sockets_with_a_name_are_out_of_reach(place: Place) -> None:
    """Docker's, an ssh agent's and a session bus's are files; some are in a name space of names."""
    named, abstract = str(place.home / "agent.sock"), "\0orchestrate-test"
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
        for sock, address in ((one, named), (other, abstract)):
            sock.bind(address)
            sock.listen()
        finished = place.python(
            "import socket\n"
            f"for address in ({named!r}, {abstract!r}, '/var/run/docker.sock'):\n"
            "    try:\n"
            "        socket.socket(socket.AF_UNIX).connect(address)\n"
            "        print('REACHED', address)\n"
            "    except OSError as error:\n"
            "        pass\n"
            "print('tried')"
        )
    assert finished.output == "tried\n"


def test_who_stands_outside_listens_to_its_first_call_only(place: Place) -> None:
    """Another one could hand in sockets of its own."""
    for door in greeter(b"GATEWAY "):
        finished = place.python(
            "import socket, time\n"
            "time.sleep(0.5)\n"  # who stands outside has taken its call, and closes the way in
            "s = socket.socket(socket.AF_UNIX)\n"
            "try:\n    s.connect('/run/orchestrate/outside')\n    print('HEARD')\n"
            "except OSError as error:\n    print('nobody listens')",
            door=f"http://127.0.0.1:{door}/secret",
        )
        assert finished.output == "nobody listens\n"


# --- registries ----------------------------------------------------------------------------------


ASK = """\
import os, socket
for asked in {asked!r}:
    host, port = os.environ["HTTPS_PROXY"].removeprefix("http://").split(":")
    s = socket.create_connection((host, int(port)))
    s.sendall(asked.encode() + b"\\r\\n\\r\\n")
    said = b""
    while piece := s.recv(1000):
        said += piece
    print(said.decode().splitlines()[0].split(" ", 1)[1], "|", said.decode().splitlines()[-1])
"""


def registries(leads_to: Sequence[str]) -> Registries:
    async def addresses(name: str) -> Sequence[str]:
        await asyncio.sleep(0)
        return leads_to

    return Registries(("pypi.org",), addresses)


def test_only_the_registries_that_are_named_are_reached_on_their_one_port(place: Place) -> None:
    asked = [
        "CONNECT evil.example:443 HTTP/1.1",
        "CONNECT pypi.org:80 HTTP/1.1",
        "CONNECT pypi.org.evil.example:443 HTTP/1.1",
        "CONNECT evil.pypi.org:443 HTTP/1.1",
        "CONNECT 127.0.0.1:443 HTTP/1.1",
        "GET http://pypi.org/ HTTP/1.1",
        "CONNECT pypi.org:443 HTTP/1.1\r\nX: " + "x" * 70_000,
    ]
    allowed = place.with_walls(registries=registries(["127.0.0.1"]))
    finished = allowed.python(ASK.format(asked=asked))
    lines = finished.output.splitlines()
    assert len(lines) == len(asked), finished.output
    assert all(line.startswith("403 Forbidden | ") for line in lines)
    assert "is not in agents.registries" in lines[0]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1", "fd00::1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.0", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_a_registrys_name_that_leads_into_a_private_network_is_refused(
    place: Place, address: str
) -> None:
    led_astray = place.with_walls(registries=registries(["151.101.0.223", address]))
    finished = led_astray.python(ASK.format(asked=["CONNECT pypi.org:443 HTTP/1.1"]))
    assert "does not lead to the public internet" in finished.output


# --- what is said of it --------------------------------------------------------------------------


def test_a_sandbox_that_holds_is_found_to_hold(place: Place) -> None:
    assert why_it_gives_way(place.processes, place.run_folder, place.environment) == ""


def test_a_sandbox_that_gives_way_is_found_out(place: Place) -> None:
    wide = View((*place.walls.view.readable, place.run_folder), ())
    seen = place.with_walls(view=wide)
    why = why_it_gives_way(seen.processes, seen.run_folder, seen.environment)
    assert why == "it reads a file that only we may read"

    class Pretending(SandboxProcesses):
        def run(self, command: Command, on_line: object = None) -> Finished:
            return LocalProcesses().run(command)

    none = Pretending(LocalProcesses(), place.run_folder, place.walls)
    why = why_it_gives_way(none, place.run_folder, place.environment)
    for reason in ("writes outside", "a port of this", "an abstract socket", "our pid name space"):
        assert reason in why


def test_a_program_that_makes_no_sandbox_is_told_and_nothing_runs(place: Place) -> None:
    broken = place.with_walls(bwrap="/bin/false")
    finished = broken.run("echo ran")
    assert (finished.exit_code, finished.output) == (126, "no sandbox: exit 1")
    why = why_it_gives_way(broken.processes, broken.run_folder, broken.environment)
    assert why == "bubblewrap makes none: no sandbox: exit 1"


@needs_another_user
def test_it_works_as_the_agents_own_user(place: Place, agents_user, monkeypatch) -> None:
    """As on a runner of GitHub's: another user, and the sandbox around what it runs."""
    python = python_for_others(place.home.parent)
    monkeypatch.setattr(sys, "executable", python)
    user = OtherUser.named(agents_user)
    top = place.home.parent / "open"
    folder = RunFolder(top / "run").attempt("a.1")
    for each in (top, top / "run"):
        each.chmod(0o711)
    packages = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    ours = (*our_own(), Path(python).parents[1], packages)
    view = View(tuple(open_to_all(ours)), (top,))
    walls = replace(place.walls, view=view, uid=user.uid, gid=user.gid)
    processes = SandboxProcesses(OtherUserProcesses(user, top / "run"), top / "run", walls)
    environment = built_environment(path=PATH, home=str(folder / "home"), tmp="/tmp", extra={})
    assert why_it_gives_way(processes, top / "run", environment) == ""
    command = Command(("sh", "-c", "id -u; echo x > x"), str(folder), environment, 30)
    finished = processes.run(command)
    assert (finished.exit_code, finished.output) == (0, f"{user.uid}\n")
    assert (folder / "x").stat().st_uid == os.geteuid()
    bomb = replace(command, argv=("sh", "-c", "f() { f | f & }; f; sleep 30"))
    assert processes.run(bomb).stopped_because == "process limit"
