"""What a person sees of long work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from memory_sync.app.context import load_context
from memory_sync.app.sync import Wish, sync
from memory_sync.cli.words import far
from memory_sync.model import Step
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.pace import Paces, Rates
from tests.cli.person import QUICK, Person
from tests.cli.terminal import terminal
from tests.hub import Hub, faults
from tests.hub.faults import Fault

REMOTE = "github:ada/notes"


@pytest.fixture
def online(ada: Person, hub: Hub, tmp_path: Path) -> Person:
    """Return a machine with a vault on the hub, whose uploads are slow."""
    ada.configure(f'{QUICK}[github]\nbase_url = "{hub.base_url}"\n')
    ada.env["GITHUB_TOKEN"] = hub.add_user("ada")
    assert ada.types("init", str(ada.agent), "--remote", REMOTE, "--yes").status == 0
    for number in range(350):
        ada.write(f"memory/{number}.md", f"{number}\n")
    hub.faults.add(Fault("/graphql", faults.delay(1.2), times=None))
    return ada


def test_a_long_upload_shows_a_bar_and_how_long_it_takes(online: Person) -> None:
    """On a terminal, after a second: how many of how many, and about how long."""
    with terminal("push", env=online.env) as screen:
        screen.expect("of 350 files up, about ")
        assert screen.ends() == 0
    assert "notes: 350 up" in screen.shown


def test_a_pipe_gets_no_bar(online: Person) -> None:
    """Where nobody watches there is only the answer."""
    ran = online.types("push")
    assert ran.err == ""
    assert ran.out.startswith("notes: 350 up")


def test_the_daemons_progress_is_shown_as_well(online: Person) -> None:
    """`now` shows how far the daemon is, and so does `status`."""
    with online.daemon():
        with terminal("now", env=online.env) as screen:
            screen.expect("of 350 files up")
            row = online.types("status", "--json").answer["data"]["vaults"][0]
            assert row["progress"]["total"] == 350
            assert "of 350 files up" in online.types("status").out
            assert screen.ends() == 0
        assert online.types("status", "--json").answer["data"]["vaults"][0]["progress"] is None


class Hasty(SystemClock):
    """A clock that only jumps where others sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds


def test_a_command_waits_for_what_github_takes_later(online: Person, hub: Hub) -> None:
    """All of it goes up in one command, which tells how long it waits; nothing is refused."""
    hub.faults.clear()
    clock = Hasty()
    rates = Rates(minute=2, burst=2)
    context = replace(load_context(online.env), clock=clock, paces=Paces(clock, rates))
    told: list[Step] = []
    row = sync(context, context.vaults(), Wish(down=False), told.append)["notes"]
    assert (len(row["up"]), row["pending"], row["resume"]) == (350, 0, 0.0)
    assert row["sent"] > 350 * 200
    waits = [step.seconds or 0 for step in told if step.way == "wait"]
    assert 50 < max(waits) <= 60
    assert clock.ahead > 50
    assert 403 not in [done.status for done in hub.requests]


def test_i40_i74_a_race_that_is_always_lost_comes_to_an_end(online: Person, hub: Hub) -> None:
    """Where the head is said to have moved for ever, a command gives up and says so."""
    hub.faults.clear()
    hub.faults.add(Fault("/graphql", faults.stale_data, times=None, body="mutation"))
    clock = Hasty()
    context = replace(load_context(online.env), clock=clock, paces=Paces(clock))
    row = sync(context, context.vaults(), Wish())["notes"]
    told = [row["error"]] if "error" in row else row["problems"]
    assert [problem["code"] for problem in told] == ["race-lost"]
    assert len([done for done in hub.requests if done.kind == "mutation"]) < 40
    hub.faults.clear()
    assert online.types("now").out.startswith("notes: 350 up")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step("up", 0, 1), "0 of 1 file up"),
        (Step("up", 100, 350, 12.4), "100 of 350 files up, about 12 s left"),
        (Step("down", 350, 350, 0.0), "350 of 350 files down"),
        (Step("wait", 0, 0, 1900.0), "the remote takes more in 31 min"),
    ],
)
def test_progress_in_words(step: Step, words: str) -> None:
    """Numbers first, then a guess, none where nothing is known or left."""
    assert far(step) == words
