"""A key goes through the vault to another device; who has only the repository gets none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from memory_sync.engine.pairing import MOST, PATIENCE, Host, Joiner, Porch
from memory_sync.errors import (
    AnswerForeignError,
    MemorySyncError,
    OfflineError,
    RaceLostError,
    RequestExpiredError,
    RequestGoneError,
    RequestsCrowdedError,
)
from memory_sync.model.remote import Change
from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.visits import Visits
from memory_sync.vault.keys import generate_identity
from memory_sync.vault.manifest import Manifest
from memory_sync.vault.pairing import Request, dump_answer, dump_request, request_path
from tests.engine.devices import Clock, Device, Meddler, settle
from tests.engine.test_trust import git, tamper


@dataclass
class Doorway:
    """A vault with a device that has the key, and ways to ask it for the key."""

    vault: Path
    home: Path
    device: Device

    def __post_init__(self) -> None:
        trust = self.device.keystore.trust("v")
        assert trust
        identity = self.device.keystore.find(trust.recipient)
        assert identity
        self.trust, self.identity, self.clock = trust, identity, Clock()
        self.remote = self.connect()

    def connect(self) -> Meddler:
        return Meddler(FolderRemote(f"file://{self.vault}"))

    def host(self) -> Host:
        """Begin `pair`, as a new process does."""
        visits = Visits(self.home, self.clock)
        porch = Porch("v", self.remote, self.clock)
        return Host(porch, visits, self.identity, self.trust.vault_id)

    def joiner(self, remote: Meddler | None = None) -> Joiner:
        """Begin `join` on a new machine, which reads the vault's id and recipient."""
        porch = Porch("v", remote or self.connect(), Clock())
        return Joiner(porch, self.trust.vault_id, self.trust.recipient)

    def files(self) -> dict[str, bytes]:
        """Return what lies in `pairing/`."""
        names = git(self.vault, "ls-tree", "-r", "--name-only", "main", "pairing/").split()
        return {name: git(self.vault, "cat-file", "-p", f"main:{name}").encode() for name in names}

    def plant(self, files: Mapping[str, bytes | None]) -> None:
        """Commit something, as whoever has the token can."""
        tamper(self.vault, dict(files))

    def plants_request(self, device: str = "evil") -> str:
        """Ask for the key as a stranger, in the right form; returns the request's path."""
        request = Request(generate_identity().recipient, device)
        path = request_path(request.id)
        self.plant({path: dump_request(request, self.trust.recipient)})
        return path


@pytest.fixture
def door(laptop: Device, vault: Path, tmp_path: Path) -> Doorway:
    """Give the vault's door, with one memory behind it."""
    laptop.write("MEMORY.md", "one\n")
    laptop.sync()
    return Doorway(vault, tmp_path / "state", laptop)


def test_a_device_gets_the_key_and_nothing_stays_behind(door: Doorway) -> None:
    """Both sides compute the same words; afterwards neither request nor answer is there."""
    joiner = door.joiner()
    joiner.ask("desktop")
    [visitor] = door.host().visitors()
    assert visitor.words == joiner.words
    assert visitor.request.device == "desktop"
    door.host().answer(visitor)
    assert [name[-7:] for name in door.files()] == [".answer"]
    assert joiner.wait() == door.identity
    joiner.withdraw()
    assert door.files() == {}
    assert door.host().visitors() == []


def test_i53_what_travels_is_closed(door: Doorway) -> None:
    """Neither the key, nor the one-time key, the words or the device's name lie in the history."""
    joiner = door.joiner()
    joiner.ask("desktop")
    [visitor] = door.host().visitors()
    door.host().answer(visitor)
    joiner.wait()
    joiner.withdraw()
    everything = git(door.vault, "log", "-p", "--format=%B %an %ae %cn")
    secrets = (*door.identity.secrets, *joiner._one_time.secrets, joiner.words, "desktop")
    assert visitor.request.recipient in everything
    assert not [word for word in secrets if word in everything]
    assert joiner._one_time.secrets[0] not in repr(joiner)


