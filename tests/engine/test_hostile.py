"""What a hostile key holder seals into a vault: refused, shown, nothing written, others go on."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memory_sync.model import Outcome
from memory_sync.sync.patterns import Patterns
from memory_sync.vault.objects import MAX_PLAIN_PART, PART_SIZE
from tests.engine.devices import Device
from tests.engine.sealing import Holder, Parts, archive, block, packed, padded, records

GOOD = "memory/good.md"
PATH = "memory/x.md"
END = bytes(1024)

PATHS = {
    "parent": "memory/../../escaped.md",
    "parent below": "memory/a/../../../escaped.md",
    "parent at the end": "memory/..",
    "absolute": "/{top}/escaped.md",
    "absolute below a root": "memory//{top}/escaped.md",
    "dot": "memory/./x.md",
    "NUL": "memory/a.md\0.txt",
    "control": "memory/a\x1b[2J.md",
    "newline": "memory/a\nb.md",
    "backslash": "memory\\..\\escaped.md",
    "backslash below": "memory/..\\escaped.md",
    "decomposed": "memory/e\u0301.md",
    "no UTF-8": "memory/\udcff.md",
    "overlong": "memory/" + "d/" * 600 + "x.md",
    "overlong name": "memory/" + "x" * 300 + ".md",
    "no root": "escaped.md",
    "empty": "",
    "hidden root": ".git/hooks/post-commit",
    "conflict copy of nothing": ".conflicts/memory/x.md",
    "conflict copy that leaves": ".conflicts/memory/../../x.md/20260101T000000Z-laptop",
    "conflict copy with parent": ".conflicts/../x/20260101T000000Z-laptop",
    "marker": "memory/.memory-sync",
    "marker in other letters": "memory/.Memory-Sync",
    "marker in other signs": "memory/.memory-\u017fync",
    "marker with an invisible sign": "memory/.memory\u200c-sync",
    "invisible sign and marker": "memory/\ufeff.memory-sync",
    "below the marker": "memory/.memory-sync/x.md",
    "marker below": "memory/sub/.memory-sync",
    "temporary": "memory/.memory-sync-0123456789abcdef.tmp",
    "temporary that tells": "memory/.memory-sync-0123456789abcdef-0123456789abcdef-5-"
    + "0" * 64
    + "-good.md.tmp",
    "through a link": "memory/link/escaped.md",
    "through a link below": "memory/deep/link/escaped.md",
    "onto a link": "memory/file-link.md",
    "onto a link that leads nowhere": "memory/dead-link.md",
    "onto a folder": "memory/deep",
    "below a file": "memory/mine.md/escaped.md",
}

CODES = {
    **dict.fromkeys((kind for kind in PATHS if "marker" in kind), "file-name"),
    "temporary": "file-name",
    "temporary that tells": "file-name",
    "overlong name": "file-name",
    "onto a folder": "file-in-the-way",
    "below a file": "file-in-the-way",
}
"""What is shown of paths that the format allows; of all others it is that the object is broken."""
LINKS = ("link", "deep/link", "file-link.md", "dead-link.md")

ARCHIVES: dict[str, Callable[[], Parts]] = {
    "two members": lambda: packed(
        block(PATH, 2) + padded(b"1\n") + block("escaped.md", 2) + padded(b"2\n") + END
    ),
    "symbolic link": lambda: packed(block(PATH, 0, tarfile.SYMTYPE, "/etc/passwd") + END),
    "hard link": lambda: packed(block(PATH, 0, tarfile.LNKTYPE, "/etc/passwd") + END),
    "character device": lambda: packed(block(PATH, 0, tarfile.CHRTYPE) + END),
    "block device": lambda: packed(block(PATH, 0, tarfile.BLKTYPE) + END),
    "pipe": lambda: packed(block(PATH, 0, tarfile.FIFOTYPE) + END),
    "folder": lambda: packed(block(PATH, 0, tarfile.DIRTYPE) + END),
    "link before the file": lambda: packed(
        block(PATH, 0, tarfile.SYMTYPE, "/tmp") + block(PATH, 2) + padded(b"1\n") + END
    ),
    "sparse": lambda: packed(archive(PATH, GNU__sparse__map="0,5", GNU__sparse__size="5")),
    "old sparse": lambda: packed(block(PATH, 5, tarfile.GNUTYPE_SPARSE) + padded(b"evil\n") + END),
    "long name": lambda: packed(
        block("././@LongLink", 12, tarfile.GNUTYPE_LONGNAME)
        + padded(PATH.encode() + b"\0")
        + block("x", 2)
        + padded(b"1\n")
        + END
    ),
    "header of headers": lambda: packed(
        block("././@PaxHeader", 0, tarfile.XHDTYPE) * 240 + archive(PATH)
    ),
    "header for all": lambda: packed(block("g", 0, tarfile.XGLTYPE) + archive(PATH)),
    "size beyond the end": lambda: packed(block(PATH, 9999) + padded(b"1\n") + END),
    "size of a world": lambda: packed(block(PATH, 8**11 - 1) + padded(b"1\n") + END),
    "size below none": lambda: packed(block(PATH, -512) + padded(b"1\n") + END),
    "other size": lambda: packed(archive(PATH, size="9999999")),
    "smaller size": lambda: packed(archive(PATH, b"x" * 2000, size="2")),
    "negative size": lambda: packed(archive(PATH, size="-5")),
    "size that is no number": lambda: packed(archive(PATH, size="9" * 5000)),
    "size of no digits": lambda: packed(archive(PATH, size="\u0661")),
    "wrong checksum": lambda: packed(archive(PATH).replace(b"ustar  \0", b"ustar  \1")),
    "no archive": lambda: packed(b"memory" * 400),
    "nothing": lambda: packed(b""),
    "zeros": lambda: packed(END),
    "bomb": lambda: packed(archive(PATH, bytes(MAX_PLAIN_PART * 64))),
    "bomb behind the file": lambda: packed(archive(PATH) + bytes(MAX_PLAIN_PART * 64)),
    "bomb in a further part": lambda: [
        gzip.compress(one, mtime=0)
        for one in (block(PATH, 3 * PART_SIZE), bytes(3 * PART_SIZE) + END)
    ],
    "two streams": lambda: [packed(archive(PATH))[0] + gzip.compress(b"more")],
    "no stream": lambda: [b"\x1f\x8b" + b"x" * 99],
    "half a stream": lambda: [packed(archive(PATH))[0][:-9]],
    "stream without an end": lambda: [packed(archive(PATH))[0][:-8] + bytes(8)],
}


@pytest.fixture
def victim(laptop: Device, vault: Path, tmp_path: Path) -> Iterator[Device]:
    """Return a device that syncs every file of a folder with links in it."""
    laptop.write("mine.md", "mine\n")
    device = Device(tmp_path, "victim", vault, {"memory": Patterns(("**/*",))})
    device.join(holder(laptop, vault).identity)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim.md").write_text("theirs\n")
    device.write("mine.md", "mine\n")
    device.write("deep/er.md", "deeper\n")
    folder = device.folder()
    (folder / "link").symlink_to(outside)
    (folder / "deep" / "link").symlink_to(outside)
    (folder / "file-link.md").symlink_to(outside / "victim.md")
    (folder / "dead-link.md").symlink_to(outside / "escaped.md")
    device.sync()
    yield device
    device.restart()


def holder(device: Device, vault: Path) -> Holder:
    """Return a key holder with a device's key."""
    (recipient,) = device.keystore.recipients()
    identity = device.keystore.find(recipient)
    assert identity
    return Holder(identity, f"file://{vault}")


