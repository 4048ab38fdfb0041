"""What agents do to their files. Nothing here knows of sync: a disk, a path, and the deed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from memory_sync.model.trees import CONFLICTS
from tests.simulation.disk import Handle, MemoryDisk
from tests.simulation.volume import File

DURABLE = 0.6
"""How often an agent's save is on the disk at once, power cut or not."""
KEEPS_OPEN = 0.5
"""How often a program that appends keeps the file open, and may go on later."""
BIG = 33_000
OLD = 1_000_000_000.0


@dataclass
class Act:
    """One deed about to be done: `path` and `other` are below the root `root` of the disk."""

    disk: MemoryDisk
    random: Random
    number: int
    root: str
    path: str
    other: str
    handles: dict[Handle, str]
    place: str = ""
    lines: int = 0
    loose: bool = False
    moved: bool = False
    by_handle: bool = False

    @property
    def durable(self) -> bool:
        """Draw whether a save is durable; one that is not makes the whole deed `loose`."""
        durable = self.random.random() < DURABLE
        self.loose |= not durable
        return durable

    def line(self) -> bytes:
        """Make up a line that nobody ever wrote, of the same length as all others."""
        self.lines += 1
        return b"w%04d%02d" % (self.number, self.lines)

    def spelled(self, path: str) -> str:
        """Return a path of the root as this disk spells it, if it is there."""
        wanted = unicodedata.normalize("NFC", f"{self.root}/{path}")
        if wanted.isascii():
            return wanted
        for place, _ in everything(self.disk):
            if unicodedata.normalize("NFC", place) == wanted:
                return place
        return wanted

    def read(self) -> bytes | None:
        """Return the file's content, None if it is not there."""
        return self.disk.read(self.spelled(self.path))

    def put(self, content: bytes, path: str = "") -> None:
        """Save, by one of the ways that agents and editors have."""
        place, durable, way = self.spelled(path or self.path), self.durable, self.random.random()
        self.place = unicodedata.normalize("NFC", place)
        if way < 0.5:
            self.disk.save(place, content, durable=durable)
        elif way < 0.9:
            self.disk.replace(place, content, durable=durable)
        else:
            self.disk.save(place, content, durable=durable, mtime=OLD)


def everything(disk: MemoryDisk) -> Iterator[tuple[str, File]]:
    """Yield every file of a disk by its path as it is spelled there."""
    return disk.walk(disk.root) if disk.root else iter(())


def act(what: str, act: Act) -> bool:
    """Do a deed; False if it was not possible."""
    deed, needs_file = DEEDS[what]
    old = act.read()
    if old is None and needs_file:
        deed, old = _new, b""
    try:
        deed(act, old or b"")
    except OSError:
        return False
    return True


def _new(act: Act, _: bytes) -> None:
    count = act.random.randint(1, 4)
    act.put(b"".join(act.line() + b"\n" for _ in range(count)))


def _edit(act: Act, old: bytes) -> None:
    lines = old.split(b"\n")
    lines[act.random.randrange(len(lines))] = act.line()
    act.put(b"\n".join(lines))


def _append(act: Act, old: bytes) -> None:
    begin = b"" if not old or old.endswith(b"\n") else b"\n"
    more = begin + act.line() + b"\n"
    if act.random.random() < KEEPS_OPEN:
        _open(act, old)
    if act.random.random() < 0.5:
        act.disk.append(act.spelled(act.path), more, durable=act.durable)
    else:
        act.put(old + more)


def _insert(act: Act, old: bytes) -> None:
    lines = old.split(b"\n")
    lines.insert(act.random.randrange(len(lines)), act.line())
    act.put(b"\n".join(lines))


def _drop_lines(act: Act, old: bytes) -> None:
    lines = old.split(b"\n")
    at = act.random.randrange(len(lines))
    del lines[at : at + act.random.randint(1, 2)]
    act.put(b"\n".join(lines))


def _delete(act: Act, _: bytes) -> None:
    act.disk.delete(act.spelled(act.path), durable=act.durable)


def _rename(act: Act, _: bytes) -> None:
    act.moved = True
    if act.other != act.path:
        act.disk.rename(act.spelled(act.path), act.spelled(act.other), durable=act.durable)


def _swap(act: Act, _: bytes) -> None:
    """Let two files trade their names, by way of a third that no pattern matches."""
    act.moved = True
    one, two = act.spelled(act.path), act.spelled(act.other)
    spare = f"{act.root}/spare.tmp"
    if one.casefold() == two.casefold() or act.disk.read(two) is None:
        return
    for old, new in ((one, spare), (two, one), (spare, two)):
        act.disk.rename(old, new)


def _duplicate(act: Act, old: bytes) -> None:
    act.put(old, act.other)


