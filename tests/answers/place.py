"""Three machines, a GitHub for each vault, and faults that only some of the machines meet.

Each vault has a server of its own, so that the faults, limits and clocks of one are no other's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from graphql import GraphQLSchema

from memory_sync.app.context import Context, load_context
from memory_sync.app.setup import establish, examine
from memory_sync.app.sync import Wish, one_shot, through_daemon
from memory_sync.app.vaults import root_files
from memory_sync.config.settings import VaultSettings
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import Identity
from tests.daemon.homes import Home
from tests.hub import Fault, Hub, Recorded, Repository
from tests.hub.faults import Kind
from tests.hub.wire import Request

OWNER = "acme"
DEVICES = ("one", "two", "three")
STRUCK = ("one", "two")
"""The first has the daemon, the second types commands; the third has no trouble at all."""
TIMEOUT = 4.0
POLL = 2.0
LOG = "memory/log.md"


class Clocked(Hub):
    """A GitHub that notes when each request came, and can bring a deleted repository back."""

    def __init__(self, schema: GraphQLSchema, now: Callable[[], float] = time.time) -> None:
        super().__init__(schema, now=now)
        # Whether all is as GitHub describes it is looked at elsewhere, and takes its time.
        self.description = None
        self.times: list[tuple[float, Recorded]] = []

    def __enter__(self) -> Self:
        # So many servers that look up a hundred times a second each would be felt.
        threading.Thread(target=self._server.serve_forever, args=(0.25,), daemon=True).start()
        return self

    def record(self, recorded: Recorded) -> None:
        with self._lock:
            self.times.append((time.monotonic(), recorded))
        super().record(recorded)

    def restore(self, repo: Repository) -> None:
        self._repos[repo.full_name.lower()] = repo


@dataclass(frozen=True)
class Aimed(Fault):
    """A fault for requests with certain tokens only."""

    tokens: frozenset[str] = frozenset()

    def meets(self, request: Request, target: str) -> bool:
        token = request.headers.get("authorization", "").partition(" ")[2]
        return token in self.tokens and super().meets(request, target)


class Machine:
    """One machine with a vault for each row, set up without a command for the sake of time."""

    def __init__(self, top: Path, name: str) -> None:
        self.name = name
        self.home = Home(top, name)
        self.home.top.mkdir()
        self.context: Context

    def configure(self, places: Mapping[str, Place]) -> None:
        """Write the configuration with all vaults, each with its server and its token."""
        text = [f'device = "{self.name}"']
        text += ["[daemon]", "debounce = 0.2", f"poll = {POLL}", "max_delay = 5.0"]
        text += ["[github]", f"timeout = {TIMEOUT}"]
        for name, place in places.items():
            file = self.home.top / f"token-{name}"
            file.write_text(place.tokens[self.name])
            file.chmod(0o600)
            root = self.folder(name)
            root.mkdir(parents=True)
            text += ["[[vault]]", f'name = "{name}"', f'remote = "{place.remote}"']
            text += [f'base_url = "{place.hub.base_url}"', f'token_file = "{file}"']
            text += ["[[vault.root]]", f'path = "{root}"', 'max_size = "2MiB"']
        (self.home.top / "config.toml").write_text("\n".join([*text, ""]))
        self.context = load_context(self.home.env)

    def folder(self, vault: str) -> Path:
        return self.home.root / vault

    def vault(self, name: str) -> VaultSettings:
        return self.context.vaults(name)[0]

    def found(self, name: str) -> tuple[Trust, Identity]:
        """Found a vault; return what the others need to join it."""
        settings = self.vault(name)
        remote, condition, finding = examine(self.context, settings)
        with closing(remote):
            trust, _ = establish(self.context, settings, remote, condition, finding)
        identity = self.context.keystore.find(trust.recipient)
        assert identity
        return trust, identity

    def join(self, name: str, trust: Trust, identity: Identity) -> None:
        """Take a vault up that is there, and sync it."""
        self.context.keystore.add(identity)
        self.context.keystore.set_trust(name, trust)
        root_files(self.context, self.vault(name).root[0], trust, None).adopt()
        assert "error" not in self.sync(name), name

    def sync(self, name: str, *, up: bool = True, down: bool = True) -> dict[str, Any]:
        """Sync a vault in this process."""
        return one_shot(self.context, self.vault(name), Wish(up=up, down=down))

    def asks(self, name: str) -> dict[str, Any]:
        """Have the daemon sync a vault now."""
        row: dict[str, Any] = through_daemon(self.context, [name], Wish())[name]
        return row

    def types(self, *words: str, **env: str) -> Ran:
        """Run a command as a process."""
        done = subprocess.run(
            [sys.executable, "-m", "memory_sync", *words, "--json"],
            env=self.home.env | env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done
        return Ran(done.returncode, json.loads(done.stdout))

    def write(self, name: str, path: str, text: str) -> None:
        file = self.folder(name) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def edits(self, name: str) -> None:
        """Make a new file, and add a line to the log that all machines write."""
        self.write(name, f"memory/{self.name}.md", f"from {self.name}\n")
        with (self.folder(name) / LOG).open("a") as file:
            file.write(f"- {self.name} was here\n")

    def files(self, name: str) -> dict[str, str]:
        """Read all memory files of a vault."""
        top = self.folder(name)
        found = sorted(path for path in top.rglob("*.md") if path.is_file())
        return {str(path.relative_to(top)): path.read_text() for path in found}


@dataclass(frozen=True)
class Ran:
    """How a command ended, and its answer."""

    status: int
    answer: dict[str, Any]

    @property
    def errors(self) -> list[dict[str, Any]]:
        errors: list[dict[str, Any]] = self.answer["errors"]
        return errors


@dataclass
class Place:
    """A vault's repository, its server, and the machines' tokens."""

    name: str
    hub: Clocked
    tokens: dict[str, str]
    repo: Repository = field(init=False)
    kept: str = ""
    """A commit that a cause has to remember."""

    def __post_init__(self) -> None:
        self.repo = self.hub.add_repo(f"{OWNER}/{self.name}")

    @property
    def remote(self) -> str:
        return f"github:{OWNER}/{self.name}"

    def strike(self, match: str, kind: Kind, times: int | None = None, body: str = "") -> None:
        """Let a fault strike the first two machines, each of them that often."""
        for name in STRUCK:
            token = frozenset({self.tokens[name]})
            self.hub.faults.add(Aimed(match, kind, times, body, token))

    def asked_by(self, name: str, since: float = 0.0) -> list[float]:
        """Return when a machine's requests came, on the monotonic clock."""
        times = list(self.hub.times)
        return [when for when, done in times if done.token_login == name and when >= since]

    def commits(self) -> list[tuple[str, str]]:
        """Return the branch's commits and their trees, the newest first."""
        found = []
        oid = self.repo.head()
        while oid:
            commit = self.repo.objects.commit(oid)
            found.append((oid, commit.tree))
            oid = next(iter(commit.parents), None)
        return found


def make_place(name: str, hub: Clocked) -> Place:
    """Make a vault's repository on a server; each machine is another member of its owner."""
    tokens = {device: hub.add_user(device) for device in DEVICES}
    hub.add_org(OWNER, DEVICES)
    return Place(name, hub, tokens)


def until(good: Callable[[], object], seconds: float) -> bool:
    """Wait until something holds; tell whether it came to be in time."""
    deadline = time.monotonic() + seconds
    while not good():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
