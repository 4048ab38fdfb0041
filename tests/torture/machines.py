"""Machines whose daemons are killed, and the vaults that they share."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Hashable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from tests.daemon.homes import Home
from tests.hub import Hub, faults
from tests.hub.faults import Fault

NAMES = ("one", "two", "three")
VAULT = "vault"
MARKER = ".memory-sync"
WRITTEN = ("memory/notes", "memory/days", "memory/pool", "memory", "")
"""Folders of a root in which the daemons write often."""
GUARDS = ("all-changed", "many-deleted")
"""What asks a person whether so much was meant."""
NOW_MAY_END = (0, 3, 5, 6, 7, 8)
"""How `memory-sync now` may end while daemons die: done, conflicts, offline, no daemon, a guard
that asks, busy. What else halts is seen when all should be quiet."""


class Machine(Home):
    """A home whose daemon is started without waiting, and killed."""

    def __init__(self, top: Path, name: str) -> None:
        super().__init__(top, name)
        self.output = top / name / "output.txt"
        self.commands: list[subprocess.Popen[str]] = []

    @property
    def state(self) -> Path:
        """The folder of the vault's state database and conflict copies."""
        return self.top / "state" / "vaults" / VAULT

    @property
    def conflicts(self) -> Path:
        return self.state / "conflicts"

    @property
    def trash(self) -> Path:
        return self.top / "state" / "trash" / VAULT

    def launch(self) -> None:
        """Start the daemon; it may be killed before it is ready."""
        self.daemon = self._begin("daemon")

    def begin_now(self) -> subprocess.Popen[str]:
        """Start `memory-sync now` and let it run."""
        command = self._begin("now")
        self.commands.append(command)
        return command

    def _begin(self, word: str) -> subprocess.Popen[str]:
        with self.output.open("a") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "memory_sync", word],
                env=self.env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
            )

    def fallen(self) -> int | None:
        """Return the status of a daemon that has ended though nobody ended it."""
        return self.daemon.poll() if self.daemon else None

    def ready(self) -> bool:
        """Tell whether the daemon says in its log that it has begun."""
        try:
            log = (self.top / "logs" / "daemon.log").read_bytes()
        except FileNotFoundError:
            return False
        daemon = self.daemon
        return daemon is not None and f'"pid": {daemon.pid},'.encode() in log[-4096:]

    def is_writing(self) -> bool:
        """Tell whether a temporary file lies beside the memory files."""
        for folder in WRITTEN:
            with suppress(FileNotFoundError):
                if any(name.startswith(f"{MARKER}-") for name in os.listdir(self.root / folder)):
                    return True
        return False

    def end(self, number: int) -> int:
        """End the daemon with a signal; return its status."""
        assert self.daemon
        self.daemon.send_signal(number)
        code = self.daemon.wait(timeout=30)
        self.daemon = None
        return code

    def reap(self) -> list[int]:
        """Wait for the commands; return the statuses that none of them should have."""
        ends = [command.wait(timeout=60) for command in self.commands]
        self.commands.clear()
        return [end for end in ends if end not in (*NOW_MAY_END, -signal.SIGKILL)]

    def asks(self) -> bool:
        """Tell whether a guard has stopped the root and waits for a person."""
        reason: dict[str, str] = (self.row()["reason"] if self.ready() else None) or {}
        return reason.get("code") in GUARDS

    def confirm(self) -> None:
        """Let pass what a guard has stopped."""
        words = [sys.executable, "-m", "memory_sync", "confirm", "--yes"]
        subprocess.run(words, env=self.env, cwd="/", capture_output=True, timeout=60, check=False)

    def close(self) -> None:
        super().close()
        for command in self.commands:
            command.kill()
            command.wait(timeout=10)

    def files(self) -> dict[str, bytes]:
        """Read the root, without what is memory-sync's own."""
        return {path: data for path, data in _read(self.root) if path != MARKER}

    def copies(self) -> dict[str, bytes]:
        """Read the conflict copies, by the path in the vault that they are named after."""
        return {path: data for path, data in _read(self.conflicts) if path != MARKER}

    def trashed(self) -> list[bytes]:
        return [data for _, data in _read(self.trash)]

    def events(self) -> list[dict[str, Any]]:
        """Read the log; a line that a kill cut in two is passed over."""
        found: list[dict[str, Any]] = []
        for file in sorted((self.top / "logs").glob("daemon.log*")):
            for line in file.read_text("utf-8", "replace").splitlines():
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue
        return found


