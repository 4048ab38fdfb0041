"""The oracle itself: it sees each kind of damage that it is there for."""

import dataclasses
import os
from pathlib import Path

import pytest

from tests.needs import needs
from tests.reader.writer import Key, Repository, file, keygen, plain
from tests.torture import oracle
from tests.torture.history import History, read_history
from tests.torture.ledger import Ledger, digest_of
from tests.torture.machines import Machine

OWN = "memory/one/a.md"
LOG = "memory/log.md"
NOTHING = History((), {}, ())


@pytest.fixture
def ledger() -> Ledger:
    """Give what two agents wrote: a file of one's own in two versions, a log, a pool."""
    ledger = Ledger()
    for content in (b"old\nend\n", b"new\nand longer\n"):
        ledger.own.versions[OWN][digest_of(content)] = content
        ledger.own.current[OWN] = digest_of(content)
    ledger.lines |= {b"one-1", b"two-1", b"one-2"}
    ledger.appended |= {b"one-1": ("one", LOG), b"two-1": ("two", LOG)}
    ledger.pooled[b"one-2"] = "one"
    return ledger


@pytest.fixture
def good(ledger: Ledger) -> oracle.Found:
    """Give what should be found on both devices."""
    files = {OWN: b"new\nand longer\n", LOG: b"one-1\ntwo-1\n", "memory/pool/0.md": b"one-2\n"}
    return oracle.Found(
        ledger,
        {"one": dict(files), "two": dict(files)},
        {"one": {}, "two": {}},
        {"one": [], "two": []},
        NOTHING,
    )


def _wrong(found: oracle.Found) -> list[str]:
    return [*oracle.same(found), *oracle.whole(found), *oracle.lost(found)]


def _with(found: oracle.Found, path: str, content: bytes | None) -> oracle.Found:
    """Let a file of both devices be another one, or gone."""
    files = {name: {**tree, path: content or b""} for name, tree in found.files.items()}
    if content is None:
        for tree in files.values():
            del tree[path]
    return dataclasses.replace(found, files=files)


def test_what_should_be_is_sound(good: oracle.Found) -> None:
    """Nothing is wrong with it."""
    assert _wrong(good) == []


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        (OWN, b"new\nand lon", "a torn one"),
        (OWN, b"new\n", "a torn one"),
        (OWN, b"old\nend\n", "lost: the last version"),
        (OWN, b"", "a torn one"),
        (OWN, None, "lost: the last version"),
        (LOG, b"one-1\n", "lost: b'two-1'"),
        (LOG, b"one-1\ntwo-1\none-1\n", "twice in memory/log.md"),
        (LOG, b"one-1\ntwo-", "half a line"),
        (LOG, b"one-1\ntwo\ntwo-1\n", "nobody wrote"),
        (LOG, None, "lost: b'one-1'"),
        ("memory/pool/0.md", b"", "empty"),
        ("memory/pool/0.md", None, "lost: b'one-2'"),
        ("memory/strange.md", b"one-1\n", "nobody made this file"),
    ],
)
def test_each_damage_of_a_file_is_seen(
    good: oracle.Found, path: str, content: bytes | None, told: str
) -> None:
    """Torn, half, lost, doubled and invented contents are told apart and told."""
    assert any(told in one for one in _wrong(_with(good, path, content)))


def test_a_difference_between_devices_is_seen(good: oracle.Found) -> None:
    """Also where each of the two contents is one that somebody wrote."""
    good.files["two"][OWN] = b"old\nend\n"
    assert f"{OWN} differs between one and two" in _wrong(good)


def test_a_conflict_copy_keeps_what_lost(good: oracle.Found) -> None:
    """The last version may lie in `.conflicts`, on both devices."""
    found = _with(good, OWN, b"old\nend\n")
    for copies in found.copies.values():
        copies[f"memory/{OWN}/20260101T000000Z-one"] = b"new\nand longer\n"
    assert _wrong(found) == []


def test_what_was_appended_to_a_replaced_file_may_be_in_the_trash(good: oracle.Found) -> None:
    """Only there, and only such a line; elsewhere the trash saves nothing."""
    good.ledger.raced[b"one-9"] = "one"
    assert len(_wrong(good)) == 1
    good.trashed["one"].append(b"one-9\n")
    assert _wrong(good) == []


