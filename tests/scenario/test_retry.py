"""A person gives what was left out another attempt: it goes on from all that landed meanwhile."""

from __future__ import annotations

from pathlib import Path

from bot.adapters.recorded_model import (
    Conversation,
    RecordedCall,
    RecordedModel,
    RecordedTurn,
    Session,
)
from tests.support.world import GATES_OFF, SETTINGS, make_world

PLAN = """\
task: Tell what is new
workstreams:
  - {id: early, kind: implementation, files: [./early.txt], shares: [./NEWS], goal: Tell of early}
  - {id: late, kind: implementation, files: [./late.txt], shares: [./NEWS], goal: Tell of late}
"""


def telling(name: str, delay_seconds: float) -> Conversation:
    """An agent that writes a file of its own and a line at the top of the news."""
    edit = {"path": "NEWS", "old": "# News\n", "new": f"# News\n- {name}\n"}
    calls = (
        RecordedCall(name="acknowledge", arguments={"understood": name}),
        RecordedCall(name="write_file", arguments={"path": f"{name}.txt", "content": "x\n"}),
        RecordedCall(name="edit_file", arguments=edit),
        RecordedCall(name="todo", arguments={"done": [1]}),
        RecordedCall(name="finish", arguments={"status": "success"}),
    )
    turn = RecordedTurn(calls=calls, delay_seconds=delay_seconds)
    return Conversation(match=f"Workstream `{name}` of run", turns=(turn,))


def test_an_agent_that_was_left_out_lands_on_top_of_the_one_it_conflicted_with(
    tmp_path: Path,
) -> None:
    world = make_world(tmp_path, {"NEWS": "# News\n", SETTINGS: GATES_OFF})
    session = Session(model="any", conversations=(telling("early", 0), telling("late", 1.5)))
    with RecordedModel(session) as model:
        world.env.update({"ORCHESTRATE_BASE_URL": model.base_url, "ORCHESTRATE_MODEL": "any"})
        first = world.run(PLAN)
        [run] = world.runs()
        retried = world.command("retry", run)
        second = world.resume(run)
    assert first.statuses == {"early": "landed", "late": "left_out"}
    assert (first.exit_code, retried.exit_code, second.exit_code) == (1, 0, 0)
    files = world.files(f"orchestrate/{run}/combined")
    assert files["NEWS"] == "# News\n- late\n- early"
    assert {"early.txt", "late.txt"} <= files.keys()
