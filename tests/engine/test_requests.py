"""How many requests the engine takes with GitHub, counted by the double."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.token import Token
from tests.engine.devices import Device, settle
from tests.hub import Hub

Pair = tuple[Device, Device]


@pytest.fixture
def pair(tmp_path: Path, hub: Hub) -> Iterator[Pair]:
    """Give two devices on one vault on GitHub, both at rest."""
    token = Token(hub.add_user("ada"), "a test")
    with ExitStack() as clients:

        def connect() -> GitHubRemote:
            made = GitHubRemote("ada/vault", token, hub.base_url, timeout=10.0)
            return clients.enter_context(closing(made))

        one, two = Device(tmp_path, "one", connect()), Device(tmp_path, "two", connect())
        two.join(one.found())
        one.write("MEMORY.md", "start\n")
        settle(one, two)
        yield one, two
        for device in (one, two):
            device.restart()


def _asked(hub: Hub, action: Callable[[], object]) -> list[str]:
    before = len(hub.requests)
    action()
    return [
        f"{done.method} {done.path.removeprefix('/repos/ada/vault').split('/')[1]}"
        if done.kind == "rest"
        else done.kind
        for done in hub.requests[before:]
    ]


def test_an_idle_poll_is_one_request_that_costs_nothing(pair: Pair, hub: Hub) -> None:
    """One conditional request, answered 304."""
    one, _ = pair
    assert _asked(hub, lambda: one.engine.cycle(look=False)) == ["GET commits"]
    assert hub.requests[-1].status == 304


def test_i47_a_batch_of_a_hundred_files_is_one_request(pair: Pair, hub: Hub) -> None:
    """A local change is committed without asking first; a hundred files are one batch."""
    one, _ = pair
    for number in range(100):
        one.write(f"memory/{number}.md", f"{number}\n")
    assert _asked(hub, lambda: one.engine.cycle(fetch=False)) == ["mutation"]


def test_pulling_up_to_a_hundred_files_is_two_requests_after_the_poll(pair: Pair, hub: Hub) -> None:
    """Compare, and one query for all the blobs."""
    one, two = pair
    for number in range(100):
        one.write(f"memory/{number}.md", f"{number}\n")
    one.sync()
    assert _asked(hub, lambda: two.engine.cycle(look=False)) == [
        "GET commits", "GET compare", "query",
    ]  # fmt: skip
    assert len(two.files()) == 101


def test_a_first_upload_of_a_thousand_files_takes_at_most_twelve_writes(
    pair: Pair, hub: Hub
) -> None:
    """Ten batches of a hundred, each a whole vault."""
    one, _ = pair
    for number in range(1000):
        one.write(f"memory/{number}.md", f"{number} ".ljust(4096, "x"))
    asked = _asked(hub, lambda: one.engine.cycle(fetch=False))
    assert set(asked) == {"mutation"}
    assert len(asked) <= 12


def test_a_merge_takes_one_query_more_for_the_base(pair: Pair, hub: Hub) -> None:
    """What was last the same is fetched by its blob ids, which the history still holds."""
    one, two = pair
    one.write("MEMORY.md", "start\none\n")
    one.sync()
    two.write("MEMORY.md", "start\ntwo\n")
    assert _asked(hub, two.sync) == ["GET commits", "GET compare", "query", "query", "mutation"]
    settle(one, two)
    assert one.read("MEMORY.md") == two.read("MEMORY.md") == "start\none\ntwo\n"
