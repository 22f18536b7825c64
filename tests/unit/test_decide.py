"""What happens next, over whole random runs and in particular cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import combinations
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core import events as happened
from bot.core.accounts import Accounts
from bot.core.actions import (
    Action,
    AskHuman,
    FinishRun,
    Integrate,
    MakePlan,
    PublishWorkstream,
    RunGates,
    StartIteration,
    StartWorkstream,
)
from bot.core.decide import decide
from bot.core.events import Event, Policy, RunStatus, read_events, write_events
from bot.core.exhaustion import out_at
from bot.core.folding import fold
from bot.core.gates import GateName, GateResult
from bot.core.handoff import CompletionStatus
from bot.core.journal import Journal
from bot.core.ledger import Billing
from bot.core.money import approvals, cover_left
from bot.core.outcomes import OutcomeClass
from bot.core.patterns import owned
from bot.core.plan import Plan, collide
from bot.core.report import proposed_usd
from bot.core.state import RunState, WorkstreamStatus
from tests.support.builders import (
    BASE,
    RUN,
    accepted,
    asked,
    at,
    ended,
    finding,
    finished,
    gate,
    gates_started,
    granted,
    integrated,
    iteration,
    ladder,
    landed,
    left_out,
    plan,
    proposed,
    pushed,
    requested,
    retried,
    run_of,
    sha,
    started,
    tier,
    usage,
    worked,
    workstream,
)
from tests.support.simulate import (
    Outcome,
    Played,
    World,
    play,
    random_ladder,
    random_plan,
    random_world,
)

seeds = st.integers(0, 10**9)
some = settings(max_examples=20)


def a_run(seed: int) -> Played:
    """Play a random plan in a random world with a random ladder, killed now and then."""
    world = random_world(seed, trouble=(seed % 4) / 3)
    dies = Random(seed).sample(range(60), 3) if seed % 2 else ()
    minutes = (0, 60, None)[seed // 3 % 3]
    policy = Policy(ladder=random_ladder(seed), paid_answer_minutes=minutes)
    return play(random_plan(seed), world, policy=policy, dies_after_writing=dies)


def without_seen(state: RunState) -> RunState:
    return replace(state, seen=frozenset())


# Properties of every run


@some
@given(seeds)
def test_nothing_starts_before_what_it_needs_has_landed(seed: int) -> None:
    for out in a_run(seed).hand_outs:
        needs = out.state.workstreams[out.start.id].waits_for
        assert all(out.state.track(need).landed for need in needs)


@some
@given(seeds)
def test_no_more_run_at_once_than_the_plan_allows_and_no_two_that_collide(seed: int) -> None:
    for step in a_run(seed).steps:
        starts = [action.id for action in step.actions if isinstance(action, StartWorkstream)]
        busy = [a.started.workstream for a in step.state.running if a.lease_until > step.now]
        at_once = [step.state.workstreams[name] for name in busy + starts]
        if starts:
            assert len(at_once) <= step.state.policy.max_parallel
            assert not any(collide(a, b) for a, b in combinations(at_once, 2))


@some
@given(seeds)
@example(1563)  # lost on one paid tier, handed out on another of the same provider
@example(426)  # a result on a free tier came after the attempt was handed out on a paid one
def test_no_more_is_reserved_and_spent_than_a_person_granted(seed: int) -> None:
    played = a_run(seed)
    grants: dict[str, Decimal] = {}
    taken: dict[str, tuple[str, Decimal]] = {}
    hand_outs: dict[tuple[str, int, str], list[happened.WorkstreamStarted]] = {}
    latest: dict[str, happened.WorkstreamStarted] = {}
    over: set[str] = set()
    for event in played.events:
        match event:
            case happened.ApprovalGranted(provider=str(provider), usd=usd):
                grants[provider] = grants.get(provider, Decimal(0)) + usd
            case happened.WorkstreamStarted(workstream=name, attempt=number):
                taken[event.id] = (event.provider, event.reserved_usd)
                hand_outs.setdefault((name, number, event.tier), []).append(event)
                latest[name] = event
            case happened.WorkstreamProgressed(workstream=name, used_usd=Decimal() as used):
                if latest[name].id not in over:  # its process is gone, and its calls are known
                    taken[latest[name].id] = (latest[name].provider, used)
                    over.add(latest[name].id)
            case happened.WorkstreamFinished(workstream=name, attempt=number):
                done = event.completion
                mine = hand_outs[name, number, done.tier]
                begun = next(out for out in mine if out.at == done.started_at)
                if done.usage.cost_known and begun.id not in over:
                    taken[begun.id] = (begun.provider, done.usage.cost_usd)
        for provider in {provider for provider, usd in taken.values() if usd}:
            total = sum(usd for whose, usd in taken.values() if whose == provider)
            assert total <= grants.get(provider, 0)


@some
@given(seeds)
def test_a_paid_tier_starts_only_with_money_that_was_granted_and_within_the_budget(
    seed: int,
) -> None:
    for out in a_run(seed).hand_outs:
        if out.start.tier.billing is Billing.PAID:
            budget = out.state.workstreams[out.start.id].budget_usd
            assert out.start.tier.provider in {grant.provider for grant in out.state.granted}
            assert 0 < out.start.reserved_usd <= (budget or Decimal("Infinity"))
        else:
            assert out.start.reserved_usd == 0


@some
@given(seeds)
def test_attempts_only_count_up_and_a_late_result_changes_nothing(seed: int) -> None:
    played = a_run(seed)
    last: dict[str, int] = {}
    for out in played.hand_outs:
        assert out.start.attempt in {last.get(out.start.id, 0), last.get(out.start.id, 0) + 1}
        last[out.start.id] = out.start.attempt
    for event in played.events:
        if isinstance(event, happened.WorkstreamFinished):
            failed = event.completion.model_copy(update={"status": CompletionStatus.FAILED})
            fields = {**dict(event), "id": "", "cause": "late", "completion": failed}
            fields.pop("id")
            late = happened.WorkstreamFinished.model_validate(fields)
            assert without_seen(fold([late], played.state)) == without_seen(played.state)


@some
@given(seeds)
@example(755)  # one was lost, and no tier can take it again
def test_a_run_ends_or_waits_for_a_person_and_says_why_of_every_workstream(seed: int) -> None:
    played = a_run(seed)
    state = played.state
    would_ask = decide(replace(state, asked=()), played.now, Accounts())
    assert state.finished or any(isinstance(action, AskHuman) for action in would_ask)
    assert decide(state, played.now, Accounts()) == ()
    for standing in state.standings.values():
        assert standing.status is not WorkstreamStatus.RUNNING
        if standing.status not in {WorkstreamStatus.LANDED, WorkstreamStatus.READY}:
            assert standing.because
        if state.finished:
            assert standing.status is not WorkstreamStatus.READY


@some
@given(seeds)
def test_a_run_that_passed_has_everything_landed_and_every_gate_passed_off_or_overridden(
    seed: int,
) -> None:
    state = a_run(seed).state
    if state.status is not RunStatus.PASSED:
        return
    assert {s.status for s in state.standings.values()} == {WorkstreamStatus.LANDED}
    if state.head_sha == BASE:
        return  # nothing was changed, so there was nothing to check
    for name in state.policy.gates:
        assert name in state.overrides or state.results[name].status in {"passed", "off"}


@settings(max_examples=15)
@given(seeds)
def test_any_prefix_of_a_history_decides_the_same_again_also_after_it_was_written(
    seed: int,
) -> None:
    played = a_run(seed)
    read = read_events(write_events(played.events))
    state = RunState()
    for event, again in zip(played.events, read, strict=True):
        state = fold([event], state)
        assert again == event
        for now in (event.at, event.at + timedelta(days=1)):
            assert decide(state, now, Accounts()) == decide(fold([], state), now, Accounts())
    assert fold(read) == state == played.state
    cut = Random(seed).randint(0, len(read))
    again = decide(fold(read[:cut] + read[:cut]), at(0), Accounts())
    assert again == decide(fold(read[:cut]), at(0), Accounts())


@some
@given(seeds)
def test_delivering_events_twice_changes_nothing(seed: int) -> None:
    played, random = a_run(seed), Random(seed)
    delivered: list[Event] = []
    for event in played.events:
        delivered.append(event)
        delivered += random.choices(delivered, k=random.randint(0, 3))
    assert fold(delivered) == played.state


@settings(max_examples=20)
@given(seeds)
def test_core_decides_something_of_any_part_of_a_history_in_any_order(seed: int) -> None:
    events, random = list(a_run(seed).events), Random(seed)
    for _ in range(10):
        some_events = random.sample(events, random.randint(0, len(events)))
        now = at(random.uniform(0, 1e5))
        assert isinstance(decide(fold(some_events), now, Accounts()), tuple)


def came_to(played: Played) -> object:
    state = played.state
    standings = {name: standing.status for name, standing in state.standings.items()}
    results = {name: result.status for name, result in state.results.items()}
    return standings, set(state.landing), state.head_sha, results, state.status


@settings(max_examples=15)
@given(seeds, st.sets(st.integers(0, 40), max_size=4), st.sets(st.integers(0, 40), max_size=4))
def test_a_run_that_was_killed_and_taken_up_again_comes_to_the_same(
    seed: int, before: set[int], after: set[int]
) -> None:
    # Asked for again, a tier that ran out gets another chance: worlds in which none does compare.
    world = random_world(seed, person=False, trouble=(seed % 3) / 3, tiers_run_out=False)
    the_plan, policy = random_plan(seed), Policy(ladder=random_ladder(seed))
    undisturbed = play(the_plan, world, policy=policy)
    killed = play(
        the_plan, world, policy=policy, dies_before_writing=before, dies_after_writing=after
    )
    assert came_to(killed) == came_to(undisturbed)


@pytest.mark.parametrize("when", ["dies_before_writing", "dies_after_writing"])
def test_a_paid_attempt_that_was_killed_goes_on_with_what_was_reserved_for_it(when: str) -> None:
    the_plan = plan(workstream("a"), workstream("b", needs=["a"]))
    policy = Policy(ladder=ladder(tier("best", usd="5")))

    def yes(state: RunState, turn: int) -> tuple[Event, ...]:
        return (granted(600, provider="best", usd="2"),) if turn == 0 else ()

    world = World(attempt=lambda *_: Outcome(usd=Decimal("0.5")), person=yes)
    undisturbed = play(the_plan, world, policy=policy)
    assert undisturbed.state.status is RunStatus.PASSED
    for batch in range(undisturbed.writes):
        killed = play(the_plan, world, policy=policy, **{when: {batch}})
        assert came_to(killed) == came_to(undisturbed), f"killed at {batch}"


def test_longest_way_first_keeps_four_hands_busy() -> None:
    the_plan = plan(
        workstream("long"), *(workstream(f"short{n}") for n in range(4)), limits={"max_parallel": 2}
    )
    seconds = {"long": 400.0, **{f"short{n}": 100.0 for n in range(4)}}
    world = World(attempt=lambda stream, _: Outcome(seconds=seconds[stream.id]))
    policy = Policy(ladder=ladder(tier()))
    played = play(the_plan, world, policy=policy, expected_seconds=seconds)
    assert played.makespan == 400


# Particular decisions

ONE = plan(workstream("a"))
PAIR = plan(workstream("a"), workstream("b", needs=["a"]))
TIERS = Policy(ladder=ladder(tier("local"), tier("other")))
HEAD = "+".join
EMPTY = Accounts()


def decided(
    what: Plan,
    *events: Event | tuple[Event, ...],
    policy: Policy = TIERS,
    now: float = 100,
    again: Event | None = None,
    accounts: Accounts = EMPTY,
) -> tuple[Action, ...]:
    told = (*run_of(what, *events, policy=policy), *([again] if again else []))
    return decide(fold(told), at(now), accounts)


def standing(what: Plan, name: str, *events: Event | tuple[Event, ...]) -> tuple[str, str]:
    found = fold(run_of(what, *events, policy=TIERS)).standings[name]
    return found.status.value, found.because


def start_of(actions: tuple[Action, ...]) -> StartWorkstream:
    [start] = actions
    assert isinstance(start, StartWorkstream)
    return start


def end_of(actions: tuple[Action, ...]) -> FinishRun:
    [finish] = actions
    assert isinstance(finish, FinishRun)
    return finish


def gates_of(head: str, iteration: int = 1, cause: str = "1", **statuses: str) -> tuple[Event, ...]:
    everything = {name.value: "passed" for name in GateName} | statuses
    return tuple(
        gate(name, status, head=head, iteration=iteration, cause=cause)
        for name, status in everything.items()
    )


def test_without_a_request_nothing_is_done_and_with_one_a_plan_is_made() -> None:
    assert decide(fold([]), at(0), Accounts()) == ()
    assert decide(fold([requested()]), at(0), Accounts()) == (MakePlan(),)


def test_quota_goes_to_the_next_tier_at_once_and_does_not_count_as_an_attempt() -> None:
    out = finished("a", outcome=OutcomeClass.QUOTA, status="quota", head_sha=None)
    gone = happened.TierExhausted(at=at(60), run=RUN, tier="local", because="429")
    start = start_of(decided(ONE, started("a"), out, gone))
    assert (start.tier.name, start.attempt) == ("other", 2)
    spent = {"local": "429", "other": "429"}
    both = [happened.TierExhausted(at=at(60), run=RUN, tier=t, because=w) for t, w in spent.items()]
    [ask] = decided(ONE, started("a"), out, *both)
    assert isinstance(ask, AskHuman)
    assert "local: 429" in ask.question


def test_a_tier_that_ran_out_gets_another_chance_on_resume_and_can_run_out_again() -> None:
    calls: list[int] = []

    def quota(_: object, number: int) -> Outcome:
        calls.append(number)
        return Outcome(CompletionStatus.QUOTA, OutcomeClass.QUOTA)

    def resumes(state: RunState, turn: int) -> tuple[Event, ...]:
        again = requested(9_000, policy=state.policy, cause=f"resume {turn}")
        return (again,) if turn < 2 else ()

    world = World(attempt=quota, person=resumes)
    played = play(ONE, world, policy=Policy(ladder=ladder(tier("local"))))
    assert max(calls) == 3, "one attempt each time it was asked for, and then a question"
    assert out_at(played.state.outages, played.now) == {"local": "quota"}


@pytest.mark.parametrize(
    ("status", "outcome", "because"),
    [
        pytest.param("failed", "authentication", "refused the key", id="a refused key"),
        pytest.param("failed", "bad_request", "did not understand", id="a bad request"),
        pytest.param("refused", "done", "a rule", id="a rule of ours"),
    ],
)
def test_what_nobody_can_mend_stops_and_cancels_its_dependents(
    status: str, outcome: str, because: str
) -> None:
    out = finished("a", outcome=OutcomeClass(outcome), status=status)
    state, why = standing(PAIR, "a", started("a"), out)
    assert state == "failed"
    assert because in why
    assert standing(PAIR, "b", started("a"), out) == ("cancelled", "needs a, which failed")
    end = end_of(decided(PAIR, started("a"), out))
    assert (end.status, end.because) == (RunStatus.FAILED, "no workstream landed")


def test_a_crash_gets_another_attempt_on_another_tier_from_where_the_work_was() -> None:
    out = finished("a", outcome=OutcomeClass.CRASH, status="failed", error="it crashed")
    start = start_of(decided(ONE, started("a"), out))
    assert (start.attempt, start.tier.name, start.start_from) == (2, "other", sha("a"))


def test_a_success_is_published_once_and_its_dependents_start_after_it_landed() -> None:
    over = (started("a"), finished("a"))
    assert decided(PAIR, *over) == (PublishWorkstream("a", 1, sha("a")),)
    assert start_of(decided(PAIR, *over, landed("a"))).id == "b"


def test_a_conflict_leaves_out_and_cancels_dependents_and_the_rest_is_combined() -> None:
    three = plan(workstream("a"), workstream("b"), workstream("c", needs=["b"]))
    told = (worked("a"), left_out("b", "a"))
    assert standing(three, "b", *told) == ("left_out", "conflicts with a in README.md")
    assert standing(three, "c", *told) == ("cancelled", "needs b, which was left out")
    assert decided(three, *told) == (Integrate(1),)
    end = end_of(decided(three, *told, integrated("a"), gates_of("a")))
    assert end.status is RunStatus.FAILED
    assert end.because == "b left out; c cancelled"


def test_a_lost_lease_hands_the_same_attempt_out_again() -> None:
    assert decided(ONE, started("a"), now=1_400) == ()
    assert start_of(decided(ONE, started("a"), now=1_500)).attempt == 1


def test_the_question_names_the_servers_that_act_outside_and_what_they_may_do() -> None:
    waits = plan(workstream("a", approval=True, title="Read it", mcp=["hub"]))
    policy = Policy(ladder=ladder(), reaching={"hub": "change everything there", "other": "x"})
    state = fold([requested(policy=policy), proposed(waits), accepted(waits)])
    (ask,) = decide(state, at(1), Accounts())
    assert isinstance(ask, AskHuman)
    assert ask.question == (
        "May a start? Read it (its agent gets tools of hub, which may change everything there)"
    )


def test_approval_is_asked_for_once_and_waited_for_and_given() -> None:
    waits = plan(workstream("a", approval=True, title="Drop the table"))
    [ask] = decided(waits)
    assert ask == AskHuman("May a start? Drop the table", "workstream:a", workstream="a")
    question = asked(ask.question, ask.cause, workstream="a")
    assert decided(waits, question) == ()
    assert start_of(decided(waits, question, granted(workstream="a"))).id == "a"
    other = granted(workstream="a", plan_hash="of another plan")
    assert decided(waits, question, other) == ()


def test_a_question_blocks_and_an_answer_goes_on() -> None:
    over = (started("a"), finished("a", status="blocked", questions=["Which port?"]))
    [ask] = decided(ONE, *over)
    assert isinstance(ask, AskHuman)
    assert ask.question == "a asks: Which port?"
    question = asked(ask.question, ask.cause, workstream="a")
    assert decided(ONE, *over, question) == ()
    assert start_of(decided(ONE, *over, question, retried("a", 2, answer="8080"))).attempt == 2


@pytest.mark.parametrize("cause", ["workstream:a", "tier:a.0.1"])
def test_a_question_that_is_open_is_not_put_again_after_a_retry(cause: str) -> None:
    waits = plan(workstream("a", approval=cause.startswith("workstream")))
    told = (asked("?", cause, workstream="a"), retried("a", 1))
    assert decided(waits, *told, policy=Policy()) == ()


def test_a_paid_tier_is_asked_for_and_starts_with_what_was_granted() -> None:
    policy = Policy(ladder=ladder(tier("openai", usd="10")))
    [ask] = decided(ONE, policy=policy)
    assert isinstance(ask, AskHuman)
    assert ask.provider == "openai"
    grant = granted(provider="openai", usd="2")
    assert start_of(decided(ONE, grant, policy=policy)).reserved_usd == 2


def test_money_is_reserved_before_parallel_work_starts_and_comes_back_when_it_was_not_used() -> (
    None
):
    policy = Policy(ladder=ladder(tier("openai", usd="10")))
    two = plan(workstream("a", budget_usd="1.5"), workstream("b", budget_usd="1.5"))
    grant = granted(provider="openai", usd="2")
    first, second = decided(two, grant, policy=policy)
    assert isinstance(first, StartWorkstream)
    assert isinstance(second, StartWorkstream)
    assert (first.reserved_usd, second.reserved_usd) == (Decimal("1.5"), Decimal("0.5"))
    began = started("a", provider="openai", reserved_usd="1.5")
    cheap = finished("a", usage=usage(usd="0.25"))
    told = run_of(two, grant, began, cheap, policy=policy)
    assert cover_left(fold(told), at(99), Accounts()) == {"openai": Decimal("1.75")}
    unknown = finished("a", usage=usage(known=False))
    told = run_of(two, grant, began, unknown, policy=policy)
    assert cover_left(fold(told), at(99), Accounts()) == {"openai": Decimal("0.5")}, (
        "unknown is not nothing"
    )


@pytest.mark.parametrize(
    ("plan_hash", "left"),
    [
        pytest.param(ONE.hash, {"openai": Decimal(4)}, id="of this plan"),
        pytest.param("", {"openai": Decimal(4)}, id="said before there was a plan"),
        pytest.param(PAIR.hash, {}, id="of another plan"),
    ],
)
def test_a_yes_to_money_covers_the_plan_that_it_was_said_of(
    plan_hash: str, left: dict[str, Decimal]
) -> None:
    grant = granted(provider="openai", usd="4", plan_hash=plan_hash)
    policy = Policy(ladder=ladder(tier("openai", usd="10")))
    assert cover_left(fold(run_of(ONE, grant, policy=policy)), at(99), Accounts()) == left
    [action] = decided(ONE, grant, policy=policy)
    assert isinstance(action, StartWorkstream if left else AskHuman)


def test_with_a_shell_engine_only_a_failed_gate_stops_and_says_so() -> None:
    policy = Policy(engine="shell", ladder=ladder(tier()))
    shell = plan(workstream("a", run=["make"]))
    told = (worked("a"), integrated("a"), gates_of("a", tests="failed"))
    end = end_of(decided(shell, *told, policy=policy))
    assert end.status is RunStatus.FAILED
    assert "no engine can mend it" in end.because


def test_a_workstream_without_commands_is_not_handed_to_the_shell() -> None:
    [ask] = decided(ONE, policy=Policy(engine="shell", ladder=ladder(tier())))
    assert isinstance(ask, AskHuman)
    assert "gives no commands" in ask.question


CHECKED = (worked("a"), integrated("a"))


def test_all_gates_are_run_on_the_combined_commit_and_those_that_are_missing_again() -> None:
    assert decided(ONE, *CHECKED) == (RunGates(1, sha("a"), tuple(GateName)),)
    said = gates_of("a")[:2]
    assert decided(ONE, *CHECKED, said) == (
        RunGates(1, sha("a"), (GateName.REVIEW, GateName.DOCS)),
    )
    assert decided(ONE, *CHECKED, gates_of("older"))[0] == RunGates(1, sha("a"), tuple(GateName))


@pytest.mark.parametrize(
    ("statuses", "status", "because"),
    [
        pytest.param({}, "passed", "every gate passed", id="all gates passed"),
        pytest.param(
            {"docs": "off"}, "passed", "every gate that is on passed", id="off is not a failure"
        ),
        pytest.param(
            dict.fromkeys(GateName, "off"), "passed", "no gate is on", id="all off prove nothing"
        ),
        pytest.param(
            {"tests": "not_run"}, "failed", "tests did not run", id="not_run never passes"
        ),
    ],
)
def test_after_the_gates(statuses: dict[str, str], status: str, because: str) -> None:
    end = end_of(decided(ONE, *CHECKED, gates_of("a", **statuses)))
    assert (end.status.value, end.because) == (status, because)


@pytest.mark.parametrize("status", ["failed", "not_run"])
def test_an_override_lets_a_gate_pass(status: str) -> None:
    override = happened.OverrideGranted(
        at=at(90), by="ada", run=RUN, gate=GateName.REVIEW, because="known"
    )
    end = end_of(decided(ONE, *CHECKED, gates_of("a", review=status), override))
    assert (end.status, end.because) == (RunStatus.PASSED, "every gate passed or was overridden")


def failing(head: str, round_: int, message: str) -> tuple[Event, ...]:
    one = gate("tests", "failed", head=head, iteration=round_, findings=[finding(message)])
    return (one, *gates_of(head, round_)[1:])


def mended(number: int, *before: str) -> tuple[Event, ...]:
    """Send the work back, mend and combine it."""
    fix = workstream(f"fix-{number}", kind="fix", files=("a/**",))
    held = integrated(*before, fix.id, iteration=number)
    return (iteration(number, fix), *worked(fix.id), held)


def test_a_failed_gate_starts_a_fix_with_its_findings_that_may_change_the_run_s_files() -> None:
    [start] = decided(ONE, *CHECKED, failing("a", 1, "boom"))
    assert isinstance(start, StartIteration)
    assert (start.iteration, start.fix.id, start.fix.files) == (2, "fix-2", ("a/**",))
    assert "src/api.py:12: medium: boom" in start.fix.goal
    assert start_of(decided(ONE, *CHECKED, failing("a", 1, "x"), iteration(2, start.fix))).id == (
        "fix-2"
    )


def test_a_fix_never_takes_the_name_of_a_workstream_of_the_plan() -> None:
    named = plan(workstream("fix-2"))
    told = (worked("fix-2"), integrated("fix-2"), failing("fix-2", 1, "boom"))
    [start] = decided(named, *told)
    assert isinstance(start, StartIteration)
    assert start.fix.id not in named.by_id


def test_a_fix_may_change_no_more_than_the_workstreams_could() -> None:
    but = plan(workstream("a", files=("src/**", "!src/secret/**")), workstream("b"))
    told = (worked("a"), worked("b"), integrated("a", "b"), failing("a+b", 1, "boom"))
    [start] = decided(but, *told)
    assert isinstance(start, StartIteration)
    assert owned(start.fix.files, ["src/a.py", "src/secret/key.py", "b/x.py"]) == (
        "b/x.py",
        "src/a.py",
    )


def test_the_same_findings_after_a_fix_stop() -> None:
    told = (failing("a", 1, "boom"), mended(2, "a"), failing("a+fix-2", 2, "boom"))
    end = end_of(decided(ONE, *CHECKED, *told))
    assert end.because == "the last fix changed nothing about tests"


def test_a_fix_that_did_not_land_is_named_and_not_blamed_for_what_the_gates_still_say() -> None:
    fix = workstream("fix-2", kind="fix", files=("a/**",))
    gave_up = (started("fix-2"), finished("fix-2", status="refused", error="a rule"))
    told = (failing("a", 1, "boom"), iteration(2, fix), gave_up)
    end = end_of(decided(ONE, *CHECKED, *told))
    assert end.because.startswith("fix-2 could not mend tests")


def test_other_findings_after_a_fix_are_mended_too_but_only_so_many_times() -> None:
    told = (
        *(failing("a", 1, "one"), mended(2, "a"), failing("a+fix-2", 2, "two")),
        *(mended(3, "a", "fix-2"), failing("a+fix-2+fix-3", 3, "three")),
    )
    [second] = decided(ONE, *CHECKED, *told[:3])
    assert isinstance(second, StartIteration)
    end = end_of(decided(ONE, *CHECKED, *told))
    assert (end.status, end.because) == (
        RunStatus.FAILED,
        "tests still failing after 3 iterations",
    )


def test_a_resumed_run_asks_only_the_gates_that_did_not_pass_again() -> None:
    said = gates_of("a", tests="not_run", docs="off")
    over = ended(RunStatus.FAILED, "tests did not run")
    again = requested(200, policy=TIERS, cause="resume 1")
    assert decided(ONE, *CHECKED, said, over) == ()
    assert decided(ONE, *CHECKED, said, over, again=again) == (
        RunGates(1, sha("a"), (GateName.TESTS,)),
    )


def test_gates_that_are_out_are_not_handed_out_twice_but_again_when_nobody_answers() -> None:
    out = gates_started("a", seconds=100, lasts=600)
    assert decided(ONE, *CHECKED, out, now=200) == ()
    assert decided(ONE, *CHECKED, out, now=800) == (RunGates(1, sha("a"), tuple(GateName)),)
    again = requested(200, policy=TIERS, cause="resume 1")
    assert decided(ONE, *CHECKED, out, again=again, now=200) == (
        RunGates(1, sha("a"), tuple(GateName)),
    )


def test_a_gate_that_did_not_run_counts_when_its_job_is_run_again() -> None:
    said = (gates_of("a", tests="not_run"), ended(RunStatus.FAILED, "tests did not run"))
    state = fold(run_of(ONE, *CHECKED, *said, policy=TIERS))
    passed = GateResult(name=GateName.TESTS, status="passed", because="12 passed")
    late = Journal(RUN, at(300)).gate(passed, state, 1, sha("a"))
    assert end_of(decided(ONE, *CHECKED, *said, late)).status is RunStatus.PASSED
    twice = Journal(RUN, at(400)).gate(passed, fold([late], state), 1, sha("a"))
    assert twice.id in fold([late], state).seen, "a second delivery is no news"


def test_a_push_by_a_person_makes_the_gates_run_on_what_was_pushed() -> None:
    over = (gates_of("a", tests="failed"), ended(RunStatus.FAILED, "tests failed"))
    push = pushed("a and more", "a", over=sha("a"))
    assert decided(ONE, *CHECKED, *over, push) == (RunGates(1, sha("a and more"), tuple(GateName)),)


def test_a_run_that_passed_or_was_cancelled_is_not_taken_up_again() -> None:
    again = requested(200, policy=TIERS, cause="resume 1")
    over = (*CHECKED, gates_of("a"), ended(RunStatus.PASSED))
    assert decided(ONE, *over, again=again) == ()


def test_a_run_in_which_nothing_had_to_be_changed_passes_without_gates() -> None:
    review = plan(workstream("a", kind="review"))
    nothing = happened.IntegrationFinished(
        at=at(61), run=RUN, iteration=1, branch="b", head_sha=BASE, included=("a",)
    )
    end = end_of(decided(review, worked("a", head_sha=None), nothing))
    assert (end.status, end.because) == (RunStatus.PASSED, "nothing had to be changed")


def test_work_that_changes_nothing_and_lands_later_is_combined_once() -> None:
    review = workstream("b", kind="review", needs=["a"], approval=True)

    def yes(state: RunState, turn: int) -> tuple[Event, ...]:
        return (granted(700, workstream="b"),) if turn == 0 else ()

    world = World(
        attempt=lambda stream, _: Outcome(changes=not stream.kind.changes_nothing), person=yes
    )
    played = play(plan(workstream("a"), review), world, policy=TIERS)
    assert played.state.status is RunStatus.PASSED


def test_a_retry_of_a_run_that_ended_lets_it_end_again() -> None:
    def retries(state: RunState, turn: int) -> tuple[Event, ...]:
        return (retried("b", 1, seconds=700),) if turn == 0 else ()

    world = World(
        attempt=lambda *_: Outcome(CompletionStatus.REFUSED, OutcomeClass.REFUSED), person=retries
    )
    played = play(PAIR, world, policy=TIERS)
    assert played.state.status is RunStatus.FAILED


CANCEL = happened.RunCancelled(at=at(50), by="ada", run=RUN, because="wrong issue")


def test_a_cancelled_run_hands_nothing_out_and_ends_when_what_runs_has_ended() -> None:
    assert decided(ONE, started("a"), CANCEL) == ()
    end = end_of(decided(ONE, started("a"), finished("a"), CANCEL))
    assert (end.status, end.because) == (RunStatus.CANCELLED, "wrong issue")
    lost = decided(ONE, started("a"), CANCEL, now=9_000)
    assert end_of(lost).status is RunStatus.CANCELLED, "nobody works on it any more"
    told = fold(run_of(ONE, started("a"), CANCEL, ended(RunStatus.CANCELLED)))
    assert told.standings["a"].status is WorkstreamStatus.CANCELLED


def test_a_run_that_is_cancelled_before_it_has_a_plan_ends() -> None:
    end = end_of(decide(fold([requested(), CANCEL]), at(60), Accounts()))
    assert end.status is RunStatus.CANCELLED


def test_a_plan_that_was_not_accepted_is_not_run() -> None:
    told = (requested(), proposed(ONE), accepted(PAIR))
    assert fold(told).plan is None


@pytest.mark.parametrize(
    ("of_the_plan", "asked_for", "left"),
    [
        pytest.param("0", None, "4", id="a plan's 0 says no more than that money needs a yes"),
        pytest.param(None, "0", "0", id="who asks to spend nothing spends nothing"),
        pytest.param("3", "1.5", "1.5", id="the smaller of two budgets holds"),
        pytest.param("3", None, "3", id="a plan's own budget holds"),
    ],
)
def test_a_budget_bounds_what_was_approved(
    of_the_plan: str | None, asked_for: str | None, left: str
) -> None:
    one = plan(workstream("a"), limits={"budget_usd": of_the_plan})
    policy = Policy(budget_usd=asked_for and Decimal(asked_for))
    told = run_of(one, granted(provider="openai", usd="4"), policy=policy)
    assert cover_left(fold(told), at(99), Accounts()) == {"openai": Decimal(left)}


def test_a_monthly_cap_bounds_what_was_approved_and_is_named_when_a_person_is_asked() -> None:
    steps = ladder(tier("openai", usd="10"))
    policy = Policy(ladder=steps, month_caps={"openai": Decimal(20)})
    grant = granted(provider="openai", usd="4")
    nearly = Accounts({"openai": Decimal("19.5")})
    assert start_of(decided(ONE, grant, policy=policy, accounts=nearly)).reserved_usd == Decimal(
        "0.5"
    )
    [ask] = decided(ONE, grant, policy=policy, accounts=Accounts({"openai": Decimal(20)}))
    assert isinstance(ask, AskHuman)
    assert "monthly cap for openai" in ask.question


def test_a_budget_is_one_purse_for_all_providers() -> None:
    steps = ladder(tier("openai", usd="10"), tier("groq", usd="10"))
    policy = Policy(ladder=steps, budget_usd=Decimal(1))
    two = plan(workstream("a", budget_usd="0.75"), workstream("b", budget_usd="0.75"))
    grants = (granted(provider="openai", usd="4"), granted(provider="groq", usd="4"))
    starts = [a for a in decided(two, *grants, policy=policy) if isinstance(a, StartWorkstream)]
    assert sum(start.reserved_usd for start in starts) == 1


def test_what_one_provider_is_paid_takes_nothing_from_another_that_the_budget_leaves() -> None:
    steps = ladder(tier("openai", usd="10", engine="codex"), tier("groq", usd="10"))
    policy = Policy(ladder=steps, budget_usd=Decimal(100))
    two = plan(workstream("a", engine="codex"), workstream("b", engine="builtin"))
    grants = (granted(provider="openai", usd="5"), granted(provider="groq", usd="2"))
    actions = decided(two, *grants, policy=policy)
    assert [getattr(action, "reserved_usd", action) for action in actions] == [5, 2]


def test_nobody_is_asked_for_money_that_a_running_attempt_may_give_back() -> None:
    policy = Policy(ladder=ladder(tier("openai", usd="10")))
    two = plan(workstream("a"), workstream("b"))
    began = started("a", provider="openai", tier="openai", reserved_usd="2")
    assert decided(two, granted(provider="openai", usd="2"), began, policy=policy) == ()


def test_nobody_is_asked_while_the_budget_is_held_by_what_another_provider_is_paid_for() -> None:
    steps = ladder(tier("openai", usd="10", engine="codex"), tier("groq", usd="10"))
    policy = Policy(ladder=steps, budget_usd=Decimal(1))
    two = plan(workstream("a", engine="codex"), workstream("b", engine="builtin"))
    grants = (granted(provider="openai", usd="4"), granted(provider="groq", usd="4"))
    assert start_of(decided(two, *grants, policy=policy)).id == "a"
    began = started("a", provider="openai", tier="openai", reserved_usd="1")
    assert decided(two, *grants, began, policy=policy) == ()


def test_money_that_is_enough_for_one_at_a_time_is_not_cut_into_parts_that_serve_nobody() -> None:
    policy = Policy(ladder=ladder(tier("openai", usd="100", max_output_tokens=10_000)))
    three = plan(workstream("a"), workstream("b"), workstream("c"))
    assert shares(three, "2.50", policy) == {"a": 1, "b": 1}  # an answer may cost $1
    assert shares(three, "6", policy) == {"a": 2, "b": 2, "c": 2}


def test_of_money_that_is_too_little_for_an_answer_a_person_is_told_and_asked_for_enough() -> None:
    policy = Policy(ladder=ladder(tier("openai", usd="100", max_output_tokens=10_000)))
    little = granted(provider="openai", usd="0.99")
    [ask] = decided(ONE, little, policy=policy)
    assert isinstance(ask, AskHuman)
    assert "the $0.9900 that are left are less than an answer may cost ($1.0000)" in ask.question
    put = asked(ask.question, ask.cause, workstream="a", provider="openai")
    assert isinstance(put, happened.ApprovalRequested)
    assert proposed_usd(fold(run_of(ONE, little, put, policy=policy)), put) == 3


def test_gates_that_say_the_same_of_another_commit_are_not_its_results() -> None:
    results = fold(run_of(ONE, *CHECKED, gates_of("other"))).results
    assert results == {}
    passed = fold(run_of(ONE, *CHECKED, gates_of("a"))).results
    assert all(isinstance(result, GateResult) for result in passed.values())
    assert len(passed) == len(GateName)


PAYS = Policy(ladder=ladder(tier("openai", usd="10")))


def shares(what: Plan, usd: str, policy: Policy = PAYS) -> dict[str, Decimal]:
    actions = decided(what, granted(provider="openai", usd=usd), policy=policy)
    return {a.id: a.reserved_usd for a in actions if isinstance(a, StartWorkstream)}


@pytest.mark.parametrize(
    ("budgets", "shared"),
    [
        pytest.param(("0", "0", "0"), ("1", "1", "1"), id="equal shares"),
        pytest.param(("1.5", "0", "0"), ("1.5", "0.75", "0.75"), id="a budget, and two shares"),
        pytest.param(("0", "0", "2"), ("0.5", "0.5", "2"), id="the budget of one that comes later"),
        pytest.param(("2", "2", "0"), ("2", "1"), id="budgets that promise more than there is"),
    ],
)
def test_those_that_could_run_at_once_share_what_is_left(
    budgets: tuple[str, ...], shared: tuple[str, ...]
) -> None:
    names = [workstream(n, budget_usd=usd) for n, usd in zip("abc", budgets, strict=True)]
    assert tuple(shares(plan(*names), "3").values()) == tuple(map(Decimal, shared))


def test_a_part_is_kept_to_deliver_what_is_done_and_fixes_alone_may_spend_it() -> None:
    policy = PAYS.model_copy(update={"delivery_percent": 10})
    assert shares(ONE, "2", policy) == {"a": Decimal("1.8")}
    spent = (
        granted(provider="openai", usd="2"),
        started("a", tier="openai", provider="openai", reserved_usd="1.8"),
        finished("a", tier="openai", status="failed", usage=usage(usd="1.8")),
    )
    [ask] = decided(ONE, *spent, policy=policy)
    assert isinstance(ask, AskHuman)
    assert "the $0.2000 that are left are kept to deliver what is done" in ask.question
    mends = iteration(2, workstream("fix-2", kind="fix"))
    told = (*spent, landed("a"), integrated("a"), gates_of("a", tests="failed"), mends)
    assert start_of(decided(ONE, *told, policy=policy)).reserved_usd == Decimal("0.2")


def test_a_yes_covers_nothing_once_its_time_is_over_and_a_later_one_is_whole() -> None:
    ends = granted(5, provider="openai", usd="2", until=at(50))
    assert start_of(decided(ONE, ends, policy=PAYS, now=49)).reserved_usd == 2
    [ask] = decided(ONE, ends, policy=PAYS, now=50)
    assert isinstance(ask, AskHuman)
    over = (started("a", 10, tier="openai", provider="openai", reserved_usd="2"),)
    over += (finished("a", 10, status="failed", tier="openai", usage=usage(usd="1.5")),)
    yes = granted(60, provider="openai", usd="3", cause="again")
    told = fold(run_of(ONE, ends, *over, yes, policy=PAYS))
    assert cover_left(told, at(70), EMPTY) == {"openai": 3}, "what it took was of the first"
    assert [one.used_usd for one in approvals(told)] == [Decimal("1.5"), 0]
