"""The coverage formats, each read into the lines of the paths that it names."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError
from pydantic import BaseModel, ValidationError

_LAST_LINE = 1_000_000  # no source file has more
_MOST_LINES = 5_000_000  # nor any repository; more would only fill the memory
_MOST_SOURCES = 50  # each is tried for every file
_GO_BLOCK = re.compile(r"(.+):(\d{1,7})\.\d+,(\d{1,7})\.\d+ (\d+) (\d+)")


class Malformed(ValueError):
    """A report that breaks the rules of its format; the text says where and how."""


class Parsed:
    """What a report says, path by path as it spells them, before anybody knows whose they are.

    `lines` maps a path to its executable lines, True where any entry covers the line. `sources`
    are folders that the paths may start from. `totals` are covered and executable lines of all.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.lines: dict[str, dict[int, bool]] = {}
        self.sources: list[str] = []
        self.totals: tuple[int, int] | None = None
        self._left = _MOST_LINES

    def add(self, path: str, lines: Iterable[tuple[int, bool]]) -> None:
        """Add lines of a file; line 0, which some tools write for the file itself, is none."""
        known = self.lines.setdefault(path, {})
        for number, covered in lines:
            if not 0 <= number <= _LAST_LINE:
                raise Malformed(f"it names line {number} of {path[:200]!r}")
            if number:
                known[number] = covered or known.get(number, False)
                self._left -= 1
        if self._left < 0:
            raise Malformed(f"it has more than {_MOST_LINES:,} lines")


def reader_of(data: bytes) -> Callable[[bytes], Parsed] | None:
    """Return the reader for a report by how it starts, or None for a format that has none."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return _read_xml
    if start.startswith(b"{"):
        return _read_json
    if start.startswith(b"mode: "):
        return _read_go
    if re.match(rb"(?:#.*\r?\n)*(?:TN|SF):", start):
        return _read_lcov
    return None


def _read_xml(data: bytes) -> Parsed:
    """Read Cobertura or JaCoCo, told apart by the outermost element, without building a tree."""
    events = _XmlEvents()
    try:
        parser = DefusedXMLParser(target=events)
        parser.feed(data)
        parser.close()
    except DefusedXmlException as error:
        raise Malformed("it defines XML entities, which no report needs") from error
    except (ParseError, LookupError, ValueError) as error:  # LookupError: an unknown encoding
        raise Malformed(str(error)) from error
    return events.parsed


class _XmlEvents:
    """Takes the parser's events; knows which format by the first of them."""

    def __init__(self) -> None:
        self.parsed = Parsed()
        self._format: _Cobertura | _Jacoco | None = None
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._format is None:
            if tag not in {"coverage", "report"}:
                raise Malformed(
                    f"its outermost element is <{tag[:100]}>, not <coverage> or <report>"
                )
            self._format = (_Cobertura if tag == "coverage" else _Jacoco)(self.parsed)
        self._format.start(tag, attributes, self._depth)
        self._depth += 1

    def data(self, text: str) -> None:
        if isinstance(self._format, _Cobertura):
            self._format.data(text)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if isinstance(self._format, _Cobertura):
            self._format.end(tag)

    def close(self) -> None:
        pass


class _Cobertura:
    def __init__(self, parsed: Parsed) -> None:
        self._parsed = parsed
        self._path: str | None = None
        self._source: str | None = None

    def start(self, tag: str, attributes: dict[str, str], depth: int) -> None:
        if depth == 0 and "lines-valid" in attributes:
            covered = _number(attributes, "lines-covered", tag)
            self._parsed.totals = (covered, _number(attributes, "lines-valid", tag))
        elif tag == "source":
            self._source = ""
        elif tag == "class":
            self._path = attributes.get("filename", "")
            self._parsed.add(self._path, ())
        elif tag == "line" and self._path is not None:
            line = _number(attributes, "number", self._path)
            self._parsed.add(self._path, ((line, _number(attributes, "hits", self._path) > 0),))

    def data(self, text: str) -> None:
        if self._source is not None:
            self._source += text

    def end(self, tag: str) -> None:
        if tag == "source" and self._source is not None:
            if len(self._parsed.sources) < _MOST_SOURCES:
                self._parsed.sources.append(self._source.strip())
            self._source = None
        elif tag == "class":
            self._path = None