def _read(top: Path) -> Iterator[tuple[str, bytes]]:
    for folder, _, names in os.walk(top):
        for name in sorted(names):
            place = Path(folder, name)
            try:
                yield place.relative_to(top).as_posix(), place.read_bytes()
            except FileNotFoundError:
                continue


class Vault(Protocol):
    """Where the machines meet."""

    kind: str
    url: str
    repository: Path

    def prepare(self, machine: Machine) -> None:
        """Give a machine what it needs to reach the vault."""
        ...

    def stirring(self) -> Hashable:
        """Return something that changes while a commit is being made."""
        ...

    def disturb(self, rng: random.Random) -> str:
        """Let something go wrong at the vault; say what."""
        ...

    def calm(self) -> None:
        """Let nothing go wrong any more."""
        ...


class FolderVault:
    """A bare repository in a folder."""

    kind = "folder"

    def __init__(self, top: Path) -> None:
        self.repository = top / "vault.git"
        self.url = f"file://{self.repository}"

    def prepare(self, machine: Machine) -> None:
        machine.top.mkdir(parents=True)

    def stirring(self) -> Hashable:
        """Look where objects are written, and where the branch has its lock."""
        places = ("objects", "objects/pack", "refs/heads")
        return tuple(os.stat(self.repository / place).st_mtime_ns for place in places)

    def disturb(self, rng: random.Random) -> str:
        """Leave the branch's lock behind, as a killed git does."""
        lock = self.repository / "refs/heads/main.lock"
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return "a lock was there"
        return "left a lock"

    def calm(self) -> None:
        """Do nothing: a lock that was left is broken by whoever needs to."""


class HubVault:
    """A repository on the double of GitHub."""

    kind = "hub"
    url = "github:ada/vault"

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._token = hub.add_user("ada")
        self.repository = hub.path_of_repo(0)
        # Polls of a fraction of a second are not what the hour's quota was made for.
        hub.limits.allowed |= {"core": 10**6, "graphql": 10**6}
        hub.limits.secondary = False

    def prepare(self, machine: Machine) -> None:
        machine.top.mkdir(parents=True)
        token = machine.top / "token"
        token.write_text(self._token)
        token.chmod(0o600)
        (machine.top / "config.toml").write_text(
            f'[github]\nbase_url = "{self._hub.base_url}"\ntoken_file = "{token}"\n'
        )

    def stirring(self) -> Hashable:
        """Count what was carried out: it is noted before its answer goes out."""
        return sum(request.kind == "mutation" for request in self._hub.requests)

    def disturb(self, rng: random.Random) -> str:
        kinds = {
            "answer lost": faults.close_after,
            "answer cut": faults.half,
            "request lost": faults.close_before,
            "502": faults.status(502),
            "late": faults.delay(rng.uniform(0.2, 1.0)),
        }
        name = rng.choice(sorted(kinds))
        body = rng.choice(["", "createCommitOnBranch"])
        self._hub.faults.add(Fault("", kinds[name], times=1, body=body))
        return f"{name} {body}".strip()

    def calm(self) -> None:
        self._hub.faults.clear()


def share(machines: list[Machine], vault: Vault, *, poll: float, debounce: float) -> None:
    """Let the first machine found the vault and the others join it."""
    first, *others = machines
    key = first.top.parent / "key.txt"
    for machine in machines:
        vault.prepare(machine)
    first.write("MEMORY.md", "# memory\n")
    _init(first, vault)
    first.run("export-key", str(key))
    for machine in others:
        machine.run("import-key", str(key))
        _init(machine, vault)
    for machine in machines:
        machine.configure(poll=poll, debounce=debounce, max_delay=1.0)


def _init(machine: Machine, vault: Vault) -> None:
    place = str(machine.root)
    machine.run("init", place, "--remote", vault.url, "--device", machine.name, "--yes")
