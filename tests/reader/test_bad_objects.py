"""The reader on vaults with an object that breaks the format, each in one way."""

import gzip
import tarfile
from collections.abc import Callable

import pytest

from tests.reader import FormatError, read_vault
from tests.reader.refusal import refused
from tests.reader.writer import (
    Key,
    Repository,
    blocks,
    file,
    lock,
    member,
    name_of,
    part,
    parts,
    pieces,
    plain,
)

PATH = "notes/a.md"
END = bytes(1024)


def spoilt(**changes: object) -> bytes:
    """Return an archive whose header has something changed."""
    info = member(PATH, 1)
    for name, value in changes.items():
        setattr(info, name, value)
    return blocks(info, b"1" if info.size else b"") + END


def in_ustar() -> bytes:
    """Return an archive that is GNU's and not pax."""
    return blocks(member(PATH, 1), b"1", gnu=True) + END


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "two members": (lambda: blocks(member(PATH, 1), b"1") * 2 + END, "2 members, not one"),
    "a wrong checksum": (lambda: spoilt().replace(b"0000640", b"0000644"), "bad checksum"),
    "no member": (lambda: bytes(2048), "not a pax archive"),
    "a folder": (lambda: spoilt(type=tarfile.DIRTYPE, size=0), "not a regular file"),
    "a symlink": (
        lambda: spoilt(type=tarfile.SYMTYPE, size=0, linkname="x"),
        "not a regular file",
    ),
    "a hard link": (lambda: spoilt(type=tarfile.LNKTYPE, size=0, linkname="x"), "not a regular"),
    "a GNU archive": (in_ustar, "not a pax archive"),
    "more than permission bits": (lambda: spoilt(mode=0o4755), "mode 4755"),
    "no device": (lambda: spoilt(pax_headers={}), "no pax comment"),
    "no time": (
        lambda: spoilt(pax_headers={"comment": "x", "mtime": "now"}),
        "time is not a number",
    ),
    "no finite time": (lambda: spoilt(pax_headers={"comment": "x", "mtime": "inf"}), "time is"),
    "a sparse file": (
        lambda: spoilt(pax_headers={"comment": "x", "GNU.sparse.map": "0,1"}),
        "not a regular file",
    ),
    "no UTF-8": (lambda: spoilt().replace(b"=laptop", b"=l\xffptop"), "'utf-8' codec"),
    "no end": (lambda: blocks(member(PATH, 1), b"1"), "does not end in two"),
    "one block of end": (lambda: blocks(member(PATH, 1), b"1") + bytes(512), "end in two"),
    "a tail": (lambda: spoilt() + b"x" * 512, "something after its member"),
    "cut short": (lambda: blocks(member(PATH, 9999), b"")[:1536], "unexpected end"),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_a_wrong_archive_is_refused(repository: Repository, key: Key, case: str) -> None:
    """An archive that is not one regular pax member with a device and an end is refused."""
    make, match = ARCHIVES[case]
    tree = plain(key) | parts(name_of(key, PATH), [make()], key.public)
    refused(repository, key, tree, match)


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("notes/u\u0308ber", "not NFC"),
        ("notes//a", "the part ''"),
        ("/notes/a", "the part ''"),
        ("notes/a/", "the part ''"),
        ("notes/./a", r"the part '\.'"),
        ("notes/../a", r"the part '\.\.'"),
        ("notes/a\\b", "backslash"),
        ("notes/a\nb", "control"),
        ("notes/a\x7fb", "control"),
        ("notes", "no root name and relative path"),
        (".notes/a", "root name"),
        ("my notes/a", "root name"),
        ("n" * 65 + "/a", "root name"),
        ("a/" + "é" * 512, "longer than 1024"),
        (".conflicts/notes/a", "does not end in"),
        (".conflicts/notes/20240102T030405Z-x", "no root name and relative path"),
        (".conflicts/.notes/a/20240102T030405Z-x", "root name"),
        (".conflicts/notes/a/20241302T030405Z-x", "no true time"),
        (".conflicts/notes/a/20240102T030405Z-" + "x" * 65, "does not end in"),
    ],
)
def test_a_wrong_path_is_refused(repository: Repository, key: Key, path: str, match: str) -> None:
    """A path that breaks a rule is refused, though its object has the right name."""
    refused(repository, key, plain(key) | file(key, path, b"1"), match)


def test_a_moved_object_is_refused(repository: Repository, key: Key) -> None:
    """An object under another object's name is tampered with."""
    (data,) = file(key, PATH, b"1").values()
    refused(repository, key, plain(key) | {name_of(key, "notes/b"): data}, "tampered with")


def test_root_names_that_differ_by_case_are_refused(repository: Repository, key: Key) -> None:
    """Two root names that differ by case would be one folder."""
    tree = plain(key) | file(key, "Notes/a", b"1") | file(key, "notes/b", b"1")
    refused(repository, key, tree, "differ by case")


@pytest.mark.parametrize("suffix", [".0000", ".0002", ".00001", ".1", ".bak"])
def test_wrong_part_numbers_are_refused(repository: Repository, key: Key, suffix: str) -> None:
    """A part that is not the next number is a gap, or no object at all."""
    tree = plain(key) | file(key, PATH, b"1")
    tree[name_of(key, PATH) + suffix] = b""
    refused(repository, key, tree, "a part is missing|numbered from 0001|not an object")


