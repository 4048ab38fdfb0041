"""`memory-sync daemon`: in the foreground, until it is told to stop."""

import pytest

from tests.cli.person import QUICK, Person, until


def test_it_syncs_both_ways_and_ends_in_order(pair: tuple[Person, Person]) -> None:
    """A file that is written on one machine is on the other without anybody's doing."""
    ada, bob = pair
    for person in pair:
        person.configure(QUICK)
    with ada.daemon() as first, bob.daemon():
        ada.write("memory/new.md", "from ada\n")
        until(lambda: bob.read("memory/new.md") == "from ada\n")
        bob.write("memory/new.md", "from bob\n")
        until(lambda: ada.read("memory/new.md") == "from bob\n")
    assert first.returncode == 0
    assert not ada.places.socket.exists()


def test_one_home_has_one_daemon(ada: Person) -> None:
    """A second one ends at once with 8 and names the first."""
    ada.init()
    with ada.daemon() as first:
        ran = ada.starts("daemon")
    assert ran.status == 8
    assert f"process {first.pid}" in ran.err


@pytest.mark.parametrize(
    ("env", "status"),
    [
        ({}, 2),
        ({"INVOCATION_ID": "0123"}, 78),
        ({"NOTIFY_SOCKET": "@x"}, 78),
        ({"XPC_SERVICE_NAME": "0"}, 2),
        ({"XPC_SERVICE_NAME": "org.memory-sync"}, 0),
    ],
)
def test_a_broken_configuration_is_not_started_again(
    ada: Person, env: dict[str, str], status: int
) -> None:
    """Systemd takes 78 for a reason not to try again, launchd only 0; the error is the same."""
    ada.configure("[daemon]\npoll = 'often'\n")
    ran = ada.types("daemon", env=env)
    assert ran.status == status
    assert "daemon.poll" in ran.err
    assert ran.err.splitlines()[1].startswith("hint: ")


def test_without_a_vault_it_does_not_start(ada: Person) -> None:
    """There is nothing to serve, and the hint says what is missing."""
    ran = ada.types("daemon")
    assert ran.status == 2
    assert "hint: memory-sync init" in ran.err
