"""One vault on one machine: the real engine, schedule and remote, driven as a worker does."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from random import Random

from memory_sync.daemon.schedule import Schedule, Timing, stretch
from memory_sync.engine.cycle import Engine
from memory_sync.engine.found import found, look_into, trust_for
from memory_sync.engine.kit import CipherMaker, Kit, Root
from memory_sync.errors import MemorySyncError
from memory_sync.model import Outcome
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.pace import Pace
from memory_sync.ports.spool import Spool
from memory_sync.ports.token import Token
from memory_sync.sync.patterns import Patterns
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import Cipher
from tests.crowd.edits import Edits
from tests.crowd.net import Net, connected
from tests.crowd.stage import Actor, Clock
from tests.simulation.codec import cheap
from tests.simulation.device import IDENTITY, VAULT, VAULT_ID
from tests.simulation.disk import MemoryDisk
from tests.simulation.stores import MemoryKeystore, MemoryState, Toll
from tests.simulation.tree import MemoryTree

ROOT = "memory"
EVERYTHING = Patterns(("**/*",))
MAX_SIZE = 1024 * 1024


class Armoured:
    """The simulation's cheap cipher in text, as GitHub's GraphQL hands out text only."""

    def __init__(self, inner: Cipher) -> None:
        self._inner = inner

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt."""
        return b64encode(self._inner.encrypt(plaintext))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt."""
        return self._inner.decrypt(b64decode(ciphertext))


def armoured(name: str) -> CipherMaker:
    """Return a maker of such ciphers with a randomness of their own."""
    make = cheap(Random(f"{name} noise"))
    return lambda identity, recipients: Armoured(make(identity, recipients))


class HeardTree(MemoryTree):
    """A tree that tells of each file that the engine has written."""

    device: Device

    def write(self, path: str, content: bytes, *, mode: int, expect: str | None) -> None:
        """Write a file, and tell."""
        super().write(path, content, mode=mode, expect=expect)
        self.device.has(path, content)


class Device:
    """One machine's share of one vault, as a worker of a daemon serves it."""

    def __init__(self, name: str, vault: str, net: Net, edits: Edits, token: str) -> None:
        self.name = name
        self.vault = vault
        self.clock = Clock(net.stage, Random(f"{name} {vault}"))
        self.disk = MemoryDisk(Random(name), self.clock)
        self.counts: Counter[str] = Counter()
        self.schedule: Schedule | None = None
        self._pace: Pace | None = None
        self._net = net
        self._edits = edits
        self._token = Token(token, "the play")
        self._idle = self._touched = False
        self._actor: Actor | None = None
        edits.devices.setdefault(vault, []).append(name)

    # --- agents

    def edit(self, path: str) -> None:
        """Let an agent add a line at the end of a file."""
        edit = self._edits.make(self.vault, path, self.name, self.clock.monotonic())
        self.save(path, (self.disk.read(f"{ROOT}/{path}") or b"") + edit.line)

    def save(self, *files: str | bytes) -> None:
        """Let an agent save files, given as path and content in turn; the watcher hears of it."""
        for path, content in zip(files[::2], files[1::2], strict=True):
            assert isinstance(path, str)
            assert isinstance(content, bytes)
            self.disk.save(f"{ROOT}/{path}", content)
        self._touched = True
        if self._idle and self.schedule and self._actor:
            self._hear()
            self._actor.call_at(self.schedule.due())

    def _hear(self) -> None:
        if self._touched and self.schedule:
            self.schedule.changed()
            self._touched = False

    def has(self, path: str, content: bytes) -> None:
        """Note that a file is here now."""
        self._edits.seen(self.vault, path, self.name, content, self.clock.monotonic())

    def files(self) -> dict[str, bytes]:
        """Return what the root holds."""
        return {
            path: content
            for path, content in self.disk.files().items()
            if path.startswith(f"{ROOT}/")
        }

    # --- the worker

    def serve(self, pace: Pace | None = None, *, first: bool = False) -> None:
        """Let this be what an actor plays; `first` is the device that founds the vault."""
        # Without one it is a machine of its own, with a pace of its own.
        self._pace = pace or Pace(self.clock)
        self._first = first

    def play(self, actor: Actor) -> None:
        """Join the vault and serve it until the end."""
        self._actor = self.clock.actor = actor
        with connected(self._net, self.clock):
            remote = GitHubRemote(
                f"ada/{self.vault}", self._token, self._net.hub.base_url, 30, pace=self._pace
            )
        state = MemoryState.made(Toll())
        try:
            engine = self._open(remote, state)
            self.schedule = Schedule(self.clock, Timing())
            self.schedule.lost()
            while True:
                self._hear()
                while self.schedule.wait() > 0:
                    self._idle = True
                    actor.wait_until(self.schedule.due())
                    self._idle = False
                self._turn(engine, self.schedule)
        finally:
            remote.close()
            state.close()

    def _turn(self, engine: Engine, schedule: Schedule) -> None:
        turn = schedule.turn()
        try:
            outcome = engine.cycle(up=turn.up, look=turn.look, fetch=turn.fetch)
        except MemorySyncError as error:
            self.counts[f"error {error.code}"] += 1
            schedule.failed(error)
            return
        self._note(outcome)
        factor = stretch(engine.about().budgets, self.clock.now())
        self.counts["stretched"] += factor > 1
        schedule.succeeded(turn, again=outcome.again, resume=outcome.resume, stretch=factor)
        if outcome.down or outcome.merged:
            schedule.changed()

    def _note(self, outcome: Outcome) -> None:
        self.counts["cycles"] += 1
        self.counts["new conflicts"] += len(outcome.new_conflicts)
        for halt in (*outcome.halts, *outcome.problems):
            self.counts[f"problem {halt.code}"] += 1

    def _open(self, remote: GitHubRemote, state: MemoryState) -> Engine:
        keystore = MemoryKeystore(Toll())
        keystore.add(IDENTITY)
        if self._first:
            keystore.set_trust(VAULT, Trust(VAULT_ID, IDENTITY.recipient))
            found(look_into(remote), VAULT, remote, keystore, self.clock)
        else:
            keystore.set_trust(VAULT, trust_for(look_into(remote), VAULT, remote, keystore))
        roots = {
            name: Root(name, name, self._tree(name), patterns, max_size=MAX_SIZE)
            for name, patterns in ((ROOT, Patterns()), (CONFLICTS, EVERYTHING))
        }
        return Engine(
            Kit(
                vault=VAULT,
                device=self.name,
                remote=remote,
                state=state,
                keystore=keystore,
                roots=roots,
                spool=Spool(),
                clock=self.clock,
                make_cipher=armoured(f"{self.name} {self.vault}"),
            )
        )

    def _tree(self, name: str) -> MemoryTree:
        self.disk.make_folder(name)
        tree = HeardTree(
            name,
            self.disk,
            patterns=EVERYTHING if name == CONFLICTS else Patterns(),
            max_size=MAX_SIZE,
            clock=self.clock,
            top=name,
            vault=VAULT_ID,
            device=self.name,
        )
        tree.device = self
        tree.adopt(replace=True, make=True)
        return tree
