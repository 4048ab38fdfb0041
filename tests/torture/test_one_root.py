"""Two daemons whose configurations name the same folder."""

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.daemon.homes import wait
from tests.needs import needs
from tests.reader import File, read_vault
from tests.torture.machines import FolderVault, Machine, share

Pair = tuple[Machine, Machine]


@pytest.fixture
def vault(tmp_path: Path) -> FolderVault:
    """Give a vault in a folder."""
    return FolderVault(tmp_path)


@pytest.fixture
def rivals(tmp_path: Path, vault: FolderVault) -> Iterator[Pair]:
    """Give two homes of one vault whose root is the first one's folder."""
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two")
    share([one, two], vault, poll=0.5, debounce=0.1)
    config = two.top / "config.toml"
    config.write_text(config.read_text().replace(str(two.root), str(one.root)))
    yield one, two
    for machine in (one, two):
        machine.close()


def _reason(machine: Machine) -> str:
    reason = machine.row()["reason"]
    return str(reason["code"]) if reason else ""


def _files(founder: Machine, vault: FolderVault) -> dict[str, File]:
    key = founder.top.parent / "key.txt"
    return read_vault(vault.repository, key.read_text().split()[-1], key).files


def _is_sent(founder: Machine, vault: FolderVault, name: str) -> bool:
    return f"memory/memory/{name}" in _files(founder, vault)


def _travelled(machine: Machine) -> list[str]:
    events = [str(event["event"]) for event in machine.events()]
    return [event for event in events if event.startswith("batch.")]


def test_i38_two_daemons_never_serve_one_root(rivals: Pair, vault: FolderVault) -> None:
    """The second one says so and touches nothing; it takes over when the first one is killed."""
    needs("age", "git")
    one, two = rivals
    one.start()
    one.idle()
    two.start()
    wait(lambda: _reason(two) == "root-busy", "the second one says that the root is served")
    for number in range(5):
        one.write(f"memory/{number}.md", f"{number}\n")
        wait(partial(_is_sent, one, vault, f"{number}.md"), "it is sent")
    assert _reason(two) == "root-busy"
    assert _travelled(two) == []
    assert {file.device for file in _files(one, vault).values()} == {"one"}
    one.write("memory/last.md", "last\n")
    one.stop(signal.SIGKILL)
    one.write("memory/later.md", "later\n")
    wait(lambda: _reason(two) == "" and not two.row()["pending"], "the second one takes over")
    wait(partial(_is_sent, one, vault, "later.md"), "it is sent")
    assert _files(one, vault)["memory/memory/later.md"].device == "two"
    assert _files(one, vault)["memory/memory/last.md"].content == b"last\n"
    one.start()
    wait(lambda: _reason(one) == "root-busy", "the first one comes too late")
    names = {place.name for place in (one.root / "memory").iterdir()}
    assert names == {*(f"{number}.md" for number in range(5)), "last.md", "later.md"}
