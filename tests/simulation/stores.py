"""What a device keeps outside its roots: key, trust and state, in memory, with a process that ends.

What was written here is durable at once; a process can end just before or just after it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from memory_sync.errors import DiskFullError
from memory_sync.ports.keystore import Keystore
from memory_sync.ports.state import State
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import Identity
from tests.simulation.disk import Crash


class Toll:
    """Counts the records of one device, and strikes at one of them."""

    def __init__(self) -> None:
        self._left = -1
        self.blow = ""
        self.struck = False

    def arm(self, left: int, blow: str) -> None:
        """Strike at a record, after so many more.

        before, after: the process ends there. full: there is no space for it.
        """
        self._left, self.blow, self.struck = left, blow, False

    def disarm(self) -> None:
        """Strike no more."""
        self._left = -1

    @contextmanager
    def record(self, *, can_be_full: bool = True) -> Iterator[None]:
        """Surround one record."""
        due = self._left == 0
        if self._left >= 0:
            self._left -= 1
        if not due:
            yield
            return
        self.struck = True
        if self.blow == "full":
            if can_be_full:
                raise DiskFullError(path="state.db")
            yield
            return
        if self.blow == "before":
            raise Crash("before a record")
        yield
        raise Crash("after a record")


class MemoryState(State):
    """The program's own state on a database in memory, which outlives the process."""

    toll: Toll

    @classmethod
    def made(cls, toll: Toll, content: bytes | None = None) -> MemoryState:
        """Make a new database, or one with the content of another."""
        db = sqlite3.connect(":memory:", isolation_level=None)
        db.deserialize(content or _new_database())
        state = cls(db, None)
        state.toll = toll
        return state

    def copy(self) -> bytes:
        """Return the whole database."""
        return self._db.serialize()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._db.in_transaction:
            yield
            return
        with self.toll.record(), super().transaction():
            yield


@cache
def _new_database() -> bytes:
    state = State.open(None)
    content = state._db.serialize()
    state.close()
    return content


class MemoryKeystore(Keystore):
    """Identities and trust without files."""

    def __init__(self, toll: Toll) -> None:
        super().__init__(Path("/nowhere"))
        self._toll = toll
        self._identities: dict[str, Identity] = {}
        self._trusts: dict[str, Trust] = {}

    def find(self, recipient: str) -> Identity | None:
        return self._identities.get(recipient)

    def stored(self, recipient: str) -> bool:
        return recipient in self._identities

    def recipients(self) -> tuple[str, ...]:
        return tuple(sorted(self._identities))

    def add(self, identity: Identity) -> Path:
        self._identities[identity.recipient] = identity
        return self.folder / identity.recipient

    def trust(self, vault: str) -> Trust | None:
        return self._trusts.get(vault)

    def set_trust(self, vault: str, trust: Trust) -> None:
        with self._toll.record():
            self._trusts[vault] = trust

    def discard(self, vault: str, identity: Identity) -> None:
        self.drop_trust(vault)
        self._identities.pop(identity.recipient, None)

    def drop_trust(self, vault: str) -> None:
        self._trusts.pop(vault, None)
