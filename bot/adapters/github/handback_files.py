"""What an agent job hands back, as files: written there, and read elsewhere out of a zip.

The job ran code that nobody trusts, so the zip is data.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bot.adapters.bundle import write_bundle
from bot.adapters.git import Repository
from bot.adapters.github.zip_files import BadZip, read_zip
from bot.core.github.handback import Envelope
from bot.core.handoff import Completion

COMPLETION, ENVELOPE, BUNDLE = "completion.json", "handback.json", "work.bundle"
MAX_COMPLETION_BYTES = 8_000_000
MAX_ENVELOPE_BYTES = 32_000_000

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
        files = read_zip(zip_path, limits)
        completion = _parsed(Completion, files, COMPLETION)
        envelope = _parsed(Envelope, files, ENVELOPE)
    except BadZip as bad:
        return Unusable(str(bad))
    bundle = files.get(BUNDLE)
    if (bundle is None) != (completion.head_sha is None):
        what = "names a head without a bundle" if bundle is None else "brings an unnamed bundle"
        return Unusable(f"the artifact {what}")
    return HandedBack(envelope, completion, bundle)


def _parsed(model: type[Model], files: dict[str, bytes], name: str) -> Model:
    if name not in files:
        raise BadZip(f"the artifact has no {name}")
    try:
        return model.model_validate_json(files[name])
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise BadZip(
            f"{name} does not say what it should: {where!r}: {first['msg'][:200]}"
        ) from None
