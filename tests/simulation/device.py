"""One simulated machine: what lasts, and the process that comes and goes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from random import Random

from memory_sync.engine.cycle import Engine
from memory_sync.engine.found import found, look_into, trust_for
from memory_sync.engine.kit import CipherMaker, Kit, Root
from memory_sync.model import Direction, Outcome
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports.spool import Spool
from memory_sync.sync.patterns import DEFAULT_INCLUDE, Patterns
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import Identity
from tests.simulation.clock import Clock
from tests.simulation.deeds import Act
from tests.simulation.disk import Handle, MemoryDisk
from tests.simulation.link import Link
from tests.simulation.remote import MemoryRemote, Repository
from tests.simulation.steps import Machine, Setup
from tests.simulation.stores import MemoryKeystore, MemoryState, Toll
from tests.simulation.tree import MemoryTree

VAULT = "v"
VAULT_ID = "0123456789abcdef0123456789abcdef"
IDENTITY = Identity(
    # The key of the example in docs/vault-format.md, which the whole world has.
    ("AGE-SECRET-KEY-10UYLTDZJCKTUSM6D3079USDC5PE3X8Q620A298FWVDZZ94LLCF2QKJ5LRS",)
)
MAX_SIZE = 1024 * 1024


class QuickPatterns(Patterns):
    """Patterns that remember their answers: a schedule asks for the same few paths all the time."""

    def matches(self, path: str) -> bool:
        known = _answers(self)
        if path not in known:
            known[path] = super().matches(path)
        return known[path]


@cache
def _answers(_patterns: Patterns) -> dict[str, bool]:
    return {}


Note = Callable[[str, bytes | None], None]


class NotedTree(MemoryTree):
    """A tree that tells what the engine wants to have written, whole."""

    note: Note

    def write(self, path: str, content: bytes, *, mode: int, expect: str | None) -> None:
        self.note(f"{self.name}/{path}", content)
        super().write(path, content, mode=mode, expect=expect)

    def remove(self, path: str, expect: str) -> None:
        self.note(f"{self.name}/{path}", None)
        super().remove(path, expect)


class Device:
    """One machine. `away` are the roots that are not mounted, `loose` the paths a cut may undo."""

    def __init__(
        self,
        setup: Setup,
        machine: Machine,
        repository: Repository,
        random: Random,
        make_cipher: CipherMaker,
    ) -> None:
        self.name = machine.name
        self.machine = machine
        self.clock = Clock(random)
        self.disk = MemoryDisk(
            random,
            self.clock,
            ignore_case=machine.ignore_case,
            decompose=machine.decompose,
            granularity=machine.granularity,
        )
        self.toll = Toll()
        self.keystore = MemoryKeystore(self.toll)
        self.state = MemoryState.made(self.toll)
        self.link = Link(MemoryRemote(repository))
        self.exclude: tuple[str, ...] = ()
        self.directions: dict[str, Direction] = {}
        self.heeded: dict[str, Direction] = {}
        self.handles: dict[Handle, str] = {}
        self.echoes: dict[Handle, bytes] = {}
        self.cuts = 0
        self.fault = ""
        self.note: Note = _nothing
        self.on_write: Callable[[], None] | None = None
        self.writing = ""
        self.seen: dict[str, bytes] = {}
        self.loose: set[str] = set()
        self.away: set[str] = set()
        self.swapped = False
        self.kept_state: bytes | None = None
        self.hints = 1
        self.late = 0
        self.last = Outcome()
        self._setup = setup
        self._make_cipher = make_cipher
        self._engine: Engine | None = None
        self._trees: dict[str, MemoryTree] = {}

    # --- the beginning

    def found(self) -> None:
        """Found the vault; key and id are given, so that a schedule is the same each time."""
        self.keystore.add(IDENTITY)
        self.keystore.set_trust(VAULT, Trust(VAULT_ID, IDENTITY.recipient))
        self.link.create()
        found(look_into(self.link), VAULT, self.link, self.keystore, self.clock)
        self.adopt()

    def join(self) -> None:
        """Join the vault that is there."""
        self.keystore.add(IDENTITY)
        trust = trust_for(look_into(self.link), VAULT, self.link, self.keystore)
        self.keystore.set_trust(VAULT, trust)
        self.adopt()

    def adopt(self) -> None:
        """Make the folders of all roots, with their markers."""
        for name in (*self._setup.roots, CONFLICTS):
            self.disk.make_folder(name)
            self.tree(name).adopt(replace=True, make=True)

    # --- the process

    def tree(self, name: str) -> MemoryTree:
        """Return a root's tree, which lasts as long as the process."""
        if name not in self._trees:
            tree = NotedTree(
                name,
                self.disk,
                patterns=self.patterns(name),
                max_size=MAX_SIZE,
                clock=self.clock,
                top=name,
                vault=VAULT_ID,
                device=self.name,
            )
            tree.note = self._noted
            self._trees[name] = tree
        return self._trees[name]

    def patterns(self, name: str) -> Patterns:
        """Return what is synced of a root now."""
        if name == CONFLICTS:
            return QuickPatterns(("**/*",))
        return QuickPatterns(DEFAULT_INCLUDE, self.exclude)

    def goes(self, path: str) -> Direction:
        """Return which way a path goes here."""
        return _goes(path, self.directions)

    def spares(self, path: str) -> bool:
        """Tell whether a delete stays here, by a direction that a cycle has gone by since."""
        return _goes(path, self.heeded) == "pull"

    def turn(self, directions: Mapping[str, Direction]) -> None:
        """Let roots go other ways, by a new process."""
        changed = {
            name for name in self._setup.roots if self.directions.get(name) != directions.get(name)
        }
        self.heeded = {name: way for name, way in self.heeded.items() if name not in changed}
        self.directions = dict(directions)
        self.restart()

    def _noted(self, path: str, content: bytes | None) -> None:
        """Hear of what the engine is about to do to a file."""
        self.writing = path
        self.note(path, content)
        if self.on_write:
            begin, self.on_write = self.on_write, None
            begin()

    @property
    def engine(self) -> Engine:
        """Return the process's engine; a new process begins if none runs."""
        if self._engine is None:
            self._engine = Engine(self._kit())
        return self._engine

    def _kit(self) -> Kit:
        caps = {"**/*": self._setup.caps} if self._setup.caps else {}
        roots = {
            name: Root(
                name,
                name,
                self.tree(name),
                self.patterns(name),
                max_size=MAX_SIZE,
                direction=self.directions.get(name, "both"),
                merge_caps={} if name == CONFLICTS else caps,
            )
            for name in (*self._setup.roots, CONFLICTS)
        }
        return Kit(
            vault=VAULT,
            device=self.name,
            remote=self.link,
            state=self.state,
            keystore=self.keystore,
            roots=roots,
            spool=Spool(),
            clock=self.clock,
            make_cipher=self._make_cipher,
        )

    def restart(self) -> None:
        """End the process; a new one begins with the next cycle, by a look at everything."""
        for tree in self._trees.values():
            tree.restart()
        self._engine = None
        self._trees = {}
        self.hints = 1

    def replace_state(self, content: bytes | None) -> None:
        """Put another database in the place of this one: an older copy, or none."""
        self.restart()
        self.state.close()
        self.state = MemoryState.made(self.toll, content)

    # --- what a power cut may undo

    def note_durability(self, changed: Collection[str], done: Act) -> None:
        """Remember of an agent's deed what is not on the disk for good."""
        paths = {self._folded(path) for path in changed}
        moved = done.moved and not paths.isdisjoint(self.loose)
        if done.loose or moved:
            self.loose |= paths | {self._folded(done.place)}
        elif not done.by_handle:  # that makes the content durable, and not the name
            self.loose -= paths

    def note_safe(self, paths: Iterable[str]) -> None:
        """Remember that files went up, which is only after they were made durable."""
        for path in paths:
            self.loose.discard(self._folded(path))

    def is_loose(self, path: str) -> bool:
        """Tell whether a power cut may undo an agent's last change of a path."""
        return self._folded(path) in self.loose

    def _folded(self, path: str) -> str:
        return path.casefold() if self.machine.ignore_case else path

    # --- and otherwise

    def quiet(self) -> None:
        """Let nothing go wrong any more."""
        self.disk.disarm()
        self.disk.hook = self.on_write = None
        self.writing = ""
        self.toll.disarm()
        self.link.clear()
        self.link.rival = None

    @property
    def roots(self) -> Sequence[str]:
        """The names of all roots, that of the conflict copies included."""
        return (*self._setup.roots, CONFLICTS)


def _goes(path: str, directions: Mapping[str, Direction]) -> Direction:
    """Return which way a path goes: copies of what only comes down stay here."""
    root, _, below = path.partition("/")
    if root != CONFLICTS:
        return directions.get(root, "both")
    return "pull" if directions.get(below.partition("/")[0]) == "pull" else "both"


def _nothing(_path: str, _content: bytes | None) -> None:
    """Hear nothing, before a world listens."""
