"""Devices for the engine's tests: real files, a real vault, and a clock on which nobody waits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from memory_sync.engine.cycle import Engine
from memory_sync.engine.found import found, look_into, trust_for
from memory_sync.engine.kit import Kit, Policy, Root
from memory_sync.errors import OfflineError
from memory_sync.model import About, Change, Commit, Direction, Entry, Listing, Outcome
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.disk import DiskTree
from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.keystore import Keystore
from memory_sync.ports.remote import Condition, Remote
from memory_sync.ports.spool import Spool
from memory_sync.ports.state import State
from memory_sync.ports.trash import Trash
from memory_sync.sync.patterns import Patterns
from memory_sync.vault.keys import Identity

Patterned = Mapping[str, Patterns]
PLAIN: Patterned = {"memory": Patterns()}


class Clock(SystemClock):
    """The machine's clock, which can be moved, and on which nobody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + max(0.0, self.ahead)

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds


class Meddler:
    """A remote with somebody in between; what it calls before and after a commit, it calls once."""

    def __init__(self, inner: Remote) -> None:
        self.inner = inner
        self.before_commit: Callable[[], object] | None = None
        self.after_commit: Callable[[], object] | None = None
        self.lose_answer = False
        self.commits = 0
        self.asked: list[str] = []
        self.spoil: Callable[[str, bytes], bytes] | None = None

    @property
    def url(self) -> str:
        return self.inner.url

    def close(self) -> None:
        self.inner.close()

    def condition(self) -> Condition:
        return self.inner.condition()

    def create(self, *, public: bool = False) -> None:
        self.inner.create(public=public)

    def head(self, known: str | None = None) -> str | None:
        self.asked.append("head")
        return self.inner.head(known)

    def history(self, head: str, since: str | None = None) -> Iterator[Commit]:
        return self.inner.history(head, since)

    def listing(self, commit: Commit, since: tuple[str, Listing] | None = None) -> Listing:
        self.asked.append("listing")
        return self.inner.listing(commit, since)

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        return self.inner.top(commit)

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for blob, content in self.inner.blobs(ids):
            yield blob, self.spoil(blob, content) if self.spoil else content

    def announce(self, commit: str, ids: Collection[str], total: int) -> None:
        self.inner.announce(commit, ids, total)

    def pause(self, requests: int = 1) -> float:
        return self.inner.pause(requests)

    def rest(self, commits: int) -> float:
        return self.inner.rest(commits)

    def about(self) -> About:
        return self.inner.about()

    def commit(self, parent: str | None, change: Change) -> str:
        self.asked.append("commit")
        if self.before_commit:
            hook, self.before_commit = self.before_commit, None
            hook()
        made = self.inner.commit(parent, change)
        self.commits += 1
        if self.after_commit:
            hook, self.after_commit = self.after_commit, None
            hook()
        if self.lose_answer:
            self.lose_answer = False
            raise OfflineError(remote=self.url, detail="the answer was lost")
        return made


