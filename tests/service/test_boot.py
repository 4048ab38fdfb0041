"""A machine with a vault on GitHub: started with nobody there, stopped at a bad moment."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.hub import Hub
from tests.service.cable import Cable
from tests.service.manager import Boot, Machine
from tests.service.user import UNIT, User, eventually


@pytest.fixture
def cable(hub: Hub) -> Iterator[Cable]:
    """Return a way to the double of GitHub, plugged in."""
    cable = Cable(int(hub.base_url.rpartition(":")[2]))
    cable.plug()
    yield cable
    cable.pull()


def _set_up(boot: Boot, hub: Hub, cable: Cable) -> User:
    """Return somebody with a vault on GitHub and a service that runs."""
    user = User(boot)
    user.clear()
    user.remote = "github:ada/vault"
    token = user.home / "token"
    token.write_text(hub.add_user("ada"))
    token.chmod(0o600)
    user.config.parent.mkdir(parents=True)
    github = f'base_url = "http://127.0.0.1:{cable.port}"\ntoken_file = "{token}"'
    user.config.write_text(f"[github]\n{github}\n")
    boot.own(user.home)
    user.write("MEMORY.md", "# memory\n")
    user.set_up(user.agent, "--service")
    assert user.data("service", "status")["active"]
    return user


def test_i73_a_headless_boot_gets_to_work_by_itself(
    machines: dict[str, Machine], hub: Hub, cable: Cable
) -> None:
    """In the C locale, with no keyring and the network only later: it syncs, names with é too."""
    machine = machines["spare"]
    with machine.boot() as boot:
        _set_up(boot, hub, cable)
    cable.pull()
    head = hub.repo("ada/vault").head()
    with machine.boot(lang="C") as boot:
        user = User(boot)
        eventually(lambda: user.data("status")["state"] == "offline")
        user.write("memory/née.md", "née\n")
        cable.plug()
        eventually(user.is_synced, 40)
        assert hub.repo("ada/vault").head() != head
        user.ms("service", "uninstall")


def test_i72_a_stop_while_github_is_silent_is_in_time(
    machines: dict[str, Machine], hub: Hub, cable: Cable
) -> None:
    """A request that gets no answer does not keep the daemon from a clean end."""
    with machines["spare"].boot() as boot:
        user = _set_up(boot, hub, cable)
        cable.hold()
        user.write("memory/new.md", "new\n")
        time.sleep(2)  # several times the pause before a batch goes out
        began = time.monotonic()
        boot.ctl("stop", UNIT)
        assert time.monotonic() - began < 28
        assert boot.shown(UNIT, "Result") == "success"
        user.ms("service", "uninstall")
