"""What the judge looks up at the remote; each answer is checked against the id it is asked by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from memory_sync.engine.kit import Kit
from memory_sync.errors import RemoteLiedError, RemoteTroubleError
from memory_sync.model import Commit, Entry, Listing
from memory_sync.model.remote import FILE_MODE
from memory_sync.vault.judge import read_superseded
from memory_sync.vault.manifest import (
    MANIFEST,
    SUPERSEDED,
    Manifest,
    ManifestError,
    read_manifest,
)
from memory_sync.vault.trees import blob_id, top_entries, tree_id

PLAIN = (FILE_MODE, "100755")
"""Modes of what can be read as a file: no folder, no link, no other repository."""


class RemoteLook:
    """Looks things up in one pass; what was looked up is kept for that pass."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._tops: dict[str, Mapping[str, Entry]] = {}
        self._seen: dict[str, Commit] = {}
        # `vault.json` is the same in almost every commit: what it was last spares a request.
        known = (kit.state.get(MANIFEST) or "").encode()
        self._blobs: dict[str, bytes] = {blob_id(known): known}

    def listing(self, commit: Commit, since: tuple[str, Listing] | None) -> Listing:
        """Return a commit's whole listing, which computes to its tree id.

        Raises RemoteLiedError if it does not, also when it is asked for in full.
        """
        for hint in (since, None) if since else (None,):
            listing = self._kit.remote.listing(commit, hint)
            top = top_entries(listing)
            if tree_id(top) == commit.tree:
                self._tops[commit.tree] = top
                return listing
        raise self._lied(commit, "its listing has another tree id")

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        """Return the root tree's direct entries."""
        if commit.tree not in self._tops:
            top = self._kit.remote.top(commit)
            if tree_id(top) != commit.tree:
                raise self._lied(commit, "its root folder has another tree id")
            self._tops[commit.tree] = top
        return self._tops[commit.tree]

    def manifest(self, commit: Commit) -> Manifest | None:
        """Return the commit's `vault.json`, or None where it has none that can be read."""
        self._seen[commit.id] = commit
        content = self._file(commit, MANIFEST)
        if content is None:
            return None
        try:
            return read_manifest(content)
        except ManifestError:
            return None

    def superseded(self, commit: str) -> frozenset[str]:
        """Return the ids in the `superseded` of a commit's tree; none if the commit is unknown."""
        if not commit:
            return frozenset()
        # Of a commit that was judged, the tree that its seal vouches for: no second answer counts.
        found = self._seen.get(commit) or next(iter(self._kit.remote.history(commit)), None)
        content = self._file(found, SUPERSEDED) if found else None
        return read_superseded(content) if content else frozenset()

    def on_accepted_chain(self, commit: str) -> bool:
        """Tell whether the commit is one that was accepted before, on the accepted chain."""
        return self._kit.state.was_accepted(commit)

    def history(self, commit: str) -> Iterable[Commit]:
        """Follow the first parents of an accepted commit; nothing comes of one that is gone."""
        return self._kit.remote.history(commit)

    def _file(self, commit: Commit, name: str) -> bytes | None:
        entry = self.top(commit).get(name)
        if entry is None or entry.mode not in PLAIN:
            return None
        if entry.id not in self._blobs:
            for _, content in self._kit.remote.blobs([entry.id]):
                if blob_id(content) != entry.id:
                    raise self._lied(commit, f"{name} has another blob id")
                self._blobs[entry.id] = content
        if entry.id not in self._blobs:
            # Not "there is none": a replica that lags behind has the tree and not the blob yet.
            raise RemoteTroubleError(remote=self._kit.remote.url, detail=f"{name} is not there yet")
        return self._blobs[entry.id]

    def _lied(self, commit: Commit, detail: str) -> RemoteLiedError:
        return RemoteLiedError(remote=self._kit.remote.url, commit=commit.id, detail=detail)