class _Jacoco:
    def __init__(self, parsed: Parsed) -> None:
        self._parsed = parsed
        self._package = ""
        self._path = ""

    def start(self, tag: str, attributes: dict[str, str], depth: int) -> None:
        if tag == "package":
            self._package = attributes.get("name", "")
        elif tag == "sourcefile":
            self._path = f"{self._package}/{attributes.get('name', '')}".lstrip("/")
            self._parsed.add(self._path, ())
        elif tag == "line":
            missed, covered = (_number(attributes, key, self._path) for key in ("mi", "ci"))
            if missed or covered:
                self._parsed.add(
                    self._path, ((_number(attributes, "nr", self._path), covered > 0),)
                )
        elif tag == "counter" and depth == 1 and attributes.get("type") == "LINE":
            covered = _number(attributes, "covered", "report")
            self._parsed.totals = (covered, covered + _number(attributes, "missed", "report"))


def _number(attributes: dict[str, str], key: str, where: str) -> int:
    text = attributes.get(key, "")
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise Malformed(f"{key}={text[:40]!r} of {where[:200]!r} is no number")
    return int(text)


class _JsonFile(BaseModel):
    executed_lines: tuple[int, ...]
    missing_lines: tuple[int, ...]


class _Json(BaseModel):
    files: dict[str, _JsonFile]


def _read_json(data: bytes) -> Parsed:
    """Read what `coverage json` of coverage.py writes."""
    try:
        report = _Json.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part)[:100] for part in first["loc"]) or "the top"
        raise Malformed(
            f"it is not coverage.py's JSON, at {place}: {first['msg'][:200]}"
        ) from error
    parsed = Parsed()
    for path, file in report.files.items():
        parsed.add(path, ((line, True) for line in file.executed_lines))
        parsed.add(path, ((line, False) for line in file.missing_lines))
    return parsed


def _read_go(data: bytes) -> Parsed:
    """Read a Go profile; every line from the start to the end of a block counts as its block."""
    parsed = Parsed()
    for number, line in enumerate(_text_lines(data), 1):
        if line.startswith("mode: ") or not line:
            continue
        block = _GO_BLOCK.fullmatch(line)
        if not block:
            raise Malformed(f"line {number} is no block: {line[:100]!r}")
        path, first, last, statements, count = block.groups()
        if int(statements[:9]):
            covered = count.strip("0") != ""
            lines = range(int(first), min(int(last), _LAST_LINE + 1) + 1)
            parsed.add(path, ((at, covered) for at in lines))
    return parsed


def _read_lcov(data: bytes) -> Parsed:
    """Read LCOV; where no record has lines (DA), the totals are the sums of LH and LF."""
    parsed = Parsed()
    path: str | None = None
    sums = {"LH": 0, "LF": 0}
    for number, line in enumerate(_text_lines(data), 1):
        key, _, value = line.partition(":")
        if key == "SF":
            path = value.strip()
            parsed.add(path, ())
        elif key == "end_of_record":
            path = None
        elif key == "DA" and path is not None:
            at, _, rest = value.partition(",")
            hits = rest.partition(",")[0]
            parsed.add(path, ((_lcov_number(at, number), _lcov_number(hits, number) > 0),))
        elif key in sums:
            sums[key] += _lcov_number(value, number)
    if path is not None:
        raise Malformed(f"it ends in the middle of the record of {path[:200]!r}")
    if sums["LF"]:
        parsed.totals = (sums["LH"], sums["LF"])
    return parsed


def _lcov_number(text: str, number: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        raise Malformed(f"line {number} has {text[:40]!r} where a number belongs")
    return int(text)


def _text_lines(data: bytes) -> Iterator[str]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", errors="replace")
    return (line.rstrip("\r\n") for line in text)
