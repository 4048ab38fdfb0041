"""An agent on one machine: it appends, edits, renames and deletes, as agents and editors do."""

from __future__ import annotations

import itertools
import os
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from tests.torture.ledger import LOGS, POOL, Ledger, digest_of
from tests.torture.machines import Machine

TRIES = 20
LARGE = (100_000, 300_000)
LARGE_LINES = 500


class Agent:
    """Whatever it writes has a line of its own; the random numbers alone tell what it does."""

    def __init__(self, machine: Machine, ledger: Ledger, rng: random.Random) -> None:
        self.machine = machine
        self.name = machine.name
        self._ledger = ledger
        self._rng = rng
        self._counter = itertools.count(1)
        self._saves = itertools.count(1)
        self._files: dict[str, list[bytes]] = {}
        self._gone: list[str] = []
        self._mine: dict[str, set[bytes]] = defaultdict(set)
        self._deeds: dict[Callable[[], str | None], int] = {
            self._append: 30,
            self._make: 14,
            self._make_large: 4,
            self._edit: 16,
            self._rewrite: 8,
            self._pool_edit: 16,
            self._rename: 4,
            self._delete: 4,
            self._make_again: 2,
            self._pool_rename: 1,
            self._pool_delete: 1,
        }

    def act(self) -> None:
        """Do one thing, or something else if that cannot be done now."""
        deeds, weights = list(self._deeds), list(self._deeds.values())
        done = None
        while done is None:
            done = self._rng.choices(deeds, weights)[0]()
        self._ledger.did(self.name, done)

    def _line(self, length: int = 30) -> bytes:
        """Make a line that nobody else writes."""
        token = f"{self.name}-{next(self._counter)}"
        return f"{token} {self._rng.randbytes(length).hex()}"[: max(length, 20)].encode()

    # --- logs, to which every agent appends

    def _append(self) -> str:
        path = self._rng.choice(LOGS)
        line = self._line(self._rng.choice([20, 40, 200]))
        self._ledger.lines.add(line)
        place = self.machine.root / path
        place.parent.mkdir(exist_ok=True)
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line + b"\n")
            sure = _is_still(place, handle)
        finally:
            os.close(handle)
        if sure:
            self._ledger.appended[line] = (self.name, path)
        else:
            self._ledger.raced[line] = self.name
        return f"append {path}: {line[:20].decode()}{'' if sure else ' (just replaced)'}"

    # --- files of its own

    def _make(self, size: int = 0) -> str:
        path = f"memory/{self._rng.choice(['notes', 'days', self.name])}/{self._new_name()}"
        lines = [self._line() for _ in range(self._rng.randint(1, 12))]
        while sum(map(len, lines)) < size:
            lines.append(self._line(150))
        self._give(path, lines)
        return f"make {path}, {sum(map(len, lines))} bytes"

    def _make_large(self) -> str:
        return self._make(self._rng.randint(*LARGE))

    def _make_again(self) -> str | None:
        if not self._gone:
            return None
        path = self._gone.pop(self._rng.randrange(len(self._gone)))
        self._give(path, [self._line()])
        return f"make {path} again"

    def _edit(self) -> str | None:
        path = self._one_of(in_place=False, large=self._rng.random() < 0.4)
        if path is None:
            return None
        lines = list(self._files[path])
        lines[self._rng.randrange(len(lines))] = self._line()
        lines.insert(self._rng.choice([0, len(lines)]), self._line())
        self._give(path, lines)
        return f"edit {path}"

    def _rewrite(self) -> str | None:
        """Truncate and write, in a file that is always written so."""
        path = self._one_of(in_place=True)
        if path is None or (len(self._files) < 12 and self._rng.random() < 0.3):
            path = f"memory/{self._new_name('r')}"
        lines = [self._line() for _ in range(self._rng.choice([3, 40]))]
        self._ledger.own.in_place.add(path)
        content = self._register(path, lines)
        self._made(path).write_bytes(content)
        return f"rewrite {path}, {len(content)} bytes"

    def _rename(self) -> str | None:
        old = self._one_of()
        if old is None:
            return None
        new = f"memory/{self._rng.choice(['notes', 'days'])}/{self._new_name('n')}"
        own = self._ledger.own
        own.versions[new] = own.versions[old]
        if old in own.in_place:
            own.in_place.add(new)
        _retry(lambda: os.rename(self.machine.root / old, self._made(new)))
        own.current[new] = own.current.pop(old)
        self._files[new] = self._files.pop(old)
        return f"rename {old} to {new}"

    def _delete(self) -> str | None:
        path = self._one_of()
        if path is None or len(self._files) < 4:
            return None
        (self.machine.root / path).unlink(missing_ok=True)
        del self._files[path], self._ledger.own.current[path]
        self._gone.append(path)
        return f"delete {path}"

    def _one_of(self, *, in_place: bool | None = None, large: bool = False) -> str | None:
        loose = self._ledger.own.in_place
        fit = [path for path in self._files if in_place is None or (path in loose) is in_place]
        if large:
            fit = [path for path in fit if len(self._files[path]) > LARGE_LINES] or fit
        return self._rng.choice(sorted(fit)) if fit else None

    def _give(self, path: str, lines: list[bytes]) -> None:
        """Write a file of one's own beside its place and rename it."""
        self._save(path, self._register(path, lines))

    def _register(self, path: str, lines: list[bytes]) -> bytes:
        content = b"\n".join(lines) + b"\n"
        own = self._ledger.own
        own.versions[path][digest_of(content)] = content
        own.current[path] = digest_of(content)
        self._files[path] = lines
        return content

    # --- files of all

    def _pool_edit(self) -> str:
        path = f"{POOL}{self._rng.randrange(3)}.md"
        where, append = self._rng.random(), self._rng.random() < 0.5
        line = self._line()
        lines = self._pool_lines(path)
        self._ledger.lines.add(line)
        taken = b""
        if append or not lines:
            lines.insert(int(where * (len(lines) + 1)), line)
        else:
            at = int(where * len(lines))
            taken, lines[at] = lines[at], line
        self._save(path, b"\n".join(lines) + b"\n")
        self._let_go(path, {taken})
        self._mine[path].add(line)
        self._ledger.pooled[line] = self.name
        return f"pool {path}: {line[:20].decode()} for {taken[:20].decode() or 'nothing'}"

    def _pool_rename(self) -> str:
        old = f"{POOL}{self._rng.randrange(3)}.md"
        new = f"{POOL}{self._new_name()}"
        try:
            os.rename(self.machine.root / old, self.machine.root / new)
        except FileNotFoundError:
            return f"pool rename {old}: it is not there"
        self._mine[new] = self._mine.pop(old, set())
        return f"pool rename {old} to {new}"

    def _pool_delete(self) -> str:
        path = f"{POOL}{self._rng.randrange(3)}.md"
        try:
            (self.machine.root / path).unlink()
        except FileNotFoundError:
            return f"pool delete {path}: it is not there"
        self._let_go(path, self._mine[path])
        return f"pool delete {path}"

    def _pool_lines(self, path: str) -> list[bytes]:
        try:
            return (self.machine.root / path).read_bytes().splitlines()
        except FileNotFoundError:
            return []

    def _let_go(self, path: str, lines: set[bytes]) -> None:
        """Note that this device took lines of its own away; another's were sent before."""
        for line in set(lines) & self._mine[path]:
            self._ledger.pooled.pop(line, None)
            self._mine[path].discard(line)

    # --- the disk

    def _new_name(self, kind: str = "f") -> str:
        return f"{self.name}-{kind}{next(self._counter)}.md"

    def _save(self, path: str, content: bytes) -> None:
        def save() -> None:
            place = self._made(path)
            beside = place.with_name(f"{place.name}.tmp.{next(self._saves)}")
            beside.write_bytes(content)
            os.rename(beside, place)

        _retry(save)

    def _made(self, path: str) -> Path:
        place = self.machine.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


def _is_still(place: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(place), os.fstat(handle))
    except FileNotFoundError:
        return False


def _retry(save: Callable[[], None]) -> None:
    """Save again if the folder, empty after a delete, was removed between two steps."""
    for _ in range(TRIES):
        try:
            return save()
        except FileNotFoundError:
            continue
    raise AssertionError("a folder is removed again and again")
