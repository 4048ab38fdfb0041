"""Git's object ids, computed from our own listing instead of believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from hashlib import sha1

from memory_sync.model.remote import TREE_MODE, Entry, Listing

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def object_id(kind: str, content: bytes) -> str:
    """Compute the id that git gives to an object of this kind ("blob", "tree")."""
    head = f"{kind} {len(content)}\0".encode()
    return sha1(head + content, usedforsecurity=False).hexdigest()


def blob_id(content: bytes) -> str:
    """Compute a blob's id."""
    return object_id("blob", content)


def tree_id(entries: Mapping[str, Entry]) -> str:
    """Compute the id of one tree from its direct entries (name to entry)."""

    def place(item: tuple[str, Entry]) -> bytes:
        # Git sorts a folder as if its name ended with a slash.
        name, entry = item
        return _bytes(name) + (b"/" if entry.mode == TREE_MODE else b"")

    body = b"".join(
        entry.mode.lstrip("0").encode() + b" " + _bytes(name) + b"\0" + bytes.fromhex(entry.id)
        for name, entry in sorted(entries.items(), key=place)
    )
    return object_id("tree", body)


def _bytes(name: str) -> bytes:
    """Return a name as git has it; one of others' that is not UTF-8 comes with surrogates."""
    return name.encode("utf-8", "surrogateescape")


def top_entries(listing: Listing) -> dict[str, Entry]:
    """Compute the direct entries of the root tree, folders' ids included, from a whole listing."""
    return _fold(listing)


def root_tree(listing: Listing) -> str:
    """Compute the root tree's id from a whole listing."""
    return tree_id(top_entries(listing))


def _fold(listing: Listing) -> dict[str, Entry]:
    here: dict[str, Entry] = {}
    below: defaultdict[str, dict[str, Entry]] = defaultdict(dict)
    for path, entry in listing.items():
        first, slash, rest = path.partition("/")
        if slash:
            below[first][rest] = entry
        else:
            here[first] = entry
    for name, part in below.items():
        here[name] = Entry(TREE_MODE, tree_id(_fold(part)))
    return here
