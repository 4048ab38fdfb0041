"""`memory-sync now`, `push` and `pull`."""

import shutil
from pathlib import Path

import pytest

from memory_sync.cli.result import worst
from tests.cli.person import QUICK, Person, until


def test_it_says_in_one_line_what_travelled(pair: tuple[Person, Person]) -> None:
    """Counts and bytes for people; once more, and there is nothing to do."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Memory\n- One more.\n")
    ada.write("memory/new.md", "new\n")
    sent = ada.types("now")
    assert sent.status == 0
    assert sent.out.startswith("vault: 2 up (")
    assert " sent)" in sent.out
    assert bob.types("now").out.startswith("vault: 2 down (")
    assert bob.read("memory/new.md") == "new\n"
    assert bob.types("now").out == "vault: nothing to do\n"


def test_programs_get_the_paths(pair: tuple[Person, Person]) -> None:
    """The JSON has a row for each vault with what went up and down."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Changed\n")
    row = ada.types("now", "--json").answer["data"]["vaults"][0]
    assert row["name"] == "vault"
    assert row["up"] == ["memory/MEMORY.md"]
    answer = bob.types("now", "--json").answer
    assert answer["ok"]
    assert answer["command"] == "now"
    assert answer["data"]["vaults"][0]["down"] == ["memory/MEMORY.md"]


def test_a_dry_run_tells_and_does_nothing(pair: tuple[Person, Person]) -> None:
    """What would travel is named; neither side changes."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Changed\n")
    ada.types("now")
    bob.write("memory/mine.md", "mine\n")
    ran = bob.types("now", "--dry-run")
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "vault: 2 changes would travel",
        "  fetch         memory/MEMORY.md",
        "  send          memory/memory/mine.md",
    ]
    assert bob.read("MEMORY.md") == "# Memory\n"
    assert ada.types("now").out == "vault: nothing to do\n"


def test_push_changes_nothing_here(pair: tuple[Person, Person]) -> None:
    """What waits in the vault stays there until somebody pulls."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Changed\n")
    ada.types("push")
    bob.write("memory/mine.md", "mine\n")
    assert bob.types("push").out.startswith("vault: 1 up")
    assert bob.read("MEMORY.md") == "# Memory\n"
    assert bob.types("pull").out.startswith("vault: 1 down")
    assert bob.read("MEMORY.md") == "# Changed\n"


def test_pull_sends_nothing(pair: tuple[Person, Person]) -> None:
    """What changed here waits until somebody pushes."""
    ada, bob = pair
    ada.write("memory/mine.md", "mine\n")
    assert ada.types("pull").status == 0
    bob.types("pull")
    assert bob.read("memory/mine.md") is None
    ada.types("push")
    bob.types("pull")
    assert bob.read("memory/mine.md") == "mine\n"


def test_conflicts_end_with_3_until_they_are_gone(pair: tuple[Person, Person]) -> None:
    """Both versions are kept, the copy is named, and deleting it there ends the matter."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Ada's\n")
    bob.write("MEMORY.md", "# Bob's\n")
    ada.types("now")
    ran = bob.types("now", "--json")
    assert ran.status == 3
    assert ran.codes == ["conflicts"]
    (path,) = ran.answer["data"]["vaults"][0]["new_conflicts"]
    copies = bob.places.vault_state("vault") / "conflicts"
    copy = copies / path.removeprefix(".conflicts/")
    assert copy.read_text() == "# Bob's\n"
    assert bob.read("MEMORY.md") == "# Ada's\n"
    again = bob.types("now")
    assert again.status == 3
    assert str(copies) in again.err
    assert "hint: memory-sync conflicts\n" in again.err
    copy.unlink()
    assert bob.types("now").status == 0


def test_it_goes_through_the_daemon_where_one_runs(ada: Person) -> None:
    """The daemon holds the vault's lock, so that only through it can a sync succeed."""
    ada.configure(
        QUICK.replace("0.2", "60")
        .replace("0.1", "60")
        .replace("[daemon]", "[daemon]\nmax_delay = 60")
    )
    ada.init()
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        ada.write("MEMORY.md", "# Changed\n")
        assert ada.types("now").out.startswith("vault: 1 up")
        assert ada.types("now", "--dry-run").out == "vault: nothing to do\n"


def test_a_halted_root_ends_with_7(ada: Person) -> None:
    """The folder is gone: nothing is deleted anywhere, and it says what would have been."""
    ada.init()
    shutil.move(ada.agent, f"{ada.agent}.moved")
    ran = ada.types("now")
    assert ran.status == 7
    assert ran.out == "vault: halted\n"
    _, would, hint = ran.err.splitlines()
    paths = "memory/MEMORY.md, memory/memory/2026-01-01.md"
    assert would.startswith(f"this was stopped: delete 2 files in the vault ({paths}). Confirmed,")
    assert hint == "hint: memory-sync confirm --root memory"


def test_a_vault_that_is_away_ends_with_5(ada: Person, tmp_path: Path) -> None:
    """A disk that is not mounted is a matter of time."""
    ada.init()
    shutil.move(tmp_path / "vault.git", tmp_path / "elsewhere.git")
    ran = ada.types("now", "--json")
    assert ran.status == 5
    assert ran.codes == ["folder-gone"]
    assert not ran.answer["ok"]


def test_a_key_that_is_gone_ends_with_9(ada: Person) -> None:
    """Without the key nothing is done, and the hint names import-key."""
    ada.init()
    for key in ada.places.keys.glob("age1*.txt"):
        key.unlink()
    ran = ada.types("now")
    assert ran.status == 9
    assert "hint: memory-sync import-key" in ran.err


def test_a_problem_with_one_file_ends_with_1_and_delays_no_other(ada: Person) -> None:
    """The file is named with its hint; the others travel."""
    ada.init()
    (ada.agent / "memory" / "link.md").symlink_to("/etc/hostname")
    ada.write("memory/other.md", "other\n")
    ran = ada.types("now")
    assert ran.status == 1
    assert ran.out.startswith("vault: 1 up")
    assert "link.md" in ran.err


def test_the_worst_vault_decides(ada: Person, tmp_path: Path) -> None:
    """Two vaults, one of them away: the other syncs all the same."""
    ada.init()
    other = tmp_path / "other"
    other.mkdir()
    ada.types("init", str(other), "--remote", f"{tmp_path}/two.git", "--yes")
    shutil.rmtree(tmp_path / "two.git")
    ada.write("MEMORY.md", "# Changed\n")
    ran = ada.types("now")
    assert ran.status == 5
    assert ran.out.splitlines()[0].startswith("vault: 1 up")
    assert ran.out.splitlines()[1] == "two: not synced"
    assert ada.types("now", "--vault", "vault").status == 0


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [((), 0), ((1, 5), 5), ((6, 5, 1), 6), ((3, 6), 3), ((4, 3), 4), ((9, 4), 9), ((7, 9, 1), 7)],
)
def test_where_several_statuses_hold(statuses: tuple[int, ...], wanted: int) -> None:
    """The order is 7, 9, 4, 3, 6, 5, 1."""
    assert worst(statuses) == wanted
