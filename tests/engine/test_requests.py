"""How many requests the engine takes with GitHub, counted by the double."""

import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import mean

import pytest

from bench.prose import Writer
from memory_sync.engine import push
from memory_sync.errors import RepositoryOpenedError
from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.token import Token
from tests.engine.devices import Device, settle
from tests.engine.hosted import hosted
from tests.hub import Hub

Pair = tuple[Device, Device]


@pytest.fixture
def pair(tmp_path: Path, hub: Hub) -> Iterator[Pair]:
    """Give two devices on one vault on GitHub, both at rest."""
    with hosted(hub, tmp_path, "one", "two") as (one, two):
        two.join(one.found())
        one.write("MEMORY.md", "start\n")
        settle(one, two)
        yield one, two


def _asked(hub: Hub, action: Callable[[], object]) -> list[str]:
    before = len(hub.requests)
    action()
    return [
        f"{done.method} {(done.path.split('/')[4:] or ['repository'])[0]}"
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


def test_a_look_that_is_due_goes_before_a_push(pair: Pair, hub: Hub) -> None:
    """Once in ten minutes one request more; nothing goes up to a repository that is public."""
    one, _ = pair
    asked = []
    for number, seconds in enumerate((0, 601, 1)):
        one.clock.ahead += seconds
        one.write("MEMORY.md", f"{number}\n")
        asked.append(_asked(hub, lambda: one.engine.cycle(fetch=False)))
    assert asked == [["mutation"], ["GET repository", "mutation"], ["mutation"]]
    hub.repo("ada/vault").private = False
    one.clock.ahead += 601
    one.write("MEMORY.md", "secret\n")
    before = len(hub.requests)
    with pytest.raises(RepositoryOpenedError):
        one.engine.cycle(fetch=False)
    assert "mutation" not in [done.kind for done in hub.requests[before:]]


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


@pytest.mark.parametrize(("files", "others", "queries"), [(101, 0, 2), (250, 0, 3), (310, 350, 4)])
def test_above_a_hundred_files_the_batches_grow_as_their_number(
    pair: Pair, hub: Hub, files: int, others: int, queries: int
) -> None:
    """One query for each hundred; over 300 files the tree is read besides.

    So many are asked for singly only where a vault has still more that did not change.
    """
    one, two = pair
    for number in range(others):
        one.write(f"memory/old-{number}.md", f"{number}\n")
    settle(one, two)
    for number in range(files):
        one.write(f"memory/{number}.md", f"{number}\n")
    one.sync()
    listed = ["GET git"] if files >= 300 else []
    assert _asked(hub, lambda: two.engine.cycle(look=False)) == [
        "GET commits", "GET compare", *listed, *["query"] * queries,
    ]  # fmt: skip


def test_a_new_device_with_ten_thousand_files_takes_five_requests(
    pair: Pair, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest commits, the tree, the link to the archive, the archive, and the repository."""
    one, _ = pair
    for number in range(10_000):
        one.write(f"memory/{number % 50}/{number}.md", f"{number}\n")
    # How they got there does not matter here: in one commit, without a network.
    monkeypatch.setattr(push, "BATCH_BLOBS", 20_000)
    one.remote.inner = FolderRemote(f"file://{hub.path_of_repo(0)}")
    one.engine.cycle(fetch=False)
    trust = one.keystore.trust("v")
    identity = one.keystore.find(trust.recipient) if trust else None
    assert identity
    remote = GitHubRemote("ada/vault", Token(hub.add_token("ada"), "a test"), hub.base_url, 60.0)
    with closing(remote):
        three = Device(tmp_path, "three", remote)
        three.join(identity)
        remote.close()
        assert _asked(hub, three.sync) == [
            "GET commits", "GET git", "GET tarball", "codeload", "GET repository",
        ]  # fmt: skip
        assert len(three.files()) == 10_001
        three.restart()


def test_the_parts_of_one_large_object_land_at_once(pair: Pair, hub: Hub) -> None:
    """What may not be split goes up in slices of a tree, and the branch moves once."""
    one, two = pair
    for device in pair:
        device.max_size = 64 * 1024 * 1024
        device.restart()
    settle(*pair)
    one.write("MEMORY.md", b64encode(random.Random(4).randbytes(9_000_000)))
    asked = _asked(hub, lambda: one.engine.cycle(fetch=False))
    slices = ["POST git"] * 4
    assert asked == ["GET commits", *slices, "POST git", "PATCH git"]
    settle(*pair)
    assert one.files() == two.files()


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


def test_an_append_to_a_megabyte_of_prose_sends_a_few_kilobytes(pair: Pair, hub: Hub) -> None:
    """Over a hundred appends at most 13 KB on average and 28 KB ever, of what lies in the vault.

    GraphQL takes it in base64, so that on the wire it is a third more.
    """
    one, _ = pair
    one.max_size = 10 * 1024 * 1024
    one.restart()
    writer = Writer()
    text = writer.lines(1_000_000)
    one.write("MEMORY.md", text)
    settle(*pair)
    hub.limits.secondary = False
    sent, wire = [], []
    for _ in range(100):
        text += writer.lines(300)
        one.write("MEMORY.md", text)
        assert _asked(hub, lambda: sent.append(one.engine.cycle(fetch=False).sent)) == ["mutation"]
        wire.append(hub.requests[-1].sent_bytes)
    assert mean(sent) <= 13_000
    assert max(sent) <= 28_000
    assert max(wire) <= 28_000
    assert mean(wire) <= 13_000 * 4 / 3 + 1000
