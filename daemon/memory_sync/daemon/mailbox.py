"""What threads say to each other; they share nothing else."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Messages in the order in which they came."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[T] = queue.SimpleQueue()

    def put(self, message: T) -> None:
        """Leave a message; never waits."""
        self._queue.put(message)

    def get(self, timeout: float) -> T | None:
        """Take the next message, or None if none came within `timeout` seconds."""
        try:
            return self._queue.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None


class Board(Generic[T]):
    """The latest value under each name: a mailbox in which a newer message replaces the older."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, T] = {}

    def put(self, name: str, value: T) -> None:
        """Replace what stands under a name."""
        with self._lock:
            self._values[name] = value

    def drop(self, name: str) -> None:
        """Take a name off."""
        with self._lock:
            self._values.pop(name, None)

    def all(self) -> dict[str, T]:
        """Return all values by name."""
        with self._lock:
            return dict(self._values)


@dataclass(frozen=True)
class Changed:
    """Something may have changed below a root."""

    root: str


class Loss(StrEnum):
    """Why events of a root may be missing."""

    OVERFLOW = "overflow"
    LIMIT = "limit"
    DEAD = "dead"


@dataclass(frozen=True)
class Lost:
    """Events of a root were lost, or its watch ended: a new watch and a full look are due.

    The system dropped some (overflow), gives no more watches (limit), or the watch no longer hears
    the folder at the root's path (dead).
    """

    root: str
    reason: Loss


@dataclass(frozen=True)
class Request:
    """Somebody asks for a cycle now and waits for the answer.

    `confirm` maps roots to the plans that are to pass their halts; `rekey` says why everything
    is to be encrypted anew ("rotate": a new key, "recovery": other recovery keys), or is empty.
    """

    up: bool = True
    down: bool = True
    dry_run: bool = False
    confirm: Mapping[str, str] = field(default_factory=dict)
    rekey: str = ""
    reply: Mailbox[dict[str, Any]] = field(default_factory=Mailbox)


@dataclass(frozen=True)
class Woken:
    """The machine has slept, or (`network`) its network has changed: what waited may go now."""

    network: bool = False


@dataclass(frozen=True)
class Paused:
    """Nothing is to be done by itself any more, or (`over`) again.

    `until` is in seconds since the epoch, 0 where no end is set.
    """

    until: float = 0.0
    over: bool = False


@dataclass(frozen=True)
class Stop:
    """The worker is to end."""


Message = Changed | Lost | Request | Woken | Paused | Stop
