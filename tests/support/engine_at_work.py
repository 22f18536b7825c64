"""A real agent program at work in a checkout, its model behind a door of a real gateway."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.engines.program import ProgramEngine, Speech
from bot.adapters.gateway.gateway import Gateway
from bot.adapters.package_data import data_file
from bot.adapters.processes import LocalProcesses
from bot.core.catalog import read_data
from bot.core.constraints import Rules
from bot.core.environment import built_environment
from bot.core.plan import Workstream
from bot.core.routing import Tier, Wire
from bot.ports import EngineJob, EngineOutcome, Finished, ModelCall, ToolServer
from tests.support import ping_server
from tests.support.provider import Provider, Script, Step
from tests.support.real_engines import find_real, real_engine
from tests.support.repos import Repo, make_repo

TASK = "Do what there is to do."
KEY = "sk-very-secret-0123456789"


@dataclass(frozen=True)
class Went:
    """What became of it."""

    finished: Finished
    outcome: EngineOutcome
    shown: tuple[str, ...]
    calls: tuple[ModelCall, ...]
    provider: Provider


@dataclass
class Workplace:
    """A checkout, and folders for an attempt beside it."""

    speech: Speech
    root: Path
    seconds: float = 120.0
    only_writes: tuple[str, ...] | None = None
    wire: Wire | None = None  # none: its first
    repo: Repo = field(init=False)

    def __post_init__(self) -> None:
        real_engine(self.speech.name)
        self.repo = make_repo(self.root / "checkout", {"README.md": "# A shop\n"})
        for name in ("attempt", "home", "tmp"):
            (self.root / name).mkdir()

    @property
    def pinged(self) -> Path:
        """What the MCP server was told."""
        return self.root / "tmp" / "pinged"

    def put(self, files: dict[str, str]) -> None:
        """Put files into the checkout, as somebody who means no good would."""
        for path, text in files.items():
            file = Path(self.repo.path) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)

    def changed(self) -> set[str]:
        """Return the paths that are not as they were committed."""
        status = self.repo.git("status", "--porcelain", "-uall", "--no-renames")
        return {line[3:] for line in status.splitlines()}

    def work(self, *steps: Step) -> Went:
        """Let the program do its task, the model answering with these steps."""
        engine = ProgramEngine(self.speech, find_real, lambda _: KEY)
        shown: list[str] = []
        with Provider({TASK: Script(*steps)}) as provider:
            tier = self._tier(provider)
            assert engine.missing(tier) == ""
            gateway = Gateway(lambda _: KEY, SystemClock().now)
            with gateway.open(tier, Decimal(1)) as door:
                job = self._job(tier, door.url)
                finished = LocalProcesses().run(
                    engine.command(job), lambda line: shown.append(engine.progress(line) or "")
                )
                outcome, calls = engine.outcome(job, finished), door.calls()
        return Went(finished, outcome, tuple(filter(None, shown)), calls, provider)

    def _tier(self, provider: Provider) -> Tier:
        wire = self.wire or self.speech.wires[0]
        version = "v1beta" if wire == "gemini" else "v1"
        return Tier.model_validate(
            {
                "name": "t",
                "engine": self.speech.name,
                "provider": "p",
                "model": "scripted-1",
                "billing": "free",
                "base_url": f"{provider.url}/{version}",
                "key_env": "T_KEY",
                "protocol": wire,
            }
        )

    def _job(self, tier: Tier, url: str) -> EngineJob:
        rules = read_data(Rules, data_file("agents", "constraints.yaml").read_bytes())
        assert isinstance(rules, Rules)
        home, tmp = str(self.root / "home"), str(self.root / "tmp")
        ping = (sys.executable, ping_server.__file__, str(self.pinged))
        return EngineJob(
            workstream=Workstream(id="a", goal="g", files=("**",)),
            tier=tier,
            worktree=str(self.repo.path),
            folder=str(self.root / "attempt"),
            system="You are a builder.",
            opening=TASK,
            prompt=TASK,
            environment=built_environment(path=os.environ["PATH"], home=home, tmp=tmp, extra={}),
            seconds=self.seconds,
            max_usd=Decimal(1),
            log=str(self.root / "log"),
            max_log_bytes=10_000_000,
            deny=rules,
            only_writes=self.only_writes,
            model_url=url,
            tool_servers=(ToolServer("demo", ping, {"LANG": "C.UTF-8"}),),
        )