def test_requests_never_halt_a_vault(door: Doorway, desktop: Device, laptop: Device) -> None:
    """Devices go on while requests come and go, also one that lags behind all of it."""
    settle(laptop, desktop)
    joiner = door.joiner()
    joiner.ask("third")
    assert not laptop.sync().halts
    laptop.write("MEMORY.md", "one\ntwo\n")
    assert laptop.sync().up
    [visitor] = door.host().visitors()
    laptop.write("memory/more.md", "more\n")
    assert laptop.sync().up
    door.host().answer(visitor)
    joiner.wait()
    joiner.withdraw()
    door.plants_request()
    outcome = desktop.sync()
    assert not outcome.halts
    assert desktop.read("MEMORY.md") == "one\ntwo\n"
    desktop.write("memory/back.md", "back\n")
    assert desktop.sync().up
    settle(laptop, desktop)
    assert laptop.read("memory/back.md") == "back\n"


def test_a_sealed_commit_keeps_what_lies_in_the_folder(door: Doorway, laptop: Device) -> None:
    """A push in between takes a request along: it is there afterwards, and can be answered."""
    joiner = door.joiner()
    joiner.ask("desktop")
    [visitor] = door.host().visitors()
    for text in ("two\n", "three\n"):
        laptop.write("MEMORY.md", text)
        laptop.sync()
    door.host().answer(visitor)
    assert joiner.wait() == door.identity


# --- time and use -------------------------------------------------------------------------------


def test_a_request_is_good_for_a_quarter_of_an_hour(door: Doorway) -> None:
    """After 15 minutes by the own clock it is not shown any more, and taken out of the vault."""
    door.joiner().ask("desktop")
    [_] = door.host().visitors()
    door.clock.ahead += PATIENCE - 5
    [_] = door.host().visitors()
    door.clock.ahead += 6
    assert door.host().visitors() == []
    assert door.files() == {}


def test_who_thinks_too_long_gives_nothing(door: Doorway) -> None:
    """The time also runs while the question stands on the screen."""
    door.joiner().ask("desktop")
    host = door.host()
    [visitor] = host.visitors()
    door.clock.ahead += PATIENCE + 1
    with pytest.raises(RequestExpiredError):
        host.answer(visitor)
    assert door.files() == {}


def test_i68_a_clock_that_was_turned_back_ends_a_request(door: Doorway) -> None:
    """A request that was first seen in the future is over."""
    door.joiner().ask("desktop")
    [_] = door.host().visitors()
    door.clock.ahead -= 3600
    assert door.host().visitors() == []


def test_the_clock_of_the_repository_is_not_believed(door: Doorway) -> None:
    """A commit of the year 2023 brings a request that is new here; it counts from now on."""
    door.plants_request("old")
    assert "2023" in git(door.vault, "log", "-1", "--format=%ci")
    [visitor] = door.host().visitors()
    assert visitor.request.device == "old"


def test_a_request_is_good_for_one_answer(door: Doorway) -> None:
    """The same request, put there again by somebody, is answered no second time."""
    joiner = door.joiner()
    joiner.ask("desktop")
    [again] = door.files().items()
    host = door.host()
    [visitor] = host.visitors()
    host.answer(visitor)
    door.plant(dict([again]))
    assert door.host().visitors() == []
    with pytest.raises(RequestExpiredError):
        host.answer(visitor)
    assert joiner.wait() == door.identity


def test_a_refused_request_is_gone(door: Doorway) -> None:
    """Refused, it is taken away, and refused if it comes again; its device is told."""
    joiner = door.joiner()
    joiner.ask("desktop")
    [again] = door.files().items()
    door.host().refuse(door.host().visitors())
    assert door.files() == {}
    with pytest.raises(RequestGoneError):
        joiner.wait()
    door.plant(dict([again]))
    assert door.host().visitors() == []


