"""Objects: what a file becomes in the vault, and what is refused when it is read back."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.model import Entry
from memory_sync.vault.keys import parse_identity
from memory_sync.vault.objects import (
    MAX_PLAIN_PART,
    PART_SIZE,
    Encoded,
    ObjectError,
    decode,
    encode,
    object_name,
    objects_in,
    part_path,
)
from tests.vault.samples import CIPHER, KEYS

PATH = "notes/memory/day one.md"
VECTORS = json.loads((Path(__file__).parents[1] / "reader" / "vectors.json").read_text())


def _encode(content: bytes, path: str = PATH, known: Encoded | None = None) -> Encoded:
    parts = known.file.parts if known else ()
    return encode(
        KEYS.names, CIPHER, path, content, mode=0o640, mtime=1700000000, device="lap", known=parts
    )


def _blobs(*versions: Encoded) -> list[bytes]:
    blobs = {blob: data for version in versions for blob, data in version.new_blobs.items()}
    return [blobs[part.blob] for part in versions[-1].file.parts]


def _sealed(data: bytes) -> list[bytes]:
    return [CIPHER.encrypt(gzip.compress(data, mtime=0))]


def _tar(*members: tarfile.TarInfo, content: bytes = b"x") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return stream.getvalue()


@pytest.mark.parametrize("size", [0, 1, PART_SIZE - 1, PART_SIZE, PART_SIZE + 1, 5_000_000])
def test_i69_bytes_go_round_exactly(size: int) -> None:
    """A file of any size comes back as it was, with its mode, time and writer."""
    content = bytes(range(256)) * (size // 256) + b"z" * (size % 256)
    made = _encode(content)
    read = decode(KEYS.names, CIPHER, made.name, _blobs(made))
    assert (read.path, read.content, read.file) == (PATH, content, made.file)
    assert (read.file.version.mode, read.file.version.mtime) == (0o640, 1700000000)
    assert read.file.device == "lap"


@given(st.binary(max_size=3000))
@settings(max_examples=50)
def test_i69_any_bytes_go_round(content: bytes) -> None:
    """CRLF, BOM, NUL, no last newline: nothing is read as text."""
    made = _encode(content)
    assert decode(KEYS.names, CIPHER, made.name, _blobs(made)).content == content


def test_a_small_file_is_one_part_and_a_larger_one_header_and_pieces() -> None:
    """Up to 32,768 bytes one part; above, the first part has the header blocks alone."""
    assert len(_encode(bytes(PART_SIZE)).file.parts) == 1
    large = _encode(bytes(PART_SIZE + 1))
    first, *rest = [gzip.decompress(CIPHER.decrypt(blob)) for blob in _blobs(large)]
    assert len(first) % tarfile.BLOCKSIZE == 0
    assert bytes(PART_SIZE) not in first
    assert [len(piece) for piece in rest[:-1]] == [PART_SIZE] * (len(rest) - 1)


def test_i49_an_append_sends_the_header_and_the_last_part_only() -> None:
    """A part whose plaintext did not change is not encrypted again; its blob stays."""
    before = _encode(b"line\n" * 200_000)
    after = _encode(b"line\n" * 200_001, known=before)
    assert len(before.file.parts) > 30
    assert len(after.new_blobs) == 2
    assert after.file.parts[1:-1] == before.file.parts[1:-1]
    assert decode(KEYS.names, CIPHER, after.name, _blobs(before, after)).content.endswith(b"line\n")


def test_names_are_those_of_the_vectors() -> None:
    """The object's name is a keyed hash of the path, the same in every program."""
    keys = parse_identity(VECTORS["identity"]).derive(VECTORS["id"])
    for vector in VECTORS["objects"]:
        assert object_name(keys.names, vector["path"]) == vector["name"]


def test_i52_an_object_at_another_place_is_refused() -> None:
    """An object that was copied to another name does not stand for another file."""
    made = _encode(b"mine")
    other = object_name(KEYS.names, "notes/other.md")
    with pytest.raises(ObjectError, match="not at the place"):
        decode(KEYS.names, CIPHER, other, _blobs(made))


