"""The journal: datagrams as journald takes them, seen by a socket that plays its part."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memory_sync.config.journal import Journal, encode, field_name, open_journal
from memory_sync.config.logs import LONGEST, open_log

TOKEN = "ghp_" + "aB3" * 12


def decode(datagram: bytes) -> dict[str, str]:
    """Read a datagram as https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ describes it."""
    fields: dict[str, str] = {}
    while datagram:
        head, _, datagram = datagram.partition(b"\n")
        key, equals, value = head.partition(b"=")
        if not equals:
            size = int.from_bytes(datagram[:8], "little")
            value, end, datagram = (
                datagram[8:][:size],
                datagram[8 + size :][:1],
                datagram[9 + size :],
            )
            assert end == b"\n"
        fields[key.decode()] = value.decode()
    return fields


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    """Return the other end of the journal."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.settimeout(5)
        yield listener


@pytest.fixture
def journal(tmp_path: Path, journald: socket.socket) -> Iterator[Journal]:
    """Return a journal that sends there."""
    sender = Journal(str(tmp_path / "socket"))
    yield sender
    sender.close()


@pytest.fixture
def received(journald: socket.socket) -> Callable[[], dict[str, str]]:
    """Return what waits for the next event."""
    return lambda: decode(journald.recv(1024 * 1024))


def test_an_event_of_the_log(
    tmp_path: Path, journal: Journal, received: Callable[[], dict[str, str]]
) -> None:
    """The journal gets what the file gets, each field under its own name."""
    log = open_log(tmp_path / "logs" / "daemon.log", "info", console=False, journal=journal)
    log.warning("batch.up", vault="notes", files=3, paths=["a b"], note=f"a {TOKEN}", none=None)
    assert received() == {
        "MESSAGE": 'batch.up vault=notes files=3 paths=["a b"] note="a [secret]" none=null',
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "memory-sync",
        "MEMORY_SYNC_EVENT": "batch.up",
        "MEMORY_SYNC_VAULT": "notes",
        "MEMORY_SYNC_FILES": "3",
        "MEMORY_SYNC_PATHS": '["a b"]',
        "MEMORY_SYNC_NOTE": "a [secret]",
        "MEMORY_SYNC_NONE": "null",
    }
    assert len((tmp_path / "logs" / "daemon.log").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("level", "priority"), [("debug", "7"), ("info", "6"), ("warning", "4"), ("error", "3")]
)
def test_levels(
    tmp_path: Path,
    journal: Journal,
    received: Callable[[], dict[str, str]],
    level: str,
    priority: str,
) -> None:
    """Each level is a priority of syslog."""
    log = open_log(tmp_path / "daemon.log", "debug", console=False, journal=journal)
    getattr(log, level)("x")
    assert received()["PRIORITY"] == priority


def test_a_value_of_several_lines(
    tmp_path: Path, journal: Journal, received: Callable[[], dict[str, str]]
) -> None:
    """A traceback stays whole, and cannot be taken for other fields."""
    log = open_log(tmp_path / "daemon.log", "info", console=False, journal=journal)
    log.info("x", text="one\nPRIORITY=0\ntwo\n")
    fields = received()
    assert fields["MEMORY_SYNC_TEXT"] == "one\nPRIORITY=0\ntwo\n"
    assert fields["PRIORITY"] == "6"
    try:
        int("x")
    except ValueError:
        log.exception("y")
    fields = received()
    assert fields["MEMORY_SYNC_EXCEPTION"].startswith("Traceback")
    assert fields["MESSAGE"].splitlines()[0] == "y"
    assert fields["MESSAGE"].endswith("    ValueError")


def test_an_event_cannot_take_the_place_of_a_field_of_the_journal(
    journal: Journal, received: Callable[[], dict[str, str]]
) -> None:
    """Names are made of what the journal takes; ours are never those of others."""
    journal.send({"level": "info", "event": "x", "message": "m", "é-1": "v", "event ": 1}, "x")
    fields = received()
    assert fields["MESSAGE"] == "x"
    assert fields["MEMORY_SYNC_MESSAGE"] == "m"
    assert fields["MEMORY_SYNC___1"] == "v"
    assert len(field_name("x" * 100)) == 64


def test_a_giant_event_is_shortened(
    tmp_path: Path, journal: Journal, received: Callable[[], dict[str, str]]
) -> None:
    """What the log cut fits; of what is still too large the message's beginning goes."""
    log = open_log(tmp_path / "daemon.log", "info", console=False, journal=journal)
    log.info("x", text="y" * LONGEST)
    assert received()["MEMORY_SYNC_CUT"] == "true"
    journal.send({"event": "z", "level": "info", "text": "y" * 10**6}, "z " + "y" * 10**6)
    fields = received()
    assert fields["MEMORY_SYNC_EVENT"] == "z"
    assert fields["MESSAGE"].startswith("z yyy")
    assert len(fields["MESSAGE"]) < 5000


def test_a_journal_that_does_not_read_costs_no_time(tmp_path: Path, journal: Journal) -> None:
    """When its queue is full, events are given up; the file has them all."""
    log = open_log(tmp_path / "daemon.log", "info", console=False, journal=journal)
    for number in range(2000):
        log.info("x", number=number)
    assert len((tmp_path / "daemon.log").read_text().splitlines()) == 2000


def test_a_journal_that_was_away_is_found_again(
    tmp_path: Path, journald: socket.socket, journal: Journal
) -> None:
    """Without journald nothing fails, and a new one gets the next event."""
    place = tmp_path / "socket"
    place.unlink()
    journal.send({"level": "info", "event": "lost"}, "lost")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
        again.bind(str(place))
        again.settimeout(5)
        journal.send({"level": "info", "event": "there"}, "there")
        assert decode(again.recv(65536))["MESSAGE"] == "there"


def test_only_what_systemd_listens_to_is_the_journal(tmp_path: Path) -> None:
    """The journal is used only where standard error is the very stream that systemd named."""
    with (tmp_path / "stream").open("wb") as stream:
        status = os.fstat(stream.fileno())
        named = f"{status.st_dev}:{status.st_ino}"
        found = open_journal({"JOURNAL_STREAM": named}, stream.fileno())
        assert found
        found.close()
        for env in ({}, {"JOURNAL_STREAM": ""}, {"JOURNAL_STREAM": f"{status.st_dev}:1"}):
            assert open_journal(env, stream.fileno()) is None
    assert open_journal({"JOURNAL_STREAM": named}, -1) is None


def test_what_is_no_text_is_escaped() -> None:
    """A lone surrogate, which no UTF-8 has, does not stop an event."""
    assert encode({"A": "\udcff"}) == b"A=\\udcff\n"
    assert json.loads(json.dumps("\udcff")) == "\udcff"
