"""The synced files of a vault."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tests.reader import age, archive, git
from tests.reader.errors import FormatError
from tests.reader.keys import object_name
from tests.reader.paths import check_path

FOLDER = "objects"
PART = re.compile(r"(objects/[0-9a-f]{2}/[0-9a-f]{30}\.age)(?:\.([0-9]{4}))?")
MOST_PARTS = 9999
WORKERS = 8


@dataclass(frozen=True)
class File:
    """One synced file; the time is exact, as the archive has it."""

    path: str
    content: bytes
    mode: int
    mtime: Decimal
    device: str
    parts: int


@dataclass(frozen=True)
class Reader:
    """What is needed to open the objects of one vault."""

    repository: Path
    identity: str
    identity_file: Path
    vault_id: str
    recipients: int

    def files(self, commit: str) -> dict[str, File]:
        """Return every synced file of a commit by its path."""
        parts = _parts(git.files(self.repository, commit))
        names = [name for group in parts.values() for name in group]
        ids = [entry.id for group in parts.values() for entry in group.values()]
        data = [one or b"" for one in git.blobs(self.repository, ids)]
        with ThreadPoolExecutor(WORKERS) as pool:
            plain = dict(zip(names, pool.map(self._open, names, data), strict=True))
        found = [self._file(name, [plain[part] for part in parts[name]]) for name in parts]
        _check_roots(file.path for file in found)
        return {file.path: file for file in sorted(found, key=lambda file: file.path)}

    def _open(self, name: str, data: bytes) -> bytes:
        plain = age.decrypt(name, data, self.identity_file, self.recipients)
        return archive.unzip(name, plain)

    def _file(self, name: str, pieces: list[bytes]) -> File:
        member = archive.read_archive(name, pieces)
        true_name = object_name(self.identity, self.vault_id, member.path)
        if name != true_name:
            raise FormatError(f"{name}: tampered with: its member belongs at {true_name}")
        try:
            check_path(member.path)
        except FormatError as error:
            raise FormatError(f"{name}: {error}") from error
        return File(
            member.path, member.content, member.mode, member.mtime, member.device, len(pieces)
        )


def _parts(entries: dict[str, git.Entry]) -> dict[str, dict[str, git.Entry]]:
    """Return the parts of each object in their order."""
    objects: dict[str, dict[int, tuple[str, git.Entry]]] = {}
    for path, entry in entries.items():
        if path != FOLDER and not path.startswith(f"{FOLDER}/"):
            continue
        named = PART.fullmatch(path)
        if named is None or not entry.is_file:
            raise FormatError(f"{path}: not an object")
        number = 0 if named[2] is None else int(named[2])
        if named[2] == "0000":
            raise FormatError(f"{path}: the further parts are numbered from 0001")
        objects.setdefault(named[1], {})[number] = (path, entry)
    for name, numbered in objects.items():
        if sorted(numbered) != list(range(len(numbered))):
            raise FormatError(f"{name}: a part is missing among {sorted(numbered)}")
        if len(numbered) > MOST_PARTS:
            raise FormatError(f"{name}: {len(numbered)} parts, more than {MOST_PARTS}")
    return {
        name: dict(numbered[at] for at in sorted(numbered)) for name, numbered in objects.items()
    }


def _check_roots(paths: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        root = check_path(path)
        if seen.setdefault(root.lower(), root) != root:
            raise FormatError(f"two root names differ by case alone: {seen[root.lower()]}, {root}")
