"""What the deny rules refuse and what they let pass, over corpora and in particular cases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.catalog import read_data
from bot.core.constraints import Denied, Rules, judge, unknown_roles
from bot.core.shell import Ran, Unreadable, read_commands

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
MOST_MISSES = 58  # of the evasions known to get through; this number only goes down


def shipped() -> Rules:
    rules = read_data(Rules, (ROOT / "agents" / "constraints.yaml").read_bytes())
    assert isinstance(rules, Rules), rules
    return rules


def lines(name: str) -> list[str]:
    """Read a corpus: a command a line, without the remarks at its top."""
    text = (DATA / name).read_text(encoding="utf-8").splitlines()[1:]
    return [line.replace("⏎", "\n") for line in text if line.strip()]


def evasions(name: str) -> list[tuple[str, str]]:
    return [(rule, command) for rule, _, command in (line.partition(" ") for line in lines(name))]


def only(rules: Rules, name: str) -> Rules:
    one = tuple(rule for rule in rules.rules if rule.id == name)
    assert one, f"no rule is called {name}"
    return rules.model_copy(update={"rules": one})


def test_every_evasion_meets_the_rule_that_it_tries_to_get_around() -> None:
    rules, corpus = shipped(), evasions("evasions.txt")
    assert len(corpus) >= 300
    missed = [(n, c) for n, c in corpus if judge(c, only(rules, n), "builder") is None]
    print(f"{len(corpus)} evasions, {len(missed)} missed")
    assert not missed


def test_no_harmless_command_is_refused() -> None:
    rules, corpus = shipped(), lines("harmless.txt")
    assert len(set(corpus)) >= 1_000
    refused = [(found.rule, c) for c in corpus if (found := judge(c, rules, "builder"))]
    print(f"{len(corpus)} harmless commands, {len(refused)} false alarms")
    assert not refused


def test_what_is_known_to_get_through_is_listed_and_does_not_grow() -> None:
    rules, corpus = shipped(), evasions("evasions_missed.txt")
    caught = [c for n, c in corpus if judge(c, only(rules, n), "builder")]
    print(f"{len(corpus)} evasions known to get through")
    assert len(corpus) <= MOST_MISSES
    assert not caught, "these are seen now: move them to evasions.txt"


def test_what_is_denied_is_told_with_its_rule_its_reason_and_the_part_it_is_about() -> None:
    found = judge("cd web && bash -c 'npm ci && git  push origin'", shipped(), "builder")
    assert isinstance(found, Denied)
    assert (found.rule, found.what) == ("push", "git push origin")
    assert found.because.startswith("Work leaves an attempt only as the files")


def test_a_rule_with_roles_holds_for_these_only() -> None:
    data = b"rules: [{id: no-web, because: Read only., roles: [scout], deny: [{program: [curl]}]}]"
    rules = read_data(Rules, data)
    assert isinstance(rules, Rules)
    assert judge("curl x", rules, "scout")
    assert judge("curl x", rules, "builder") is None
    assert [str(p) for p in unknown_roles(rules, ("builder",))] == [
        "rule 'no-web': no role is called 'scout'"
    ]


@pytest.mark.parametrize(
    ("prefix", "command", "refused"),
    [
        ("git push", "env git -C . push", True),
        ("git push", "git stash push", False),
        ("git reset --hard", "git reset HEAD~1 --hard", True),
        ("git reset --hard", "git reset HEAD~1", False),
        ("rm -rf /", "rm -r --force /", True),
        ("rm -rf /", "rm -rf /tmp/x", False),
        ("rm -rf ~", "rm -fr $HOME", True),
        ("curl", "bash -c 'curl localhost'", True),
        ("curl", "grep curl README.md", False),
        ("npm publish", "npm --prefix web publish", True),
    ],
)
def test_a_roles_own_words_are_a_rule_like_the_others(
    prefix: str, command: str, refused: bool
) -> None:
    assert bool(judge(command, Rules().also((prefix,)), "builder")) is refused


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{program: ['@nobody']}", "names no list of this file: @nobody"),
        ("{program: [x], argument: ['(']}", "is no expression"),
        ("{flags: [-x]}", "matches every command"),
        ("{program: [x], subcomand: [y]}", "Did you mean 'subcommand'?"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_what_is_wrong(pattern: str, said: str) -> None:
    data = f"rules: [{{id: a, because: b, deny: [{pattern}]}}]".encode()
    found = read_data(Rules, data)
    assert isinstance(found, tuple)
    assert any(said in f"{problem} {problem.fix}" for problem in found), found


def test_the_page_on_security_lists_the_rules_that_ship() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = page.partition("<!-- deny rules -->")[2].partition("<!-- end -->")[0]
    rows = [row.split("|")[1].strip(" `") for row in table.splitlines() if row.startswith("| `")]
    assert rows == [rule.id for rule in shipped().rules]


@pytest.mark.parametrize(
    "command",
    [
        "echo x; " * 60_000,
        "f(){ g; g; }; g(){ h; h; }; h(){ f; f; }; f",
        "bash -c 'bash -c \"" * 2_000,
        "(" * 5_000,
        "a|" * 65_000,
        "a=x;" + "a=$a$a;" * 60 + "eval $a",
        "for a in 1 2 3 4 5 6 7 8; do " * 40 + "x" + "; done" * 40,
        "echo " + "{a,b}" * 20_000,
        "echo " + "${x:-" * 1_900 + "git push" + "}" * 1_900,
    ],
    ids=[
        "long",
        "calls in circles",
        "nested texts",
        "nested",
        "tangled",
        "growing",
        "loops",
        "braces",
        "expansions",
    ],
)
def test_a_command_made_to_exhaust_its_reader_is_read_up_to_a_limit(command: str) -> None:
    found = read_commands(command)
    assert len(found) <= 60_000
    assert all(not isinstance(one, Ran) or len(one.program) <= 131_072 for one in found)


def test_a_long_row_of_commands_is_read_to_its_end() -> None:
    command = "true && " * 300 + "git push"
    assert (found := judge(command, shipped(), "builder"))
    assert found.rule == "push"
    assert judge("true && " * 300 + "git status", shipped(), "builder") is None


def test_a_command_too_large_to_be_run_is_denied_not_let_pass() -> None:
    command = "git status\n" * 20_000
    assert any(isinstance(one, Unreadable) for one in read_commands(command))
    assert (found := judge(command, shipped(), "builder"))
    assert found.rule == "unreadable"


PIECES = st.sampled_from(
    [
        *(
            "git",
            "push",
            "bash",
            "-c",
            "eval",
            "$(",
            ")",
            "`",
            "'",
            '"',
            "|",
            "&&",
            ";",
            "\n",
            "(",
            "{",
        ),
        *(
            "}",
            "<<E",
            "\nE\n",
            "<(",
            "$x",
            "x=",
            "${",
            "x:-",
            "\\",
            "xargs",
            "-I{}",
            "for x in",
            "do",
        ),
        *(
            "done",
            "if",
            "then",
            "fi",
            "python3 -c",
            "os.system(",
            "é",
            "\0",
            "\ud800",
            "{a,b}",
            "$'\\x",
        ),
        *(
            "f(){",
            "case",
            "esac",
            "[[",
            "]]",
            "((",
            "sudo",
            "env",
            "find . -exec",
            "$@",
            "#",
            ">",
            "<<<",
        ),
    ]
)


FAR = "\U0010ffff"  # of all characters the farthest from those that C's tables know


@pytest.mark.parametrize(
    "before", ["{", "{1", "{1..", "{1..2", "${", "x{", "{a,{", "$({", '"{'], ids=repr
)
def test_no_character_behind_a_brace_ends_the_process_that_judges(before: str) -> None:
    reads = (
        "import sys; from bot.core.shell import read_commands; print(read_commands(sys.argv[1]))"
    )
    argv = (sys.executable, "-c", reads, f"git push; {before}{FAR}")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, "'push'" in done.stdout) == (0, True), done


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=25).map(" ".join)))
def test_whatever_is_typed_is_read_the_same_way_twice_and_never_fails(command: str) -> None:
    assert read_commands(command) == read_commands(command)


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9_./=:@%+, -]{1,40}", fullmatch=True))
def test_what_is_only_quoted_starts_nothing(text: str) -> None:
    started = [one for one in read_commands(f"echo '{text}; git push'") if isinstance(one, Ran)]
    assert [one.program for one in started] == ["echo"]
