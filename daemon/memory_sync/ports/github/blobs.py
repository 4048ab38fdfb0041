"""Fetching blobs from GitHub: a hundred a request, and one by one what cannot come that way."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from memory_sync.errors import RemoteTroubleError
from memory_sync.ports.github.answers import dig
from memory_sync.ports.github.archive import Archive
from memory_sync.ports.github.place import Place
from memory_sync.ports.github.wire import OBJECT_ID, NoGraphError, Wire
from memory_sync.vault.trees import blob_id

BATCH = 100
LEAST = 25
"""Blobs a query: at most, and at least where the server does not manage so many."""
MANY = 300
"""So many blobs are asked for singly, at most, where they are half of all that a commit has."""
NODE = "... on Blob { oid text isTruncated isBinary }"


class Blobs:
    """Fetches blobs by their ids."""

    def __init__(self, wire: Wire, place: Place, folder: Path | None) -> None:
        self._wire = wire
        self._place = place
        self._folder = folder
        self._batch = BATCH
        self._told = ""
        self._announced: tuple[str, frozenset[str]] | None = None
        self._archive: Archive | None = None

    def announce(self, commit: str, ids: Collection[str], total: int) -> None:
        """Have the archive of a commit fetched with the first of these blobs, if it is worth it."""
        self.forget()
        if len(ids) > MANY and 2 * len(ids) >= total:
            self._announced = commit, frozenset(ids)

    def forget(self) -> None:
        """Let go of the archive."""
        if self._archive:
            self._archive.close()
        self._announced = self._archive = None

    def fetch(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Fetch blobs; one that GitHub lacks is left out."""
        waiting = []
        for oid in dict.fromkeys(ids):
            content = self._from_archive(oid)
            if content is not None:
                yield oid, content
            elif OBJECT_ID.fullmatch(oid):
                waiting.append(oid)
        while waiting:
            batch, waiting = waiting[: self._batch], waiting[self._batch :]
            yield from self._some(batch)

    def _from_archive(self, oid: str) -> bytes | None:
        """Take a blob that was announced from the archive, and fetch that first if need be."""
        if self._announced is None or oid not in self._announced[1]:
            return None
        if self._archive is None:
            commit, ids = self._announced
            self._archive = Archive.download(self._wire, self._place, commit, ids, self._folder)
        return self._archive.get(oid)

    def _some(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Fetch in one query, or in halves if that is too much for the server."""
        yield from self._found(ids, self._nodes(ids))

    def _found(
        self, ids: Sequence[str], nodes: Mapping[str, Any] | None
    ) -> Iterator[tuple[str, bytes]]:
        """Read blobs out of their nodes; without any, fetch them in halves, or a single one."""
        if nodes is None and len(ids) > 1:
            middle = len(ids) // 2
            halves = [(half, self._nodes(half)) for half in (ids[:middle], ids[middle:])]
            if len(ids) > LEAST and all(found is None for _, found in halves):
                # It is not the size: to go on would be a hundred requests on a bad day.
                raise self._wire.explain.trouble(f"GitHub gives no blobs: {self._told}")
            for half, found in halves:
                yield from self._found(half, found)
            return
        for oid in ids:
            content = self._single(oid) if nodes is None else self._read(oid, nodes[oid])
            if content is not None:
                yield oid, content

    def _nodes(self, ids: Sequence[str]) -> Mapping[str, Any] | None:
        """Ask for blobs and return a node for each; None if the server could not do so many."""
        try:
            nodes = self._query(ids)
        except NoGraphError:
            return {oid: {"oid": oid} for oid in ids}
        except RemoteTroubleError:
            # It may have been cut off over its size: the next try asks for less.
            self._batch = max(LEAST, len(ids) // 2)
            raise
        if nodes is None:
            self._batch = max(LEAST, len(ids) // 2)
        elif len(ids) >= self._batch:
            self._batch = min(BATCH, 2 * self._batch)
        return nodes

    def _query(self, ids: Sequence[str]) -> dict[str, Any] | None:
        """Ask for blobs and return a node for each; None if the server could not do it."""
        fields = " ".join(
            f'b{number}: object(oid: "{oid}") {{ {NODE} }}' for number, oid in enumerate(ids)
        )
        query = (
            "query Blobs($owner: String!, $name: String!)"
            f" {{ repository(owner: $owner, name: $name) {{ {fields} }} }}"
        )
        owner, _, name = self._place.name.partition("/")
        data, errors = self._wire.graph(query, {"owner": owner, "name": name})
        found = dig(data, "repository")
        if errors or not isinstance(found, dict):
            if any(dig(error, "type") == "NOT_FOUND" for error in errors):
                self._place.require()
                self._wire.unknown()
            self._told = dig(errors, 0, "message") or "no reason given"
            return None
        return {oid: found.get(f"b{number}") for number, oid in enumerate(ids)}

    def _read(self, oid: str, node: Any) -> bytes | None:
        """Take a blob from its node; what is binary or cut comes another way."""
        if dig(node, "oid") is None:
            return None
        text = dig(node, "text")
        if isinstance(text, str) and dig(node, "isTruncated") is False:
            content = text.encode("utf-8", "surrogatepass")
            # The server may have read the bytes in another encoding.
            if blob_id(content) == oid:
                return content
        return self._single(oid)

    def _single(self, oid: str) -> bytes | None:
        path = f"{self._place.path}/git/blobs/{oid}"
        answer = self._wire.ask("GET", path, allow=(404, 409, 422))
        if answer.status >= 300:
            self._place.require()
            return None
        content = dig(answer.data, "content")
        if not isinstance(content, str) or dig(answer.data, "encoding") != "base64":
            raise self._wire.explain.senseless(f"blob {oid} in an unknown form")
        try:
            found: bytes | None = b64decode(content)
        except (binascii.Error, ValueError):
            found = None
        if found is None:
            raise self._wire.explain.senseless(f"blob {oid} is no base64")
        return found
