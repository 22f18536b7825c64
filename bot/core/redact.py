"""Takes secrets out of text: known values in every spelling, and what looks like a key.

Shapes are compared with their kind's known form only, so that hashes, ids and class names stay.
Every pattern begins with literal letters (the search for those is fast) and repeats nothing that
it may have to give back (`++`, `*+`, or a small bound), so that time grows with length alone.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

SHORTEST_VALUE = 6
_SHORTEST_ENCODED = 8  # what is left of a value inside somebody else's base64
_SHORTEST_LINE = 16  # of a value with several lines, that is looked for by itself

VALUE = "value"
_MARK = re.compile(r"\[redacted:[a-z-]+\]")

Span = tuple[int, int, str]  # start, end, kind


@dataclass(frozen=True)
class SecretFound:
    """A secret in a text: which kind, and on which line, from 1. Never the secret itself."""

    kind: str
    line: int


def _is_random(text: str) -> bool:
    """Whether letters look drawn, not written: `your-key-here` and `xxxxxxxx` are placeholders."""
    classes = [r"[a-z]", r"[A-Z]", r"[0-9]"]
    return len(set(text)) >= 8 and sum(bool(re.search(c, text)) for c in classes) >= 2


def _is_aws_key(text: str) -> bool:
    return len(set(text)) >= 6 and not text.endswith("EXAMPLE")


_WORD_FOR_PASSWORD = re.compile(
    r"(?i)admin|api_?key|change_?me|example|guest|mysql|pass(?:word|wd)?|postgres|pwd|redis|root"
    r"|secret|test|token|user(?:name)?"
)


def _is_password(text: str) -> bool:
    """Whether it is more than a variable, a placeholder or the word for one."""
    is_variable = text.startswith(("$", "{", "#{", "%", "*", "...", "…")) or text.endswith("}")
    return not (is_variable or len(set(text)) < 3 or _WORD_FOR_PASSWORD.fullmatch(text))


def _always(_: str) -> bool:
    return True


@dataclass(frozen=True)
class _Shape:
    """How one kind of secret looks, and whether its group 1 is more than a placeholder."""

    kind: str
    pattern: re.Pattern[str]
    is_secret: Callable[[str], bool] = _is_random


def _key(prefix: str, body: str, *, before: str = r"\w", lead: str = "") -> re.Pattern[str]:
    """Compile `prefix`, `lead` and `body` where nothing of `before` stands in front.

    What stands in front is looked at after the prefix matched: so the search for it stays fast.
    """
    return re.compile(rf"{prefix}(?<![{before}]{prefix}){lead}({body})", re.ASCII)


_BASE64 = r"[A-Za-z0-9+/=]"
_GAP = r"(?:\s|\\[nr])"  # a line's end, also as it is spelled in JSON
# The body's lines repeat greedily: before 3.11.5 Python keeps the gap after them when `*+` fails.
_PRIVATE_KEY = re.compile(
    rf"""-----BEGIN[ ](?:[A-Z0-9]{{1,20}}[ ]){{0,3}}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----
    {_GAP}*+
    (?:[A-Z][A-Za-z-]{{1,40}}:[ ][^\n\\]{{0,200}}{_GAP}++){{0,5}}
    ({_BASE64}{{20,}}+(?:{_GAP}++{_BASE64}{{16,}}+)*)
    (?:(?:{_GAP}*+{_BASE64}{{1,76}}+)?{_GAP}*+\+?
    -----END[ ](?:[A-Z0-9]{{1,20}}[ ]){{0,3}}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----)?""",
    re.VERBOSE,
)
_AUTHORIZATION = re.compile(
    r"""[Aa](?:uthorization|UTHORIZATION)\\?["']?\s{0,3}[:=]\s{0,3}\\?["']?"""
    r"""(?:[Bb]earer|BEARER|[Bb]asic|BASIC|[Tt]oken)\s{1,3}([A-Za-z0-9._~+/=-]{8,}+)"""
)
_URL = re.compile(r"""://[^\s/:@"'`<>]{0,256}+:([^\s/@"'`<>]{1,1024}+)@""")

_SHAPES = (
    *(
        _Shape("github-token", _key(prefix, body))
        for prefix, body in (
            *((f"gh{letter}_", r"\w{36,}+") for letter in "pour"),
            ("ghs_", r"[\w.-]{36,}+"),
            ("github_pat_", r"\w{36,}+"),
        )
    ),
    _Shape(
        "anthropic-key",
        _key("sk-ant-", r"[\w-]{20,}+", before=r"\w-", lead=r"(?:[a-z]{3,9}\d\d-)?+"),
    ),
    _Shape(
        "openrouter-key", _key("sk-or-", r"[A-Za-z0-9]{32,}+", before=r"\w-", lead=r"(?:v\d-)?+")
    ),
    *(
        _Shape("openai-key", _key(prefix, r"[\w-]{20,}+", before=r"\w-"))
        for prefix in ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-")
    ),
    _Shape("openai-key", _key("sk-", r"[A-Za-z0-9]{20,}+[\w-]*+", before=r"\w-")),
    _Shape("google-key", _key("AIza", r"[\w-]{35,}+", before=r"\w+/-")),
    *(
        _Shape("aws-key", _key(prefix, r"[A-Z0-9]{16}(?![\w+/=])", before=r"\w+/"), _is_aws_key)
        for prefix in ("AKIA", "ASIA")
    ),
    _Shape("slack-token", _key("xox", r"[A-Za-z0-9-]{20,}+", lead=r"[a-z](?:\.xox[a-z])?-")),
    _Shape("groq-key", _key("gsk_", r"[A-Za-z0-9]{32,}+")),
    _Shape("nvidia-key", _key("nvapi-", r"[\w-]{32,}+")),
    _Shape("private-key", _PRIVATE_KEY, _always),
    _Shape("authorization", _AUTHORIZATION),
    _Shape("url-password", _URL, _is_password),
)
_ONLY_THE_GROUP = {"authorization", "url-password"}  # what stands around it helps the reader


