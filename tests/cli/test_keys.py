"""`memory-sync export-key` and `import-key`: the key goes by hand, and never by accident."""

import errno
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from memory_sync.ports.keystore import Keystore
from memory_sync.vault.keys import generate_identity, parse_identity
from tests.cli.person import Person, until
from tests.cli.terminal import Terminal, terminal
from tests.needs import needs


@pytest.fixture
def owner(ada: Person) -> Person:
    """Return the machine that has founded the vault."""
    assert ada.init().status == 0
    return ada


def test_a_key_file_is_private_and_complete(owner: Person, tmp_path: Path) -> None:
    """The file is the age identity of the vault, readable by its owner alone."""
    file = tmp_path / "key.txt"
    ran = owner.types("export-key", str(file), "--json")
    assert ran.status == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert parse_identity(file.read_text()).recipient == ran.answer["data"]["recipient"]
    assert "AGE-SECRET-KEY" not in ran.out + ran.err


def test_a_daemon_that_lacks_the_key_tries_again_when_it_comes(
    owner: Person, tmp_path: Path
) -> None:
    """It would wait an hour by itself."""
    file = tmp_path / "key.txt"
    assert owner.types("export-key", str(file)).status == 0
    shutil.rmtree(owner.places.keys)
    with owner.daemon():
        until(lambda: owner.state() == "needs-attention")
        assert "It is the key of vault." in owner.types("import-key", str(file)).out
        assert owner.state() == "idle"


def test_age_itself_reads_the_key(owner: Person, tmp_path: Path) -> None:
    """age-keygen finds the vault's recipient in the file."""
    needs("age-keygen")
    file = tmp_path / "key.txt"
    recipient = owner.types("export-key", str(file), "--json").answer["data"]["recipient"]
    done = subprocess.run(["age-keygen", "-y", str(file)], capture_output=True, check=True)
    assert done.stdout.decode().strip() == recipient


def test_standard_output_has_the_key_and_nothing_else(owner: Person) -> None:
    """What is piped into a password manager is the key file."""
    ran = owner.types("export-key", "-")
    assert parse_identity(ran.out).secrets
    assert ran.err == ""
    both = owner.types("export-key", "-", "--json")
    assert both.status == 2
    assert "AGE-SECRET-KEY" not in both.out


def test_nothing_is_overwritten(owner: Person, tmp_path: Path) -> None:
    """A file or a link that is there stays, a link that leads nowhere, too."""
    file = tmp_path / "key.txt"
    file.write_text("precious\n")
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "nowhere.txt")
    for path in (file, link):
        ran = owner.types("export-key", str(path), "--json")
        assert (ran.status, ran.codes) == (2, ["file-exists"])
    assert file.read_text() == "precious\n"
    assert not (tmp_path / "nowhere.txt").exists()


@pytest.mark.parametrize("way", ["plain", "below", "linked", "dotted", "other", "conflicts"])
def test_i53_a_key_is_never_written_into_a_synced_folder(
    owner: Person, tmp_path: Path, way: str
) -> None:
    """Not directly, not below it, not through a link or dots, nor into another vault's root."""
    other = tmp_path / "other"
    other.mkdir()
    owner.types("init", str(other), "--remote", f"{tmp_path}/two.git", "--yes")
    (tmp_path / "link").symlink_to(owner.agent / "memory")
    path = {
        "plain": owner.agent / "key.txt",
        "below": owner.agent / "memory" / "key.md",
        "linked": tmp_path / "link" / "key.txt",
        "dotted": tmp_path / "x" / ".." / owner.name / "agent" / "key.txt",
        "other": other / "key.txt",
        "conflicts": owner.places.vault_state("vault") / "conflicts" / "key.txt",
    }[way]
    ran = owner.types("export-key", str(path), "--vault", "vault", "--json")
    assert (ran.status, ran.codes) == (2, ["export-into-root"])
    assert not path.exists()


def test_a_folder_that_is_not_there(owner: Person, tmp_path: Path) -> None:
    """The path is named, and why it cannot be written."""
    ran = owner.types("export-key", f"{tmp_path}/nowhere/key.txt")
    assert ran.status == 1
    assert "No such file or directory" in ran.err


def test_several_vaults_have_several_keys(owner: Person, tmp_path: Path) -> None:
    """Without --vault it is an error that names it."""
    other = tmp_path / "other"
    other.mkdir()
    owner.types("init", str(other), "--remote", f"{tmp_path}/two.git", "--yes")
    ran = owner.types("export-key", "-")
    assert ran.status == 2
    assert "hint: memory-sync export-key - --vault vault" in ran.err
    first = owner.types("export-key", "-", "--vault", "vault").out
    assert first != owner.types("export-key", "-", "--vault", "two").out


def test_a_key_that_is_not_here_cannot_be_exported(owner: Person) -> None:
    """Exit status 9, and no file."""
    shutil.rmtree(owner.places.keys)
    assert owner.types("export-key", "-").status == 9