def test_too_many_parts_are_refused(repository: Repository, key: Key) -> None:
    """Ten thousand parts are one too many, before any of them is opened."""
    name = name_of(key, PATH)
    blob = repository.git("hash-object", "-w", "--stdin")
    folder, _, leaf = name.rpartition("/")
    lines = [f"100644 blob {blob}\t{leaf}"]
    lines += [f"100644 blob {blob}\t{leaf}.{number:04}" for number in range(1, 10000)]
    inner = repository.git("mktree", given="\n".join(lines).encode())
    outer = repository.git("mktree", given=f"040000 tree {inner}\t{folder[8:]}".encode())
    start = repository.git("ls-tree", repository.tree(plain(key)))
    top = repository.git("mktree", given=f"{start}\n040000 tree {outer}\tobjects".encode())
    repository.commit(top, "no seal")
    with pytest.raises(FormatError, match="10000 parts"):
        read_vault(repository.path, key.secret, key.file)


def test_a_first_part_that_is_missing_is_refused(repository: Repository, key: Key) -> None:
    """Further parts without the first are not an object."""
    tree = plain(key) | file(key, PATH, b"x" * 40000)
    del tree[name_of(key, PATH)]
    refused(repository, key, tree, "a part is missing")


@pytest.mark.parametrize("case", ["whole", "extra", "shifted", "small", "swapped", "lost"])
def test_wrong_cuts_are_refused(repository: Repository, key: Key, case: str) -> None:
    """Parts that are not the header, then 32,768 bytes each, then the rest, are refused."""
    large = pieces(member(PATH, 70000), bytes(70000))
    head, one, two, rest = large
    (small,) = pieces(member(PATH, 10), b"0123456789")
    cut = {
        "whole": [b"".join(large)],
        "extra": [*large, b""],
        "shifted": [head + one[:512], one[512:] + two[:512], two[512:], rest],
        "small": [small[:1536], small[1536:]],
        "swapped": [head, one, rest, two],
        "lost": [head, one, rest],
    }[case]
    tree = plain(key) | parts(name_of(key, PATH), cut, key.public)
    refused(repository, key, tree, r"\.age: ")


@pytest.mark.parametrize(
    ("packed", "match"),
    [
        (gzip.compress(spoilt()), "holds a time"),
        (gzip.compress(spoilt()[:9], mtime=0) + gzip.compress(b"", mtime=0), "exactly one gzip"),
        (gzip.compress(spoilt(), mtime=0)[:-1], "exactly one gzip"),
        (gzip.compress(spoilt(), mtime=0)[:-5] + b"12345", "not gzip"),
        (spoilt(), "not gzip"),
        (b"", "exactly one gzip"),
        (b"\x1f\x8b\x08\x08" + bytes(6) + b"n\0" + gzip.compress(b"x", mtime=0)[10:], "a name"),
    ],
)
def test_wrong_gzip_is_refused(repository: Repository, key: Key, packed: bytes, match: str) -> None:
    """A part that is not one gzip member without name and time is refused."""
    tree = plain(key) | {name_of(key, PATH): lock(packed, key.public)}
    refused(repository, key, tree, match)


def test_a_part_without_armour_is_refused(repository: Repository, key: Key) -> None:
    """A binary age file is refused, though age would open it."""
    data = lock(gzip.compress(spoilt(), mtime=0), key.public, armour=False)
    refused(repository, key, plain(key) | {name_of(key, PATH): data}, "not an ASCII-armoured")


def test_a_broken_part_is_refused(repository: Repository, key: Key) -> None:
    """A part with one letter changed does not open."""
    data = bytearray(part(spoilt(), key.public))
    data[-60] ^= 1 if data[-60] != ord("/") else 2
    tree = plain(key) | {name_of(key, PATH): bytes(data)}
    refused(repository, key, tree, "age cannot open it|does not hold base64")


def test_a_part_for_somebody_else_is_refused(
    repository: Repository, key: Key, other_key: Key
) -> None:
    """A part that the identity cannot open, or not written to all recipients, is refused."""
    stranger = plain(key) | {name_of(key, PATH): part(spoilt(), other_key.public)}
    refused(repository, key, stranger, "age cannot open it")
    too_few = plain(key, other_key.public) | file(key, PATH, b"1")
    refused(repository, key, too_few, "encrypted to 1 recipients, not 2")


def test_a_link_among_the_objects_is_refused(repository: Repository, key: Key) -> None:
    """An object that is a symbolic link in the tree is refused."""
    tree = repository.tree(plain(key) | {"objects": b"elsewhere"})
    lines = repository.git("ls-tree", tree).splitlines()
    lines = [
        line.replace("100644", "120000") if line.endswith("\tobjects") else line for line in lines
    ]
    repository.commit(repository.git("mktree", given="\n".join(lines).encode()), "no seal")
    with pytest.raises(FormatError, match="objects: not an object"):
        read_vault(repository.path, key.secret, key.file)
