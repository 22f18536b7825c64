"""Commands that hang, fork, flood and hide: what the bot sees of them, and that they are gone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.adapters.processes import LocalProcesses
from bot.ports import Command

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a session is left only on Linux")
PATH = os.environ["PATH"]


@pytest.fixture
def processes() -> LocalProcesses:
    return LocalProcesses()


def shell(script: str, cwd: Path, timeout: float = 20.0, **more) -> Command:
    return Command(("sh", "-c", script), str(cwd), {"PATH": PATH}, timeout, **more)


def is_gone(pid_file: Path) -> bool:
    """Whether the process that wrote its id there is gone, and reaped."""
    pid = int(pid_file.read_text())
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_output_of_both_streams_arrives_line_by_line_and_in_the_log(processes, tmp_path):
    lines: list[str] = []
    log = tmp_path / "log"
    command = shell("echo one; echo two >&2; printf three; exit 3", tmp_path, log=str(log))

    finished = processes.run(command, lines.append)

    assert (finished.exit_code, finished.stopped_because) == (3, None)
    assert lines == ["one", "two", "three"]
    assert finished.output == log.read_text() == "one\ntwo\nthree"


def test_a_second_command_appends_to_the_same_log(processes, tmp_path):
    log = tmp_path / "log"
    for word in ("one", "two"):
        processes.run(shell(f"echo {word}", tmp_path, log=str(log)))
    assert log.read_text() == "one\ntwo\n"


def test_the_command_sees_its_own_environment_and_nothing_of_ours(processes, tmp_path):
    command = Command(("/usr/bin/env",), str(tmp_path), {"A": "1"}, 20.0)
    names = {line.split("=")[0] for line in processes.run(command).output.splitlines()}
    assert names == {"A", "ORCHESTRATE_PROCESS"}


def test_a_hanging_command_is_ended_with_its_children_and_may_save_its_work(processes, tmp_path):
    script = "trap 'echo saved > work; exit 0' TERM; sleep 600 & echo $! > pid; wait"
    finished = processes.run(shell(script, tmp_path, timeout=0.3))
    assert (finished.exit_code, finished.stopped_because) == (None, "timeout")
    assert finished.seconds < 2.0
    assert (tmp_path / "work").read_text() == "saved\n"
    assert is_gone(tmp_path / "pid")


def test_a_command_that_ignores_the_request_to_end_is_killed(processes, tmp_path):
    script = "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done"
    finished = processes.run(shell(script, tmp_path, timeout=0.1))
    assert (finished.exit_code, finished.stopped_because) == (None, "timeout")
    assert is_gone(tmp_path / "pid")


def test_a_child_in_the_background_is_gone_though_the_command_ended_well(processes, tmp_path):
    finished = processes.run(shell("sleep 600 & echo $! > pid; echo done", tmp_path))
    assert (finished.exit_code, finished.output) == (0, "done\n")
    assert finished.seconds < 5.0, "the child that kept the pipe open held the run up"
    assert is_gone(tmp_path / "pid")


@ON_LINUX
@pytest.mark.parametrize(
    "escape",
    [
        pytest.param("setsid sh -c '{body}' &", id="a daemon that keeps the pipe"),
        pytest.param("setsid sh -c '{body}' >/dev/null 2>&1 &", id="a daemon that closed it"),
        pytest.param(
            "setsid sh -c \"setsid sh -c '{body}' & exit\" &", id="a daemon that forked twice"
        ),
        pytest.param("set -m; env -i PATH=$PATH sh -c '{body}' &", id="a group of its own"),
    ],
)
def test_what_left_the_group_is_gone_too(processes, tmp_path, escape):
    start = escape.format(body="echo $$ > pid.new; mv pid.new pid; exec sleep 600")
    wait = "until [ -s pid ]; do sleep 0.01; done"
    finished = processes.run(shell(f"{start}\n{wait}", tmp_path))
    assert finished.exit_code == 0
    assert finished.seconds < 5.0
    assert is_gone(tmp_path / "pid")


@ON_LINUX
@ON_LINUX
def test_what_a_killed_agent_had_started_is_gone_too(processes, tmp_path):
    """Our own agent runs its commands as we run agents: each in a session with a new marker."""
    script = tmp_path / "agent.py"
    script.write_text(
        "from bot.adapters.processes import LocalProcesses\n"
        "from bot.ports import Command\n"
        "argv = ('sh', '-c', 'echo $$ > pid; exec sleep 60')\n"
        f"LocalProcesses().run(Command(argv, {str(tmp_path)!r}, {{'PATH': {PATH!r}}}, 60))\n"
    )
    command = Command((sys.executable, str(script)), str(tmp_path), {"PATH": PATH}, 60)
    killer = shell("while ! test -s pid; do sleep 0.01; done; kill -KILL $(cat agent)", tmp_path)
    agent = shell(f"echo $$ > agent; exec {' '.join(command.argv)}", tmp_path)

    with ThreadPoolExecutor() as pool:
        finished = pool.submit(processes.run, agent)
        pool.submit(processes.run, killer).result()

    assert finished.result().exit_code == 128 + 9
    assert is_gone(tmp_path / "pid")


def test_daemons_that_ended_by_themselves_leave_no_zombie(processes, tmp_path):
    script = "setsid sh -c 'echo $$ > pid' & until [ -s pid ]; do sleep 0.01; done; sleep 0.05"
    processes.run(shell(script, tmp_path))
    assert is_gone(tmp_path / "pid")


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(("sleep", "600")) as process:
        yield process
        process.kill()


def test_nothing_else_is_ended(processes, tmp_path, bystander):
    neighbour = threading.Thread(target=processes.run, args=(shell("sleep 0.6; : > a", tmp_path),))
    neighbour.start()
    processes.run(shell("setsid sleep 600 >&- 2>&- & sleep 600", tmp_path, timeout=0.2))
    assert bystander.poll() is None
    neighbour.join()
    assert (tmp_path / "a").exists()


def test_200_megabytes_of_output_stay_small_in_memory_and_in_the_log(processes, tmp_path):
    log = tmp_path / "log"
    command = shell("head -c 200000000 /dev/zero", tmp_path, log=str(log), max_log_bytes=4_000_000)
    tracemalloc.start()
    finished = processes.run(command)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (finished.exit_code, finished.stopped_because) == (0, None)
    assert peak < 2_000_000
    assert len(finished.output) == 64 * 1024
    assert log.read_bytes()[4_000_000:] == b"\n[log cut: more than 4000000 bytes]\n"


def test_a_command_that_prints_without_end_is_ended(processes, tmp_path):
    log = tmp_path / "log"
    command = shell("echo $$ > pid; exec yes", tmp_path, log=str(log), max_log_bytes=1000)
    finished = processes.run(command)
    assert (finished.exit_code, finished.stopped_because) == (None, "output limit")
    assert log.stat().st_size < 1100
    assert is_gone(tmp_path / "pid")


def test_bytes_that_are_no_text_are_replaced_and_logged_as_they_are(processes, tmp_path):
    lines: list[str] = []
    log = tmp_path / "log"
    finished = processes.run(
        shell(r"printf 'a\000b\377\303\251\r\nend'", tmp_path, log=str(log)), lines.append
    )
    assert lines == ["a\0b\ufffdé", "end"]
    assert finished.output == "a\0b\ufffdé\r\nend"
    assert log.read_bytes() == b"a\0b\xff\xc3\xa9\r\nend"


def test_an_endless_line_is_handed_on_in_pieces(processes, tmp_path):
    lines: list[str] = []
    processes.run(shell("head -c 1000000 /dev/zero | tr '\\0' x; echo y", tmp_path), lines.append)
    assert "".join(lines) == "x" * 1_000_000 + "y"
    assert max(map(len, lines)) <= 8 * 1024


def test_a_megabyte_goes_in_while_as_much_comes_out(processes, tmp_path):
    text = "line of é\n" * 100_000
    log = tmp_path / "log"
    finished = processes.run(shell("cat", tmp_path, stdin=text, log=str(log)))
    assert finished.exit_code == 0
    assert log.read_text() == text


def test_input_that_nobody_reads_holds_nothing_up(processes, tmp_path):
    assert processes.run(shell("exit 4", tmp_path, stdin="x" * 1_000_000)).exit_code == 4
    finished = processes.run(shell("exec 0<&-; sleep 0.1", tmp_path, stdin="x" * 1_000_000))
    assert finished.exit_code == 0


def test_a_command_without_input_reads_none_of_ours(processes, tmp_path):
    assert processes.run(shell("cat", tmp_path)).output == ""


@pytest.mark.parametrize(
    ("argv", "exit_code", "text"),
    [
        pytest.param(("no-such-program",), 127, "no-such-program: not found", id="missing program"),
        pytest.param(("/etc/passwd",), 126, "cannot be started", id="not a program"),
        pytest.param(("true", "a\0b"), 126, "null byte", id="a NUL in an argument"),
        pytest.param(("true", "x" * 5_000_000), 126, "Argument list too long", id="5 MB argument"),
        pytest.param((), 126, "the command is empty", id="no command at all"),
    ],
)
def test_what_cannot_be_started_says_so(processes, tmp_path, argv, exit_code, text):
    finished = processes.run(Command(argv, str(tmp_path), {"PATH": PATH}, 20.0))
    assert (finished.exit_code, finished.stopped_because) == (exit_code, None)
    assert text in finished.output


def test_a_missing_program_is_told_with_a_file_limit_too(processes, tmp_path):
    command = Command(("nope",), str(tmp_path), {"PATH": PATH}, 20.0, max_file_bytes=1000)
    finished = processes.run(command)
    assert finished.exit_code == 127
    assert "not found" in finished.output


def test_a_directory_that_is_gone_is_named(processes, tmp_path):
    finished = processes.run(shell("true", tmp_path / "gone"))
    assert finished.exit_code == 126
    assert f"{tmp_path / 'gone'}: cannot work in this directory" in finished.output


def test_a_log_that_cannot_be_written_is_named_and_nothing_starts(processes, tmp_path):
    command = shell("touch started", tmp_path, log=str(tmp_path / "no" / "log"))
    finished = processes.run(command)
    assert finished.exit_code == 126
    assert "cannot write this log: No such file or directory" in finished.output
    assert not (tmp_path / "started").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to play a full disk")
def test_a_full_disk_ends_the_command_whose_log_it_holds(processes, tmp_path):
    finished = processes.run(shell("echo word; sleep 600", tmp_path, log="/dev/full"))
    assert finished.exit_code is None
    assert finished.stopped_because == "log not writable: No space left on device"


def test_a_command_that_crashed_shows_the_signal_as_a_shell_does(processes, tmp_path):
    assert processes.run(shell("kill -SEGV $$", tmp_path)).exit_code == 128 + 11


def test_no_file_grows_over_the_limit(processes, tmp_path):
    by_shell = shell("exec head -c 1000000 /dev/zero > big", tmp_path, max_file_bytes=10_000)
    finished = processes.run(by_shell)
    assert (finished.exit_code, finished.stopped_because) == (None, "file size limit")
    assert (tmp_path / "big").stat().st_size <= 10_240

    assert processes.run(shell("echo small > file", tmp_path, max_file_bytes=10_000)).exit_code == 0


def test_sixteen_at_once_keep_their_output_apart(processes, tmp_path):
    def run(number: int) -> tuple[str, int | None]:
        finished = processes.run(shell(f"sleep 0.2; echo {number}; exit {number}", tmp_path))
        return finished.output, finished.exit_code

    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(run, range(16)))
    assert results == [(f"{number}\n", number) for number in range(16)]
    assert time.monotonic() - began < 16 * 0.2


def test_stop_all_ends_what_runs_and_lets_nothing_more_start(processes, tmp_path):
    started = threading.Barrier(4)
    command = shell("echo up; sleep 600", tmp_path)
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(processes.run, command, lambda _: started.wait(10)) for _ in range(3)]
        started.wait(10)
        processes.stop_all()
        results = [run.result(10) for run in runs]
    assert [result.stopped_because for result in results] == ["interrupted"] * 3
    assert [result.exit_code for result in results] == [None] * 3

    later = processes.run(shell("touch started", tmp_path))
    assert (later.exit_code, later.stopped_because) == (None, "interrupted")
    assert not (tmp_path / "started").exists()


def test_an_error_of_the_listener_comes_through_and_the_command_is_gone(processes, tmp_path):
    class ListenerBroke(Exception):
        pass

    def listen(line: str) -> None:
        raise ListenerBroke(line)

    with pytest.raises(ListenerBroke, match="word"):
        processes.run(shell("echo $$ > pid; echo word; exec sleep 600", tmp_path), listen)
    assert is_gone(tmp_path / "pid")
