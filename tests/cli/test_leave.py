"""`memory-sync leave`: files, vault and key stay, and coming back is a union."""

from __future__ import annotations

import shutil

import pytest

from memory_sync.app import moving
from tests.cli.person import QUICK, Person, until
from tests.cli.terminal import terminal


def test_a_vault_is_left_and_joined_again(pair: tuple[Person, Person]) -> None:
    """Files stay on both sides; what changed on either meanwhile is united."""
    ada, bob = pair
    bob.write("memory/unsent.md", "unsent\n")
    ran = bob.types("leave", "--yes")
    assert ran.status == 0, ran
    assert "Not in the vault yet: 1 file (memory/memory/unsent.md)." in ran.err
    assert bob.read("MEMORY.md") == "# Memory\n"
    assert not (bob.agent / ".memory-sync").exists()
    ada.write("memory/meanwhile.md", "meanwhile\n")
    (ada.agent / "memory/2026-01-01.md").unlink()
    assert ada.types("now").status == 0
    ran = bob.init()
    assert ran.status == 0, ran
    assert bob.read("memory/meanwhile.md") == "meanwhile\n"
    assert ada.types("now").status == 0
    assert ada.read("memory/unsent.md") == "unsent\n"
    # Nobody knows any more who has deleted it: it is there again, not gone on both.
    assert ada.read("memory/2026-01-01.md") == "- Learned to sync.\n"


def test_what_was_kept_lies_aside(pair: tuple[Person, Person]) -> None:
    """Trash and conflict copies are memories: they stay, where no other vault finds them."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Ada\n")
    bob.write("MEMORY.md", "# Bob\n")
    ada.types("now")
    assert bob.types("now").status == 3
    answer = bob.types("leave", "--yes", "--json").answer["data"]
    kept = {path.read_bytes() for path in bob.home.rglob("*") if answer["kept"] in str(path)
            and path.is_file()}  # fmt: skip
    assert b"# Bob\n" in kept
    assert answer["key_deleted"] is False
    assert "others can reach" not in bob.types("doctor", "--no-network").out
    assert not (bob.places.trash / "vault").exists()


def test_a_running_daemon_goes_on_without_a_vault(pair: tuple[Person, Person]) -> None:
    """Left on purpose is not broken: it idles, says so, and takes up what comes next."""
    ada, _ = pair
    ada.configure(QUICK)
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        ran = ada.types("leave", "--yes")
        assert ran.status == 0, ran
        assert not (ada.agent / ".memory-sync").exists()
        status = ada.types("status")
        assert "No vault is set up on this machine" in status.out
        data = ada.types("status", "--json").answer["data"]
        assert (data["state"], data["vaults"]) == ("idle", [])
        assert "config" not in data["daemon"]
        ada.write("memory/mine.md", "mine\n")
        assert ada.init().status == 0
        until(lambda: ada.types("status", "--json").answer["data"]["vaults"])
    assert "root.halted" not in ada.places.log_file.read_text()
    with ada.daemon():
        assert ada.types("leave", "--yes").status == 0
    with ada.daemon():
        assert ada.state() == "idle"


def test_an_empty_file_is_still_no_leaving(pair: tuple[Person, Person]) -> None:
    """A configuration that is empty for a moment keeps the old one in force."""
    ada, _ = pair
    ada.configure(QUICK)
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        ada.places.config_file.write_text("")
        until(lambda: ada.state() == "needs-attention")
        data = ada.types("status", "--json").answer["data"]
        assert [row["name"] for row in data["vaults"]] == ["vault"]


def test_one_root_is_left_and_the_others_go_on(pair: tuple[Person, Person]) -> None:
    """The vault keeps the root's files, other machines keep syncing it."""
    ada, bob = pair
    other = ada.home.parent / "other"
    other.mkdir()
    (other / "MEMORY.md").write_text("other\n")
    words = ("init", str(other), "--name", "other", "--vault", "vault", "--yes")
    assert ada.types(*words).status == 0
    ran = ada.types("leave", "--root", "other", "--yes")
    assert ran.status == 0, ran
    assert not (other / ".memory-sync").exists()
    assert (other / "MEMORY.md").read_text() == "other\n"
    ada.write("memory/more.md", "more\n")
    assert ada.types("now").status == 0
    assert bob.types("now").status == 0
    assert bob.read("memory/more.md") == "more\n"
    held = ada.types("history", "--json").answer
    assert held["ok"]
    (other / "MEMORY.md").unlink()
    assert ada.types(*words).status == 0
    assert (other / "MEMORY.md").read_text() == "other\n"


