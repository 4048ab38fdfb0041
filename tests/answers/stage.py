"""All rows at once: one daemon with a vault for each, and what it and the commands said.

The third machine's change waits in the vault; then each cause begins, the first machine (a daemon)
and the second (commands) have changes of their own, and all that is said is written down. Then the
causes end, people type what was named where it takes that, and the files are read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event, Semaphore, Thread
from typing import Any, TypeVar

from graphql import GraphQLSchema

from memory_sync.app.context import load_context
from memory_sync.app.tokens import variables_of
from memory_sync.daemon.client import Client
from tests.answers.place import (
    DEVICES,
    LOG,
    Aimed,
    Clocked,
    Machine,
    Place,
    Ran,
    make_place,
    until,
)
from tests.answers.row import NEW_TOKEN, Row
from tests.hub import faults

T = TypeVar("T")
HEAD = "^GET .*/commits/heads/"
NOT_MODIFIED = faults.status(304, b"")
SETTLE = 8.0
"""Seconds until nearly every vault has shown its cause, before anything is typed."""
LATE = 110.0
"""Seconds until even what is said after a minute is said, with a back-off in between."""
ENDS = ("revoked", "500", "deleted", "blocked")
"""Rows for which `pull` and `push` are processes as well: one for each exit status."""
GRACE = 100.0
"""Seconds after the next try in which it has to have gone on, on a machine that is busy."""


@dataclass
class Shown:
    """What the daemon said of a vault at one time; `next` is in seconds from then."""

    when: float
    state: str
    code: str
    message: str
    next: float


@dataclass
class Record:
    """What was seen of a row. Times are on the monotonic clock."""

    row: Row
    place: Place
    began: float = 0.0
    ended: float = 0.0
    shown: list[Shown] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    status_at: float = 0.0
    late: dict[str, Any] = field(default_factory=dict)
    ends: dict[str, Ran] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    typed: Ran = field(default_factory=lambda: Ran(-1, {}))
    pulled: dict[str, Any] = field(default_factory=dict)
    pushed: dict[str, Any] = field(default_factory=dict)
    arrived: bool = False
    mended: list[Ran] = field(default_factory=list)
    went_on: bool = False
    expected: float = 0.0
    after: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    commits: list[tuple[str, str]] = field(default_factory=list)
    conflicts: list[int] = field(default_factory=list)

    @property
    def said(self) -> list[Shown]:
        """What the daemon said while the cause stood."""
        return [shown for shown in self.shown if self.began <= shown.when <= self.ended]


def _shown(row: dict[str, Any], now: float, wall: float) -> Shown:
    reason = row["reason"] or {"code": "", "message": ""}
    return Shown(now, row["state"], reason["code"], reason["message"], row["next_poll"] - wall)


def _says(record: Record, code: str) -> bool:
    return record.shown[-1].code == code


class Stage:
    """The machines and the places."""

    def __init__(self, top: Path, rows: tuple[Row, ...], places: dict[str, Place]) -> None:
        self.machines = {name: Machine(top, name) for name in DEVICES}
        self.one, self.two, self.three = self.machines.values()
        self.records = {row.name: Record(row, places[row.name]) for row in rows}
        self._over = Event()
        self._few = Semaphore(3)
        for machine in self.machines.values():
            machine.configure(places)

    def each(self, action: Callable[[Record], T], many: int = 3) -> list[T]:
        """Do something for each row, several at a time; what cannot wait comes first."""
        records = sorted(self.records.values(), key=lambda record: not record.row.brief)
        with ThreadPoolExecutor(many) as pool:
            return list(pool.map(action, records))

    # --- before -----------------------------------------------------------------------------

    def set_up(self) -> None:
        """Found all vaults and have the other machines join them."""
        for name in self.records:
            self.one.write(name, "MEMORY.md", "# memory\n")
            self.one.write(name, LOG, "# log\n")
            needed = self.one.found(name)
            for machine in self.machines.values():
                machine.join(name, *needed)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Have the daemon run, and write down what it says."""
        self.one.home.start()
        listener = Thread(target=self._listen)
        listener.start()
        try:
            yield
        finally:
            self._over.set()
            listener.join(10)
            self.one.home.close()

    def _listen(self) -> None:
        with Client(str(self.one.context.directories.socket), 60.0) as client:
            while not self._over.wait(0.3):
                rows = client.call("status", {})["vaults"]
                now, wall = time.monotonic(), time.time()
                for row in rows:
                    self.records[row["name"]].shown.append(_shown(row, now, wall))

    def idle(self) -> None:
        """Wait until the daemon has nothing to do."""
        good = until(
            lambda: all(r.shown and r.shown[-1].state == "idle" for r in self.records.values()), 60
        )
        assert good, {r.row.name: r.shown[-1:] for r in self.records.values()}

    # --- the cause --------------------------------------------------------------------------

    def begin(self) -> None:
        """Have the third machine's changes wait in the vaults, and let all causes begin."""
        for record in self.records.values():
            if not record.row.seen_first:
                token = frozenset({record.place.tokens["one"]})
                record.place.hub.faults.add(Aimed(HEAD, NOT_MODIFIED, None, tokens=token))
        self.each(self._wait_in_vault)
        for record in self.records.values():
            if not record.row.token_of:
                record.place.hub.faults.clear()
            self._cause(record)

    def _wait_in_vault(self, record: Record) -> None:
        row, name = record.row, record.row.name
        self.three.edits(name)
        row.before(record.place, self.machines)
        answer = self.three.sync(name)
        assert "error" not in answer, (name, answer)
        if row.seen_first:
            assert "error" not in self.two.sync(name)
            assert until(lambda: "memory/three.md" in self.one.files(name), 20), name

    def _cause(self, record: Record) -> None:
        row, place = record.row, record.place
        row.cause(place)
        record.began = time.monotonic()
        if row.asks_first:
            self.one.asks(row.name)
        for machine in (self.one, self.two):
            machine.edits(row.name)
        row.during(place, self.machines)

    # --- while it stands --------------------------------------------------------------------

    def observe(self) -> None:
        """Write down what the daemon and the commands say."""
        until(lambda: all(map(self._settled, self.records.values())), SETTLE)
        with ThreadPoolExecutor(1) as aside:
            asking = aside.submit(self.each, self._ask, 6)
            self.each(self._type)
            asking.result()
        self._read_status("status")
        self.each(self._pull_and_push, 16)

    def _settled(self, record: Record) -> bool:
        if record.row.quiet:
            return "memory/three.md" in self.one.files(record.row.name)
        return record.row.said.code in {
            shown.code for shown in record.shown if shown.when > record.began
        }

    def _ask(self, record: Record) -> None:
        record.asked = self.one.asks(record.row.name)

    def _type(self, record: Record) -> None:
        record.typed = self.two.types("now", "--vault", record.row.name)
        if record.row.brief:
            self._end(record)

    def _pull_and_push(self, record: Record) -> None:
        if record.row.brief:
            return
        if record.row.name in ENDS:
            for word in ("pull", "push"):
                with self._few:
                    record.ends[word] = self.two.types(word, "--vault", record.row.name)
        record.pulled = self.two.sync(record.row.name, up=False)
        record.pushed = self.two.sync(record.row.name, down=False)

    def _read_status(self, name: str) -> None:
        """Ask what a person would ask, once for all vaults."""
        answer, wall = self.one.types("status").answer, time.time()
        for row in answer["data"]["vaults"]:
            setattr(self.records[row["name"]], name, {**row, "asked_at": wall})

    # --- the end of the cause ---------------------------------------------------------------

    def end(self) -> None:
        """End the causes; what says something else after a minute stands for so long."""
        late = [record for record in self.records.values() if record.row.later]
        for record in self.records.values():
            record.arrived = "memory/three.md" in self.one.files(record.row.name)
            if record not in late and not record.row.brief:
                self._end(record)
        self.each(lambda record: None if record in late else self._mend(record), 100)
        for record in late:
            code = record.row.later.code if record.row.later else ""
            until(partial(_says, record, code), LATE)
        self._read_status("late")
        for record in late:
            self._end(record)
            self._mend(record)

    def _end(self, record: Record) -> None:
        record.row.end(record.place)
        record.row.after(record.place, self.machines)
        record.ended = time.monotonic()

    def _mend(self, record: Record) -> None:
        """Type what was named, or wait until it goes on by itself."""
        row, place = record.row, record.place
        if row.mend:
            for machine in (self.one, self.two):
                words = row.mend.format(remote=place.remote).split()[1:]
                more = ["--vault", row.name] if row.mend != NEW_TOKEN else []
                variable = variables_of(machine.context.settings, machine.vault(row.name))[0]
                env = {variable: place.hub.accounts.issue(machine.name)}
                with self._few:
                    record.mended.append(machine.types(*words, *more, **env))
        shown = record.shown[-1]
        record.expected = max(0.0, shown.next)
        record.went_on = until(lambda: self._went_on(record), record.expected + GRACE)

    def _went_on(self, record: Record) -> bool:
        shown = record.shown[-1]
        idle = shown.state == "idle" and shown.when > record.ended
        return idle and "memory/three.md" in self.one.files(record.row.name)

    # --- afterwards -------------------------------------------------------------------------

    def settle(self) -> None:
        """Let everybody sync, and read what there is."""
        for machine in self.machines.values():
            # As a new process would: it knows nothing of what GitHub has asked an earlier one.
            machine.context = load_context(machine.home.env)
        self.each(self._last)
        self.each(self._same, 8)
        for record in self.records.values():
            name = record.row.name
            record.files = {device: m.files(name) for device, m in self.machines.items()}
            record.commits = record.place.commits()

    def _last(self, record: Record) -> None:
        for machine in (self.two, self.three):
            record.after[machine.name] = machine.sync(record.row.name)
            record.conflicts.append(record.after[machine.name].get("conflicts", 0))

    def _same(self, record: Record) -> bool:
        name = record.row.name
        return until(lambda: self.one.files(name) == self.two.files(name), GRACE)


@contextmanager
def hubs(schema: GraphQLSchema, rows: tuple[Row, ...]) -> Iterator[dict[str, Place]]:
    """Serve a GitHub for each row."""
    with ExitStack() as stack:
        places: dict[str, Place] = {}
        for row in rows:
            if row.token_of:
                other = places[row.token_of]
                places[row.name] = Place(row.name, other.hub, dict(other.tokens))
            else:
                places[row.name] = make_place(row.name, stack.enter_context(Clocked(schema)))
        yield places
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda place: place.hub._server.stop(), places.values()))


def play(top: Path, schema: GraphQLSchema, rows: tuple[Row, ...]) -> dict[str, Record]:
    """Play all rows, and return what was seen of each."""
    with hubs(schema, rows) as places:
        stage = Stage(top, rows, places)
        stage.set_up()
        with stage.serving():
            stage.idle()
            stage.begin()
            stage.observe()
            stage.end()
            stage.settle()
        return stage.records
