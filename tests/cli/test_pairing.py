"""`join` and `pair`: a new machine gets the key, and nobody carries it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_sync.vault.keys import generate_identity
from memory_sync.vault.manifest import Manifest
from memory_sync.vault.pairing import Request, dump_request, request_path
from tests.cli.pairing import joins, paired
from tests.cli.person import COMMAND, QUICK, Person, until
from tests.cli.terminal import Terminal, terminal
from tests.engine.test_trust import git, tamper
from tests.hub import Hub

WORDS = re.compile(r"^ {4}((?:[a-z]{3,8} ){5}[a-z]{3,8})\r?$", re.MULTILINE)
GITHUB = "github:ada/notes"


def words_on(screen: Terminal) -> str:
    """Return the six words that a screen shows."""
    found = WORDS.findall(screen.shown)
    assert found, screen.shown
    return str(found[-1])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give the place of the vault in a folder."""
    return tmp_path / "vault.git"


@pytest.fixture
def owner(ada: Person) -> Person:
    """Give a person who has a vault."""
    assert ada.init().status == 0
    return ada


def requests(place: Path) -> list[str]:
    """Return what lies in `pairing/`."""
    return git(place, "ls-tree", "-r", "--name-only", "main", "pairing/").split()


def in_a_folder(_ada: Person, _bob: Person, _hub: Hub) -> None:
    """Leave the vault where it is."""


def on_github(ada: Person, bob: Person, hub: Hub) -> None:
    """Put the vault on GitHub."""
    token = hub.add_user("ada")
    for person in (ada, bob):
        person.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
        person.env["GITHUB_TOKEN"] = token
        person.remote = GITHUB


@pytest.mark.parametrize("served", [False, True], ids=["alone", "daemon"])
@pytest.mark.parametrize("where", [in_a_folder, on_github])
def test_two_machines_and_six_words(
    ada: Person,
    bob: Person,
    hub: Hub,
    where: Callable[[Person, Person, Hub], None],
    served: bool,
) -> None:
    """The same words on both screens, yes on both, and the new machine has the memory."""
    where(ada, bob, hub)
    ada.configure(QUICK)
    assert ada.init().status == 0
    bob.write("memory/mine.md", "mine\n")

    def pair() -> None:
        with terminal(*joins(bob), env=bob.env) as new:
            new.expect("Does the other machine show the same words? [y/N]")
            with terminal("pair", env=ada.env) as old:
                old.expect("'desktop' asks for the key of the vault")
                old.expect("Does that machine show the same words? [y/N]")
                assert words_on(old) == words_on(new)
                old.type("y")
                assert old.ends() == 0
            new.type("y")
            new.expect("The key has come.")
            assert new.ends() == 0, new.shown

    if served:
        with ada.daemon():
            pair()
            until(lambda: ada.read("memory/mine.md") == "mine\n")
            until(lambda: ada.state() == "idle")
    else:
        pair()
        assert ada.types("now").status == 0
    assert bob.read("MEMORY.md") == "# Memory\n"
    assert ada.read("memory/mine.md") == "mine\n"
    assert "No machine asks to join" in ada.types("pair").out
    assert bob.types("now").status == 0
    again = bob.types(*joins(bob))
    assert again.status == 0
    assert "The key of this vault is on this machine already." in again.err


def test_i51_nothing_of_its_own_is_sent_before(owner: Person, bob: Person, place: Path) -> None:
    """Until the key has come the new machine has sent its request and nothing else."""
    bob.write("memory/mine.md", "mine\n")
    before = git(place, "rev-parse", "main^{tree}")
    with terminal(*joins(bob), env=bob.env) as new:
        new.expect("[y/N]")
        new.type("y")
        changed = git(place, "diff", "--name-only", before, "main").split()
        assert [path[-8:] for path in changed] == [".request"]
        new.expect("Waiting for the other machine")
        new.interrupt()
        assert new.ends() == 130
    assert git(place, "rev-parse", "main^{tree}") == before
    assert not (bob.agent / ".memory-sync").exists()
    assert not list(bob.places.keys.glob("*"))


@pytest.mark.parametrize("answer", ["n", ""])
def test_i51_other_words_end_it_on_the_new_machine(
    owner: Person, bob: Person, place: Path, answer: str
) -> None:
    """No, or Enter alone: no key is taken, and the request is withdrawn."""
    with terminal(*joins(bob), env=bob.env) as new:
        new.expect("[y/N]")
        new.type(answer)
        assert new.ends() == 9
        assert "The words are not the same, so no key was taken over." in new.shown
    assert requests(place) == []
    assert not list(bob.places.keys.glob("*"))


