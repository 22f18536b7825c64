"""Text from outside, made safe to post: it notifies nobody, closes nothing and commands nobody.

What would act is broken by a zero-width space, which nobody sees; everything else stays as it was
written. That goes for code too: where our text ends up inside other Markdown is not known here, and
with it not whether GitHub would take a stretch for code.
"""

from __future__ import annotations

import re

from bot.core.github.plain_text import clean, cut

BREAK = "\u200b"
MAX_TITLE = 256
MAX_LABEL = 60
_MAX_FENCE = 12  # characters of a fence, and of what stands before it on its line

_ACTING = re.compile(
    r"""(?<![A-Za-z0-9])@(?=[A-Za-z0-9])  # a mention
    |<(?=[A-Za-z/!?])  # HTML, comments, markers
    |&(?=[#]?[A-Za-z0-9]{1,40};)  # an entity, which may spell any of the others
    |!(?=\[)  # an image, which tells its server who looked
    |[#][#](?=\[)  # an old workflow command, anywhere in a line
    |(?<![A-Za-z0-9])[cfr](?=
        (?:lose[sd]?|ix(?:es|ed)?|esolve[sd]?)(?![A-Za-z0-9])
        (?=[\W_]++(?:(?<=[#])\d|GH-?\d|https?:|[\w.-]{1,100}/[\w.-]{1,100}[#]\d)))  # closes #1
    """,
    re.VERBOSE | re.IGNORECASE,
)
_COMMAND = re.compile(r"^([^\S\n]*+)(?=/[A-Za-z]|::)", re.MULTILINE)
_FENCE = re.compile(
    r"(?P<lead>(?:[ ]*+(?:[-*+]|\d{1,9}[.)])[ ]++)*+[ \t]*+)(?P<mark>`{3,}+(?=[^`]*$)|~{3,}+)"
)
_NUMBERED = re.compile(r"\b(?!1[.)])\d+[.)]")


def defuse(text: str, limit: int) -> str:
    """Make Markdown of several lines safe to post, in at most `limit` characters (100 or more)."""
    text = _COMMAND.sub(rf"\1{BREAK}", _broken(clean(text)))
    whole = _with_fences_closed(text)
    if len(whole) <= limit:
        return whole
    return _with_fences_closed(cut(whole, limit - 2 * _MAX_FENCE - 1))


def inline(text: str, limit: int) -> str:
    """Make text safe for one line or a table's cell: no line end, bar or backtick is in it."""
    text = " ".join(clean(text).split())
    line = cut(_line(text.replace("|", "│").replace("`", "'")), limit)
    if line.endswith("\\"):  # it would escape what follows
        line = line[: limit - 1] + BREAK
    return line


def title(text: str) -> str:
    """Make text safe as the title of an issue or pull request; never empty."""
    return cut(_line(" ".join(clean(text).split())), MAX_TITLE) or "Untitled"


def log_line(text: str) -> str:
    """Make text safe in a job's log, out of which the runner takes commands."""
    return _line(clean(text))


def mermaid_label(text: str) -> str:
    """Make text safe between the quotes of a Mermaid node; never empty."""
    words = re.sub(r"[^\w\s.,/:'+=…-]", " ", clean(text).replace('"', "'"))
    label = " ".join(words.split()).lstrip("-+=.,/:' ")
    label = re.sub(r"^(\d+)\.(?= )", r"\1", label)  # Mermaid draws no lists
    return cut(label, MAX_LABEL) or "…"


def _line(text: str) -> str:
    return _COMMAND.sub(rf"\1{BREAK}", _broken(text))


def _broken(text: str) -> str:
    return _ACTING.sub(lambda found: found[0] + BREAK, text)


def _with_fences_closed(text: str) -> str:
    """End what would make code of all that is posted after the text.

    A fence stays one if it is closed at its own indentation, or by the end, with nothing further
    out between: then every reader agrees where it ends, whatever list it is in. Others are broken.
    """
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        opened = _FENCE.match(lines[at])
        if opened is None:
            at += 1
            continue
        end = _end_of_fence(lines, at + 1, opened)
        if (end < len(lines) and not _closes(lines[end], opened)) or not _is_plain(opened):
            lines[at:end] = [_without_fence(line) for line in lines[at:end]]
            at = end
        elif end == len(lines):
            lines.append(" " * _width(opened["lead"]) + opened["mark"])
            break
        else:
            at = end + 1
    return "\n".join(lines)


def _end_of_fence(lines: list[str], at: int, opened: re.Match[str]) -> int:
    """Return the first line from `at` that closes a fence, or stands further out than it."""
    width = _width(opened["lead"])
    while at < len(lines):
        line = lines[at]
        is_inside = not line.strip() or _width(line[: len(line) - len(line.lstrip())]) >= width
        if not is_inside or _closes(line, opened):
            break
        at += 1
    return at


def _closes(line: str, opened: re.Match[str]) -> bool:
    mark = opened["mark"]
    bare = line.strip(" \t")
    at_its_place = line.expandtabs(4).startswith(" " * _width(opened["lead"]) + mark)
    return at_its_place and len(bare) >= len(mark) and not bare.strip(mark[0])


def _is_plain(opened: re.Match[str]) -> bool:
    """Whether the line is surely read as a fence; a list that begins at 2 may be none."""
    short = _width(opened["lead"]) <= _MAX_FENCE and len(opened["mark"]) <= _MAX_FENCE
    return short and not _NUMBERED.search(opened["lead"])


def _without_fence(line: str) -> str:
    found = _FENCE.match(line)
    return found["lead"] + BREAK + line[found.end("lead") :] if found else line


def _width(lead: str) -> int:
    return len(lead.expandtabs(4))