def everything(top: Path, device: Device) -> dict[str, bytes | str]:
    """Return all that lies below a folder and is not the device's state: links by their goals."""
    skip = (device.home / "state.db", device.home / "keys")
    found: dict[str, bytes | str] = {}
    for place in sorted(top.rglob("*")):
        if any(str(place).startswith(str(one)) for one in skip):
            continue
        name = place.relative_to(top).as_posix()
        if place.is_symlink():
            found[name] = os.readlink(place)
        elif place.is_file():
            found[name] = place.read_bytes()
        elif place.is_dir():
            found[name] = "folder"
    return found


def shown(outcome: Outcome) -> set[tuple[str, str]]:
    """Return code and path of each problem that `status` would show."""
    return {(problem.code, problem.path.rstrip("/")) for problem in outcome.problems}


def pull_beside_a_good_one(
    victim: Device, laptop: Device, vault: Path, path: str, parts: Parts
) -> set[tuple[str, str]]:
    """Seal an object and a good file, pull both; return what is shown since, by code and path."""
    top, known = victim.home.parent, shown(victim.sync())
    holder(laptop, vault).seal({path: parts, GOOD: packed(archive(GOOD, b"good\n"))})
    before = everything(top, victim)
    for _ in range(2):
        outcome = victim.sync()
        assert outcome.up == ()
    after = everything(top, victim)
    good = victim.folder().relative_to(top).as_posix() + "/good.md"
    assert after.pop(good) == b"good\n"
    assert after == before
    assert known == {("file-special", f"memory/{link}") for link in LINKS}
    return shown(outcome) - known


