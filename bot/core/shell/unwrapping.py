"""Programs that start other programs: what stands inside is read in turn."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from bot.core.shell import interpreting, state
from bot.core.shell.interpreting import Reading
from bot.core.shell.options import BEFORE_SUBCOMMAND, first_after_options, value_of
from bot.core.shell.values import NOTHING, Scope, Text, joined

_MOST_INPUTS = 16  # of xargs and parallel, each tried by itself


Words = tuple[Text, ...]

# Programs that run their arguments: options that take a value, and words to pass over.
_WRAPPERS: dict[str, tuple[str, int]] = {
    "sudo": ("-u -g -h -p -C -T -r -t -D -R --user --group --host --prompt --chdir", 0),
    "doas": ("-u -C", 0),
    "pkexec": ("--user", 0),
    "runuser": ("-u -g -G", 0),
    "gosu": ("", 1),
    "nohup": ("", 0),
    "setsid": ("", 0),
    "nice": ("-n --adjustment", 0),
    "ionice": ("-c -n -p --class --classdata", 0),
    "chrt": ("-T -P -D", 1),
    "taskset": ("", 1),
    "timeout": ("-k -s --kill-after --signal", 1),
    "gtimeout": ("-k -s --kill-after --signal", 1),
    "time": ("-f -o --format --output", 0),
    "stdbuf": ("-i -o -e --input --output --error", 0),
    "unbuffer": ("", 0),
    "strace": ("-o -e -p -s -u -E", 0),
    "ltrace": ("-o -e -p -s -u", 0),
    "exec": ("-a", 0),
    "builtin": ("", 0),
    "!": ("", 0),
    "coproc": ("", 0),
    "chroot": ("--userspec --groups", 1),
    "unshare": ("", 0),
    "nsenter": ("-t --target", 0),
    "fakeroot": ("", 0),
    "catchsegv": ("", 0),
    "valgrind": ("", 0),
    "caffeinate": ("-t -w", 0),
    "rlwrap": ("", 0),
    "xvfb-run": ("-n -s -e -f -p", 0),
    "dbus-run-session": ("", 0),
    "systemd-run": ("-p -u -E --property --unit --setenv --uid --gid", 0),
    "proxychains": ("-f", 0),
    "proxychains4": ("-f", 0),
    "torsocks": ("", 0),
    "faketime": ("", 1),
    "entr": ("", 0),
    "busybox": ("", 0),
    "toybox": ("", 0),
    "npx": ("-p --package -c --call", 0),
    "bunx": ("-p --package", 0),
    "uvx": ("--from --with --python -p", 0),
    "dotenv": ("-f", 0),
    "watchexec": ("-w -e -f -i", 0),
}
# The same behind a word of their own, such as `poetry run`.
_RUNNERS: dict[str, str] = {
    "uv": "run",
    "poetry": "run",
    "pipenv": "run",
    "pdm": "run",
    "hatch": "run",
    "rye": "run",
    "conda": "run",
    "bundle": "exec",
    "pnpm": "exec",
    "npm": "exec",
    "yarn": "exec",
    "mise": "exec",
    "rbenv": "exec",
    "coverage": "run",
}
_RUNNERS_VALUED = (
    "-n -p -c --call --name --prefix --python --with --project --directory --extra --group --env"
)
# Programs with shell text in an argument.
_WITH_TEXT: dict[str, re.Pattern[str]] = {
    "tar": re.compile(r"--(?:to-command|use-compress-program|checkpoint-action=exec)=(.+)"),
    "split": re.compile(r"--filter=(.+)"),
    "make": re.compile(r"--eval=.*\$\(shell (.+)\)"),
    **dict.fromkeys(("vi", "vim", "nvim", "ex"), re.compile(r"\+?:?!(.+)")),
    "gdb": re.compile(r"(?:shell|!)\s+(.+)"),
    "sqlite3": re.compile(r"\.(?:shell|system)\s+(.+)"),
    **dict.fromkeys(("psql", "mysql"), re.compile(r"\\!\s*(.+)")),
    "nix-shell": re.compile(r"(.* .*)"),
    "sed": re.compile(r"(?:\d+|\$)?e (.+)"),
}


def unwrap(reader: Reading, program: str, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    """Read what a program would run; return what is printed, None if it runs nothing else."""
    handler = _HANDLERS.get(program)
    if handler is not None:
        return handler(reader, rest, scope, stdin)
    if state.changes(reader.read, program, rest, scope, stdin):
        return NOTHING
    if program in _WRAPPERS:
        valued, skip = _WRAPPERS[program]
        return _wrapped(reader, rest, (valued, skip), scope, stdin)
    if program in _RUNNERS:
        return _runner(reader, program, rest, scope, stdin)
    if program in _WITH_TEXT:
        for argument in rest:
            if found := _WITH_TEXT[program].fullmatch(argument.text):
                reader.read(found[1], scope.inner(), NOTHING)
        return None
    return interpreting.interpret(reader, program, rest, scope, stdin)


def _wrapped(
    reader: Reading, rest: Words, spec: tuple[str, int], scope: Scope, stdin: Text
) -> Text | None:
    at = first_after_options(rest, spec[0].split()) + spec[1]
    while at < len(rest) and re.match(r"\w+=", rest[at].text):
        at += 1
    text = value_of(rest[:at], ("-c", "--call")) if "--call" in spec[0] else None
    if text is not None:
        return reader.read(text.text, scope.inner(), stdin)
    return reader.run(rest[at:], scope, stdin) if rest[at:] else None


def _runner(reader: Reading, program: str, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    at = first_after_options(rest, _RUNNERS_VALUED.split())
    if at >= len(rest) or rest[at].text not in (_RUNNERS[program], "x"):
        return None
    inner = rest[at + 1 :]
    if program == "coverage":
        return interpreting.interpret(reader, "python", inner, scope, stdin)
    return _wrapped(reader, inner, (_RUNNERS_VALUED, 0), scope, stdin)


def _env(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    inner, words = scope.inner(), list(rest)
    while words:
        word = words[0].text
        if word in ("-S", "--split-string") and len(words) > 1:
            return reader.read(joined(words[1:], " ").text, inner, stdin)
        if word.startswith(("-S", "--split-string=")):
            text = re.sub(r"^(-S|--split-string=)", "", joined(words, " ").text)
            return reader.read(text, inner, stdin)
        if word in ("-u", "-C", "--unset", "--chdir"):
            words = words[2:]
        elif word.startswith("-"):
            words = words[1:]
        elif found := re.match(r"(\w+)=(.*)", word, re.DOTALL):
            inner.variables[found[1]] = (Text(found[2], words[0].known, words[0].made_by),)
            words = words[1:]
        else:
            return reader.run(words, inner, stdin)
    return None


def _command(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    if rest and re.fullmatch("-[vV]+", rest[0].text):
        return None
    return _wrapped(reader, rest, ("", 0), scope, stdin)


_XARGS_VALUED = ("-I", "-n", "-P", "-L", "-d", "-E", "-s", "-a", "--max-args", "--max-procs")


def _xargs(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    at = first_after_options(rest, _XARGS_VALUED)
    words = list(rest[at:])
    if not words:
        return None
    mark = value_of(rest[:at], ("-I", "--replace"))
    inputs = [Text(word, True, stdin.made_by) for word in stdin.text.split()]
    if not stdin.known:
        inputs = [stdin]
    if mark is None:
        return reader.run([*words, *inputs], scope, NOTHING)
    lines = [Text(line, stdin.known, stdin.made_by) for line in stdin.text.splitlines()]
    for line in lines[:_MOST_INPUTS]:
        reader.run([_replaced(word, mark.text, line) for word in words], scope, NOTHING)
    return Text(known=False)


def _replaced(word: Text, mark: str, value: Text) -> Text:
    if not mark or mark not in word.text:
        return word
    text = word.text.replace(mark, value.text)[:100_000]
    return Text(text, word.known and value.known, word.made_by | value.made_by)


def _parallel(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    at = first_after_options(rest, ["-j", "-N", "-n", "--jobs", "--colsep"])
    words, inputs = list(rest[at:]), [Text(line) for line in stdin.text.splitlines()]
    for n, word in enumerate(words):
        if word.text.startswith(":::"):
            words, inputs = words[:n], words[n + 1 :]
            break
    for given in inputs[:_MOST_INPUTS] or [NOTHING]:
        texts = [_replaced(word, "{}", given) for word in words]
        if texts == words:
            texts.append(given)
        reader.read(joined(texts, " ").text, scope.inner(), NOTHING)
    return Text(known=False)


def _find(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    del stdin
    at = 0
    while at < len(rest):
        word = rest[at].text
        at += 1
        if word not in ("-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec"):
            continue
        end = next((n for n in range(at, len(rest)) if rest[n].text in (";", "+")), len(rest))
        root = rest[0] if rest and not rest[0].text.startswith("-") else Text(".")
        words = [_replaced(w, "{}", Text(root.text + "/*", False)) for w in rest[at:end]]
        if words:
            reader.run(words, scope.inner(), NOTHING)
        at = end
    return None


def _git(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    at = first_after_options(rest, BEFORE_SUBCOMMAND["git"])
    if at >= len(rest):
        return None
    name, after = rest[at].text, rest[at + 1 :]
    settings = [b.text for a, b in pairwise(rest[:at]) if a.text == "-c"]
    for setting in settings:
        key, _, value = setting.partition("=")
        if key.lower() == f"alias.{name}".lower():
            return _git_alias(reader, value, after, scope)
    given = [word.text for word in after]
    if name == "submodule" and "foreach" in given:
        words = after[given.index("foreach") + 1 :]
        words = words[first_after_options(words, ()) :]
        return reader.read(joined(words, " ").text, scope.inner(), NOTHING)
    if name == "bisect" and given[:1] == ["run"]:
        return reader.run(after[1:], scope, stdin)
    if name in ("rebase", "difftool", "filter-branch"):
        for flag in ("-x", "--exec", "--extcmd", "--tree-filter", "--index-filter"):
            if text := value_of(after, (flag,)):
                reader.read(text.text, scope.inner(), NOTHING)
    return None


def _git_alias(reader: Reading, value: str, after: Words, scope: Scope) -> Text:
    inner = scope.inner(arguments=after)
    text = value[1:] if value.startswith("!") else f"git {value}"
    return reader.read(f'{text} "$@"', inner, NOTHING)


def _text_after(valued: str, skip: int = 0) -> Callable[[Reading, Words, Scope, Text], Text | None]:
    """Return a handler for programs that take shell text as what their options leave."""

    def handler(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
        words = rest[skip:]
        words = words[first_after_options(words, valued.split()) :]
        return reader.read(joined(words, " ").text, scope.inner(), stdin) if words else None

    return handler


def _su(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    if text := value_of(rest, ("-c", "--command")):
        return reader.read(text.text, scope.inner(), stdin)
    return None


def _flock(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    return _su(reader, rest, scope, stdin) or _wrapped(
        reader, rest, ("-w -E --timeout", 1), scope, stdin
    )


def _downloaded(program: str) -> Callable[[Reading, Words, Scope, Text], Text | None]:
    def handler(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
        del reader, stdin
        got = Text(f"$({program})", False, frozenset({program}))
        flags = ("-o", "--output") if program == "curl" else ("-O", "--output-document")
        name = value_of(rest, flags)
        if name is not None:
            scope.files[scope.resolve(name.text)] = got
        for word in rest:
            if "://" in word.text:
                scope.files.setdefault(scope.resolve(word.text.rpartition("/")[2] or "."), got)
        return None

    return handler


def _copied(reader: Reading, rest: Words, scope: Scope, stdin: Text) -> Text | None:
    del reader, stdin
    names = [word.text for word in rest if not word.text.startswith("-")]
    if len(names) == 2 and (file := scope.files.get(scope.resolve(names[0]))) is not None:
        scope.files[scope.resolve(names[1])] = file
    return None


_HANDLERS: dict[str, Callable[[Reading, Words, Scope, Text], Text | None]] = {
    "env": _env,
    "command": _command,
    "xargs": _xargs,
    "parallel": _parallel,
    "find": _find,
    "fd": _find,
    "fdfind": _find,
    "git": _git,
    "su": _su,
    "script": _su,
    "flock": _flock,
    "watch": _text_after("-n --interval"),
    "tmux": _text_after("-n -s -t -c -F -e -x -y", skip=1),
    "screen": _text_after("-S -t -L -dmS -DmS"),
    "curl": _downloaded("curl"),
    "wget": _downloaded("wget"),
    "cp": _copied,
    "mv": _copied,
    "install": _copied,
}
