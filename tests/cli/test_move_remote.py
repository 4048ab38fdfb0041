"""`memory-sync move-remote`: a vault lies elsewhere now."""

from __future__ import annotations

import subprocess
from pathlib import Path

from memory_sync.ports.folder import FolderRemote
from tests.cli.person import QUICK, Person, until
from tests.cli.terminal import terminal
from tests.engine.attacker import Attacker
from tests.hub import Hub


def test_two_machines_move_and_go_on(pair: tuple[Person, Person], tmp_path: Path) -> None:
    """The first fills the new remote, with what it had not sent yet; the second follows."""
    ada, bob = pair
    url = f"file://{tmp_path}/new.git"
    ada.write("memory/unsent.md", "unsent\n")
    bob.write("memory/bobs.md", "bob's\n")
    ran = ada.types("move-remote", url, "--yes")
    assert ran.status == 0, ran
    assert url in ran.out
    ran = bob.types("move-remote", url)
    assert ran.status == 0, ran
    assert bob.read("memory/unsent.md") == "unsent\n"
    assert ada.types("now").status == 0
    assert ada.read("memory/bobs.md") == "bob's\n"
    assert bob.types("history").status == 0


def test_a_running_daemon_moves_the_vault(pair: tuple[Person, Person], tmp_path: Path) -> None:
    """It takes the new remote up, and fills it when the command says so."""
    ada, bob = pair
    ada.configure(QUICK)
    url = f"file://{tmp_path}/new.git"
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        ran = ada.types("move-remote", url, "--yes")
        assert ran.status == 0, ran
        until(lambda: ada.state() == "idle")
    assert bob.types("move-remote", url).status == 0
    assert bob.types("now").out == "vault: nothing to do\n"


def test_it_asks_before_it_fills(pair: tuple[Person, Person], tmp_path: Path) -> None:
    """Without a terminal and without --yes nothing is made; at one, no means no."""
    ada, _ = pair
    before = ada.places.config_file.read_text()
    ran = ada.types("move-remote", f"file://{tmp_path}/new.git", "--json")
    assert (ran.status, ran.codes) == (2, ["answer-needed"])
    with terminal("move-remote", f"file://{tmp_path}/new.git", env=ada.env) as screen:
        screen.expect("Create it, and put vault vault there? [Y/n]")
        screen.type("n")
        assert screen.ends() == 1
    assert not (tmp_path / "new.git").exists()
    assert ada.places.config_file.read_text() == before


def test_another_vault_and_other_files_are_refused(
    pair: tuple[Person, Person], tmp_path: Path
) -> None:
    """Nothing is changed, here or there."""
    ada, bob = pair
    other = Person("third", tmp_path, {**ada.env})
    other.remote = f"file://{tmp_path}/other.git"
    assert other.init().status == 0
    before = ada.places.config_file.read_text()
    ran = ada.types("move-remote", other.remote, "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["remote-other"])
    assert ada.types("move-remote", "nonsense", "--json").codes == ["remote-invalid"]
    assert ada.places.config_file.read_text() == before
    assert bob.types("now").status == 0


def test_by_hand_it_ends_the_same_way(pair: tuple[Person, Person], tmp_path: Path) -> None:
    """An empty remote in config.toml halts, and the hint is the command that fills it."""
    ada, _ = pair
    old, new = (f"file://{tmp_path}/{name}.git" for name in ("vault", "new"))
    FolderRemote(new).create()
    text = ada.places.config_file.read_text()
    ada.places.config_file.write_text(text.replace(old, new))
    ran = ada.types("now", "--json")
    assert (ran.status, ran.codes) == (7, ["remote-changed"])
    hint = ran.answer["errors"][0]["hint"]
    assert hint == f"memory-sync move-remote {new} --vault vault"
    assert ada.types("repair", "--yes").status == 7
    said = ada.types("move-remote", new, "--json").err
    assert f"{new} stays as it is" not in said
    assert "The remote before it stays as it is." in said
    ran = ada.types(*hint.split()[1:], "--yes")
    assert ran.status == 0, ran
    assert ada.types("now").out == "vault: nothing to do\n"


def test_a_vault_moves_to_github(pair: tuple[Person, Person], tmp_path: Path, hub: Hub) -> None:
    """The repository is made, private, and both machines go on with it."""
    token = {"GITHUB_TOKEN": hub.add_user("ada")}
    for person in pair:
        person.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
    ran = pair[0].types("move-remote", "github:ada/moved", "--yes", env=token)
    assert ran.status == 0, ran
    assert hub.repo("ada/moved").private
    pair[1].write("memory/more.md", "more\n")
    ran = pair[1].types("move-remote", "github:ada/moved", env=token)
    assert ran.status == 0, ran
    assert pair[0].types("now", env=token).status == 0
    assert pair[0].read("memory/more.md") == "more\n"


def test_i31_a_machine_that_slept_brings_no_delete_back(
    pair: tuple[Person, Person], tmp_path: Path
) -> None:
    """What was deleted and edited in the new remote meanwhile is that here too, once it follows."""
    ada, bob = pair
    ada.write("memory/k.md", "k\n")
    for person in pair:
        assert person.types("now").status == 0
    url = f"file://{tmp_path}/new.git"
    assert ada.types("move-remote", url, "--yes").status == 0
    (ada.agent / "memory/k.md").unlink()
    ada.write("MEMORY.md", "# Rewritten\n")
    assert ada.types("now").status == 0
    ran = bob.types("move-remote", url)
    assert ran.status == 0, ran
    assert bob.read("memory/k.md") is None
    assert bob.read("MEMORY.md") == "# Rewritten\n"


def test_its_hints_never_lead_to_another_vault(pair: tuple[Person, Person], tmp_path: Path) -> None:
    """Where a vault cannot go, `init` would found a second one there."""
    ada, _ = pair
    taken = tmp_path / "taken.git"
    subprocess.run(["git", "init", "-q", "-b", "main", "--bare", str(taken)], check=True)
    tree = Attacker(taken).tree({"x.txt": b"x"}, "")
    Attacker(taken).commit(tree)
    for url in (f"file://{taken}", "https://u:ghp_secret@example.com/x"):
        ran = ada.types("move-remote", url, "--yes", "--json")
        assert ran.status == 2
        assert "ghp_secret" not in ran.out + ran.err
        assert "init" not in ran.answer["errors"][0]["hint"]


def test_without_a_token_it_says_how_to_give_one(pair: tuple[Person, Person]) -> None:
    """It is no fault, and the hint is the same command with a token."""
    ada, _ = pair
    ran = ada.types("move-remote", "github:ada/x", "--json")
    assert (ran.status, ran.codes) == (4, ["token-missing"])
    [error] = ran.answer["errors"]
    assert error["hint"] == "GITHUB_TOKEN=TOKEN memory-sync move-remote github:ada/x"


def test_a_new_remote_that_cannot_be_reached_is_asked_again(pair: tuple[Person, Person]) -> None:
    """The hint is the same command: `now` would ask the old one. The message names the new one."""
    ada, _ = pair
    ada.configure('[github]\nbase_url = "http://127.0.0.1:9"\n')
    words = ("move-remote", "github:ada/elsewhere")
    ran = ada.types(*words, "--json", env={"GITHUB_TOKEN": "ghp_x"})
    assert (ran.status, ran.codes) == (5, ["offline"])
    (error,) = ran.answer["errors"]
    assert error["hint"] == "memory-sync move-remote github:ada/elsewhere"
    assert error["message"].startswith("github:ada/elsewhere cannot be reached")
