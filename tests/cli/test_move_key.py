"""`memory-sync move-key`: the key in the system's keyring, and back in a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memory_sync.daemon.schedule import HOPELESS_RETRY, Schedule, Timing
from memory_sync.errors import KeyringError
from memory_sync.ports import ring
from memory_sync.ports.clock import SystemClock
from memory_sync.vault.keys import Identity, generate_identity, parse_identity
from tests.cli.person import Person, until

BACKEND = """\
import json, os, sys, time
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

PLACE = os.path.join(os.path.dirname(__file__), "kept.json")

class Pocket(KeyringBackend):
    priority = 1

    def _kept(self):
        with open(PLACE) as file:
            kept = json.load(file)
        with open(os.path.join(os.path.dirname(__file__), "asked.log"), "a") as log:
            log.write(" ".join(sys.argv[1:]) + chr(10))
        if kept.get("locked"):
            raise KeyringLocked("the keyring is locked")
        if kept.get("asks"):
            time.sleep(60)
        return kept

    def _keep(self, kept):
        with open(PLACE, "w") as file:
            json.dump(kept, file)

    def get_password(self, service, user):
        return self._kept().get(f"{service} {user}")

    def set_password(self, service, user, secret):
        kept = self._kept()
        if not kept.get("forgets"):
            kept[f"{service} {user}"] = secret[:40] if kept.get("cuts") else secret
        self._keep(kept)

    def delete_password(self, service, user):
        kept = self._kept()
        if kept.pop(f"{service} {user}", None) is None:
            raise PasswordDeleteError("not there")
        self._keep(kept)
"""


class Pocket:
    """A person's keyring, by the keyring library's own configuration."""

    def __init__(self, person: Person) -> None:
        self.folder = Path(person.env["HOME"]) / "keyring"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "pocket.py").write_text(BACKEND)
        self._place = self.folder / "kept.json"
        self._place.write_text("{}")
        person.env.pop("XDG_CONFIG_HOME", None)
        self._config = Path(person.env["HOME"]) / ".config" / "python_keyring" / "keyringrc.cfg"
        self._config.parent.mkdir(parents=True, exist_ok=True)
        self.use("pocket.Pocket")

    def use(self, backend: str) -> None:
        """Have another backend than one's own."""
        text = f"[backend]\ndefault-keyring={backend}\nkeyring-path={self.folder}\n"
        self._config.write_text(text)

    @property
    def kept(self) -> dict[str, Any]:
        """All that is kept."""
        kept: dict[str, Any] = json.loads(self._place.read_text())
        return kept

    def be(self, **flags: bool) -> None:
        """Behave in another way from now on."""
        self._place.write_text(json.dumps({**self.kept, **flags}))

    @property
    def asked(self) -> list[str]:
        """How often the keyring was asked, and with which words."""
        log = self.folder / "asked.log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def owner(ada: Person) -> Person:
    """Return the machine that has founded the vault."""
    assert ada.init().status == 0
    return ada


@pytest.fixture
def pocket(owner: Person) -> Pocket:
    """Return its keyring."""
    return Pocket(owner)


def key_of(person: Person) -> Identity:
    """Return the vault's key, wherever it lies."""
    return parse_identity(person.types("export-key", "-").out)


def files(person: Person) -> list[Path]:
    """Return the key files of a home."""
    return sorted(person.places.keys.glob("age1*.txt"))


def syncs(person: Person) -> bool:
    """Tell whether an edit goes up."""
    person.write("MEMORY.md", f"{person.read('MEMORY.md')}more\n")
    ran = person.types("now", "--json")
    return ran.status == 0 and bool(ran.answer["data"]["vaults"])


def test_a_key_goes_into_the_keyring_and_back(owner: Person, pocket: Pocket) -> None:
    """No file has it meanwhile, everything works as before, and then the keyring has nothing."""
    (file,) = files(owner)
    before = parse_identity(file.read_text())
    assert owner.types("move-key", "keyring").status == 0
    assert files(owner) == []
    assert pocket.kept == {f"memory-sync {before.recipient}": before.secrets[0]}
    assert not any(before.secrets[0] in one.read_text("latin-1") for one in everything(owner))
    assert key_of(owner) == before
    assert syncs(owner)
    assert owner.types("doctor", "--no-network", "--json").status == 0
    ran = owner.types("move-key", "file", "--json")
    expected = {"vault": "vault", "recipient": before.recipient, "key": "file"}
    assert ran.answer["data"] == expected
    assert parse_identity(file.read_text()) == before
    assert file.stat().st_mode & 0o777 == 0o600
    assert pocket.kept == {}
    assert not list(owner.places.keys.glob("*.keyring"))
    assert syncs(owner)