def test_no_means_that_nothing_is_changed(pair: tuple[Person, Person]) -> None:
    """At a terminal Enter alone is no; without one --yes is needed."""
    ada, _ = pair
    before = ada.places.config_file.read_text()
    ran = ada.types("leave", "--json")
    assert (ran.status, ran.codes) == (2, ["answer-needed"])
    with terminal("leave", env=ada.env) as screen:
        screen.expect("Leave vault vault")
        screen.type("")
        assert screen.ends() == 1
    assert ada.places.config_file.read_text() == before
    assert (ada.agent / ".memory-sync").exists()


def keys(person: Person) -> list[str]:
    """Return the keys that lie on a machine."""
    return sorted(path.name for path in person.places.keys.glob("age1*.txt"))


def test_a_key_goes_only_if_it_was_exported_and_somebody_says_so(
    pair: tuple[Person, Person],
) -> None:
    """A key that was brought from elsewhere is asked about; Enter alone keeps it."""
    _, bob = pair
    with terminal("leave", env=bob.env) as screen:
        screen.expect("Leave vault vault")
        screen.type("y")
        screen.expect("Delete the key from this machine, too? [y/N]")
        screen.type("y")
        assert screen.ends() == 0
    assert keys(bob) == []


def test_the_only_copy_of_a_key_is_never_deleted(ada: Person) -> None:
    """A key that was never exported stays without a question, and is said to."""
    assert ada.init().status == 0
    found = keys(ada)
    with terminal("leave", env=ada.env) as screen:
        screen.expect("Leave vault vault")
        screen.type("y")
        screen.expect("The key stays: it was never exported")
        assert screen.ends() == 0
    assert keys(ada) == found


def test_a_folder_that_is_gone_can_be_left(pair: tuple[Person, Person]) -> None:
    """No folder is needed to leave, and no remote."""
    ada, _ = pair
    shutil.rmtree(ada.agent)
    shutil.rmtree(ada.home.parent.parent / "vault.git")
    assert ada.types("leave", "--yes").status == 0
    assert ada.types("status").status == 0


def test_another_vault_of_the_same_name_finds_nothing_of_the_old_one(
    pair: tuple[Person, Person],
) -> None:
    """A new vault can be made under the name at once; no conflict copy goes over to it."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Ada\n")
    bob.write("MEMORY.md", "# Bob\n")
    ada.types("now")
    assert bob.types("now").status == 3
    assert bob.types("leave", "--yes").status == 0
    bob.remote = f"file://{bob.home.parent.parent}/second.git"
    assert bob.init("--vault", "vault").status == 0
    assert bob.types("status", "--json").answer["data"]["vaults"][0]["conflicts"] == 0


def test_i30_a_leaving_that_was_cut_short_deletes_nothing_later(
    pair: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marker stayed, files were deleted since, and it is joined again: a union."""
    ada, bob = pair

    def cut(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(moving, "taken_up", cut)
        assert bob.types("leave", "--yes").status == 130
    (bob.agent / "memory/2026-01-01.md").unlink()
    assert bob.init().status == 0
    assert ada.types("now").status == 0
    assert ada.read("memory/2026-01-01.md") == "- Learned to sync.\n"


def test_what_lies_aside_is_called_what_it_is(pair: tuple[Person, Person]) -> None:
    """Without trash and copies none are spoken of."""
    ada, bob = pair
    assert "(its state: no trash, no copies)" in ada.types("leave", "--yes").out
    (bob.places.trash / "vault" / "memory").mkdir(parents=True)
    (bob.places.trash / "vault" / "memory" / "x.md").write_text("x\n")
    assert "kept of it (trash) lies in" in bob.types("leave", "--yes").out


def test_a_root_in_a_root_is_said_to_go_on(pair: tuple[Person, Person]) -> None:
    """Its files are the outer root's again, and are sent: that is told before it is asked."""
    ada, bob = pair
    inner = ada.agent / "memory" / "private"
    inner.mkdir()
    (inner / "MEMORY.md").write_text("p\n")
    assert ada.types("roots", "add", str(inner), "--name", "private", "--yes").status == 0
    ran = ada.types("leave", "--root", "private", "--json")
    assert (ran.status, ran.codes) == (2, ["answer-needed"])
    said = "its files belong to root memory again, and are synced as its."
    assert said in ran.err
    # A way to keep them out is named, and it is one.
    text = ada.places.config_file.read_text()
    ada.places.config_file.write_text(
        text.replace('name = "private"', 'name = "private"\n').replace(
            "[[vault.root]]", '[[vault.root]]\nexclude = ["memory/private/**"]', 1
        )
    )
    ran = ada.types("leave", "--root", "private", "--yes")
    assert ran.status == 0, ran
    assert said not in ran.err
    (inner / "MEMORY.md").write_text("secret\n")
    assert ada.types("now").status == 0
    assert bob.types("now").status == 0
    assert bob.read("memory/private/MEMORY.md") is None
    # Left with the vault, there is no root around it any more.
    assert said not in ada.types("leave", "--json").err