def test_i51_other_words_end_it_on_the_old_machine(owner: Person, bob: Person, place: Path) -> None:
    """No on the machine with the key: none is given, and the new machine is told."""
    with terminal(*joins(bob), env=bob.env) as new:
        new.expect("[y/N]")
        with terminal("pair", env=owner.env) as old:
            old.expect("[y/N]")
            old.type("n")
            assert old.ends() == 9
            assert "no key was given" in old.shown
        assert requests(place) == []
        new.type("y")
        assert new.ends() == 9
        assert "it was refused or taken away" in new.shown
    assert not list(bob.places.keys.glob("*"))


def test_two_requests_at_once(owner: Person, bob: Person, place: Path) -> None:
    """An attacker asks at the same time: the person picks by the words, and the name is escaped."""
    with terminal(*joins(bob), env=bob.env) as new:
        new.expect("[y/N]")
        recipient = owner.types("export-key", "-").out.split("public key: ")[1].split()[0]
        evil = Request(generate_identity().recipient, "desktop\x1b[2J\u202e\n" + "A" * 300)
        tamper(place, {request_path(evil.id): dump_request(evil, recipient)})
        mine = words_on(new)
        with terminal("pair", env=owner.env) as old:
            old.expect("2 machines ask for the key")
            old.expect("[1-2, Enter for none: refuse all]")
            [line] = [line for line in old.shown.splitlines() if mine in line]
            assert "\x1b[2J" not in old.shown
            assert "\u202e" not in old.shown
            assert "desktop\\x1b[2J\\u202e\\n" in old.shown
            assert "A" * 65 not in old.shown
            for nonsense in ("3", "0", "-1", "x", "9" * 30):
                old.type(nonsense)
            old.type(line[0])
            assert old.ends() == 0, old.shown
            assert "The key of vault waits for 'desktop', encrypted to it alone." in old.shown
        new.type("y")
        assert new.ends() == 0, new.shown
    with terminal("pair", env=owner.env) as old:
        old.expect("asks for the key")
        old.type("n")
        assert old.ends() == 9
    assert requests(place) == []