def test_an_answer_that_nobody_takes_is_taken_away(door: Doorway) -> None:
    """It stays for 15 minutes, and the next `pair` after that removes it."""
    door.joiner().ask("desktop")
    [visitor] = door.host().visitors()
    door.host().answer(visitor)
    door.host().visitors()
    assert len(door.files()) == 1
    door.clock.ahead += PATIENCE + 1
    door.host().visitors()
    assert door.files() == {}


def test_a_device_waits_for_a_quarter_of_an_hour(door: Doorway) -> None:
    """Nobody answers: it ends by itself, and takes its request back."""
    joiner = door.joiner()
    joiner.ask("desktop")
    with pytest.raises(RequestExpiredError):
        joiner.wait()
    assert joiner._porch.clock.monotonic() - Clock().monotonic() >= PATIENCE - 1
    joiner.withdraw()
    assert door.files() == {}


def test_a_withdrawn_request_is_not_answered(door: Doorway) -> None:
    """The other machine has given up: no key goes up for nobody."""
    joiner = door.joiner()
    joiner.ask("desktop")
    host = door.host()
    [visitor] = host.visitors()
    joiner.withdraw()
    with pytest.raises(RequestGoneError):
        host.answer(visitor)
    assert door.files() == {}


def test_two_machines_at_once_each_get_their_own(door: Doorway) -> None:
    """Two requests have two sets of words, and the answer to one is nothing to the other."""
    first, second = door.joiner(), door.joiner()
    first.ask("one")
    second.ask("two")
    assert first.words != second.words
    host = door.host()
    by_words = {visitor.words: visitor for visitor in host.visitors()}
    host.answer(by_words[second.words])
    assert second.wait() == door.identity
    second.withdraw()
    [left] = door.host().visitors()
    assert left.words == first.words
    door.host().answer(left)
    assert first.wait() == door.identity


# --- others are quicker, networks fail ----------------------------------------------------------


def test_i40_a_lost_race_is_run_again(door: Doorway, laptop: Device) -> None:
    """A device that syncs at the very moment costs another try, on both sides, and no more."""

    def push(text: str) -> Callable[[], object]:
        def act() -> object:
            laptop.write("MEMORY.md", text)
            return laptop.sync()

        return act

    remote = door.connect()
    joiner = door.joiner(remote)
    remote.before_commit = push("two\n")
    joiner.ask("desktop")
    host = door.host()
    [visitor] = host.visitors()
    door.remote.before_commit = push("three\n")
    host.answer(visitor)
    remote.before_commit = push("four\n")
    assert joiner.wait() == door.identity
    joiner.withdraw()
    assert door.files() == {}
    assert not laptop.sync().halts


def test_i40_it_gives_up_in_the_end(door: Doorway, laptop: Device) -> None:
    """Where others are quicker each time, it says so, and has changed nothing."""

    class Unlucky(Meddler):
        def commit(self, parent: str | None, change: Change) -> str:
            tamper(door.vault, {"note": str(self.commits).encode()})
            self.commits += 1
            return self.inner.commit(parent, change)

    with pytest.raises(RaceLostError):
        door.joiner(Unlucky(FolderRemote(f"file://{door.vault}"))).ask("desktop")
    assert door.files() == {}
    assert not laptop.sync().halts


def test_i44_a_network_that_fails_is_waited_for(door: Doorway) -> None:
    """A look that fails on the way is no end: the next one finds the answer."""

    class Shaky(Meddler):
        fails = 3

        def head(self, known: str | None = None) -> str | None:
            if self.commits and self.fails:
                self.fails -= 1
                raise OfflineError(remote=self.url, detail="no network")
            return super().head(known)

    joiner = door.joiner(Shaky(FolderRemote(f"file://{door.vault}")))
    joiner.ask("desktop")
    [visitor] = door.host().visitors()
    door.host().answer(visitor)
    assert joiner.wait() == door.identity


# --- who has the repository and no key ----------------------------------------------------------


def test_i51_an_exchanged_request_has_other_words(door: Doorway) -> None:
    """Whoever puts a recipient of their own in place of the device's shows other words for it."""
    joiner = door.joiner()
    joiner.ask("desktop")
    [path] = door.files()
    door.plant({path: None})
    door.plants_request("desktop")
    [visitor] = door.host().visitors()
    assert visitor.words != joiner.words


