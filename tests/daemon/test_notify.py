"""What a service manager is told."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memory_sync.daemon.notify import Notifier, take_notifier

Heard = Callable[[], str]


@contextmanager
def manager(address: str) -> Iterator[Heard]:
    """Listen as a service manager does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
        way.bind(address)
        way.settimeout(5)
        yield lambda: way.recv(4096).decode()


@pytest.mark.parametrize("abstract", [False, True])
def test_the_manager_is_told(tmp_path: Path, abstract: bool) -> None:
    """On a socket in a folder, and on one that is only a name."""
    name = str(tmp_path / "n") if not abstract else f"@memory-sync-{os.getpid()}"
    with manager(name.replace("@", "\0")) as heard:
        Notifier({"NOTIFY_SOCKET": name}, 1).tell(READY=1, STATUS="well: ä")
        assert heard() == "READY=1\nSTATUS=well: ä"


def test_without_a_manager_nothing_is_told() -> None:
    """No address, one that is no path, and one at which nobody listens are all the same."""
    for address in ("", "vsock:2:1234", "/nowhere/at/all"):
        notifier = Notifier({"NOTIFY_SOCKET": address}, 1)
        notifier.tell(READY=1)
        assert address or notifier.interval is None


@pytest.mark.parametrize(
    ("env", "interval"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_a_sign_of_life_is_due_at_half_of_the_managers_patience(
    env: dict[str, str], interval: float | None
) -> None:
    """If it is this process that the manager watches, and if it watches at all."""
    assert Notifier({"NOTIFY_SOCKET": "/n", **env}, 7).interval == interval


def test_children_are_not_told_of_the_manager() -> None:
    """What a child said would count as the daemon's word."""
    env = {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}
    env["PATH"] = "/bin"
    assert take_notifier(env).interval == 1.0
    assert env == {"PATH": "/bin"}
