"""`memory-sync service` and what `init` makes of it, where there is no service manager."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from memory_sync.app.context import load_context
from memory_sync.app.service import writable
from memory_sync_service import Standing
from tests.cli.person import Person
from tests.test_docs import page, rows, section


@pytest.fixture
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Return somebody on a machine without systemd."""
    monkeypatch.setattr("memory_sync_service.BOOTED", str(tmp_path / "none"))
    return Person("ada", tmp_path, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize("verb", ["install", "uninstall", "start", "stop", "restart", "status"])
def test_each_command_says_that_there_is_no_manager(ada: Person, verb: str) -> None:
    """The hint is the daemon itself."""
    ran = ada.types("service", verb, "--json")
    assert ran.status == 1
    assert ran.codes == ["service-manager-missing"]
    assert ran.answer["errors"][0]["hint"] == "memory-sync daemon"


def test_init_sets_up_all_the_same(ada: Person) -> None:
    """With --service the vault is there, and what is missing is said; without, how to go on."""
    ada.write("MEMORY.md", "# memory\n")
    ran = ada.init("--service", "--json")
    assert ran.codes == ["service-manager-missing"]
    assert ran.status == 1
    assert ran.answer["data"]["founded"]
    other = ada.agent.with_name("other")
    other.mkdir()
    words = ("init", str(other), "--remote", ada.remote, "--name", "other", "--yes")
    ran = ada.types(*words)
    assert ran.status == 0
    assert ran.out.endswith("To keep syncing:\n    memory-sync daemon\n")


def test_the_daemon_may_write_where_it_has_to(ada: Person) -> None:
    """Its own folders, every root and a vault in a folder are in the list, and nothing else."""
    ada.write("MEMORY.md", "# memory\n")
    ada.init()
    places = ada.places
    own = {places.config, places.keys, places.state, places.logs, places.run}
    vault = Path(ada.remote.removeprefix("file://"))
    assert set(writable(load_context(ada.env))) == own | {ada.agent, vault}


def test_the_page_lists_what_programs_get() -> None:
    """The fields in docs/service.md are those of the answer, in their order."""
    table = rows(section(page("docs/service.md"), "## For programs"))
    assert [row[0] for row in table] == [field.name for field in fields(Standing)]
