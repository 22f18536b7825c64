"""What an agent job hands back, as files: written there, and read elsewhere out of a zip.

The job ran code that nobody trusts, so the zip is data: nothing of it reaches a disk, and only
names, kinds and sizes that we would have written are read. Sizes are counted while unpacking.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bot.adapters.bundle import write_bundle
from bot.adapters.git import Repository
from bot.core.github.handback import Envelope
from bot.core.handoff import Completion

COMPLETION, ENVELOPE, BUNDLE = "completion.json", "handback.json", "work.bundle"
MAX_COMPLETION_BYTES = 8_000_000
MAX_ENVELOPE_BYTES = 32_000_000

_END = struct.Struct("<4s4H2LH")  # the record that ends a zip without a comment
_END_MARK, _ZIP64_MARK, _ZIP64_BYTES = b"PK\5\6", b"PK\6\7", 20
_MAX_LISTING_BYTES = 10_000  # for the names of three files
_ENCRYPTED = 0x1

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class HandedBack:
    """What an agent job says, well-formed and not yet held against the record."""

    envelope: Envelope
    completion: Completion
    bundle: bytes | None  # exactly where the completion names a head


@dataclass(frozen=True)
class Unusable:
    """Nothing can be made of what came."""

    because: str


class _Bad(Exception):
    """Says why a zip, or a file in it, is not read."""


def write_handback(
    folder: Path, envelope: Envelope, completion: Completion, repository: Repository
) -> None:
    """Write the files to hand back into a new folder."""
    folder.mkdir(parents=True)
    (folder / COMPLETION).write_text(completion.model_dump_json(), "utf-8")
    (folder / ENVELOPE).write_text(envelope.model_dump_json(), "utf-8")
    if completion.head_sha is not None:
        bundle = write_bundle(repository, completion.base_sha, completion.head_sha)
        (folder / BUNDLE).write_bytes(bundle)


def read_handback(zip_path: Path, *, max_bundle_bytes: int) -> HandedBack | Unusable:
    """Read an artifact as it was downloaded, not unpacked; a missing one is unusable, too."""
    limits = {
        COMPLETION: MAX_COMPLETION_BYTES,
        ENVELOPE: MAX_ENVELOPE_BYTES,
        BUNDLE: max_bundle_bytes,
    }
    try:
        files = _unzipped(_whole(zip_path, sum(limits.values())), limits)
        completion = _parsed(Completion, files, COMPLETION)
        envelope = _parsed(Envelope, files, ENVELOPE)
    except _Bad as bad:
        return Unusable(str(bad))
    bundle = files.get(BUNDLE)
    if (bundle is None) != (completion.head_sha is None):
        what = "names a head without a bundle" if bundle is None else "brings an unnamed bundle"
        return Unusable(f"the artifact {what}")
    return HandedBack(envelope, completion, bundle)


def _whole(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        raise _Bad("there is no artifact") from None
    if len(data) > most:
        raise _Bad(f"the artifact is larger than {most / 1e6:,.0f} MB")
    return data


def _unzipped(data: bytes, limits: dict[str, int]) -> dict[str, bytes]:
    _require_short_listing(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise _Bad("the artifact has two files of one name")
            for entry in entries:
                _require_plain(entry, limits)
            return {e.filename: _unpacked(archive, e, limits[e.filename]) for e in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise _Bad(f"the artifact is broken: {str(error)[:200]!r}") from error


def _require_short_listing(data: bytes) -> None:
    """Refuse a zip that lists more than our three files before anything reads that list."""
    end = data[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_MARK):
        raise _Bad("the artifact is no whole zip")
    if data[-_END.size - _ZIP64_BYTES :].startswith(_ZIP64_MARK):
        raise _Bad("the artifact is a zip of more than 4 GB")
    listing = _END.unpack(end)[5]
    if listing > _MAX_LISTING_BYTES:
        raise _Bad("the artifact lists more files than are handed back")


def _require_plain(entry: zipfile.ZipInfo, limits: dict[str, int]) -> None:
    if entry.orig_filename not in limits:
        raise _Bad(f"the artifact has a file that is not handed back: {entry.filename[:100]!r}")
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
        raise _Bad(f"{entry.filename} is no plain file")
    if entry.flag_bits & _ENCRYPTED:
        raise _Bad(f"{entry.filename} is encrypted")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise _Bad(f"{entry.filename} is packed in an unknown way")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(entry) as file:
        data = file.read(most + 1)  # unpacks no more than this, whatever the entry says
    if len(data) > most:
        raise _Bad(f"{entry.filename} is larger than {most / 1e6:,.0f} MB")
    return data


def _parsed(model: type[Model], files: dict[str, bytes], name: str) -> Model:
    if name not in files:
        raise _Bad(f"the artifact has no {name}")
    try:
        return model.model_validate_json(files[name])
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise _Bad(f"{name} does not say what it should: {where!r}: {first['msg'][:200]}") from None
