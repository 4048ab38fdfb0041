"""Git trees: reading them, and changing only the folders that a change touches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from dulwich.objects import ObjectID, parse_tree, serialize_tree, sorted_tree_items

from memory_sync.model import Entry
from memory_sync.model.remote import FILE_MODE, TREE_MODE
from memory_sync.ports.gitobjects import GitObject
from memory_sync.vault.trees import EMPTY_TREE

Load = Callable[[str], bytes]
"""Returns the content of the tree with this id."""


class NoSuchFileError(Exception):
    """A path that was to be deleted is not there; the text is the path."""


def entries(content: bytes) -> Iterator[tuple[str, Entry]]:
    """Read one tree's direct entries.

    A name that is not UTF-8 comes with surrogates, as the `os` module has it.
    """
    for name, mode, oid in parse_tree(content, sha_len=20):
        yield _text(name), Entry(f"{mode:06o}", oid.decode("ascii"))


def walk(load: Load, root: str) -> Iterator[tuple[str, Entry]]:
    """Read a whole tree: each path that is not a folder, in no order."""
    waiting = [("", root)]
    while waiting:
        prefix, tree = waiting.pop()
        for name, entry in entries(load(tree)):
            if entry.mode == TREE_MODE:
                waiting.append((f"{prefix}{name}/", entry.id))
            else:
                yield prefix + name, entry


def edit(
    load: Load, root: str, writes: Mapping[str, str], deletes: Iterable[str]
) -> tuple[str, list[GitObject]]:
    """Put blobs (path to id) into a tree and take paths out of it.

    Returns the new root's id and the trees that are new. A folder without files vanishes.
    Raises NoSuchFileError.
    """
    folder = _Folder(load, root)
    for path in deletes:
        if not folder.remove(_bytes(path).split(b"/")):
            raise NoSuchFileError(path)
    for path, blob in writes.items():
        folder.put(_bytes(path).split(b"/"), blob)
    made: list[GitObject] = []
    return folder.finish(made), made


class _Folder:
    """One folder while it is changed; folders below it are opened when they are needed."""

    def __init__(self, load: Load, tree: str) -> None:
        self._load = load
        self._entries = {
            _bytes(name): (int(entry.mode, 8), ObjectID(entry.id.encode()))
            for name, entry in entries(load(tree))
        }
        self._opened: dict[bytes, _Folder] = {}

    def remove(self, path: list[bytes]) -> bool:
        """Take a file out; tell whether it was there."""
        name, *below = path
        if below:
            folder = self._enter(name)
            return folder is not None and folder.remove(below)
        if name in self._opened or self._mode(name) in (None, TREE_MODE):
            return False
        del self._entries[name]
        return True

    def put(self, path: list[bytes], blob: str) -> None:
        """Put a file in, in place of whatever stands there."""
        name, *below = path
        if not below:
            self._opened.pop(name, None)
            self._entries[name] = (int(FILE_MODE, 8), ObjectID(blob.encode()))
            return
        folder = self._enter(name)
        if folder is None:
            folder = self._opened[name] = _Folder(self._load, EMPTY_TREE)
        folder.put(below, blob)

    def finish(self, made: list[GitObject]) -> str:
        """Return the id of the tree as it is now, and append all trees that are new."""
        for name, folder in self._opened.items():
            tree = folder.finish(made)
            self._entries.pop(name, None)
            if tree != EMPTY_TREE:
                self._entries[name] = (int(TREE_MODE, 8), ObjectID(tree.encode()))
        ordered = sorted_tree_items(self._entries, name_order=False)
        made.append(GitObject.of("tree", b"".join(serialize_tree(ordered))))
        return made[-1].id

    def _enter(self, name: bytes) -> _Folder | None:
        if name not in self._opened:
            if self._mode(name) != TREE_MODE:
                return None
            tree = self._entries[name][1].decode("ascii")
            self._opened[name] = _Folder(self._load, tree)
        return self._opened[name]

    def _mode(self, name: bytes) -> str | None:
        found = self._entries.get(name)
        return None if found is None else f"{found[0]:06o}"


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
