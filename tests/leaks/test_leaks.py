"""Every command, and a daemon's hour: what is secret is nowhere but where it belongs."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memory_sync.cli.group import COMMANDS
from tests.cli.pairing import paired
from tests.cli.person import Person, Ran, until
from tests.cli.terminal import terminal
from tests.engine.attacker import Attacker
from tests.hub import Fault, Hub, faults, server
from tests.hub.api import respond
from tests.hub.wire import Answer, Request
from tests.leaks.plants import (
    NAME,
    PASSPHRASE,
    TEXT,
    Plants,
    Watch,
    files_below,
    git_contents,
)

POLLS = 240
"""As many as a daemon's hour has, one each fifteen seconds."""
QUICK = "\n[daemon]\ndebounce = 0.05\nmax_delay = 0.3\npoll = 0.15\nscan = 5.0\n"
SHOW = f"#!{sys.executable}\nimport sys\nopen({{log!r}}, 'a').write('\\n'.join(sys.argv) + '\\n')\n"
SECRETS = {"token", "key", "passphrase"}


@dataclass
class House:
    """Two machines on one GitHub, and everything that they let out."""

    ada: Person
    bob: Person
    hub: Hub
    plants: Plants
    top: Path
    watch: Watch = field(default_factory=Watch)
    shown: list[tuple[str, bytes]] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def types(self, person: Person, *words: str, stdin: str = "", secret: bool = False) -> Ran:
        """Run a command as a process; `secret` says that its standard output is a secret."""
        done = subprocess.run(
            [sys.executable, "-m", "memory_sync", *words],
            env=person.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        told = f"what `{' '.join(words)}` printed"
        self.shown.append((told, (done.stderr if secret else done.stdout + done.stderr).encode()))
        return Ran(done.returncode, done.stdout, done.stderr)

    @property
    def git_dir(self) -> Path:
        return self.hub.repo("ada/memory").path


@pytest.fixture
def house(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Give a house in which everything is planted, and whatever is sent is kept."""
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ada, bob = (Person(name, tmp_path, env) for name in ("laptop", "desktop"))
    made = House(ada, bob, hub, Plants(), tmp_path)
    token = hub.add_user("ada")
    made.plants.plant("token", token)
    made.plants.tokens = (token,)
    made.plants.plant("passphrase", PASSPHRASE)
    made.plants.plant("text", TEXT)
    made.plants.plant("name", NAME)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "notify-send").write_text(SHOW.format(log=str(tmp_path / "notified")))
    (tools / "notify-send").chmod(0o755)

    def kept(of: Hub, request: Request) -> tuple[Answer, str | None]:
        headers = {name: v for name, v in request.headers.items() if name != "authorization"}
        said = f"{request.method} {request.path} {dict(request.query)} {headers}\n".encode()
        made.sent.append(said + request.body)
        return respond(of, request)

    monkeypatch.setattr(server, "respond", kept)
    for person in (ada, bob):
        person.remote = "github:ada/memory"
        person.configure(f'[github]\nbase_url = "{hub.base_url}"\n' + QUICK)
        person.env["PATH"] = f"{tools}:{person.env['PATH']}"
        person.env["GITHUB_TOKEN"] = token
    ada.write(f"memory/{NAME}.md", f"{TEXT}\n")
    with made.watch.watching():
        yield made


def _begin(house: House) -> None:
    """Set up the first machine, and the second with the key that is carried in a pipe."""
    ada, bob = house.ada, house.bob
    begin = ("--remote", ada.remote, "--yes")
    assert house.types(ada, "init", str(ada.agent), *begin).status == 0
    key = house.types(ada, "export-key", "-", secret=True).out
    for line in key.splitlines():
        if line.startswith("AGE-SECRET-KEY-1"):
            house.plants.plant("key", line)
    assert "key" in house.plants.words
    assert house.types(bob, "import-key", stdin=key).status == 0
    assert house.types(bob, "init", str(bob.agent), *begin).status == 0
    for person in (ada, bob):
        # From now on the token lies in its file, as it does for a service.
        del person.env["GITHUB_TOKEN"]


def _holds(house: House) -> None:
    """Look through everything that was written, logged, sent and shown."""
    plants = house.plants
    for place, content in house.shown:
        assert not plants.found(content) & (SECRETS | {"text"}), place
    for line in house.watch.lines:
        assert not plants.found(line), line
    for request in house.sent:
        assert not plants.found(request), request[:200]
    for place, content in git_contents(house.git_dir):
        assert not plants.found(content), place
    notified = house.top / "notified"
    if notified.exists():
        assert not plants.found(notified.read_bytes())
    for person in (house.ada, house.bob):
        for path, content in files_below(person.home.parent):
            allowed = _allowed(person, path)
            found = plants.found(content)
            assert found <= allowed, f"{found - allowed} in {path}"
            if found & SECRETS:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def _allowed(person: Person, path: Path) -> set[str]:
    """Say what may be in a file: see docs/threat-model.md, "On your own disks"."""
    places = person.places
    if path.parent == places.keys:
        return {"key"}
    if path == places.config / "token":
        return {"token"}
    if path.name.startswith("my-key"):  # exported
        return {"key"}
    if path.is_relative_to(person.agent):
        return {"text"}
    if path.is_relative_to(places.logs):
        return set()
    if path.is_relative_to(places.trash) or "conflicts" in path.parts:
        return {"text"}
    return {"name"} if path.name.startswith("state.db") else set()


def _edit(house: House, number: int) -> None:
    """Let an agent save something: on one machine, on the other, on both at once, or less."""
    ada, bob, place = house.ada, house.bob, f"memory/{NAME}.md"
    kind = number % 6
    if kind == 0:
        ada.write(place, f"{TEXT} {number}\n" * 3)
    elif kind == 1:
        bob.write(f"memory/{NAME}-{number}.md", f"{TEXT} {number}\n")
    elif kind == 2:
        for one in (ada, bob):
            one.write("MEMORY.md", f"{one.name} {TEXT} {number}\n")
    elif kind == 3:
        (ada.agent / place).unlink(missing_ok=True)
    elif kind == 4:
        ada.write(f"memory/{NAME}-large.md", f"{TEXT} {number}\n" * 4000)
    else:
        kinds = (faults.error_500, faults.close_after, faults.html, faults.half)
        house.hub.faults.add(Fault("/graphql", kinds[number // 6 % len(kinds)]))


def test_i53_an_hour_of_a_daemons_life_lets_nothing_out(house: House) -> None:
    """Edits, conflicts, errors, a halt of the vault and one of a root: 240 polls on each side."""
    _begin(house)
    ada, bob = house.ada, house.bob
    with ada.daemon(), bob.daemon():
        for number in range(40):
            _edit(house, number)
            _wait_for_polls(house, 2 * POLLS * (number + 1) // 40)
        house.hub.faults.clear()
        Attacker(house.git_dir).tamper({f"objects/aa/{'b' * 30}.age": b"x"})
        until(lambda: ada.state() == "halted")
        house.types(ada, "status")
        house.types(ada, "repair", "--yes")
        until(lambda: ada.state() != "halted")
        away = ada.agent.with_name("away")
        ada.agent.rename(away)
        until(lambda: ada.state() == "halted")
        house.types(ada, "status", "--json")
        away.rename(ada.agent)
        until(lambda: ada.state() != "halted")
        for words in (("status",), ("now",), ("logs", "-n", "500"), ("logs", "--json")):
            for person in (ada, bob):
                house.types(person, *words)
    assert (house.top / "notified").exists()
    _holds(house)


def _wait_for_polls(house: House, count: int) -> None:
    """Wait until both machines together have asked so often for the newest commit."""
    until(lambda: sum(b"/commits" in line[:100] for line in house.sent) >= count, 60)


PLAIN: tuple[tuple[str, ...], ...] = (
    ("now",),
    ("now", "--dry-run", "--json"),
    ("push", "--json"),
    ("pull",),
    ("status",),
    ("status", "--json", "--exit-code"),
    ("pause", "--for", "1h"),
    ("resume",),
    ("confirm", "--yes"),
    ("repair", "--yes", "--json"),
    ("restore", "--list"),
    ("history", "--json"),
    ("conflicts",),
    ("logs", "-n", "200"),
    ("logs", "--json"),
    ("ignored", "{agent}/MEMORY.md", "--json"),
    ("export-key", "{top}/my-key"),
    ("import-key", "{top}/my-key", "--json"),
    ("import-key", "{agent}/MEMORY.md"),
    ("import-key", "{home}/token"),
    ("move-key", "keyring"),
    ("move-key", "file"),
    ("pair",),
    ("service", "status"),
    ("service", "install", "--print"),
    ("doctor",),
    ("doctor", "--json", "--no-network"),
    ("completion", "bash"),
    ("roots",),
    ("roots", "--json"),
    ("roots", "add", "{home}", "--name", "home"),
    ("move-remote", "file://{top}/elsewhere.git"),
    ("leave", "--root", "nothing"),
    ("rotate-key", "--yes"),
)
"""What is typed without an answer. `daemon`, `init`, `join` and `demo` come beside it, and what
`diff` is for is to show the text."""


def _type_all(house: House) -> None:
    ada = house.ada
    places = {"agent": str(ada.agent), "home": str(ada.home), "top": str(ada.home.parent)}
    for words in PLAIN:
        house.types(ada, *(word.format(**places) for word in words))


def _type_a_passphrase(house: House) -> None:
    """Export a key with a passphrase, and take it in again with a wrong and the right one."""
    place = str(house.top / "sealed.age")
    for words, answers in (
        (("export-key", place, "--passphrase"), (PASSPHRASE, PASSPHRASE)),
        (("import-key", place), (f"{PASSPHRASE}x",)),
        (("import-key", place), (PASSPHRASE,)),
    ):
        with terminal(*words, env=house.ada.env) as screen:
            for answer in answers:
                screen.until_silent()
                screen.type(answer)
            screen.ends()
        house.shown.append((f"the terminal of {words[0]}", screen.shown.encode()))


def _join(house: House) -> None:
    """Bring the key to a third machine by six words."""
    carol = Person("tablet", house.top, house.bob.env)
    carol.places.config.mkdir(exist_ok=True)
    carol.configure(house.bob.places.config_file.read_text().partition("[[vault]]")[0])
    (carol.places.config / "token").write_bytes((house.bob.places.config / "token").read_bytes())
    (carol.places.config / "token").chmod(0o600)
    carol.remote = house.ada.remote
    house.shown.append(("the terminals of join and pair", paired(carol, house.ada).encode()))


def test_i53_no_command_lets_anything_out(house: House) -> None:
    """Each command, on good days, with a daemon, and with a token that was revoked."""
    _begin(house)
    ada = house.ada
    _type_a_passphrase(house)
    _join(house)
    with ada.daemon():
        _type_all(house)
    _type_all(house)
    for token in house.plants.tokens:
        house.hub.revoke(token)
    for words in (("now",), ("status",), ("doctor", "--json"), ("rotate-key", "--yes"), ("demo",)):
        house.types(ada, *words)
    typed = {words[0] for words in PLAIN} | {"daemon", "init", "join", "demo", "diff"}
    assert typed == set(COMMANDS)
    for path in ada.places.keys.glob("*.txt"):
        for line in path.read_text().splitlines():
            if line.startswith("AGE-SECRET-KEY-1"):
                house.plants.plant("key", line)
    _holds(house)