class Redactor:
    """Replaces secrets by `[redacted:<kind>]`. Never shows the values that it knows."""

    def __init__(self, values: frozenset[str] = frozenset()) -> None:
        """Take secret values; those under 6 characters would hit ordinary words, and are not."""
        self._forms = tuple(sorted({form for value in values for form in _forms(value)}))

    def text(self, text: str) -> str:
        """Return the text without secrets. Doing it again changes nothing.

        A mark can join what stood apart, so it is repeated until nothing is found: each time
        there is less of the text left, so it ends.
        """
        while True:
            redacted = _replaced(text, self._spans(text))
            if redacted == text:
                return text
            text = redacted

    def found(self, text: str) -> tuple[SecretFound, ...]:
        """Name each secret in the text by kind and line, in order."""
        found, line, at = [], 1, 0
        for start, _, kind in self._spans(text):
            line += text.count("\n", at, start)
            at = start
            found.append(SecretFound(kind, line))
        return tuple(found)

    def _spans(self, text: str) -> tuple[Span, ...]:
        """Return what is to be taken out: in order, apart from each other, and no mark of ours."""
        spans = [*_values_in(text, self._forms), *_shapes_in(text)]
        if not spans:
            return ()
        marks = [(m.start(), m.end(), "") for m in _MARK.finditer(text)]
        return tuple(_joined(sorted([*spans, *marks], key=lambda s: (s[0], -s[1], s[2]))))


def _values_in(text: str, forms: tuple[str, ...]) -> Iterator[Span]:
    for form in forms:
        at = text.find(form)
        while at >= 0:
            yield at, at + len(form), VALUE
            at = text.find(form, at + len(form))


def _shapes_in(text: str) -> Iterator[Span]:
    for shape in _SHAPES:
        whole = 1 if shape.kind in _ONLY_THE_GROUP else 0
        for match in shape.pattern.finditer(text):
            if shape.is_secret(match[1]) and not _MARK.fullmatch(match[1]):
                yield match.start(whole), match.end(whole), shape.kind


def _joined(spans: list[Span]) -> Iterator[Span]:
    """Join spans that overlap; one that lies in a mark of ours (kind: empty) is no secret."""
    start, end, kind = spans[0]
    is_only_mark = kind == ""
    for left, right, what in spans[1:]:
        if left >= end:
            if not is_only_mark:
                yield start, end, kind or VALUE
            start, end, kind, is_only_mark = left, right, what, what == ""
        elif right > end or not is_only_mark:
            end, is_only_mark = max(end, right), False
            kind = kind or what
    if not is_only_mark:
        yield start, end, kind or VALUE


def _replaced(text: str, spans: tuple[Span, ...]) -> str:
    parts, at = [], 0
    for start, end, kind in spans:
        parts += [text[at:start], f"[redacted:{kind}]"]
        at = end
    return "".join([*parts, text[at:]])


def _forms(value: str) -> Iterator[str]:
    """Spell a value as it may turn up: itself, its longer lines, JSON, URL and base64."""
    bare = value.strip()
    lines = [line.strip() for line in bare.splitlines()]
    parts = {value, bare} | {
        line
        for line in lines
        if len(line) >= _SHORTEST_LINE and not re.search(r"\s", line) and line[:5] != "-----"
    }
    for part in parts:
        if len(part.strip()) >= SHORTEST_VALUE:
            yield part
            yield from _in_json(part)
            yield from _in_url(part)
            yield from _in_base64(part.encode("utf-8", "surrogatepass"))


def _in_json(text: str) -> Iterator[str]:
    for only_ascii in (True, False):
        once = json.dumps(text, ensure_ascii=only_ascii)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=only_ascii)[1:-1]  # JSON in JSON, as in a log line


def _in_url(text: str) -> Iterator[str]:
    data = text.encode("utf-8", "surrogatepass")
    for form in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield form
        yield re.sub(r"%[0-9A-F]{2}", lambda escape: escape[0].lower(), form)


def _in_base64(data: bytes) -> Iterator[str]:
    """Spell data in base64 as a whole, and as it reads in the middle of something longer.

    There each letter holds six bits, so the first and last letters depend on what is around and
    are left off; Basic authentication (`user:password`) is found this way.
    """
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield whole
        for shift, lost in ((0, 0), (1, 2), (2, 3)):
            inside = encode(b"\0" * shift + data).decode()[lost : (shift + len(data)) * 8 // 6]
            if len(inside) >= _SHORTEST_ENCODED:
                yield inside