def everything(person: Person) -> list[Path]:
    """Return all files of a home."""
    return [file for file in person.home.rglob("*") if file.is_file()]


def test_moving_twice_changes_nothing(owner: Person, pocket: Pocket) -> None:
    """Each direction may be typed again."""
    before = key_of(owner)
    for to in ("file", "keyring", "keyring", "file", "file"):
        assert owner.types("move-key", to).status == 0
        assert key_of(owner) == before


def test_i53_the_key_stands_in_no_process_list(owner: Person, pocket: Pocket) -> None:
    """The words that the keyring is asked with name the key's public half."""
    secret = key_of(owner).secrets[0]
    owner.types("move-key", "keyring")
    owner.types("now")
    assert any(line.startswith("set memory-sync age1") for line in pocket.asked)
    assert not any(secret in line for line in pocket.asked)


@pytest.mark.parametrize("flag", ["forgets", "cuts", "locked"])
def test_a_keyring_that_does_not_give_it_back_gets_nothing(
    owner: Person, pocket: Pocket, flag: str
) -> None:
    """The file stays until the keyring has shown that it has the whole key."""
    pocket.be(**{flag: True})
    before = files(owner)[0].read_text()
    ran = owner.types("move-key", "keyring", "--json")
    assert (ran.status, ran.codes) == (9, ["keyring"])
    assert "stays in its file" in ran.answer["errors"][0]["message"]
    assert [file.read_text() for file in files(owner)] == [before]
    assert syncs(owner)


def test_a_machine_without_a_keyring(owner: Person, pocket: Pocket) -> None:
    """It is said, the file stays, and a key comes in as ever."""
    pocket.use("keyring.backends.fail.Keyring")
    ran = owner.types("move-key", "keyring")
    assert ran.status == 9
    assert "there is none here" in ran.err
    assert len(files(owner)) == 1
    assert syncs(owner)


