"""Check runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.adapters.github.place import Place
from bot.adapters.github.values import Annotation, Check, NewCheck

_ANNOTATIONS = 50  # in one request


@dataclass(frozen=True)
class Checks:
    """The check runs of one repository's commits."""

    place: Place

    def on(self, sha: str, name: str | None = None) -> tuple[Check, ...]:
        """List the latest check runs on a commit, of one name or of all."""
        path = self.place.at("commits", sha, "check-runs")
        query = {"check_name": name} if name else None
        return self.place.api.pages(path, Check, query, key="check_runs")

    def get(self, check_id: int) -> Check:
        """Read one."""
        return self.place.api.get(self.place.at("check-runs", check_id), Check)

    def create(self, check: NewCheck) -> Check:
        """Publish a finished check, once, with all of its annotations."""
        batches = [
            check.annotations[i : i + _ANNOTATIONS]
            for i in range(0, len(check.annotations), _ANNOTATIONS)
        ] or [()]
        sent = {
            "name": check.name,
            "head_sha": check.head_sha,
            "status": "completed",
            "conclusion": check.conclusion,
            "external_id": check.external_id,
            "output": _output(check, batches[0]),
        }
        if check.details_url:
            sent["details_url"] = check.details_url
        path = self.place.at("check-runs")
        made = self.place.api.create(path, Check, sent, lambda: self._same(check))
        for i, batch in enumerate(batches[1:], start=2):
            self._annotate(made.id, check, batch, sum(map(len, batches[:i])))
        return made

    def _annotate(
        self, check_id: int, check: NewCheck, batch: Sequence[Annotation], then: int
    ) -> None:
        """Add annotations: GitHub keeps those before, so a repeat would show them twice."""

        def has_them() -> Check | None:
            now = self.get(check_id)
            return now if now.annotations_count >= then else None

        sent = {"output": _output(check, batch)}
        path = self.place.at("check-runs", check_id)
        self.place.api.create(path, Check, sent, has_them, method="PATCH")

    def _same(self, check: NewCheck) -> Check | None:
        same = (
            there
            for there in self.on(check.head_sha, check.name)
            if (there.external_id, there.conclusion) == (check.external_id, check.conclusion)
        )
        return next(same, None)


def _output(check: NewCheck, annotations: Sequence[Annotation]) -> dict[str, object]:
    output: dict[str, object] = {"title": check.title, "summary": check.summary}
    if check.text:
        output["text"] = check.text
    if annotations:
        output["annotations"] = [_annotation(each) for each in annotations]
    return output


def _annotation(annotation: Annotation) -> dict[str, object]:
    sent: dict[str, object] = {
        "path": annotation.path,
        "start_line": annotation.start_line,
        "end_line": annotation.end_line,
        "annotation_level": annotation.level,
        "message": annotation.message,
    }
    return {**sent, "title": annotation.title} if annotation.title else sent