def test_a_passphrase_protects_the_file(owner: Person, bob: Person, tmp_path: Path) -> None:
    """The file is an age passphrase file; only the right passphrase opens it."""
    file = str(tmp_path / "key.age")
    assert owner.types("export-key", file, "--passphrase", stdin="correct horse\n").status == 0
    assert "AGE-SECRET-KEY" not in Path(file).read_text()
    wrong = bob.types("import-key", file, "--json", stdin="wrong horse\n")
    assert (wrong.status, wrong.codes) == (9, ["passphrase-wrong"])
    assert not list(bob.places.keys.glob("*"))
    assert bob.types("import-key", file, stdin="correct horse\n").status == 0
    assert len(list(bob.places.keys.glob("age1*.txt"))) == 1


def test_a_passphrase_is_asked_for_twice_without_echo(owner: Person, tmp_path: Path) -> None:
    """A slip of the pen would lock the key away: two that differ write nothing."""
    file = tmp_path / "key.age"
    for second, status in (("correct house", 2), ("correct horse", 0)):
        with terminal("export-key", str(file), "--passphrase", env=owner.env) as screen:
            screen.expect("Passphrase for the key file: ")
            screen.until_silent()
            screen.type("correct horse")
            screen.expect("The same again: ")
            screen.until_silent()
            screen.type(second)
            assert screen.ends() == status
        assert "horse" not in screen.shown
        assert file.exists() == (status == 0)


def test_an_empty_passphrase_is_none(owner: Person, tmp_path: Path) -> None:
    """It would protect nothing."""
    file = tmp_path / "key.age"
    assert owner.types("export-key", str(file), "--passphrase", stdin="\n").status == 2
    assert not file.exists()


def test_a_key_comes_in_from_a_file_or_a_pipe(owner: Person, bob: Person, tmp_path: Path) -> None:
    """It is filed by its recipient, privately, and counts as exported: it came from outside."""
    file = tmp_path / "key.txt"
    recipient = owner.types("export-key", str(file), "--json").answer["data"]["recipient"]
    for words, stdin in (((str(file),), ""), ((), file.read_text()), (("-",), file.read_text())):
        ran = bob.types("import-key", *words, "--json", stdin=stdin)
        assert ran.answer["data"] == {"recipient": recipient, "vaults": [], "other_vaults": {}}
        stored = bob.places.keys / f"{recipient}.txt"
        assert stored.stat().st_mode & 0o777 == 0o600
        assert (bob.places.keys / f"{recipient}.exported").exists()
        shutil.rmtree(bob.places.keys)


def test_it_says_what_comes_next(owner: Person, bob: Person) -> None:
    """Without a vault: init. With one that has this key: its name."""
    key = owner.types("export-key", "-").out
    told = bob.types("import-key", stdin=key).out
    assert "memory-sync init --remote URL" in told
    assert "In the agent's folder" not in told
    assert "It is the key of vault." in owner.types("import-key", stdin=key).out


def test_a_vault_that_was_never_opened_here_is_asked_which_key_it_wants(owner: Person) -> None:
    """The key opens it or not, and that is said at once; where it cannot be asked, that is said."""
    key = owner.types("export-key", "-").out
    (owner.places.keys / "vault.trust.json").unlink()
    assert "It is the key of vault." in owner.types("import-key", stdin=key).out
    other = generate_identity()
    ran = owner.types("import-key", "--json", stdin=other.secrets[0])
    recipient = parse_identity(key).recipient
    assert ran.answer["data"]["other_vaults"] == {"vault": recipient}
    ran = owner.types("import-key", stdin=other.secrets[0])
    assert f"It does not open vault, which wants the key {recipient}." in ran.out
    place = Path(owner.remote.removeprefix("file://"))
    place.rename(place.with_suffix(".away"))
    ran = owner.types("import-key", stdin=key)
    assert (ran.status, "memory-sync now" in ran.out) == (0, True)


def test_a_vault_whose_key_was_changed_elsewhere_is_asked(owner: Person) -> None:
    """What is trusted of it names the old key: the one that it has now is the one that it wants."""
    key = owner.types("export-key", "-").out
    keystore = Keystore(owner.places.keys)
    trust = keystore.trust("vault")
    assert trust
    old = generate_identity().recipient
    keystore.set_trust("vault", replace(trust, recipient=old, rotated=True))
    assert "It is the key of vault." in owner.types("import-key", stdin=key).out


def test_i51_no_key_replaces_another(owner: Person) -> None:
    """Another key lies beside the one that is here, and says that it opens nothing here."""
    before = owner.types("export-key", "-").out
    ran = owner.types("import-key", stdin=generate_identity().secrets[0])
    assert "It does not open vault" in ran.out
    assert len(list(owner.places.keys.glob("age1*.txt"))) == 2
    assert owner.types("export-key", "-").out == before


