"""One commit on one base as a git bundle: written, and taken apart without git.

A bundle is a short header and a pack. Ours names one base and one ref; a bundle that says
anything else is not ours. The pack is measured before git unpacks it: a small one can hold much.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from bot.adapters.git import Repository
from bot.core.base import Sha

REF = "refs/heads/work"

_SHA = rb"[0-9a-f]{40}|[0-9a-f]{64}"
_HEADER = re.compile(
    rb"(?:# v2 git bundle\n|# v3 git bundle\n@object-format=sha256\n)"
    rb"-(%b)\n(%b) %b\n\n" % (_SHA, _SHA, REF.encode())
)
_PACK_HEADER_BYTES = 12
_OFFSET_DELTA, _REF_DELTA = 6, 7
_CHUNK = 1 << 20
_LONGEST_NUMBER = 10  # bytes of a number that fits 64 bits


@dataclass(frozen=True)
class Bundle:
    """What a bundle of ours says it is, and its pack."""

    base: Sha
    head: Sha
    pack: bytes


class BadPack(Exception):
    """Says why a pack is not unpacked."""


def write_bundle(repository: Repository, base: Sha, head: Sha) -> bytes:
    """Return a bundle of what `head` has and `base` has not."""
    version = "# v3 git bundle\n@object-format=sha256" if repository.sha256 else "# v2 git bundle"
    header = f"{version}\n-{base}\n{head} {REF}\n\n"
    return header.encode() + pack_between(repository, base, head)


def pack_between(repository: Repository, base: Sha, head: Sha) -> bytes:
    """Return a pack of what `head` has and `base` has not; deltas may lean on the base."""
    args = ("pack-objects", "--revs", "--stdout", "--thin", "--delta-base-offset", "--quiet")
    return repository.git(*args, stdin=f"{head}\n^{base}\n".encode())


def read_bundle(data: bytes) -> Bundle | None:
    """Take a bundle apart; None where it is none, or has other refs or bases than ours have."""
    found = _HEADER.match(data[:1_000])
    if found is None:
        return None
    return Bundle(Sha(found[1].decode()), Sha(found[2].decode()), data[found.end() :])


def measure_pack(pack: bytes, *, most_objects: int, most_bytes: int, id_bytes: int) -> None:
    """Go over a pack's objects, and raise BadPack where they are more, or larger, than allowed.

    What a delta makes counts as large as the delta says; git believes no other size either.
    """
    if pack[:4] != b"PACK" or len(pack) < _PACK_HEADER_BYTES + id_bytes:
        raise BadPack("its bundle holds no pack")
    objects = int.from_bytes(pack[8:_PACK_HEADER_BYTES])
    if objects > most_objects:
        raise BadPack(f"{objects:,} objects, of at most {most_objects:,}")
    at, left = _PACK_HEADER_BYTES, most_bytes
    for _ in range(objects):
        at, size = _measure_object(pack, at, left, id_bytes)
        left -= size
        if left < 0:
            raise BadPack(f"it unpacks to more than {most_bytes / 1e6:,.0f} MB")
    if at != len(pack) - id_bytes:
        raise BadPack("its pack does not end where it says")


def _measure_object(pack: bytes, at: int, room: int, id_bytes: int) -> tuple[int, int]:
    """Return where an object ends, and its size once unpacked."""
    at, kind, declared = _object_header(pack, at)
    if kind == _OFFSET_DELTA:
        at, _ = _number(pack, at)  # of its base; only how long it is matters here
    elif kind == _REF_DELTA:
        at += id_bytes
    end, seen, begin = _unpacked(pack, at, declared, min(declared, room))
    if seen != declared:
        raise BadPack("its pack is broken")
    return end, _made_by(begin) if kind in {_OFFSET_DELTA, _REF_DELTA} else declared


def _unpacked(pack: bytes, at: int, declared: int, most: int) -> tuple[int, int, bytes]:
    """Unpack what begins at `at`; return where it ends, its size and how it begins."""
    unpacking = zlib.decompressobj()
    seen, begin, data = 0, b"", pack[at : at + min(_CHUNK, declared + 1_000)]
    while True:
        try:
            out = unpacking.decompress(data, _CHUNK)
        except zlib.error as error:
            raise BadPack("its pack is broken") from error
        seen += len(out)
        begin = begin if len(begin) >= 2 * _LONGEST_NUMBER else begin + out
        rest = unpacking.unused_data if unpacking.eof else unpacking.unconsumed_tail
        at += len(data) - len(rest)
        if seen > most:
            raise BadPack("an object in its pack is larger than it says, or than is allowed")
        if unpacking.eof:
            return at, seen, begin
        if not out and not data:
            raise BadPack("its pack is cut short")
        data = rest or pack[at : at + _CHUNK]


def _made_by(delta: bytes) -> int:
    """Return the size of what a delta makes: its second number, after its base's size."""
    at, _ = _number(delta, 0)
    return _number(delta, at)[1]


def _object_header(pack: bytes, at: int) -> tuple[int, int, int]:
    """Return where the header ends, the kind of object and the size that it declares."""
    first = pack[at : at + 1]
    if not first:
        raise BadPack("its pack is cut short")
    kind, size = first[0] >> 4 & 7, first[0] & 15
    if not first[0] & 0x80:
        return at + 1, kind, size
    end, more = _number(pack, at + 1)
    return end, kind, size | more << 4


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the lowest first; return where it ends, and itself."""
    value = 0
    for nth, byte in enumerate(data[at : at + _LONGEST_NUMBER]):
        value |= (byte & 0x7F) << 7 * nth
        if not byte & 0x80:
            return at + nth + 1, value
    raise BadPack("its pack is broken")