def test_a_script_compares_words(owner: Person, bob: Person, place: Path) -> None:
    """`--words` on both sides; other words give no key, and `--yes` is no answer to them."""
    process = subprocess.Popen(
        [*COMMAND, *joins(bob, "--words", "-", "--json")],
        env=bob.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    shown = ""
    while not WORDS.search(shown):
        line = process.stderr.readline()
        assert line, shown
        shown += line
    words = WORDS.findall(shown)[0]
    asked = owner.types("pair", "--json")
    assert asked.status == 2
    assert asked.codes == ["answer-needed"]
    assert asked.answer["data"]["requests"] == [{"device": "desktop", "words": words}]
    assert asked.answer["errors"][0]["hint"].endswith("--words 'SIX WORDS'")
    wrong = owner.types("pair", "--words", " ".join(reversed(words.split())), "--json")
    assert wrong.status == 9
    assert wrong.codes == ["words-differ"]
    assert len(requests(place)) == 1
    right = owner.types("pair", "--words", words.upper(), "--json")
    assert right.status == 0
    assert right.answer["data"]["answered"] == "desktop"
    out, err = process.communicate(f"{words}\n", timeout=30)
    assert process.returncode == 0, (out, err)
    assert bob.read("MEMORY.md") == "# Memory\n"
    assert requests(place) == []


def test_i72_an_end_from_outside_takes_the_request_back(
    owner: Person, bob: Person, place: Path
) -> None:
    """SIGTERM while the words stand there ends as Ctrl-C does: the request is withdrawn."""
    process = subprocess.Popen(
        [*COMMAND, *joins(bob, "--words", "-")],
        env=bob.env,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: len(requests(place)) == 1)
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert requests(place) == []


def test_a_script_with_other_words_gets_no_key(owner: Person, bob: Person, place: Path) -> None:
    """What comes on standard input is compared, and nothing is taken if it differs or is empty."""
    for text in ("", "\n", "abandon ability able about above absent\n"):
        ran = bob.types(*joins(bob, "--words", "-", "--json"), stdin=text)
        assert ran.status == 9
        assert ran.codes == ["words-differ"]
    assert requests(place) == []


def test_yes_is_no_answer_to_the_words(owner: Person, bob: Person, place: Path) -> None:
    """Without a terminal and without `--words` nothing is asked for, whatever `--yes` says."""
    before = git(place, "rev-parse", "main")
    ran = bob.types(*joins(bob))
    assert ran.status == 2
    assert "--words -" in ran.err
    assert git(place, "rev-parse", "main") == before


def test_i51_a_vault_that_is_exchanged_meanwhile(owner: Person, bob: Person, place: Path) -> None:
    """`vault.json` is another's before the answer comes: what is joined is what was shown."""
    bob.write("memory/mine.md", "mine\n")
    with terminal(*joins(bob), env=bob.env) as new:
        new.expect("[y/N]")
        with terminal("pair", env=owner.env) as old:
            old.expect("[y/N]")
            old.type("y")
            assert old.ends() == 0
        tree = git(place, "rev-parse", "main:objects")
        tamper(place, {"vault.json": Manifest("f" * 32, (generate_identity().recipient,)).dump()})
        new.type("y")
        new.expect("The key has come.")
        assert new.ends() == 7, new.shown
    # The sealed past was taken over; above it is foreign content, and nothing goes up.
    assert git(place, "rev-parse", "main:objects") == tree
    assert owner.types("now").status == 7


def test_i51_a_vault_that_is_an_attackers(owner: Person, bob: Person, place: Path) -> None:
    """The new machine is shown another recipient: `pair` has no request with its words."""
    honest = git(place, "rev-parse", "main")
    evil = generate_identity()
    vault_id = re.findall(r"[0-9a-f]{32}", git(place, "show", "main:vault.json"))[0]
    tamper(place, {"vault.json": Manifest(vault_id, (evil.recipient,)).dump()})
    with terminal(*joins(bob), env=bob.env) as new:
        new.expect("[y/N]")
        asked = owner.types("pair", "--words", words_on(new), "--json")
        assert asked.answer["data"]["requests"] == []
        new.type("n")
        assert new.ends() == 9
    git(place, "update-ref", "refs/heads/main", honest)
    assert not list(bob.places.keys.glob("*"))


def test_only_a_vault_can_be_joined(bob: Person) -> None:
    """Where nothing is, `join` makes nothing, and names `init`."""
    ran = bob.types(*joins(bob, "--words", "-", "--json"))
    assert ran.status == 2
    assert ran.codes == ["nothing-to-join"]
    assert ran.answer["errors"][0]["hint"] == f"memory-sync init --remote {bob.remote}"
    assert not Path(bob.remote.removeprefix("file://")).exists()


def test_only_who_has_the_key_can_give_it(owner: Person) -> None:
    """`pair` without the vault's key says that it is missing."""
    for path in owner.places.keys.glob("age1*.txt"):
        path.unlink()
    ran = owner.types("pair")
    assert ran.status == 9
    assert "is not on this machine" in ran.err


def test_a_lost_key_is_brought_back(pair: tuple[Person, Person]) -> None:
    """A machine that is set up and has lost its key gets it again by `join`."""
    ada, bob = pair
    for path in bob.places.keys.glob("age1*.txt"):
        path.unlink()
    assert bob.types("now").status == 9
    paired(bob, ada)
    assert bob.types("now").status == 0


def test_a_flood_is_named_and_cleared(owner: Person, place: Path) -> None:
    """Too many requests are an error whose hint clears them; the vault syncs all the while."""
    tamper(place, {f"pairing/{number:032x}.request": b"x" for number in range(150)})
    ran = owner.types("pair", "--json")
    assert ran.status == 1
    assert ran.codes == ["requests-crowded"]
    assert ran.answer["errors"][0]["hint"] == "memory-sync pair --clear"
    assert owner.types("now").status == 0
    assert owner.types("pair", "--clear", "--json").answer["data"]["cleared"] == 150
    assert requests(place) == []
    assert owner.types("now").status == 0


def test_who_declines_afterwards_has_the_key_and_nothing_else(owner: Person, bob: Person) -> None:
    """The question about the folder is asked as with `init`; no means no."""
    words = [word for word in joins(bob) if word != "--yes"]
    with terminal(*words, env=bob.env) as new:
        new.expect("[y/N]")
        with terminal("pair", env=owner.env) as old:
            old.expect("[y/N]")
            old.type("y")
            assert old.ends() == 0
        new.type("y")
        new.expect("Unite")
        new.type("n")
        assert new.ends() == 1
        assert "Nothing else was changed." in new.shown
    assert bob.read("MEMORY.md") is None
    assert not bob.places.config_file.exists()
    assert bob.init().status == 0
    assert bob.read("MEMORY.md") == "# Memory\n"