def test_a_request_under_another_name_is_none(door: Doorway) -> None:
    """A stranger's request in the very place of the device's is removed and not shown."""
    joiner = door.joiner()
    joiner.ask("desktop")
    [path] = door.files()
    other = Request(generate_identity().recipient, "desktop")
    door.plant({path: dump_request(other, door.trust.recipient)})
    assert door.host().visitors() == []
    assert door.files() == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\0" * 70_000,
        b"x" * 20_000_000,
        dump_answer(generate_identity(), generate_identity().recipient),
    ],
    ids=["empty", "garbage", "large", "giant", "for another"],
)
def test_i51_an_answer_of_others_is_not_taken(door: Doorway, content: bytes) -> None:
    """What cannot be opened or is too large ends the joining, and no key is taken."""
    joiner = door.joiner()
    joiner.ask("desktop")
    [path] = door.files()
    door.plant({path.replace(".request", ".answer"): content})
    with pytest.raises(AnswerForeignError):
        joiner.wait()
    joiner.withdraw()
    assert door.files() == {}


def test_i51_an_exchanged_vault_brings_no_other_key(door: Doorway) -> None:
    """`vault.json` becomes another's between request and answer: that one's key is refused."""
    joiner = door.joiner()
    joiner.ask("desktop")
    [path] = door.files()
    evil = generate_identity()
    answer = dump_answer(evil, joiner._one_time.recipient)
    manifest = Manifest(door.trust.vault_id, (evil.recipient,)).dump()
    door.plant({"vault.json": manifest, path.replace(".request", ".answer"): answer})
    with pytest.raises(AnswerForeignError):
        joiner.wait()


@pytest.mark.parametrize("other", ["id", "recipient"])
def test_i51_a_foreign_vault_has_other_words(door: Doorway, other: str) -> None:
    """A joining device that was shown another id or recipient shows words that `pair` does not."""
    vault_id = "f" * 32 if other == "id" else door.trust.vault_id
    recipient = generate_identity().recipient if other == "recipient" else door.trust.recipient
    joiner = Joiner(Porch("v", door.connect(), Clock()), vault_id, recipient)
    joiner.ask("desktop")
    # As it is it may not even be readable; whoever stands in between mends that.
    request = Request(joiner._one_time.recipient, "desktop")
    door.plant({request_path(request.id): dump_request(request, door.trust.recipient)})
    [visitor] = door.host().visitors()
    assert visitor.request == request
    assert visitor.words != joiner.words


def test_garbage_is_taken_away(door: Doorway) -> None:
    """A giant request, one that is none, and one that is empty are removed; a good one is shown."""
    joiner = door.joiner()
    joiner.ask("desktop")
    garbage = {f"pairing/{number:032x}.request": b"x" for number in range(3)}
    garbage["pairing/" + "a" * 32 + ".request"] = b"x" * 20_000_000
    garbage["pairing/" + "b" * 32 + ".request"] = b""
    door.plant({**garbage, "pairing/notes.txt": b"hello", "pairing/deep/er": b"x"})
    [visitor] = door.host().visitors()
    assert visitor.words == joiner.words
    left = {name for name in door.files() if not name.endswith(".request")}
    assert left == {"pairing/notes.txt", "pairing/deep/er"}
    assert len(door.files()) == 3


def test_thousands_of_requests_are_refused_at_once(door: Doorway, laptop: Device) -> None:
    """Nothing is read of them; all are cleared together, and devices never minded."""
    flood = {f"pairing/{number:032x}.request": b"x" for number in range(2500)}
    door.plant({**flood, **{f"pairing/{n}": b"y" for n in range(20)}})
    door.remote.asked.clear()
    with pytest.raises(RequestsCrowdedError) as caught:
        door.host().visitors()
    assert "commit" not in door.remote.asked
    assert caught.value.facts["count"] == 2500
    assert caught.value.advice == "memory-sync pair --clear"
    assert not laptop.sync().halts
    assert door.host().clear() == 2520
    assert door.files() == {}
    joiner = door.joiner()
    joiner.ask("desktop")
    [visitor] = door.host().visitors()
    assert visitor.words == joiner.words
    assert not laptop.sync().halts


