"""Options on a command line: which take a value, where they end, and what stands behind one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.core.shell.values import Text

# Options that take the next word along and may stand before a program's subcommand.
BEFORE_SUBCOMMAND: Mapping[str, frozenset[str]] = {
    "git": frozenset(
        (
            *("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"),
            *("--config-env", "--attr-source"),
        )
    ),
    "gh": frozenset(("-R", "--repo")),
    "npm": frozenset(("--prefix", "-C", "-w", "--workspace", "--registry", "--userconfig")),
    "pnpm": frozenset(("-C", "--dir", "--filter", "-F")),
    "yarn": frozenset(("--cwd",)),
    "cargo": frozenset(("--manifest-path", "--config", "-Z", "--color", "-C")),
    "mvn": frozenset(("-f", "--file", "-pl", "-s")),
    "uv": frozenset(("--directory", "--project", "--config-file", "--cache-dir", "--color")),
    "poetry": frozenset(("-C", "--directory", "-P", "--project")),
}


def first_after_options(words: Sequence[Text], valued: Collection[str]) -> int:
    """Return where the first word is that is no option; `valued` take the next word along."""
    at = 0
    while at < len(words):
        word = words[at].text
        if word == "--":
            return at + 1
        if not word.startswith("-") or word == "-":
            return at
        at += 2 if word in valued else 1
    return len(words)


def value_of(words: Sequence[Text], flags: Collection[str]) -> Text | None:
    """Return what is given to an option: behind it, behind `=`, or grown together with it."""
    for n, word in enumerate(words):
        text = word.text
        if text == "--":
            return None
        for flag in flags:
            long = flag.startswith("--")
            if text == flag or (not long and _ends_cluster(text, flag)):
                return words[n + 1] if n + 1 < len(words) else None
            start = f"{flag}=" if long else flag
            if text.startswith(start) and (long or len(flag) == 2):
                return Text(text[len(start) :], word.known, word.made_by)
    return None


def _ends_cluster(text: str, flag: str) -> bool:
    """Say whether `text` is short options in one word, such as -xc, with `flag` at the end."""
    letters = text[1:]
    return text.startswith("-") and letters.isalpha() and len(flag) == 2 and letters[-1] == flag[1]
