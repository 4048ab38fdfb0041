"""Identities and trust on the disk."""

import errno
import os
import resource
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memory_sync.daemon.schedule import Schedule, Timing
from memory_sync.errors import (
    DiskFullError,
    FileUnwritableError,
    KeyFileError,
    KeyInvalidError,
    MemorySyncError,
)
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.keystore import Keystore
from memory_sync.ports.spool import MEMORY, Spool
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import Identity, generate_identity
from tests.needs import needs


@pytest.fixture
def store(tmp_path: Path) -> Keystore:
    """Give a keystore in a folder that is not there yet."""
    return Keystore(tmp_path / "home" / "keys")


def test_an_identity_is_found_by_its_recipient(store: Keystore) -> None:
    """Several vaults' keys lie beside each other, each under its own recipient."""
    one, two = generate_identity(), generate_identity()
    store.add(one)
    store.add(two)
    assert store.find(one.recipient) == one
    assert store.find(two.recipient) == two
    assert store.find(generate_identity().recipient) is None
    assert store.recipients() == tuple(sorted((one.recipient, two.recipient)))


def test_files_are_private_and_the_age_command_reads_them(store: Keystore) -> None:
    """0600 in 0700, and an ordinary age identity file."""
    needs("age", "age-keygen")
    identity = generate_identity()
    path = store.add(identity)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    done = subprocess.run(["age-keygen", "-y", path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == identity.recipient


def test_adding_again_keeps_the_rotated_keys(store: Keystore) -> None:
    """An import of the current secret alone does not lose those that open the history."""
    old = generate_identity()
    both = Identity((*generate_identity().secrets, *old.secrets))
    store.add(both)
    store.add(Identity(both.secrets[:1]))
    assert store.find(both.recipient) == both


def test_a_key_that_others_can_read_is_refused(store: Keystore) -> None:
    """The file's mode is a part of the secret."""
    identity = generate_identity()
    store.add(identity).chmod(0o644)
    with pytest.raises(KeyFileError) as caught:
        store.find(identity.recipient)
    assert caught.value.advice.startswith("chmod 600 ")
    assert identity.secrets[0] not in str(caught.value)


def test_a_key_file_that_is_none_is_named(store: Keystore) -> None:
    """Neither taken for a missing key nor shown."""
    identity = generate_identity()
    store.add(identity).write_text("AGE-SECRET-KEY-1BROKEN\n")
    with pytest.raises(KeyInvalidError) as caught:
        store.find(identity.recipient)
    assert "BROKEN" not in str(caught.value)


def test_an_identity_from_the_environment_is_found_and_not_stored(tmp_path: Path) -> None:
    """It serves this process; a service would not find it."""
    identity = generate_identity()
    store = Keystore(tmp_path, identity)
    assert store.find(identity.recipient) == identity
    assert not store.stored(identity.recipient)
    assert list(tmp_path.iterdir()) == []


def test_trust_goes_round_and_is_never_guessed(store: Keystore) -> None:
    """A record that cannot be read is an error, not a first contact."""
    assert store.trust("v") is None
    trust = Trust("0" * 32, "age1x", "c" * 40, 7)
    store.set_trust("v", trust)
    assert store.trust("v") == trust
    (store.folder / "v.trust.json").write_text("{}")
    with pytest.raises(KeyFileError):
        store.trust("v")
    store.drop_trust("v")
    assert store.trust("v") is None


def test_an_export_is_remembered(store: Keystore) -> None:
    """So that the reminder can end."""
    recipient = generate_identity().recipient
    assert not store.was_exported(recipient)
    store.mark_exported(recipient)
    assert store.was_exported(recipient)


def test_the_spool_gives_back_what_it_got_and_leaves_nothing(tmp_path: Path) -> None:
    """Beyond its memory it uses a file without a name."""
    spool = Spool(tmp_path)
    contents = {str(number): bytes([number]) * (MEMORY // 3) for number in range(6)}
    for digest, content in contents.items():
        spool.put(digest, content)
        spool.put(digest, content)
    assert {digest: spool.get(digest) for digest in contents} == contents
    assert spool.get("x") is None
    assert list(tmp_path.iterdir()) == []
    spool.clear()
    assert spool.get("0") is None


def test_i36_a_spool_on_a_full_disk_is_a_named_error(tmp_path: Path) -> None:
    """Nothing that is cut short is ever handed out, and later there is space again."""
    spool = Spool(tmp_path)
    spool.put("a", bytes(MEMORY))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(DiskFullError):
            spool.put("b", bytes(100_000))
        assert spool.get("b") is None
        spool.clear()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    spool.put("b", bytes(100_000))
    assert spool.get("b") == bytes(100_000)


def test_trust_that_cannot_be_written_is_a_named_error(
    store: Keystore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails leaves the old trust, and no traceback."""
    trust = Trust("0" * 32, "age1x", "a" * 40, 1)
    store.set_trust("v", trust)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FileUnwritableError):
        store.set_trust("v", Trust("0" * 32, "age1x", "b" * 40, 2))
    assert store.trust("v") == trust


@contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open no further file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open("/", os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def wait_after(error: MemorySyncError) -> float:
    """Return the seconds until the next try."""
    schedule = Schedule(SystemClock(), Timing(poll=15))
    schedule.failed(error)
    return schedule.wait()


def kept(store: Keystore) -> list[tuple[Path, Callable[[], object]]]:
    """Store an identity and a trust; return where, and what reads them."""
    identity = generate_identity()
    key = store.add(identity)
    store.set_trust("v", Trust("0" * 32, identity.recipient, "a" * 40, 1))
    trust = store.folder / "v.trust.json"
    return [(key, lambda: store.find(identity.recipient)), (trust, lambda: store.trust("v"))]


def test_what_time_mends_is_tried_again_soon(
    store: Keystore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many open files, a disk that fails for a moment: at the poll's pace, in plain words."""
    found = kept(store)
    for _, read in found:
        with no_more_files(), pytest.raises(MemorySyncError) as caught:
            read()
        assert wait_after(caught.value) < 20
        assert "Too many open files" in caught.value.message
        assert read()

    def fail(path: object, *_: object, **__: object) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), path)

    monkeypatch.setattr(os, "stat", fail)
    with pytest.raises(MemorySyncError) as caught:
        found[0][1]()
    assert wait_after(caught.value) < 20


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (Path.mkdir, "Is a directory"),
        (lambda path: path.symlink_to(path), "symbolic links"),
        (os.mkfifo, "holds no age identity|no record of trust"),
        (lambda path: path.write_bytes(b"\xff"), "holds no age identity|no record of trust"),
    ],
)
def test_what_a_person_has_to_mend_waits_for_them(
    store: Keystore, place: Callable[[Path], object], told: str
) -> None:
    """What stands in the place of a file of ours is named, and neither waited for nor repeated."""
    for path, read in kept(store):
        path.unlink()
        before = os.umask(0o077)
        place(path)
        os.umask(before)
        with pytest.raises((KeyFileError, KeyInvalidError), match=told) as caught:
            read()
        assert wait_after(caught.value) >= 3600
