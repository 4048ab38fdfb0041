"""`memory-sync rotate-key`: says what it does not undo, asks, and names what comes next."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli.pairing import paired
from tests.cli.person import Person, until
from tests.cli.terminal import terminal
from tests.needs import needs


def _recipient(person: Person) -> str:
    ran = person.types("export-key", str(person.home / "probe.txt"), "--json")
    assert ran.status == 0, ran
    (person.home / "probe.txt").unlink()
    recipient: str = ran.answer["data"]["recipient"]
    return recipient


@pytest.mark.parametrize("served", [False, True], ids=["alone", "with a daemon"])
def test_i54_a_rotation_and_what_comes_after_it(pair: tuple[Person, Person], served: bool) -> None:
    """The other machine stops with status 9, takes the new key, and both go on."""
    ada, bob = pair
    before = _recipient(ada)
    if served:
        with ada.daemon():
            ran = ada.types("rotate-key", "--yes", "--json")
            until(lambda: ada.state() == "idle")
    else:
        ran = ada.types("rotate-key", "--yes", "--json")
    assert ran.status == 0, ran
    data = ran.answer["data"]
    assert data["changed"]
    assert data["recipient"] != before
    assert data["files"] == 2
    bob.write("memory/bob.md", "bob\n")
    stopped = bob.types("now", "--json")
    assert (stopped.status, stopped.codes) == (9, ["key-rotated"])
    assert "memory-sync import-key" in bob.types("status").out
    ada.key_to(bob)
    assert "memory-sync import-key" not in bob.types("status").out
    assert bob.types("now").status == 0
    assert ada.types("now").status == 0
    assert ada.read("memory/bob.md") == "bob\n"
    assert (_recipient(ada), _recipient(bob)) == (data["recipient"],) * 2


def test_a_daemon_that_has_the_old_key_names_the_command(pair: tuple[Person, Person]) -> None:
    """It needs attention until the new key comes, and then goes on by itself."""
    ada, bob = pair
    bob.configure("[daemon]\npoll = 0.2\ndebounce = 0.1\n")
    with bob.daemon():
        until(lambda: bob.state() == "idle")
        assert ada.types("rotate-key", "--yes").status == 0
        until(lambda: bob.state() == "needs-attention")
        shown = bob.types("status", "--exit-code")
        assert shown.status == 9
        assert "memory-sync import-key" in shown.out
        ada.key_to(bob)
        until(lambda: bob.state() == "idle")


def test_the_new_key_comes_by_six_words_too(pair: tuple[Person, Person]) -> None:
    """A machine that has the old key joins anew, and goes on with what it has."""
    ada, bob = pair
    assert ada.types("rotate-key", "--yes").status == 0
    bob.write("memory/bob.md", "bob\n")
    assert bob.types("now").status == 9
    paired(bob, ada)
    assert bob.types("now").status == 0
    assert ada.types("now").status == 0
    assert ada.read("memory/bob.md") == "bob\n"


def test_one_key_file_is_enough_after_two_rotations(pair: tuple[Person, Person]) -> None:
    """It holds the key in between, and import-key says that it fits."""
    ada, bob = pair
    for _ in range(2):
        assert ada.types("rotate-key", "--yes").status == 0
    assert bob.types("now").status == 9
    key = ada.types("export-key", "-")
    ran = bob.types("import-key", stdin=key.out)
    assert ran.status == 0
    assert "It is the key of" in ran.out
    assert bob.types("now").status == 0


def test_without_an_answer_nothing_changes(ada: Person) -> None:
    """Without a terminal it names the command; a no leaves everything as it is."""
    assert ada.init().status == 0
    before = _recipient(ada)
    ran = ada.types("rotate-key", "--json")
    assert (ran.status, ran.codes) == (2, ["answer-needed"])
    assert _recipient(ada) == before


def test_the_question_says_what_it_does_not_undo(ada: Person) -> None:
    """The past stays readable, and the token of whoever leaves goes first."""
    assert ada.init().status == 0
    before = _recipient(ada)
    with terminal("rotate-key", env=ada.env) as screen:
        screen.expect("Give the vault a new key? [y/N] ")
        screen.type("n")
        assert screen.ends() == 0
    words = " ".join(screen.shown.split())
    assert "does not undo the past" in words
    assert "first revoke their token" in words
    assert "2 files" in words
    assert "Nothing was changed." in words
    assert _recipient(ada) == before


def test_the_new_key_counts_as_not_exported(ada: Person, tmp_path: Path) -> None:
    """The exported file of the old key is no copy of the new one; the new file holds both."""
    assert ada.init().status == 0
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    assert ada.types("export-key", str(old)).status == 0
    ran = ada.types("rotate-key", "--yes", "--json")
    assert ran.status == 0
    recipient = ran.answer["data"]["recipient"]
    assert not (ada.places.keys / f"{recipient}.exported").exists()
    assert ada.types("export-key", str(new)).status == 0
    secrets = [line for line in new.read_text().splitlines() if line.startswith("AGE-SECRET")]
    assert len(secrets) == 2
    assert secrets[1] in old.read_text()
    assert "AGE-SECRET" not in ran.out + ran.err


def test_recovery_keys_come_into_force_by_command(pair: tuple[Person, Person]) -> None:
    """Until then `status` says that the configuration differs, and the vault's are in force."""
    needs("ssh-keygen")
    ada, bob = pair
    key = ada.home / "recovery"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@home", "-f", str(key)]
    subprocess.run(words, check=True)
    public = key.with_suffix(".pub").read_text().strip()
    config = ada.places.config_file
    text = config.read_text()
    config.write_text(
        text.replace("[[vault]]\n", f'[[vault]]\nrecovery_recipients = ["{public}"]\n')
    )
    ran = ada.types("now", "--json")
    assert (ran.status, ran.codes) == (2, ["recovery-differs"])
    done = ada.types("rotate-key", "--recovery-only", "--yes", "--json")
    assert done.status == 0, done
    assert done.answer["data"]["recovery"] == [" ".join(public.split()[:2])]
    assert ada.types("now").status == 0
    assert bob.types("now").status == 0
    again = ada.types("rotate-key", "--recovery-only", "--yes", "--json")
    assert again.answer["data"]["changed"] is False
    assert bob.types("rotate-key", "--recovery-only", "--yes").status == 2


@pytest.mark.parametrize("text", ["age1nonsense", "ssh-ed25519 nonsense"])
def test_a_recovery_key_that_is_none_is_named(ada: Person, text: str) -> None:
    """What nothing can be encrypted to never comes into the vault."""
    assert ada.init().status == 0
    config = ada.places.config_file
    told = f'[[vault]]\nrecovery_recipients = ["{text}"]\n'
    config.write_text(config.read_text().replace("[[vault]]\n", told))
    ran = ada.types("rotate-key", "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["recovery-invalid"])
    assert text in ran.answer["errors"][0]["message"]
    assert ran.answer["errors"][0]["hint"] == f"${{EDITOR:-vi}} {shlex.quote(str(config))}"