def test_a_keyring_library_that_is_not_there(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint is what installs it; nothing has changed."""
    monkeypatch.setattr(ring, "find_spec", lambda _: None)
    ran = owner.types("move-key", "keyring")
    assert ran.status == 9
    assert f"hint: {ring.installing(sys.prefix, sys.executable)}\n" in ran.err
    assert len(files(owner)) == 1


def test_the_keyring_library_is_installed_as_the_program_was(tmp_path: Path) -> None:
    """Who came by pipx is told of pipx, who came by uv of uv, anybody else of their Python."""
    assert ring.installing(str(tmp_path), "/a b/python") == "'/a b/python' -m pip install keyring"
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n")
    assert ring.installing(str(tmp_path), "/v/python") == "/v/python -m pip install keyring"
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.9.1\n")
    assert ring.installing(str(tmp_path), "/v/python") == (
        "uv pip install --python /v/python keyring"
    )
    (tmp_path / "pipx_metadata.json").write_text("{}")
    assert ring.installing(str(tmp_path), "/v/python") == "pipx inject memory-sync keyring"


def test_i73_a_locked_keyring_is_named_and_tried_again(owner: Person, pocket: Pocket) -> None:
    """A daemon without it says which command mends it, and goes on by itself once it opens."""
    owner.types("move-key", "keyring")
    pocket.be(locked=True)
    with owner.daemon():
        until(lambda: owner.state() == "needs-attention")
        shown = owner.types("status").out
        assert "lies in it, and it is locked" in shown
        assert "memory-sync move-key file" in shown
        pocket.be(locked=False)
        until(lambda: owner.state() == "idle", 30)
        asked = len(pocket.asked)
        assert owner.types("now").status == 0
        assert owner.types("now").status == 0
        assert len(pocket.asked) == asked


def test_i73_what_a_keyring_refuses_is_tried_again_soon() -> None:
    """A login opens it; nobody has to tell the daemon."""
    schedule = Schedule(SystemClock(), Timing(poll=15))
    schedule.failed(KeyringError(detail="it is locked"))
    assert schedule.wait() < HOPELESS_RETRY / 100


def test_the_way_out_of_a_keyring_that_is_lost(owner: Person, pocket: Pocket) -> None:
    """Moving back fails with the command that works: an import, which writes the file."""
    key = owner.types("export-key", "-").out
    owner.types("move-key", "keyring")
    for flags in ({"locked": True}, {"locked": False}):
        pocket.be(**flags)
        if not flags["locked"]:
            (pocket.folder / "kept.json").write_text("{}")
        ran = owner.types("move-key", "file", "--json")
        assert (ran.status, ran.codes) == (9, ["keyring"])
        assert ran.answer["errors"][0]["hint"] == "memory-sync import-key KEY-FILE"
    pocket.be(locked=True)
    assert owner.types("import-key", stdin=key).status == 0
    assert len(files(owner)) == 1
    assert syncs(owner)


def test_a_key_that_comes_again_goes_where_the_other_lies(owner: Person, pocket: Pocket) -> None:
    """An import puts the key into the keyring that it was moved to, older keys and all."""
    key, older = key_of(owner), generate_identity().secrets[0]
    owner.types("move-key", "keyring")
    ran = owner.types("import-key", stdin=f"{key.secrets[0]}\n{older}\n")
    assert "is stored in the keyring." in ran.out
    assert files(owner) == []
    assert key_of(owner).secrets == (key.secrets[0], older)
    newer = Identity((generate_identity().secrets[0], *key.secrets))
    owner.types("import-key", stdin="\n".join(newer.secrets))
    assert files(owner) == []
    assert f"memory-sync {newer.recipient}" in pocket.kept


def test_a_key_in_the_keyring_is_still_to_be_exported(owner: Person, pocket: Pocket) -> None:
    """The reminder stays until there is a copy elsewhere: a keyring goes with its machine."""
    assert "export-key" in owner.types("move-key", "keyring").out
    assert "export-key" in owner.types("status").out
    owner.types("export-key", "-")
    assert "export-key" not in owner.types("status").out


def test_a_kill_between_the_two_loses_nothing(
    owner: Person, pocket: Pocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever moving ends, the key is in one of the two places, and typed again it gets there."""
    before = key_of(owner)
    for to in ("keyring", "file"):
        for point in ("unlink", "replace"):

            def fail(*_: object, **__: object) -> None:
                raise KeyboardInterrupt

            with monkeypatch.context() as patch:
                patch.setattr(os, point, fail)
                patch.setattr(Path, "unlink", fail)
                owner.types("move-key", to)
            assert key_of(owner) == before
        assert owner.types("move-key", to).status == 0
        assert key_of(owner) == before
        assert bool(files(owner)) == (to == "file")


def test_the_keyring_command_reads_it(owner: Person, pocket: Pocket) -> None:
    """What lies there is what a person gets by hand: `keyring get memory-sync RECIPIENT`."""
    key = key_of(owner)
    owner.types("move-key", "keyring")
    words = [sys.executable, "-m", "keyring", "get", "memory-sync", key.recipient]
    done = subprocess.run(words, env=owner.env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == key.secrets[0]


def test_a_key_that_is_not_here_cannot_be_moved(bob: Person, owner: Person) -> None:
    """Exit status 9, and the command that brings it."""
    for file in files(owner):
        file.unlink()
    ran = owner.types("move-key", "keyring", "--json")
    assert (ran.status, ran.codes) == (9, ["key-missing"])
    assert bob.types("move-key", "keyring").status == 2


def test_a_key_in_the_keyring_is_changed_in_the_keyring(owner: Person, pocket: Pocket) -> None:
    """What a rotation draws goes where the old key lies, and no file is left of either."""
    old = key_of(owner)
    owner.types("move-key", "keyring")
    ran = owner.types("rotate-key", "--yes")
    assert ran.status == 0, ran
    new = key_of(owner)
    assert new.secrets[1:] == old.secrets
    assert pocket.kept[f"memory-sync {new.recipient}"].split() == list(new.secrets)
    assert not any(
        secret in one.read_text("latin-1") for one in everything(owner) for secret in new.secrets
    )
    assert syncs(owner)
