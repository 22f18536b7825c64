"""Proving the deny hook: a program that ours is not asked by, or not answered, is not started.

A hook that cannot run is skipped by most programs without a word, and every command runs.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from bot.core.constraints import Pattern, Rule, Rules

UNPROVEN = "the deny hook does not work here, so nothing was started"
PROOF = "hook-proof"  # the rule's name
_RULE = Rule(
    id=PROOF,
    because="This command is there to be denied.",
    deny=(Pattern(program=("orchestrate-hook-proof",)),),
)
_CALL = json.dumps({"tool_input": {"command": "bash -c orchestrate-hook-proof"}})
_WITHIN = 60  # seconds


def provable(rules: Rules) -> Rules:
    """Add what the proof asks for; nobody has a program of that name."""
    return rules.model_copy(update={"rules": (*rules.rules, _RULE)})


def hook_argv(dialect: str, rules_file: str, role: str) -> tuple[str, ...]:
    """Return how our hook is started."""
    hook = (sys.executable, "-I", "-m", "bot.adapters.engines.hook")
    return (*hook, dialect, rules_file, role)


def hook_text(dialect: str, rules_file: str, role: str) -> str:
    """Return the same as shell text that is a no also where the hook dies of something.

    Programs take 2 for a no, and go on after any other exit code.
    """
    return f"{shlex.join(hook_argv(dialect, rules_file, role))} || exit 2"


def proven_first(hook: tuple[str, ...], argv: tuple[str, ...]) -> tuple[str, ...]:
    """Start `argv` only where the hook denies what it should, as the user and in the place of it.

    The program's own standard input is left alone.
    """
    asked = f"printf %s {shlex.quote(_CALL)} | {shlex.join(hook)} 2>&1"
    script = (
        f"said=$({asked}); case $said in *'Rule {_RULE.id}'*) exec \"$@\" ;; esac\n"
        f"printf '%s\\n' \"$said\" {shlex.quote(UNPROVEN)}; exit 1"
    )
    return ("/bin/sh", "-c", script, "sh", *argv)


@lru_cache(maxsize=1)
def why_no_hook() -> str:
    """Try the hook once in this process's place; empty: it works."""
    with tempfile.TemporaryDirectory(prefix="orchestrate-") as folder:
        rules = Path(folder) / "rules.json"
        rules.write_text(provable(Rules()).model_dump_json(), encoding="utf-8")
        argv = proven_first(hook_argv("claude", str(rules), "builder"), ("true",))
        try:
            tried = subprocess.run(
                argv,
                cwd=folder,
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_WITHIN,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the deny hook does not work: {error}"
    words = tried.stdout.decode(errors="replace").split("\n")
    return "" if tried.returncode == 0 else f"the deny hook does not work: {words[0][:200]}"
