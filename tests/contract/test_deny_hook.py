"""The hook that agent programs call before a tool, as a process, in each program's dialect."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.adapters.engines.denials import noted
from bot.adapters.engines.proving import (
    UNPROVEN,
    hook_argv,
    hook_text,
    provable,
    proven_first,
    why_no_hook,
)
from bot.core.constraints import Rules
from bot.core.denials import MAX_DENIALS, MAX_NOTES_BYTES, NOTES_FILE, Denial

WHY = "Not run: 'git push'. Rule role-1: The role's rules forbid it."


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.json"
    file.write_text(Rules().also(("git push",)).model_dump_json(), encoding="utf-8")
    return file


def ask(rules: Path, dialect: str, call: object) -> subprocess.CompletedProcess[str]:
    said = call if isinstance(call, str) else json.dumps(call)
    argv = [sys.executable, "-P", "-m", "bot.adapters.engines.hook", dialect, str(rules), "builder"]
    return subprocess.run(argv, input=said, capture_output=True, text=True, timeout=60)


def bash(command: object) -> dict[str, object]:
    return {"tool_name": "Bash", "tool_input": {"command": command}, "cwd": "/"}


@pytest.mark.parametrize("limit", ["ulimit -v 4000", "ulimit -t 0", "ulimit -n 3"])
def test_a_hook_that_dies_has_said_no(rules: Path, limit: str) -> None:
    text = hook_text("claude", str(rules), "builder")
    argv = ("/bin/sh", "-c", f"{limit}; {text}")
    done = subprocess.run(argv, input=json.dumps(bash("ls")), capture_output=True, text=True)
    assert done.returncode == 2, done
    argv = ("/bin/sh", "-c", text)
    done = subprocess.run(argv, input=json.dumps(bash("ls")), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


HANDED_OVER = {
    "claude": bash("cd . && bash -c 'git push'"),
    "codex": bash(["bash", "-lc", "git push"]),
    "gemini": {"tool_name": "run_shell_command", "tool_input": {"command": "git push"}},
    "copilot": {"toolName": "bash", "toolArgs": json.dumps({"command": "env git push"})},
    "cline": {"tool_call": {"name": "execute", "input": {"commands": ["ls", "git push"]}}},
}


def refusal(dialect: str, answer: subprocess.CompletedProcess[str]) -> object:
    """Return why a call was refused, as the program that speaks a dialect would read it."""
    if dialect == "claude":
        return answer.stderr.strip() if answer.returncode == 2 else None
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout or "{}")
    match dialect:
        case "codex":
            out = said.get("hookSpecificOutput", {})
            return out.get("permissionDecision") == "deny" and out["permissionDecisionReason"]
        case "gemini":
            return said.get("decision") == "deny" and said["reason"]
        case "copilot":
            return said.get("permissionDecision") == "deny" and said["permissionDecisionReason"]
        case _:
            assert "cancel" not in said, "that would end cline's run"
            commands = said.get("overrideInput", {}).get("commands", ())
            ran = [
                subprocess.run(["sh", "-c", c], capture_output=True, text=True) for c in commands
            ]
            return ran and ran[0].returncode == 126 and ran[0].stderr.strip()


@pytest.mark.parametrize("dialect", HANDED_OVER)
def test_each_program_is_told_in_its_own_words_why_a_push_is_not_run(
    rules: Path, dialect: str
) -> None:
    assert refusal(dialect, ask(rules, dialect, HANDED_OVER[dialect])) == WHY


@pytest.mark.parametrize("dialect", HANDED_OVER)
def test_a_file_that_speaks_of_a_push_may_be_written(rules: Path, dialect: str) -> None:
    call = {"tool_name": "Write", "tool_input": {"file_path": "x.md", "content": "git push"}}
    answer = ask(rules, dialect, call)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


@pytest.mark.parametrize("call", ["", "not json", "[" * 100_000], ids=["nothing", "text", "deep"])
def test_a_call_that_cannot_be_read_is_denied(rules: Path, call: str) -> None:
    assert ask(rules, "claude", call).returncode == 2


def test_without_readable_rules_nothing_is_run(tmp_path: Path) -> None:
    assert ask(tmp_path / "none.json", "claude", bash("ls")).returncode == 2


DIALECTS = ("claude", "codex", "gemini", "copilot", "cline", "opencode", "kilo")
NO_HOOK = {
    "it is not there": ("/no/such/python", "-m", "hook"),
    "it allows everything": ("true",),
    "it denies whatever it is asked": ("sh", "-c", "echo Not run. Rule all; exit 2"),
    "it hangs up": ("sh", "-c", "kill -9 $$"),
}


def start(hook: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Start `cat` as a program is started, with something to read."""
    argv = proven_first(hook, ("cat", "-"))
    return subprocess.run(argv, input="the prompt", capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_program_starts_once_the_hook_has_denied_what_it_should(
    tmp_path: Path, dialect: str
) -> None:
    file = tmp_path / "rules.json"
    file.write_text(provable(Rules()).model_dump_json(), encoding="utf-8")
    went = start(hook_argv(dialect, str(file), "builder"))
    assert (went.returncode, went.stdout, went.stderr) == (0, "the prompt", "")


@pytest.mark.parametrize("hook", NO_HOOK.values(), ids=NO_HOOK)
def test_a_program_whose_hook_does_not_work_is_not_started(hook: tuple[str, ...]) -> None:
    went = start(hook)
    assert went.returncode == 1
    assert went.stdout.endswith(f"{UNPROVEN}\n")
    assert "the prompt" not in went.stdout


def test_rules_that_the_hook_cannot_read_start_nothing(tmp_path: Path) -> None:
    went = start(hook_argv("claude", str(tmp_path / "none.json"), "builder"))
    assert went.returncode == 1
    assert "cannot be judged" in went.stdout


def test_on_this_machine_the_hook_works(monkeypatch: pytest.MonkeyPatch) -> None:
    why_no_hook.cache_clear()
    assert why_no_hook() == ""
    why_no_hook.cache_clear()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert "/no/such/python" in why_no_hook()
    why_no_hook.cache_clear()


def test_what_was_denied_is_noted_beside_the_rules_and_the_proof_is_not(rules: Path) -> None:
    notes = rules.with_name(NOTES_FILE)
    rules.write_text(provable(Rules().also(("git push",))).model_dump_json(), encoding="utf-8")
    for command in ("orchestrate-hook-proof", "ls", "git push", "cd / && git push", "git push"):
        ask(rules, "claude", bash(command))
    assert noted(notes) == (Denial(rule="role-1", command="git push"),)


def test_no_note_that_an_agent_prevents_lets_its_command_run(rules: Path) -> None:
    notes = rules.with_name(NOTES_FILE)
    told = rules.with_name("told")
    told.write_text("mine", encoding="utf-8")
    notes.symlink_to(told)
    assert refusal("claude", ask(rules, "claude", bash("git push"))) == WHY
    assert told.read_text(encoding="utf-8") == "mine"
    assert noted(notes) == ()
    notes.unlink()
    notes.mkdir()
    assert refusal("claude", ask(rules, "claude", bash("git push"))) == WHY
    assert noted(notes) == ()
    notes.rmdir()
    half = '{"tool_input": {"command": "git push \\ud800"}}'
    assert ask(rules, "claude", half).returncode == 2
    assert len(noted(notes)) == 1


def test_an_agent_that_is_denied_all_day_or_writes_notes_itself_fills_no_report(
    rules: Path,
) -> None:
    notes = rules.with_name(NOTES_FILE)
    lines = [Denial(rule="r", command=f"{n} {'x' * 900}").model_dump_json() for n in range(2_000)]
    notes.write_text("\n".join(["{", *lines]), encoding="utf-8")
    assert len(noted(notes)) == MAX_DENIALS
    before = notes.stat().st_size
    assert before > MAX_NOTES_BYTES
    assert refusal("claude", ask(rules, "claude", bash("git push"))) == WHY
    assert notes.stat().st_size == before
