"""Many devices and many vaults with one token: small plays of what `scripts/crowd` shows large."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from graphql import GraphQLSchema

from tests.crowd import scenarios
from tests.crowd.play import Figures
from tests.crowd.referee import Referee
from tests.crowd.report import ROWS, table
from tests.crowd.stage import Actor, Stage
from tests.hub.wire import Request

SEED = 1


def _holds(told: Figures) -> None:
    """Hold a play against what each must show; that all agree it has seen to itself."""
    assert told.refused == {"primary": 0, "secondary": 0}
    assert all(highest <= most for highest, most in told.limits.values()), told.limits
    assert told.races == 0
    assert not [name for name in told.others if name.startswith(("error", "problem"))]


def test_a_quiet_crowd_uses_nothing_of_the_hour_and_does_not_ask_in_step(
    github_schema: GraphQLSchema,
) -> None:
    """Devices that began at one moment ask at many different ones soon; each poll is free."""
    told = scenarios.quiet(github_schema, SEED, devices=20, seconds=900)
    _holds(told)
    assert told.requests["free"] > 20 * 55
    joining = 20 * 8
    assert told.requests["rest"] + told.requests["query"] < joining
    assert told.busiest < 10


@pytest.mark.parametrize("log", [False, True], ids=["own files", "one log"])
def test_all_that_save_at_once_come_to_their_turn(github_schema: GraphQLSchema, log: bool) -> None:
    """Twelve edits within ten seconds: hardly more lost races than commits, none is left behind."""
    told = scenarios.burst(github_schema, SEED, devices=12, seconds=600, log=log)
    _holds(told)
    assert told.edits == 12
    assert told.lost <= 2 * told.edits
    assert told.worst < 300
    assert told.unfair < 5


def test_two_that_save_at_once_hardly_wait(github_schema: GraphQLSchema) -> None:
    """Two devices are no crowd: both edits are everywhere after debounce and a poll."""
    told = scenarios.burst(github_schema, SEED, devices=2, seconds=300)
    _holds(told)
    assert told.worst < 2 + 10 + 15 * 1.1
    assert told.lost <= 1


def test_requests_that_come_to_their_end_slow_everybody_down(
    github_schema: GraphQLSchema,
) -> None:
    """With a tenth of GitHub's hour all wait longer, nobody is refused, and all come to rest."""
    told = scenarios.busy(github_schema, SEED, devices=6, seconds=1800, allowed=400)
    _holds(told)
    assert told.others["stretched"] > 100
    assert told.left["core"] > 0
    assert told.edits == 6 * 14
    assert told.unfair < 3


def test_an_upload_lets_the_other_vaults_through(github_schema: GraphQLSchema) -> None:
    """Three vaults in one daemon: while one takes a thousand new files the others are as quick."""
    told = scenarios.vaults(github_schema, SEED, count=3, files=1000, seconds=600)
    _holds(told)
    assert told.upload
    assert told.worst < 120
    assert told.unfair < 3


def test_a_play_is_the_same_each_time(github_schema: GraphQLSchema) -> None:
    """All chance comes from the seed: the same requests at the same times."""
    one, other = (scenarios.burst(github_schema, seed, devices=4, seconds=200) for seed in (7, 7))
    assert one == other
    assert one != scenarios.burst(github_schema, 8, devices=4, seconds=200)


@pytest.fixture
def stage() -> Stage:
    """Give an empty stage."""
    return Stage()


def test_one_actor_moves_at_a_time_in_the_order_of_time(stage: Stage) -> None:
    """Who waits lets others move, and each finds the clock where it wanted to be."""
    seen: list[tuple[str, float]] = []

    def play(name: str, pause: float) -> Callable[[Actor], None]:
        def act(actor: Actor) -> None:
            for _ in range(3):
                actor.sleep(pause)
                seen.append((name, stage.time))

        return act

    stage.enter(0.0, play("slow", 2.0))
    stage.enter(0.5, play("quick", 1.0))
    stage.run(100.0)
    assert stage.time == 100.0
    assert seen == [
        ("quick", 1.5), ("slow", 2.0), ("quick", 2.5), ("quick", 3.5), ("slow", 4.0), ("slow", 6.0)
    ]  # fmt: skip


def test_what_an_actor_raises_ends_the_play(stage: Stage) -> None:
    """A fault in one thread is no silence: it is raised where the play was begun."""

    def act(actor: Actor) -> None:
        actor.sleep(1.0)
        raise ZeroDivisionError

    waiting = stage.enter(0.0, lambda actor: actor.sleep(50.0))
    stage.enter(0.0, act)
    with pytest.raises(ZeroDivisionError):
        stage.run(100.0)
    assert not waiting.thread.is_alive()


def _mutation() -> Request:
    return Request("POST", "/graphql", {}, {}, b'{"query": "mutation M { x }"}')


@pytest.mark.parametrize(
    ("request_", "gap", "most", "name"),
    [
        (_mutation(), 0.0, 80, "writes a minute"),
        (_mutation(), 1.0, 500, "writes an hour"),
        (Request("GET", "/user", {}, {}, b""), 0.0, 900, "REST points a minute"),
        (Request("POST", "/graphql", {}, {}, b"{}"), 0.0, 2000, "GraphQL points a minute"),
    ],
    ids=["minute", "hour", "rest", "graphql"],
)
def test_the_referee_refuses_what_is_one_too_many(
    request_: Request, gap: float, most: int, name: str
) -> None:
    """Each limit lets as many through as GitHub says, and not one more."""
    referee = Referee()
    answers = [referee.judge(request_, number * gap) for number in range(most + 1)]
    assert answers[:most] == [None] * most
    refusal = answers[most]
    assert refusal is not None
    assert refusal.headers["Retry-After"] == "60"
    assert referee.refused == {name: 1}


def test_the_referee_counts_what_is_under_way_at_once() -> None:
    """A hundred requests may wait for their answers, and not one more."""
    referee = Referee()
    for _ in range(100):
        referee.began()
    question = Request("GET", "/user", {}, {}, b"")
    assert referee.judge(question, 0.0) is None
    referee.began()
    assert referee.judge(question, 1.0) is not None


def test_the_table_has_a_row_for_each_figure(github_schema: GraphQLSchema) -> None:
    """The table is Markdown with a column for each scenario."""
    told = scenarios.quiet(github_schema, SEED, devices=1, seconds=130)
    lines = table({"one": told, "other": told}).splitlines()
    assert len(lines) == len(ROWS) + 2
    assert {line.count("|") for line in lines} == {4}