def test_as_many_as_a_person_has_are_shown(door: Doorway) -> None:
    """The limit is not reached by leftovers of one's own: those of ten tries still fit."""
    garbage = {f"pairing/{number:032x}.answer": b"x" for number in range(MOST)}
    door.plant(garbage)
    assert door.host().visitors() == []


@pytest.mark.parametrize("mode", ["100644", "120000", "160000"])
def test_a_file_in_place_of_the_folder_is_replaced(
    door: Doorway, laptop: Device, mode: str
) -> None:
    """A file, a link or a submodule called `pairing` is no obstacle, and no halt."""
    blob = git(door.vault, "hash-object", "-w", "--stdin", data=b"../../etc")
    what = git(door.vault, "rev-parse", "main") if mode == "160000" else blob
    lines = f"commit refs/heads/main\ncommitter x <x@x> 1700000000 +0000\ndata 1\nx\n\
from refs/heads/main^0\nM {mode} {what} pairing\n"
    git(door.vault, "fast-import", "--quiet", data=lines.encode())
    assert door.host().visitors() == []
    joiner = door.joiner()
    joiner.ask("desktop")
    [visitor] = door.host().visitors()
    door.host().answer(visitor)
    assert joiner.wait() == door.identity
    assert not laptop.sync().halts


def test_links_among_the_requests_are_left_alone(door: Doorway) -> None:
    """What is no ordinary file is not read, whatever its name; clearing takes it away."""
    blob = git(door.vault, "hash-object", "-w", "--stdin", data=b"../vault.json")
    lines = f"commit refs/heads/main\ncommitter x <x@x> 1700000000 +0000\ndata 1\nx\n\
from refs/heads/main^0\nM 120000 {blob} pairing/{'a' * 32}.request\n"
    git(door.vault, "fast-import", "--quiet", data=lines.encode())
    assert door.host().visitors() == []
    assert len(door.files()) == 1
    assert door.host().clear() == 1
    assert door.files() == {}


def test_i50_a_request_that_is_not_there_yet_is_kept(door: Doorway) -> None:
    """A replica that has the tree and not the blob is no reason to remove what lies there."""
    joiner = door.joiner()
    joiner.ask("desktop")
    door.remote.spoil = lambda _, content: content + b"!"
    assert door.host().visitors() == []
    door.remote.spoil = None
    [visitor] = door.host().visitors()
    assert visitor.words == joiner.words


def test_a_branch_that_is_gone_is_named(door: Doorway) -> None:
    """No branch, no request: an error that says so."""
    git(door.vault, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(MemorySyncError) as caught:
        door.host().visitors()
    assert caught.value.code == "branch-gone"


# --- what is remembered -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"a": 5}', b'{"a": ["x", 1]}', b"\xff", b"{" * 9]
)
def test_a_lost_memory_makes_requests_new(tmp_path: Path, content: bytes) -> None:
    """A file of ours that is damaged counts for nothing; it is written anew."""
    clock = Clock()
    visits = Visits(tmp_path, clock)
    visits.note(["a"])
    (tmp_path / "pairing.json").write_bytes(content)
    clock.ahead += 100
    assert visits.age(visits.note(["a"])["a"]) < 50
    clock.ahead += 100
    assert visits.age(visits.note(["a"])["a"]) > 50


def test_what_is_remembered_does_not_grow(tmp_path: Path) -> None:
    """The newest requests are kept, in a private file of bounded size."""
    clock = Clock()
    visits = Visits(tmp_path / "state", clock)
    for number in range(30):
        clock.ahead += 1
        visits.note([f"{number * 10 + more:032x}" for more in range(10)])
    visits.spend(["f" * 32])
    path = tmp_path / "state" / "pairing.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size < 20_000
    assert visits.note(["f" * 32])["f" * 32].spent