@pytest.mark.parametrize("kind", PATHS)
def test_i66_a_hostile_path_writes_nothing_and_stops_nobody(
    victim: Device, laptop: Device, vault: Path, tmp_path: Path, kind: str
) -> None:
    """A sealed object of any such path is refused and shown; the file beside it comes."""
    path = PATHS[kind].format(top=str(tmp_path).strip("/"))
    named = path.encode("utf-8", "replace").decode() if kind == "no UTF-8" else path
    new = pull_beside_a_good_one(victim, laptop, vault, named, packed(archive(path)))
    if "link" in kind:
        # That the link is left alone is shown already.
        assert new == set()
        return
    ((code, place),) = new
    assert code == CODES.get(kind, "object-broken")
    assert place == path or (code == "object-broken" and place.startswith("objects/"))


@pytest.mark.parametrize("kind", ARCHIVES)
def test_i66_a_hostile_archive_writes_nothing_and_stops_nobody(
    victim: Device, laptop: Device, vault: Path, kind: str
) -> None:
    """Whatever an object holds that is not one plain file, it is refused, shown, and alone."""
    ((code, _),) = pull_beside_a_good_one(victim, laptop, vault, PATH, ARCHIVES[kind]())
    assert code == "object-broken"
    assert not (victim.folder() / "x.md").exists()


def test_i66_a_device_name_of_any_bytes_stays_a_name(
    victim: Device, laptop: Device, vault: Path
) -> None:
    """What a writer says of itself is reduced to letters that a database and a screen can hold."""
    head = records(path=GOOD, comment=b"\xff\x1b[2J" + b"x" * 999)
    data = head + block("x", 5) + padded(b"good\n") + END
    holder(laptop, vault).seal({GOOD: packed(data)})
    assert victim.sync().down == (GOOD,)
    victim.restart()
    victim.sync()
    (device,) = {
        file.device for path, file in victim.opened().state.snapshot().objects.values()
        if path == GOOD
    }  # fmt: skip
    assert device == "--2J".replace("2J", "[2J").replace("[", "-") + "x" * 59


def test_i50_a_hostile_version_leaves_the_file_as_it_was(
    victim: Device, laptop: Device, vault: Path
) -> None:
    """Where the object of a known path turns bad, the file stays here and in the vault's past."""
    laptop.sync()
    victim.sync()
    holder(laptop, vault).seal({"memory/mine.md": ARCHIVES["two members"]()})
    before = victim.files()
    assert ("object-broken", "memory/mine.md") in shown(victim.sync())
    assert victim.files() == before
    assert victim.sync().up == ()
