"""What the artifact stand-ins do, over the test's HTTP service; see tests/support/artifacts.py."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
import zipfile
from io import BytesIO
from pathlib import Path

SERVICE = f"{os.environ['STANDIN_ARTIFACTS']}/{os.environ['GITHUB_RUN_ID']}"


def ask(method: str, name: str, data: bytes | None = None) -> tuple[bytes, str]:
    """Return the answer and the artifact's name; a refusal fails the step, as on GitHub."""
    request = urllib.request.Request(f"{SERVICE}/{name}", data=data, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read(), answer.headers["X-Name"]
    except urllib.error.HTTPError as error:
        sys.exit(f"::error::{error.code} {error.read().decode()}")


def files_below(path: Path, hidden: bool) -> list[Path]:
    """List what is uploaded: links are followed, and names with a dot left out, as there."""
    if path.is_file():
        return [path]
    found = sorted(each for each in path.rglob("*") if each.is_file())
    names = {each: each.relative_to(path).parts for each in found}
    return [each for each in found if hidden or not any(n[0] == "." for n in names[each])]


def upload() -> None:
    path = Path(os.environ["INPUT_PATH"])
    found = files_below(path, os.environ["INPUT_HIDDEN"] == "true")
    if not found:
        missing = os.environ["INPUT_MISSING"]
        print(f"::{'error' if missing == 'error' else 'warning'}::No files were found: {path}")
        sys.exit(missing == "error")
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in found:
            archive.write(file, file.name if file == path else str(file.relative_to(path)))
    made, _ = ask("PUT", os.environ["INPUT_NAME"], packed.getvalue())
    with Path(os.environ["GITHUB_OUTPUT"]).open("a") as outputs:
        outputs.write(f"artifact-id={made.decode()}\n")


def download() -> None:
    data, name = ask("GET", str(int(os.environ["INPUT_ID"])))
    folder = Path(os.environ["INPUT_PATH"])
    folder.mkdir(parents=True, exist_ok=True)
    if os.environ["INPUT_KEEP_ZIP"] == "true":
        (folder / f"{name}.zip").write_bytes(data)
    else:
        zipfile.ZipFile(BytesIO(data)).extractall(folder)


if __name__ == "__main__":
    {"upload": upload, "download": download}[sys.argv[1]]()