class Device:
    """One machine: a home with key, trust and state, and one folder for each root."""

    def __init__(
        self, top: Path, name: str, vault: Path | Remote, roots: Patterned = PLAIN
    ) -> None:
        self.name = name
        self.home = top / name
        self.patterns = roots
        self.clock = Clock()
        remote = FolderRemote(f"file://{vault}") if isinstance(vault, Path) else vault
        self.remote = Meddler(remote)
        self.keystore = Keystore(self.home / "keys")
        self.max_size = 1024 * 1024
        self.merge_caps: dict[str, int] = {}
        self.directions: dict[str, Direction] = {}
        self.secrets: Policy = "warn"
        self.recovery: tuple[str, ...] | None = None
        self.formerly: dict[str, tuple[str, ...]] = {}
        self.places: dict[str, str] = {}
        self._engine: Engine | None = None
        self.kit: Kit | None = None
        for root in roots:
            self.folder(root).mkdir(parents=True)

    # --- the vault

    def found(self) -> Identity:
        self.remote.create()
        trust = found(look_into(self.remote), "v", self.remote, self.keystore, self.clock)
        self._adopt()
        identity = self.keystore.find(trust.recipient)
        assert identity
        return identity

    def join(self, identity: Identity) -> None:
        self.keystore.add(identity)
        trust = trust_for(look_into(self.remote), "v", self.remote, self.keystore)
        self.keystore.set_trust("v", trust)
        self._adopt()

    def _adopt(self) -> None:
        for root in self.patterns:
            self.tree(root).adopt()

    def tree(self, root: str) -> DiskTree:
        trust = self.keystore.trust("v")
        assert trust
        hidden = root == CONFLICTS
        return DiskTree(
            root,
            self.folder(root),
            patterns=Patterns(("**/*",)) if hidden else self.patterns[root],
            max_size=self.max_size,
            vault_id=trust.vault_id,
            device=self.name,
            clock=self.clock,
            trash=None if hidden else Trash(self.home / "trash", self.clock),
            former=self.formerly.get(root, ()),
        )

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            self.folder(CONFLICTS).mkdir(exist_ok=True, parents=True)
            conflicts = self.tree(CONFLICTS)
            conflicts.adopt()
            roots = {
                name: Root(
                    name,
                    str(self.folder(name)),
                    self.tree(name),
                    patterns,
                    self.max_size,
                    self.merge_caps,
                    direction=self.directions.get(name, "both"),
                    formerly=self.formerly.get(name, ()),
                )
                for name, patterns in self.patterns.items()
            }
            roots[CONFLICTS] = Root(CONFLICTS, "", conflicts, Patterns(("**/*",)))
            self.kit = Kit(
                vault="v",
                device=self.name,
                remote=self.remote,
                state=State.open(self.home / "state.db"),
                keystore=self.keystore,
                roots=roots,
                spool=Spool(self.home),
                clock=self.clock,
                recovery=self.recovery,
                secrets=self.secrets,
                reach=FolderRemote,
            )
            self._engine = Engine(self.kit)
        return self._engine

    def opened(self) -> Kit:
        """Open the vault, and return what its engine is made of."""
        assert self.engine is not None
        assert self.kit is not None
        return self.kit

    def restart(self) -> None:
        """End as a process does, and begin again from what is on the disk."""
        if self.kit:
            for root in self.kit.roots.values():
                root.files.unlock()
            self.kit.state.close()
        self._engine = self.kit = None

    def rename(self, old: str, new: str) -> None:
        """Give a root another name in the configuration; the folder stays where it is."""
        self.restart()
        self.patterns = {new if name == old else name: p for name, p in self.patterns.items()}
        self.formerly[new] = (*self.formerly.pop(old, ()), old)
        self.places[new] = self.places.pop(old, old)

    def move_to(self, remote: Path | Remote) -> None:
        """Name another remote in the configuration."""
        self.restart()
        inner = FolderRemote(f"file://{remote}") if isinstance(remote, Path) else remote
        self.remote = Meddler(inner)

    def sync(self, *, up: bool = True, down: bool = True) -> Outcome:
        return self.engine.cycle(up=up, down=down)

    # --- files

    def folder(self, root: str = "memory") -> Path:
        return (
            self.home / "conflicts"
            if root == CONFLICTS
            else self.home / "roots" / self.places.get(root, root)
        )

    def write(self, path: str, text: str | bytes, root: str = "memory") -> None:
        place = self.folder(root) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)

    def read(self, path: str, root: str = "memory") -> str:
        return (self.folder(root) / path).read_text()

    def delete(self, path: str, root: str = "memory") -> None:
        (self.folder(root) / path).unlink()

    def files(self, root: str = "memory") -> dict[str, bytes]:
        folder = self.folder(root)
        return {
            place.relative_to(folder).as_posix(): place.read_bytes()
            for place in sorted(folder.rglob("*"))
            if place.is_file() and place.name != ".memory-sync"
        }

    def conflicts(self) -> list[bytes]:
        return sorted(self.files(CONFLICTS).values())

    def trash(self) -> list[bytes]:
        return [place.read_bytes() for place in (self.home / "trash").rglob("*") if place.is_file()]


def settle(*devices: Device, rounds: int = 4) -> None:
    """Let every device sync until nothing travels any more."""
    for _ in range(rounds):
        outcomes = [device.sync() for device in devices]
        if not any(outcome.up or outcome.down or outcome.again for outcome in outcomes):
            return
    raise AssertionError("the devices do not come to rest")
