"""What act can stand in for, proved on workflows that are ours for the purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.act import Runner, act
from tests.support.act_copies import Copies
from tests.support.github.fake import FakeGithub

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"

CALLER = """\
name: Caller
on:
  issues: {types: [labeled]}
permissions: {}
jobs:
  intake:
    runs-on: ubuntu-24.04
    permissions: {contents: read}
    outputs:
      work: ${{ steps.say.outputs.work }}
    steps:
      - id: say
        env:
          WORK: '[{"name":"a","key":"ONE"},{"name":"b","key":"TWO"},{"name":"c","key":""}]'
        run: echo "work=$WORK" >> "$GITHUB_OUTPUT"
  accept:
    needs: intake
    if: needs.intake.outputs.planning == 'true'
    runs-on: ubuntu-24.04
    steps: [{run: exit 1}]
  work:
    name: ${{ matrix.work.name }}
    needs: [intake, accept]
    if: "!cancelled() && needs.intake.outputs.work != '[]'"
    strategy:
      fail-fast: false
      matrix:
        work: ${{ fromJSON(needs.intake.outputs.work) }}
    permissions: {contents: write, issues: write}
    uses: ./.github/workflows/called.yml
    with:
      name: ${{ matrix.work.name }}
      key: ${{ matrix.work.key }}
    secrets:
      ONE: ${{ matrix.work.key == 'ONE' && secrets.ONE || '' }}
      TWO: ${{ matrix.work.key == 'TWO' && secrets.TWO || '' }}
"""
CALLED = f"""\
name: Called
on:
  workflow_call:
    inputs:
      name: {{type: string, required: true}}
      key: {{type: string, required: false, default: ""}}
    secrets:
      ONE: {{required: false}}
      TWO: {{required: false}}