def test_what_was_committed_and_overwritten_later_is_in_history(
    good: oracle.Found, repository: Repository, key: Key
) -> None:
    """A line of the pool may be in a former version alone."""
    path = "memory/memory/pool/0.md"
    first = repository.sealed(key, 1, plain(key) | file(key, path, b"one-2\n"))
    repository.sealed(key, 2, plain(key) | file(key, path, b"two-1\n"), first)
    history = read_history(repository.path, key.secret, key.file)
    found = dataclasses.replace(_with(good, "memory/pool/0.md", b"two-1\n"), history=history)
    assert _wrong(found) == []


def test_a_file_that_is_being_written_by_its_agent_may_be_half(ledger: Ledger) -> None:
    """In its own root, while it appends or truncates, and nowhere else."""
    assert ledger.doubt(LOG, b"one-1\ntwo-", live=True) is None
    assert ledger.doubt(LOG, b"one-1\nthree", live=True)
    ledger.own.in_place.add(OWN)
    assert ledger.doubt(OWN, b"new\nand", live=True) is None
    assert ledger.doubt(OWN, b"new\nold", live=True)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Give an identity."""
    needs("age", "age-keygen", "git")
    return keygen(tmp_path_factory.mktemp("keys") / "key.txt")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Give an empty repository."""
    repository = Repository(tmp_path / "vault.git")
    os.mkdir(repository.path)
    repository.git("init", "-q", "--bare", "-b", "main")
    return repository


def _chain(repository: Repository, key: Key, *heads: str) -> list[str]:
    history = read_history(repository.path, key.secret, key.file)
    return oracle.chain(history, repository.path, key.secret, list(heads))


def test_a_chain_that_is_as_it_should_be(repository: Repository, key: Key) -> None:
    """Numbers without a gap, each commit a change: nothing to tell."""
    first = repository.sealed(key, 1, plain(key))
    second = repository.sealed(key, 2, plain(key) | file(key, "memory/a.md", b"a\n"), first)
    assert _chain(repository, key, first, second) == []


def test_what_is_committed_twice_is_seen(repository: Repository, key: Key) -> None:
    """The same file encrypted once more, and a commit with the tree of its parent."""
    first = repository.sealed(key, 1, plain(key) | file(key, "memory/a.md", b"a\n"))
    again = plain(key) | file(key, "memory/a.md", b"a\n")
    second = repository.sealed(key, 2, again, first)
    repository.sealed(key, 3, again, second)
    sent, empty = _chain(repository, key)
    assert "sends memory/a.md again" in sent
    assert "has the tree of its parent" in empty


def test_gaps_and_lost_commits_are_seen(repository: Repository, key: Key) -> None:
    """A number that is missing, and a head that was there and is on the branch no more."""
    first = repository.sealed(key, 1, plain(key))
    lost = repository.sealed(key, 2, plain(key) | file(key, "memory/a.md", b"a\n"), first)
    repository.sealed(key, 4, plain(key) | file(key, "memory/b.md", b"b\n"), first)
    gone, numbers = _chain(repository, key, lost)
    assert gone.endswith("was the head and is gone")
    assert numbers == "the seals are numbered [1, 4]"


def test_a_damaged_repository_is_seen(repository: Repository, key: Key) -> None:
    """An object that is cut short makes git complain."""
    repository.sealed(key, 1, plain(key))
    loose = repository.git("hash-object", "-w", "--stdin", given=b"half")
    place = repository.path / "objects" / loose[:2] / loose[2:]
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:5])
    assert any("git fsck" in one for one in _chain(repository, key))


def test_leftovers_are_seen(tmp_path: Path) -> None:
    """A temporary file beside the files, and a database that was set aside."""
    machine = Machine(tmp_path, "one")
    machine.state.mkdir(parents=True)
    machine.write("memory/a.md", "a\n")
    assert oracle.leftovers(machine) == []
    machine.write("memory/.memory-sync-0123456789abcdef.tmp", "a\n")
    (machine.state / "state.db.corrupt-1").touch()
    assert len(oracle.leftovers(machine)) == 2
