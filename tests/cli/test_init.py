"""`memory-sync init`: a vault is founded or joined, and nothing happens before somebody agreed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from memory_sync.cli.where import normalised
from memory_sync.config.fields import name_of
from memory_sync.errors import RemoteInvalidError
from tests.cli.person import QUICK, Person, until
from tests.cli.terminal import terminal

MARKER = ".memory-sync"


def _untouched(person: Person) -> bool:
    """Tell whether a machine is as if `init` had never been typed."""
    keys = list(person.places.keys.glob("*"))
    return not (person.places.config_file.exists() or keys or (person.agent / MARKER).exists())


def test_it_founds_a_vault_and_says_what_it_will_sync(ada: Person, tmp_path: Path) -> None:
    """Number, size and names of the files, what was sent, and the key is to be exported now."""
    ran = ada.init()
    assert ran.status == 0
    assert f"{ada.agent} holds 2 memory files (28 bytes):" in ran.err
    assert "MEMORY.md, memory/2026-01-01.md" in ran.err
    assert ran.out.startswith("vault: 2 up (")
    assert "memory-sync export-key ~/memory-sync-key.txt" in ran.out
    assert (tmp_path / "vault.git").is_dir()
    assert json.loads((ada.agent / MARKER).read_text())["root"] == "memory"


def test_programs_get_all_of_it(ada: Person) -> None:
    """The JSON tells what was set up, and what the first sync did."""
    data = ada.init("--json").answer["data"]
    assert data["vault"] == "vault"
    assert data["root"] == {"name": "memory", "path": str(ada.agent)}
    assert data["device"] == "laptop"
    assert data["founded"]
    assert (data["files"], data["bytes"]) == (2, 28)
    assert not data["exported"]
    assert len(data["sync"]["up"]) == 2


def test_the_second_machine_joins_with_the_key(ada: Person, bob: Person) -> None:
    """It is told what is here and there, and both sides are united."""
    ada.init()
    ada.key_to(bob)
    bob.write("memory/mine.md", "mine\n")
    bob.write("MEMORY.md", "# Memory\n")
    ran = bob.init("--json")
    assert ran.status == 0
    assert "The vault vault holds: memory (2 files)." in ran.err
    assert "Root memory: 1 only here, 1 only there, 0 different, 1 the same." in ran.err
    assert not ran.answer["data"]["founded"]
    assert ran.answer["data"]["exported"]
    assert bob.read("memory/2026-01-01.md") == "- Learned to sync.\n"
    ada.types("now")
    assert ada.read("memory/mine.md") == "mine\n"


def test_i51_without_the_key_it_refuses_and_makes_no_second_one(ada: Person, bob: Person) -> None:
    """Exit status 9, the way to bring the key, and nothing is written anywhere."""
    ada.init()
    ran = bob.init("--json")
    assert ran.status == 9
    assert ran.codes == ["key-missing"]
    assert "memory-sync export-key KEY-FILE" in ran.err
    words = f"{bob.agent} --remote {bob.remote} --device desktop"
    assert f"\n    memory-sync join {words}\n" in ran.err
    assert _untouched(bob)


def test_with_a_key_that_waits_a_new_vault_is_not_the_usual_answer(
    ada: Person, bob: Person, tmp_path: Path
) -> None:
    """A slip in --remote would found a second vault with Enter."""
    ada.init()
    ada.key_to(bob)
    wrong = f"file://{tmp_path}/valt.git"
    with terminal("init", str(bob.agent), "--remote", wrong, env=bob.env) as screen:
        screen.expect(f"There is no vault in {wrong}, and a key is here that waits for another one")
        screen.expect("? [y/N]")
        screen.type("")
        assert screen.ends() == 1
    assert not (tmp_path / "valt.git").exists()
    assert bob.init().status == 0


def test_a_vault_is_not_founded_without_consent(ada: Person, tmp_path: Path) -> None:
    """Somebody who says no finds everything as it was."""
    words = ("init", str(ada.agent), "--remote", ada.remote)
    with terminal(*words, env=ada.env) as screen:
        screen.expect("Create the vault")
        screen.expect("and sync these 2 files? [Y/n]")
        screen.type("what?")
        screen.expect("'what?' is no answer to that: y or n.")
        screen.type("n")
        assert screen.ends() == 1
    assert "Nothing was changed." in screen.shown
    assert _untouched(ada)
    assert not (tmp_path / "vault.git").exists()


def test_a_vault_is_not_joined_without_consent(ada: Person, bob: Person) -> None:
    """The comparison leaves no trace where the answer is no, and the way stays open."""
    ada.init()
    ada.key_to(bob)
    bob.write("MEMORY.md", "# Other\n")
    with terminal("init", str(bob.agent), "--remote", bob.remote, env=bob.env) as screen:
        screen.expect("0 only here, 1 only there, 1 different, 0 the same.")
        screen.expect("Nothing is deleted on either side. [Y/n]")
        screen.type("no")
        assert screen.ends() == 1
    assert bob.read("MEMORY.md") == "# Other\n"
    assert bob.read("memory/2026-01-01.md") is None
    assert not bob.places.config_file.exists()
    assert not list(bob.places.keys.glob("*.trust.json"))
    assert not bob.places.vault_state("vault").exists()
    assert bob.init().status == 3


def test_without_a_terminal_it_wants_yes(ada: Person) -> None:
    """A script that does not say --yes is told so, and nothing is changed."""
    ran = ada.types("init", str(ada.agent), "--remote", ada.remote, "--json")
    assert ran.status == 2
    assert ran.codes == ["answer-needed"]
    hint = f"memory-sync init {ada.agent} --remote {ada.remote} --yes"
    assert ran.answer["errors"][0]["hint"] == hint
    assert _untouched(ada)


def test_again_is_harmless(ada: Person) -> None:
    """The same command a second time, or with fewer words, changes nothing."""
    ada.init()
    before = ada.places.config_file.read_text()
    assert ada.init().out.startswith("vault: nothing to do")
    again = ada.types("init", str(ada.agent))
    assert again.status == 0
    assert ada.places.config_file.read_text() == before


def test_again_is_harmless_while_a_daemon_serves_the_vault(ada: Person, tmp_path: Path) -> None:
    """The daemon takes up a further root by itself, and the sync goes through it."""
    ada.configure(QUICK)
    ada.init()
    second = tmp_path / "second"
    second.mkdir()
    (second / "MEMORY.md").write_text("# Second\n")
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        assert ada.init().status == 0
        ran = ada.types("init", str(second), "--name", "second", "--yes", "--json")
        assert ran.status == 0
        assert ran.answer["data"]["served"]
        # The daemon holds the vault: what it saw last is what can be told.
        assert ran.answer["data"]["comparison"]["only_here"] == 1
        assert "The vault vault holds: memory (2 files)." in ran.err
        until(lambda: ada.state() == "idle")
    assert "second (1 file)" in _joiner(ada)


def _joiner(person: Person) -> str:
    """Return what somebody who would join the same vault is told of it."""
    other = person.agent.parent / "third"
    other.mkdir()
    return person.types("init", str(other), "--name", "third").err


def test_i33_cut_short_after_the_founding_it_is_mended_by_doing_it_again(ada: Person) -> None:
    """Killed between founding and configuring: the same command finds its own vault."""
    code = (
        "import os, sys; from memory_sync.app import setup; from memory_sync.cli.main import main;"
        "setup.adopt = lambda *_: os._exit(137); main(sys.argv[1:])"
    )
    words = ["init", str(ada.agent), "--remote", ada.remote, "--yes"]
    killed = subprocess.run(
        [sys.executable, "-c", code, *words], env=ada.env, capture_output=True, check=False
    )
    assert killed.returncode == 137
    assert not ada.places.config_file.exists()
    key = list(ada.places.keys.glob("age1*.txt"))
    ran = ada.init()
    assert ran.status == 0
    assert ran.out.startswith("vault: 2 up")
    assert list(ada.places.keys.glob("age1*.txt")) == key


def test_i22_a_lost_marker_is_mended_without_a_delete(pair: tuple[Person, Person]) -> None:
    """The hint of the halt is `init`; what both sides hold is united then."""
    ada, bob = pair
    (ada.agent / MARKER).unlink()
    (ada.agent / "MEMORY.md").unlink()
    halted = ada.types("now", "--json")
    assert halted.status == 7
    assert halted.codes == ["marker-missing"]
    assert ada.types("init", str(ada.agent), "--name", "memory", "--yes").status == 0
    assert ada.read("MEMORY.md") == "# Memory\n"
    bob.types("now")
    assert bob.read("MEMORY.md") == "# Memory\n"


def test_a_folder_of_another_vault_is_left_alone(ada: Person, tmp_path: Path) -> None:
    """A marker of another vault stops it before a repository is made."""
    ada.init()
    ada.places.config_file.unlink()
    ran = ada.types("init", str(ada.agent), "--remote", f"{tmp_path}/new.git", "--yes")
    assert ran.status == 7
    assert "carries the marker of another vault" in ran.err
    assert not (tmp_path / "new.git").exists()


def test_a_repository_of_something_else_is_left_alone(ada: Person, tmp_path: Path) -> None:
    """A git repository with other files in it is refused before anybody is asked."""
    source = tmp_path / "code"
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@localhost", "-C", str(source)]
    subprocess.run(["git", "init", "-q", str(source)], check=True)
    (source / "main.c").write_text("int main;\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "code"], check=True)
    subprocess.run(
        ["git", "clone", "-q", "--bare", str(source), f"{tmp_path}/code.git"], check=True
    )
    ran = ada.types("init", str(ada.agent), "--remote", f"{tmp_path}/code.git", "--yes")
    assert ran.status == 2
    assert "main.c" in ran.err
    assert _untouched(ada)


def test_an_unmounted_vault_is_not_founded_anew(ada: Person, tmp_path: Path) -> None:
    """The vault that this machine knows is away: nothing is created in its place."""
    ada.init()
    (tmp_path / "vault.git").rename(tmp_path / "elsewhere.git")
    ada.places.config_file.unlink()
    ran = ada.init()
    assert ran.status == 7
    assert not (tmp_path / "vault.git").exists()


def test_what_was_given_is_configured(ada: Person, tmp_path: Path) -> None:
    """Names and patterns stand in the configuration as they were typed."""
    ada.write("notes/a.txt", "a\n")
    ran = ada.types(
        "init", str(ada.agent), "--remote", f"{tmp_path}/x.git", "--vault", "home", "--name",
        "agent", "--device", "desk", "--include", "notes/*.txt", "--include", "MEMORY.md", "--yes",
    )  # fmt: skip
    assert ran.out.startswith("home: 2 up")
    text = ada.places.config_file.read_text()
    for line in ('name = "home"', 'name = "agent"', 'device = "desk"'):
        assert line in text
    assert 'include = ["notes/*.txt", "MEMORY.md"]' in text


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--remote", "nonsense"), "remote-invalid"),
        (("--remote", "http://example.org/x"), "remote-invalid"),
        (("--vault", "../up"), "name-invalid"),
        (("--name", ".hidden"), "name-invalid"),
        (("--device", "a b"), "name-invalid"),
        (("--include", "/etc/*"), "usage"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_done(
    ada: Person, words: tuple[str, ...], code: str
) -> None:
    """A wrong remote, name or pattern is a usage error and leaves no trace."""
    ran = ada.types(
        "init", str(ada.agent), "--remote", ada.remote, "--yes", "--json", *words
    )  # fmt: skip
    assert ran.status == 2
    assert ran.codes == [code]
    assert _untouched(ada)


def test_a_folder_that_is_not_there_is_refused(ada: Person, tmp_path: Path) -> None:
    """A slip of the pen makes no vault."""
    ran = ada.types("init", f"{tmp_path}/nowhere", "--remote", ada.remote, "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["root-missing"])


def test_contradictions_with_the_configuration_are_refused(ada: Person, tmp_path: Path) -> None:
    """One remote is one vault, one name is one vault, one folder is one root."""
    ada.init()
    second = tmp_path / "second"
    second.mkdir()
    here, there = str(ada.agent), str(second)
    for words, code in (
        ((there, "--remote", ada.remote, "--vault", "twin"), "usage"),
        ((there, "--remote", f"{tmp_path}/other.git", "--vault", "vault"), "usage"),
        ((there, "--remote", f"{tmp_path}/sub/vault.git"), "usage"),
        ((there, "--remote", ada.remote), "root-name-taken"),
        ((here, "--name", "again"), "root-overlap"),
        ((here, "--include", "*.md"), "usage"),
    ):
        ran = ada.types("init", *words, "--yes", "--json")
        assert (ran.status, ran.codes) == (2, [code]), words


def test_a_key_that_only_the_environment_has_is_stored(ada: Person, bob: Person) -> None:
    """MEMORY_SYNC_IDENTITY opens the vault, and then lies where a service finds it."""
    ada.init()
    key = ada.types("export-key", "-").out
    ran = bob.types(
        "init", str(bob.agent), "--remote", bob.remote, "--yes", env={"MEMORY_SYNC_IDENTITY": key}
    )
    assert ran.status == 0
    (stored,) = bob.places.keys.glob("age1*.txt")
    assert stored.stat().st_mode & 0o777 == 0o600
    assert bob.types("now").status == 0


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("github:ada/vault", "github:ada/vault"),
        ("ada/vault", "github:ada/vault"),
        ("https://github.com/ada/vault", "github:ada/vault"),
        ("https://github.com/ada/vault.git", "github:ada/vault"),
        ("git@github.com:ada/vault.git", "github:ada/vault"),
        ("/mnt/nas/x.git", "file:///mnt/nas/x.git"),
        ("/mnt/my nas/x.git/", "file:///mnt/my%20nas/x.git"),
        ("file:///mnt/nas/x.git", "file:///mnt/nas/x.git"),
    ],
)
def test_a_remote_may_be_written_in_several_ways(given: str, wanted: str) -> None:
    """The configuration has one way to write each."""
    assert normalised(given) == wanted


@pytest.mark.parametrize("given", ["", "vault", "ftp://x/y.git", "/no/extension", "a/b/c"])
def test_other_remotes_are_refused(given: str) -> None:
    """What is neither GitHub nor a folder is no remote."""
    with pytest.raises(RemoteInvalidError):
        normalised(given)


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("github:ada/memory-sync-vault", "memory-sync-vault"),
        ("file:///mnt/x.git", "x"),
        ("file:///mnt/my%20vault%C3%A9.git", "my-vault"),
        ("file:///mnt/.git", "vault"),
    ],
)
def test_a_vault_is_called_like_its_repository(remote: str, name: str) -> None:
    """The name has only the letters that a name may have."""
    assert name_of(remote) == name