@pytest.mark.parametrize(
    "path", ["notes/../x.md", "/etc/passwd", "notes//x", "notes/a\\b", "notes/a\nb", "notes", "..",
             ".hidden/x", "notes/e\u0301", "n" * 65 + "/x", "notes/" + "x" * 1100]
)  # fmt: skip
def test_i66_a_hostile_path_is_refused(path: str) -> None:
    """Whatever a vault says, no path leaves its root or breaks the rules."""
    member = tarfile.TarInfo(path)
    with pytest.raises(ObjectError, match="path is not allowed"):
        decode(KEYS.names, CIPHER, object_name(KEYS.names, path), _sealed(_tar(member)))


def _link(kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(PATH)
    member.type, member.linkname = kind, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_tar(tarfile.TarInfo(PATH), tarfile.TarInfo(PATH)), "more than one"),
        (_tar(_link(tarfile.SYMTYPE)), "no ordinary file"),
        (_tar(_link(tarfile.LNKTYPE)), "no ordinary file"),
        (_tar(_link(tarfile.CHRTYPE)), "no ordinary file"),
        (_tar(_link(tarfile.DIRTYPE)), "no ordinary file"),
        (b"", "no ordinary file|no archive"),
        (b"not a tar" * 200, "no archive|no ordinary file"),
        (_tar(tarfile.TarInfo(PATH), content=b"x" * 9000)[:2048], "cut short|size|no archive"),
    ],
    ids=["two", "symlink", "hardlink", "device", "folder", "empty", "garbage", "short"],
)
def test_an_archive_of_another_kind_is_refused(data: bytes, reason: str) -> None:
    """Exactly one ordinary file, whole: anything else is no object."""
    with pytest.raises(ObjectError, match=reason):
        decode(KEYS.names, CIPHER, object_name(KEYS.names, PATH), _sealed(data))


@pytest.mark.parametrize(
    "plain",
    [gzip.compress(bytes(MAX_PLAIN_PART + 1)), gzip.compress(b"a") + gzip.compress(b"b"), b"plain"],
    ids=["bomb", "two streams", "none"],
)
def test_a_part_that_is_no_single_small_stream_is_refused(plain: bytes) -> None:
    """A gzip bomb is not unpacked beyond what a part may hold."""
    with pytest.raises(ObjectError, match="gzip"):
        decode(KEYS.names, CIPHER, object_name(KEYS.names, PATH), [CIPHER.encrypt(plain)])


@given(st.binary(max_size=2000))
@settings(max_examples=100)
def test_no_bytes_make_the_reader_fall_over(data: bytes) -> None:
    """Garbage in any layer ends in an ObjectError and in nothing else."""
    name = object_name(KEYS.names, PATH)
    for blobs in ([data], [CIPHER.encrypt(data)], _sealed(data)):
        with pytest.raises(ObjectError):
            decode(KEYS.names, CIPHER, name, blobs)


def test_objects_are_found_in_a_listing_with_their_parts_in_order() -> None:
    """Parts follow their numbers; a gap or an odd mode makes an object broken."""
    whole, gap, odd = ("objects/aa/" + letter * 30 + ".age" for letter in "abc")
    listing = {
        part_path(whole, 1): Entry("100644", "2" * 40),
        whole: Entry("100644", "1" * 40),
        gap: Entry("100644", "3" * 40),
        part_path(gap, 2): Entry("100644", "4" * 40),
        odd: Entry("120000", "5" * 40),
        "README.md": Entry("100644", "6" * 40),
        "objects/aa/readme": Entry("100644", "7" * 40),
    }
    found, broken = objects_in(listing)
    assert found == {whole: ("1" * 40, "2" * 40)}
    assert broken == (gap, odd)


@pytest.mark.parametrize(
    ("told", "kept"),
    [("-5", 0), ("nan", 0), ("inf", 253402300799), ("1e30", 253402300799), ("12.75", 12)],
)
def test_i68_a_time_that_cannot_be_is_bounded(told: str, kept: int) -> None:
    """No clock, however wrong, makes an object unreadable or the reader fall over."""
    member = tarfile.TarInfo(PATH)
    member.pax_headers = {"mtime": told, "comment": "lap"}
    name = object_name(KEYS.names, PATH)
    read = decode(KEYS.names, CIPHER, name, _sealed(_tar(member)))
    assert read.file.version.mtime == kept