def test_older_keys_are_kept_when_a_key_comes_again(owner: Person) -> None:
    """What opens the history stays in the file, whichever of them the import lacks."""
    current = parse_identity(owner.types("export-key", "-").out).secrets[0]
    older = [generate_identity().secrets[0] for _ in range(2)]
    for one in older:
        ran = owner.types("import-key", stdin=f"{current}\n{one}\n")
        assert "It is the key of vault." in ran.out
    kept = parse_identity(owner.types("export-key", "-").out).secrets
    assert (kept[0], set(kept[1:])) == (current, set(older))


def test_a_damaged_key_file_is_mended_by_an_import(owner: Person) -> None:
    """The key from elsewhere takes its place, and what stood there is set aside."""
    key = owner.types("export-key", "-").out
    (file,) = owner.places.keys.glob("age1*.txt")
    file.write_text("AGE-SECRET-KEY-1DAMAGED\n")
    assert owner.types("now", "--json").codes == ["key-invalid"]
    assert owner.types("import-key", stdin=key).status == 0
    assert owner.types("now").status == 0
    assert file.with_suffix(".broken").read_text() == "AGE-SECRET-KEY-1DAMAGED\n"


def test_age_itself_opens_what_has_a_passphrase(owner: Person, tmp_path: Path) -> None:
    """`age -d` asks for the passphrase, and gives a file that `age-keygen` reads."""
    needs("age", "age-keygen")
    file, key = tmp_path / "key.age", tmp_path / "key.txt"
    assert owner.types("export-key", str(file), "--passphrase", stdin="correct horse\n").status == 0
    assert file.stat().st_mode & 0o777 == 0o600
    screen = Terminal(("age", "-d", "-o", str(key), str(file)), owner.env)
    try:
        screen.expect("passphrase")
        screen.until_silent()
        screen.type("correct horse")
        assert screen.ends() == 0
    finally:
        screen.close()
    done = subprocess.run(["age-keygen", "-y", str(key)], capture_output=True, check=True)
    recipient = parse_identity(owner.types("export-key", "-").out).recipient
    assert done.stdout.decode().strip() == recipient


def test_a_key_that_could_not_be_written_whole_leaves_no_file(
    owner: Person, tmp_path: Path
) -> None:
    """Half a key must not be taken for a copy of it: not on a full disk, nor after Ctrl-C."""
    file = tmp_path / "key.txt"
    for error in (OSError(errno.ENOSPC, "full"), KeyboardInterrupt()):

        def fail(_: int, error: BaseException = error) -> None:
            assert file.stat().st_mode & 0o777 == 0o600
            raise error

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            assert owner.types("export-key", str(file)).status in (1, 130)
        assert not file.exists()


@pytest.mark.parametrize(
    "text",
    ["", "AGE-SECRET-KEY-1NONSENSE\n", "no key\n", "\x00\x01", "# " + "x" * 70_000, "ключ\n"],
)
def test_what_is_no_key_is_refused(bob: Person, text: str) -> None:
    """Nothing is stored, and what was given is not repeated."""
    ran = bob.types("import-key", "--json", stdin=text)
    assert (ran.status, ran.codes) == (9, ["key-invalid"])
    assert "NONSENSE" not in ran.out + ran.err
    assert not bob.places.keys.exists()


def test_a_key_file_that_is_not_there(bob: Person, tmp_path: Path) -> None:
    """The path is named, and the hint looks for it: there are no rights to be mended."""
    ran = bob.types("import-key", f"{tmp_path}/nowhere.txt")
    assert f"hint: ls -la '{tmp_path}'" in ran.err
    assert ran.status == 9
    assert "nowhere.txt" in ran.err


def test_a_key_is_typed_without_echo(owner: Person, bob: Person) -> None:
    """A key that is pasted into a terminal does not show on it."""
    lines = owner.types("export-key", "-").out.splitlines()
    with terminal("import-key", env=bob.env) as screen:
        screen.expect("Key (the line")
        screen.until_silent()
        screen.type("\n".join(lines))
        assert screen.ends() == 0
    assert "AGE-SECRET-KEY-1" not in screen.shown.replace("AGE-SECRET-KEY-1)", "")
    assert len(list(bob.places.keys.glob("age1*.txt"))) == 1


def test_a_hint_keeps_what_was_asked_for(owner: Person, tmp_path: Path) -> None:
    """The other way that is proposed has the passphrase and the vault that were given."""
    taken = tmp_path / "key.txt"
    taken.write_text("something else\n")
    for path in (taken, owner.agent / "key.txt"):
        ran = owner.types("export-key", str(path), "--passphrase", "--vault", "vault", "--json")
        assert ran.status != 0
        hint = ran.answer["errors"][0]["hint"]
        assert hint.startswith("memory-sync export-key ")
        assert hint.endswith("--passphrase --vault vault")