permissions: {{}}
jobs:
  agent:
    runs-on: ubuntu-24.04
    permissions: {{contents: read}}
    outputs:
      artifact_id: ${{{{ steps.upload.outputs.artifact-id }}}}
    steps:
      - uses: {CHECKOUT}
        with: {{path: code, persist-credentials: false}}
      - env:
          ONE: ${{{{ secrets.ONE }}}}
          TWO: ${{{{ secrets.TWO }}}}
          NAME: ${{{{ inputs.name }}}}
        run: |
          mkdir -p "$RUNNER_TEMP/out/.hidden"
          echo "$NAME has ${{#ONE}} ${{#TWO}} $(cat code/README.md)" | tee "$RUNNER_TEMP/out/said"
          touch "$RUNNER_TEMP/out/.hidden/left-out"
          [[ $NAME != b ]]
      - id: upload
        if: always()
        uses: {UPLOAD}
        with:
          name: ${{{{ inputs.name }}}}.r${{{{ github.run_attempt }}}}
          path: ${{{{ runner.temp }}}}/out
  publish:
    needs: agent
    if: always()
    runs-on: ubuntu-24.04
    permissions: {{contents: write, checks: write}}
    steps:
      - uses: {DOWNLOAD}
        with:
          artifact-ids: ${{{{ needs.agent.outputs.artifact_id }}}}
          path: ${{{{ runner.temp }}}}/in
          skip-decompress: true
      - env:
          NAME: ${{{{ inputs.name }}}}
          RESULT: ${{{{ needs.agent.result }}}}
          TOKEN: ${{{{ github.token }}}}
        run: |
          zip=("$RUNNER_TEMP"/in/*)
          listed=$(python3 -m zipfile -l "${{zip[0]}}" | tail -n +2 | cut -d' ' -f1)
          echo "$NAME: $RESULT, $(basename "${{zip[0]}}") with $listed"
          curl --silent --output /dev/null --write-out "checks %{{http_code}}\\n" \\
            --header "Authorization: Bearer $TOKEN" \\
            "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/check-runs"
"""


@pytest.fixture
def github() -> Iterator[FakeGithub]:
    with FakeGithub() as made:
        yield made


def runner(github: FakeGithub, folder: Path, **files: str) -> Runner:
    act()
    paths = {f".github/workflows/{name}.yml": text for name, text in files.items()}
    github.add_user("ada")
    made = github.create_repository("ada/engine", files=paths | {"README.md": "read me"})
    made.open_issue("Paginate", by="ada")
    github.events.clear()
    return Runner(github, "ada/engine", folder, secrets={"ONE": "1" * 11, "TWO": "2" * 22})


def test_a_matrix_over_a_called_workflow_gives_each_its_key_and_its_artifact(
    github: FakeGithub, tmp_path: Path
) -> None:
    with runner(github, tmp_path, caller=CALLER, called=CALLED) as runs:
        github.repository("ada/engine").label(1, "orchestrate", by="ada")
        done = {job.name: job for job in runs.settle()}
    assert next(iter(done)) == "intake"
    assert {name: job.output for name, job in done.items()} == {
        "intake": "",
        "a/agent": "a has 11 0 read me\n",
        "b/agent": "b has 0 22 read me\n",
        "c/agent": "c has 0 0 read me\n",
        "a/publish": "a: success, a.r1.zip with said\nchecks 403\n",
        "b/publish": "b: failure, b.r1.zip with said\nchecks 403\n",
        "c/publish": "c: success, c.r1.zip with said\nchecks 403\n",
    }
    assert {job.name for job in done.values() if job.result == "failure"} == {"b/agent"}


def test_a_called_job_has_the_rights_that_its_caller_leaves_and_alone_all_of_its_own() -> None:
    minted: list[Mapping[str, str]] = []

    def mint(rights: Mapping[str, str]) -> str:
        minted.append(rights)
        return f"token-{len(minted)}"

    files = {"caller.yml": CALLER, "called.yml": CALLED}

    def rights(most: Mapping[str, str] | None, file: str) -> dict[str, Mapping[str, str]]:
        with TemporaryDirectory() as root:
            made = Copies(Path(root), mint, lambda _, __, path: files[Path(path).name], most)
            path = made.copy("ada/engine", "main", file)
            assert "github.token" not in (Path(root) / path).read_text()
        return {place: minted[int(token[6:]) - 1] for place, token in made.tokens.items()}

    assert rights(None, "caller.yml") == {
        "caller.yml/intake": {"contents": "read"},
        "caller.yml/accept": {},
        "caller.yml/work/called.yml/agent": {"contents": "read"},
        "caller.yml/work/called.yml/publish": {"contents": "write"},
    }
    assert rights(None, "called.yml") == {
        "called.yml/agent": {"contents": "read"},
        "called.yml/publish": {"contents": "write", "checks": "write"},
    }
    assert rights({"contents": "read"}, "called.yml") == {
        "called.yml/agent": {"contents": "read"},
        "called.yml/publish": {"contents": "read"},
    }


TWICE = f"""\
name: Twice
on: {{issues: {{types: [labeled]}}}}
jobs:
  both:
    runs-on: ubuntu-24.04
    steps:
      - run: touch "$RUNNER_TEMP/file"
      - uses: {UPLOAD}
        with: {{name: same, path: "${{{{ runner.temp }}}}/file"}}
      - uses: {UPLOAD}
        with: {{name: same, path: "${{{{ runner.temp }}}}/file"}}
"""


def test_a_second_artifact_of_one_name_is_refused(github: FakeGithub, tmp_path: Path) -> None:
    with runner(github, tmp_path, twice=TWICE) as runs:
        github.repository("ada/engine").label(1, "orchestrate", by="ada")
        (job,) = runs.settle()
    assert job.result == "failure"
    assert "::error::409" in job.output


FIRST = """\
name: First one
on: {workflow_dispatch: {inputs: {what: {type: string, required: true}}}}
permissions: {}
jobs:
  say:
    runs-on: ubuntu-24.04
    steps:
      - env: {WHAT: "${{ inputs.what }}"}
        run: echo "$WHAT"
"""
AFTER = """\
name: After
on: {workflow_run: {workflows: [First one], types: [completed]}}
permissions: {}
jobs:
  say:
    runs-on: ubuntu-24.04
    steps:
      - env: {WHICH: "${{ github.event.workflow_run.id }}"}
        run: echo "$WHICH"
"""


def test_a_dispatch_runs_with_its_inputs_and_another_workflow_follows_it(
    github: FakeGithub, tmp_path: Path
) -> None:
    with runner(github, tmp_path, first=FIRST, after=AFTER) as runs:
        github.repository("ada/engine").dispatch("first.yml", by="ada", inputs={"what": "that"})
        first, after = runs.settle()
    assert (first.workflow, first.output) == ("first.yml", "that\n")
    assert (after.workflow, after.output) == ("after.yml", f"{first.run_id}\n")
    assert github.repository("ada/engine").runs[first.run_id].conclusion == "success"