def _binary(act: Act, _: bytes) -> None:
    act.put(b"\0" + act.line() + b"\n\xff")


def _empty(act: Act, _: bytes) -> None:
    act.put(b"")


def _crlf(act: Act, old: bytes) -> None:
    plain = old.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    act.put(plain + act.line() + b"\r\n")


def _no_newline(act: Act, old: bytes) -> None:
    act.put(old + act.line())


def _same_size(act: Act, old: bytes) -> None:
    """Replace one line by another of its length, and set the time back to what it was."""
    lines = old.split(b"\n")
    fresh = act.line()
    fitting = [at for at, line in enumerate(lines) if len(line) == len(fresh)]
    if not fitting:
        return
    lines[act.random.choice(fitting)] = fresh
    place = act.spelled(act.path)
    mtime = act.disk.open(place).file.mtime_ns / 1e9
    act.disk.save(place, b"\n".join(lines), durable=act.durable, mtime=mtime)


def _touch(act: Act, old: bytes) -> None:
    act.disk.save(act.spelled(act.path), old)


def _chmod(act: Act, _: bytes) -> None:
    act.disk.chmod(act.spelled(act.path), act.random.choice((0o600, 0o644, 0o755)))


def _stamp(act: Act, old: bytes) -> None:
    """Write front matter with a time anew, as some agents do at each save."""
    body = old
    if old.startswith(b"---\n"):
        body = old.partition(b"\n---\n")[2]
    day = act.random.randint(1, 28)
    end = act.line() + b"\n" if act.random.random() < 0.5 else b""
    act.put(b"---\nupdated: 2024-01-%02d\n---\n" % day + body + end)


def _decompose(act: Act, old: bytes) -> None:
    """Save under the decomposed spelling of the name, as another system's program would."""
    act.moved = True
    place = f"{act.root}/{act.path}"
    act.disk.rename(act.spelled(act.path), unicodedata.normalize("NFD", place))


def _open(act: Act, old: bytes) -> None:
    """Open a file (a new one if there is none) and keep it open."""
    if act.read() is None:
        _new(act, old)
    act.handles[act.disk.open(act.spelled(act.path))] = f"{act.root}/{act.path}"


def _write_on(act: Act, _: bytes) -> None:
    """Append through a handle that was opened before, wherever its file is by now."""
    # An agent does not know that its file was displaced; those that were are what is of interest.
    lost = [each for each, path in act.handles.items() if act.disk.read(path) != each.file.content]
    if act.handles:
        act.by_handle = True
        handle = act.random.choice(lost or list(act.handles))
        begin = b"" if handle.file.content.endswith(b"\n") else b"\n"
        handle.append(begin + act.line() + b"\n")


def _big(act: Act, old: bytes) -> None:
    begin = b"" if not old or old.endswith(b"\n") else b"\n"
    act.put(old + begin + act.line() * (BIG // 7) + b"\n")


def _resolve(act: Act, _: bytes) -> None:
    """Delete a conflict copy: it is resolved."""
    copies = sorted(path for path in act.disk.files() if path.startswith(f"{CONFLICTS}/"))
    if copies:
        act.disk.delete(act.random.choice(copies))


def _wipe(act: Act, _: bytes) -> None:
    """Delete or rewrite (nearly) every file of the root, which a guard may find too much."""
    files = sorted(path for path in act.disk.files() if path.startswith(f"{act.root}/"))
    rewrite = act.random.random() < 0.4
    spared = act.random.choice((0, 0, 1, 2))
    for path in files[spared:]:
        place = act.spelled(path.partition("/")[2])
        if rewrite:
            act.disk.save(place, act.line() + b"\n")
        else:
            act.disk.delete(place)


Deed = Callable[[Act, bytes], None]
DEEDS: Mapping[str, tuple[Deed, bool]] = {
    "new": (_new, False),
    "edit": (_edit, True),
    "append": (_append, True),
    "insert": (_insert, True),
    "drop-lines": (_drop_lines, True),
    "delete": (_delete, True),
    "rename": (_rename, True),
    "swap": (_swap, True),
    "duplicate": (_duplicate, True),
    "binary": (_binary, False),
    "empty": (_empty, False),
    "crlf": (_crlf, True),
    "no-newline": (_no_newline, True),
    "same-size": (_same_size, True),
    "touch": (_touch, True),
    "chmod": (_chmod, True),
    "stamp": (_stamp, False),
    "decompose": (_decompose, True),
    "open": (_open, False),
    "write-on": (_write_on, False),
    "big": (_big, False),
    "resolve": (_resolve, False),
    "wipe": (_wipe, False),
}
"""Each deed, and whether it needs a file that is there (else a new one is made)."""
