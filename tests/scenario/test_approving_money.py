"""A person lets a run spend money, in whichever words come to mind."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from bot.adapters.event_ref import Batch, EventRef
from bot.adapters.git import Repository
from bot.adapters.ledger_branch import LedgerBranch
from bot.cli.approve import approve
from bot.cli.approve_paid import approve_paid
from bot.core.accounts import Accounts
from bot.core.base import ZERO_USD
from bot.core.events import Policy
from bot.core.folding import fold
from bot.core.money import cover_left
from bot.errors import UserError
from bot.wiring.store import run_folder
from tests.support.builders import RUN, asked, at, ladder, plan, run_of, tier, workstream
from tests.support.repos import Repo, make_repo

WAITS = run_of(
    plan(workstream("a", budget_usd="0.50")),
    asked("a could only go on with groq", "paid:groq.0.1", workstream="a", provider="groq"),
    policy=Policy(ladder=ladder(tier("groq", usd="1"), tier("openai", usd="10"))),
)


@pytest.fixture
def shop(tmp_path) -> Repo:
    repo = make_repo(tmp_path / "shop", {"api.py": "x = 1\n"})
    repo.git("config", "user.name", "Ada")
    EventRef(Repository.open(str(repo.path)), RUN).append(Batch(WAITS, {}), at(99))
    return repo


def approved(shop: Repo) -> tuple[dict[str, Decimal], Decimal]:
    """What the run may spend now, and what its approvals in the ledger come to."""
    repository = Repository.open(str(shop.path))
    lines = LedgerBranch(repository).lines()
    assert {(line.entry, line.by, line.justification) for line in lines} <= {
        ("approve", "Ada", "it matters")
    }
    return cover_left(fold(EventRef(repository, RUN).load()), at(99), Accounts()), sum(
        (line.cost_usd for line in lines), ZERO_USD
    )


@pytest.mark.parametrize(
    ("said", "provider", "usd"),
    [
        pytest.param({}, "groq", "0.50", id="what the run asks for"),
        pytest.param({"provider": "2"}, "groq", "2", id="an amount alone"),
        pytest.param({"provider": "openai"}, "openai", "2", id="a provider alone"),
        pytest.param({"provider": "openai", "usd": "$1.25"}, "openai", "1.25", id="both"),
        pytest.param({"usd": "0.005"}, "groq", "0.005", id="less than a cent"),
    ],
)
def test_provider_and_amount_may_be_left_to_what_the_run_asks_for(
    shop, capsys, said, provider, usd
):
    assert approve_paid(RUN, **said, because="it matters", repo=str(shop.path)) == 0
    assert re.search(rf"Approved: \${usd}(\.?00)? with {provider}\.", capsys.readouterr().out)
    assert approved(shop) == ({provider: Decimal(usd)}, Decimal(usd))


def test_who_gave_no_reason_is_told_what_to_type_with_the_amount_that_was_meant(shop):
    with pytest.raises(UserError) as told:
        approve_paid(RUN, provider="openai", usd="1.25", repo=str(shop.path))
    assert told.value.fix == f'orchestrate approve-paid {RUN} openai 1.25 --because "…"'


def test_what_follows_is_told_by_whether_somebody_drives_the_run(shop, capsys):
    with run_folder(Repository.open(str(shop.path)), RUN).locked():
        approve_paid(RUN, because="it matters", repo=str(shop.path))
    assert "The process that drives the run goes on with it." in capsys.readouterr().out
    approve_paid(RUN, "groq", "1", because="it matters", repo=str(shop.path))
    assert f"Go on with: orchestrate run --resume {RUN}" in capsys.readouterr().out


def test_approve_with_paid_says_the_same(shop):
    assert approve(RUN, paid="groq", usd="0.75", because="it matters", repo=str(shop.path)) == 0
    assert approved(shop) == ({"groq": Decimal("0.75")}, Decimal("0.75"))


@pytest.mark.parametrize(
    ("said", "because", "why"),
    [
        pytest.param({}, "", "a reason", id="no reason"),
        pytest.param({}, " … ", "a reason", id="the reason of an example"),
        pytest.param({"provider": "groq", "usd": "NaN"}, "x", "not an amount", id="no number"),
        pytest.param({"provider": "-3"}, "x", "not an amount", id="less than nothing"),
        pytest.param({"until": "2020-01-01"}, "x", "not within the next", id="a time that is over"),
        pytest.param({"until": "soon"}, "x", "is no time", id="no time"),
        pytest.param({"provider": "grok"}, "x", "No tier is paid to 'grok'", id="an unknown name"),
    ],
)
def test_what_cannot_be_meant_approves_nothing(shop, said, because, why):
    with pytest.raises(UserError, match=why):
        approve_paid(RUN, **said, because=because, repo=str(shop.path))
    assert approved(shop) == ({}, ZERO_USD)
