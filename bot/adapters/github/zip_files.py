"""A zip that a job made, read as data: nothing of it reaches a disk.

Only names, kinds and sizes that we would have written are read, and sizes are counted while
unpacking.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

_END = struct.Struct("<4s4H2LH")  # the record that ends a zip without a comment
_END_MARK, _ZIP64_MARK, _ZIP64_BYTES = b"PK\5\6", b"PK\6\7", 20
_MAX_LISTING_BYTES = 10_000  # for the names of a few files
_ENCRYPTED = 0x1


class BadZip(Exception):
    """Says why a zip, or a file in it, is not read."""


def read_zip(path: Path, limits: Mapping[str, int]) -> dict[str, bytes]:
    """Return the files of a zip, each of them named in `limits` (bytes). Raises BadZip."""
    return _unzipped(_whole(path, sum(limits.values())), limits)


def _whole(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        raise BadZip("there is no artifact") from None
    if len(data) > most:
        raise BadZip(f"the artifact is larger than {most / 1e6:,.0f} MB")
    return data


def _unzipped(data: bytes, limits: Mapping[str, int]) -> dict[str, bytes]:
    _require_short_listing(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise BadZip("the artifact has two files of one name")
            for entry in entries:
                _require_plain(entry, limits)
            return {e.filename: _unpacked(archive, e, limits[e.filename]) for e in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise BadZip(f"the artifact is broken: {str(error)[:200]!r}") from error


def _require_short_listing(data: bytes) -> None:
    """Refuse a zip that lists more than a few files before anything reads that list."""
    end = data[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_MARK):
        raise BadZip("the artifact is no whole zip")
    if data[-_END.size - _ZIP64_BYTES :].startswith(_ZIP64_MARK):
        raise BadZip("the artifact is a zip of more than 4 GB")
    listing = _END.unpack(end)[5]
    if listing > _MAX_LISTING_BYTES:
        raise BadZip("the artifact lists more files than are handed back")


def _require_plain(entry: zipfile.ZipInfo, limits: Mapping[str, int]) -> None:
    if entry.orig_filename not in limits:
        raise BadZip(f"the artifact has a file that is not handed back: {entry.filename[:100]!r}")
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
        raise BadZip(f"{entry.filename} is no plain file")
    if entry.flag_bits & _ENCRYPTED:
        raise BadZip(f"{entry.filename} is encrypted")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BadZip(f"{entry.filename} is packed in an unknown way")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(entry) as file:
        data = file.read(most + 1)  # unpacks no more than this, whatever the entry says
    if len(data) > most:
        raise BadZip(f"{entry.filename} is larger than {most / 1e6:,.0f} MB")
    return data
