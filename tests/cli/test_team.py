"""docs/team.md, typed: three people share a vault, and one of them leaves."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from memory_sync.cli.group import group
from memory_sync.vault.keys import parse_identity
from memory_sync.vault.manifest import MANIFEST, read_manifest
from memory_sync.vault.seals import read_seal, seal_message
from tests.cli.person import Person, Ran
from tests.cli.terminal import terminal
from tests.engine.attacker import Attacker
from tests.hub import Hub
from tests.needs import needs
from tests.reader.errors import FormatError
from tests.reader.vault import read_vault

PAGE = Path(__file__).parents[2] / "docs" / "team.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REPOSITORY = "studio/memory"
Steps = list[tuple[str, str]]
"""Who types what."""


def steps_of(block: str) -> Steps:
    """Return the lines of a block with whose they are: a name in a comment stands above them."""
    who, steps = "", []
    for line in block.splitlines():
        if line.startswith("# "):
            who = line.removeprefix("# ")
        else:
            steps.append((who, line))
    return steps


class Team:
    """The people of the page, and the page's blocks in the order in which they are typed."""

    def __init__(self, top: Path, hub: Hub, env: dict[str, str], patch: pytest.MonkeyPatch) -> None:
        self.hub, self.patch, self.top = hub, patch, top
        names = ("Ada", "Ben", "Cleo")
        self.people = {name: Person(name, top, env) for name in names}
        for name, person in self.people.items():
            hub.add_user(name.lower())
            # The agent's folder is ~/agent.
            person.env["HOME"] = str(person.agent.parent)
            person.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
        hub.add_org("studio", tuple(name.lower() for name in names))
        self.repo = hub.add_repo(REPOSITORY)
        for name, person in self.people.items():
            person.env["GITHUB_TOKEN"] = hub.add_token(name.lower(), repos=(REPOSITORY,))
        self.blocks = [steps_of(block) for block in BLOCK.findall(PAGE.read_text("utf-8"))]

    def typed(self) -> list[Ran]:
        """Type the next block, and hold each line to the exit status that the page tells."""
        return [self._line(*step) for step in self.blocks.pop(0)]

    def paired(self) -> None:
        """Type the next block, of somebody who joins and somebody who gives the key."""
        (new, joins), (old, gives) = self.blocks.pop(0)
        with terminal(*self.words(new, joins), env=self.people[new].env) as one:
            one.expect("[y/N]")
            with terminal(*self.words(old, gives), env=self.people[old].env) as other:
                other.expect("[y/N]")
                other.type("y")
                assert other.ends() == 0, other.shown
            one.type("y")
            assert one.ends() == 0, one.shown

    def words(self, who: str, line: str) -> list[str]:
        """Go where the line goes, and return the words of its command, questions answered."""
        home = self.people[who].env["HOME"]
        place, _, command = line.rpartition(" && ")
        if place:
            self.patch.chdir(place.removeprefix("cd ").replace("~", home))
        program, *words = shlex.split(command)
        assert program == "memory-sync"
        found: click.Command = group
        for word in words:
            if isinstance(found, click.Group):
                found = found.get_command(click.Context(found), word) or found
        words = [re.sub(r"^~/", f"{home}/", word) for word in words]
        words = [word.replace("/mnt/nas", str(self.top)) for word in words]
        asks = any("--yes" in parameter.opts for parameter in found.params)
        return [*words, "--yes"] if asks else words

    def _line(self, who: str, line: str) -> Ran:
        line, _, told = line.partition("  # ends with ")
        ran = self.people[who].types(*self.words(who, line.rstrip()))
        assert ran.status == int(told or 0), (who, line, ran)
        return ran


@pytest.fixture
def team(tmp_path: Path, hub: Hub, ada: Person, monkeypatch: pytest.MonkeyPatch) -> Team:
    """Return three people who can write to an empty repository, and the page."""
    env = {name: text for name, text in ada.env.items() if name != "MEMORY_SYNC_HOME"}
    return Team(tmp_path / "team", hub, env, monkeypatch)


def _sealed(attacker: Attacker, secret: str) -> str:
    """Write something with a key, as whoever has it and may write can; return the commit."""
    vault = read_manifest(attacker.content(MANIFEST)).id
    keys = parse_identity(secret).derive(vault)
    seal = read_seal(attacker.message())
    assert seal
    tree, head = attacker.tree({attacker.objects()[0]: b"evil"}), attacker.head
    message = seal_message(keys.seal, seal.n + 1, vault, head, tree)
    return attacker.commit(tree, [head], message)


