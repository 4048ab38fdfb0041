"""Text that looks like a credential: what a person is told, and what never is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.person import Person, until
from tests.cli.terminal import terminal

TOKEN = "gh" + "p_" + "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW1xY2"
PIECE = TOKEN[4:14]


@pytest.fixture
def careless(ada: Person) -> Person:
    """Return a machine with a token in its memory, and a daemon that is quick."""
    ada.write("memory/token.md", f"# Access\n\nuse {TOKEN}\n")
    return ada


def block(person: Person, policy: str = "block") -> None:
    """Set `secrets` for the one vault."""
    text = person.places.config_file.read_text()
    person.places.config_file.write_text(
        text.replace("[[vault]]", f'[[vault]]\nsecrets = "{policy}"', 1)
    )


def commits(person: Person) -> int:
    """Count the commits of the vault; 0 if there is none."""
    vault = person.remote.removeprefix("file://")
    words = ["git", "-C", vault, "rev-list", "--count", "--all"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return int(done.stdout or 0)


def test_init_says_so_before_anything_is_sent_and_asks(careless: Person) -> None:
    """A person who says no has sent nothing."""
    words = ("init", str(careless.agent), "--remote", careless.remote, "--no-service")
    with terminal(*words, env=careless.env) as screen:
        screen.expect("[Y/n]")
        assert "1 file seems to hold a credential:" in screen.shown
        assert "memory/token.md: line 3 looks like a GitHub token" in screen.shown
        assert commits(careless) == 0
        screen.type("n")
        screen.expect("Nothing was changed")
    assert PIECE not in screen.shown
    assert commits(careless) == 0


def test_init_with_yes_says_so_and_goes_on(careless: Person) -> None:
    """Nobody is asked; the file is sent, and the sync points it out once more."""
    ran = careless.init()
    assert ran.status == 0
    assert "memory/token.md: line 3 looks like a GitHub token" in ran.err
    assert "3 up" in ran.out
    assert "line 3 looks like a GitHub token" in ran.out
    assert PIECE not in ran.out + ran.err


def test_status_points_it_out_and_is_idle(careless: Person) -> None:
    """With a daemon, after its restart, and without one; until the file is clean."""
    assert careless.init().status == 0
    careless.configure("[daemon]\ndebounce = 0.1\npoll = 0.2\n")
    place = str(careless.agent / "memory/token.md")

    def shown() -> list[str]:
        (row,) = careless.types("status", "--json").answer["data"]["vaults"]
        return [warning["hint"] for warning in row["warnings"]]

    hint = f"${{EDITOR:-vi}} +3 '{place}'"
    assert shown() == [hint]
    for _ in range(2):
        with careless.daemon():
            until(lambda: careless.state() == "idle")
            assert shown() == [hint]
            ran = careless.types("status", "--exit-code")
            assert ran.status == 0
            assert ran.out.startswith("idle: Everything is in sync.")
            assert "line 3 looks like a GitHub token" in ran.out
            assert hint in ran.out
            assert PIECE not in ran.out
    with careless.daemon():
        careless.write("memory/token.md", "# Access\n\nit is in the keyring\n")
        until(lambda: shown() == [])
        assert careless.state() == "idle"
    assert shown() == []


def test_a_blocked_file_stays_and_is_named(careless: Person, bob: Person) -> None:
    """All else travels; the state tells, with a command, and ends with its cause."""
    (careless.agent / "memory/token.md").unlink()
    assert careless.init().status == 0
    block(careless)
    careless.configure("[daemon]\ndebounce = 0.1\npoll = 0.2\n")
    careless.write("memory/token.md", f"use {TOKEN}\n")
    careless.write("memory/other.md", "other\n")
    ran = careless.types("now")
    assert ran.status == 1
    assert "1 up" in ran.out
    assert "line 1 looks like a GitHub token" in ran.err
    careless.key_to(bob)
    assert bob.init().status == 0
    assert bob.read("memory/other.md") == "other\n"
    assert bob.read("memory/token.md") is None
    with careless.daemon():
        until(lambda: careless.state() == "needs-attention")
        ran = careless.types("status", "--exit-code")
        assert ran.status == 1
        assert PIECE not in ran.out + ran.err
        careless.write("memory/token.md", "use the keyring\n")
        until(lambda: careless.state() == "idle")
    assert bob.types("now").status == 0
    assert bob.read("memory/token.md") == "use the keyring\n"


def test_a_daemon_takes_up_a_changed_setting(careless: Person) -> None:
    """What was blocked goes when the person has said that it may."""
    assert careless.init().status == 0
    block(careless)
    careless.configure("[daemon]\ndebounce = 0.1\npoll = 0.2\n")
    with careless.daemon():
        careless.write("memory/new.md", f"use {TOKEN}\n")
        until(lambda: careless.state() == "needs-attention")
        text = careless.places.config_file.read_text()
        careless.places.config_file.write_text(text.replace('"block"', '"off"'))
        until(lambda: careless.state() == "idle")
        (row,) = careless.types("status", "--json").answer["data"]["vaults"]
        assert row["warnings"] == []


def test_i53_no_piece_of_it_is_written_anywhere(careless: Person) -> None:
    """Neither log, state, configuration nor what is shown has it; nor the vault."""
    assert careless.init().status == 0
    careless.configure("[daemon]\ndebounce = 0.1\npoll = 0.2\nlog_paths = true\n")
    shown = ""
    with careless.daemon():
        careless.write("memory/new.md", f"use {TOKEN}\n")
        until(lambda: len(careless.types("status").out.split("looks like a GitHub")) == 3)
        for words in (("status",), ("status", "--json"), ("logs",), ("now", "--json")):
            ran = careless.types(*words)
            shown += ran.out + ran.err
    log = careless.places.log_file.read_text()
    assert '"event": "secret.found"' in log or '"event":"secret.found"' in log
    assert PIECE not in shown + log
    vault = Path(careless.remote.removeprefix("file://"))
    for top in (careless.home, vault):
        for place in top.rglob("*"):
            if place.is_file() and "trash" not in place.parts:
                assert PIECE.encode() not in place.read_bytes(), place


def test_an_unknown_policy_is_refused(careless: Person) -> None:
    """A word that is none is an error of the configuration, with the words there are."""
    assert careless.init().status == 0
    block(careless, "perhaps")
    ran = careless.types("now", "--json")
    assert ran.status == 2
    assert "secrets" in ran.answer["errors"][0]["message"]