def test_i54_three_share_a_vault_and_one_leaves(team: Team) -> None:
    """Typed as the page has it: who left reads what was, nothing new, and writes nothing."""
    needs("age", "git")
    ada, ben, cleo = team.people.values()
    ada.write("MEMORY.md", "# Memory\n\n- tea\n")
    cleo.write("memory/cleo.md", "cleo\n")
    team.typed()
    team.paired()
    shutil.copy(Path(ada.env["HOME"], "memory-sync-key.txt"), cleo.env["HOME"])
    team.typed()
    assert (ben.read("MEMORY.md"), cleo.read("MEMORY.md")) == ("# Memory\n\n- tea\n",) * 2

    ada.write("MEMORY.md", "# Memory\n\n- coffee\n")
    ben.write("MEMORY.md", "# Memory\n\n- water\n")
    team.typed()
    for person in (ada, ben):
        text = person.read("MEMORY.md") or ""
        assert "- coffee\n" in text
        assert "- water\n" in text

    for name in ("diary", "sketches"):
        Path(ben.env["HOME"], name).mkdir()
        Path(ben.env["HOME"], name, "MEMORY.md").write_text(f"{name}\n")
    team.typed()
    team.typed()
    assert ada.types("now").status == 0
    assert not list(Path(ada.env["HOME"]).rglob("diary*"))

    assert cleo.types("now").status == 0
    before = team.repo.head()
    team.hub.accounts.members["studio"].discard("cleo")
    cleo.write("memory/after.md", "cleo, after\n")
    assert cleo.types("now").status != 0
    ada.write("memory/new.md", "what cleo does not learn\n")
    ben.write("memory/ben.md", "written meanwhile\n")
    team.typed()
    shutil.copy(Path(ada.env["HOME"], "memory-sync-key-2.txt"), ben.env["HOME"])
    team.typed()
    assert ada.types("now").status == 0
    assert ada.read("memory/ben.md") == "written meanwhile\n"
    assert ben.read("memory/new.md") == "what cleo does not learn\n"
    _reads_the_past_alone(team, before or "")
    _writes_nothing(team)
    assert team.blocks == []


def _reads_the_past_alone(team: Team, before: str) -> None:
    """Hold what the old key opens of a clone that has everything."""
    homes = {name: Path(person.env["HOME"]) for name, person in team.people.items()}
    old = homes["Cleo"] / "memory-sync-key.txt"
    new = homes["Ada"] / "memory-sync-key-2.txt"
    secret, fresh = (_secret(file) for file in (old, new))
    then = read_vault(team.repo.path, secret, old, before)
    assert {"memory/MEMORY.md", "memory/memory/cleo.md", "sketches/MEMORY.md"} <= set(then.files)
    with pytest.raises(FormatError):
        read_vault(team.repo.path, secret, old)
    now = read_vault(team.repo.path, fresh, new)
    assert now.files["memory/memory/new.md"].content == b"what cleo does not learn\n"
    # Her own machine gets nothing either, and keeps what it had.
    cleo = team.people["Cleo"]
    assert cleo.types("now").status != 0
    assert cleo.read("memory/new.md") is None
    assert cleo.read("memory/after.md") == "cleo, after\n"
    # Not even where her rights were forgotten.
    team.hub.accounts.members["studio"].add("cleo")
    head = team.repo.head()
    for command in ("now", "push"):
        assert cleo.types(command, "--json").codes == ["key-rotated"]
    assert cleo.read("memory/new.md") is None
    assert team.repo.head() == head


def _writes_nothing(team: Team) -> None:
    """Write with the old key, where the rights were forgotten; the page's last block mends it."""
    ada, ben, cleo = team.people.values()
    texts = {path: ada.read(path) for path in ("MEMORY.md", "memory/new.md", "memory/cleo.md")}
    secret = _secret(Path(cleo.env["HOME"], "memory-sync-key.txt"))
    _sealed(Attacker(team.repo.path), secret)
    halted, *_ = team.typed()
    assert "changed the vault memory without its key; it is not applied" in halted.err
    for person in (ada, ben):
        assert {path: person.read(path) for path in texts} == texts


def _secret(file: Path) -> str:
    """Return the key in force of a key file: the first one."""
    lines = file.read_text().splitlines()
    return next(line for line in lines if line.startswith("AGE-SECRET-KEY-"))
