"""Mistakes that the program could make, each put into it for the length of a test.

The simulation must notice every one of them; an oracle that finds nothing here proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from memory_sync.engine import apply, cycle, local, push
from memory_sync.engine.apply import Applied, Applier, base_of
from memory_sync.engine.push import Pusher
from memory_sync.model import Action, Kind
from memory_sync.ports.displaced import Record
from memory_sync.sync import plan
from memory_sync.sync.merge import Merged
from tests.simulation import replacing
from tests.simulation.spots import Spot, read_whole
from tests.simulation.volume import File

Patch = pytest.MonkeyPatch


def downloads_over_edits(patch: Patch) -> None:
    """Take the remote's version where both sides changed."""
    _decides(patch, lambda kind, local, remote: Kind.DOWNLOAD if kind is Kind.MERGE else kind)


def delete_wins(patch: Patch) -> None:
    """Let a delete win against an edit."""

    def change(kind: Kind | None, local: str | None, remote: str | None) -> Kind | None:
        if kind is Kind.DOWNLOAD and local is None:
            return Kind.DELETE_REMOTE
        return Kind.DELETE_LOCAL if kind is Kind.UPLOAD and remote is None else kind

    _decides(patch, change)


def deletes_come_back(patch: Patch) -> None:
    """Fetch again what was deleted here."""
    _decides(
        patch, lambda kind, local, remote: Kind.DOWNLOAD if kind is Kind.DELETE_REMOTE else kind
    )


def _decides(
    patch: Patch, change: Callable[[Kind | None, str | None, str | None], Kind | None]
) -> None:
    real = plan.decide

    def decide(local: str | None, remote: str | None, base: str | None) -> Kind | None:
        return change(real(local, remote, base), local, remote)

    patch.setattr(plan, "decide", decide)


def replaces_unseen(patch: Patch) -> None:
    """Replace a file whatever has come into it since it was looked at."""

    def verify(spot: Spot, expect: str, limit: int) -> Record:
        content, file = read_whole(spot, limit)
        return Record(len(content), file.mtime_ns, expect)

    patch.setattr(replacing, "verify", verify)


def writes_in_place(patch: Patch) -> None:
    """Write into the file itself instead of beside it."""

    def put_over(spot: Spot, content: bytes, mode: int, **_: object) -> None:
        file = spot.look()
        if isinstance(file, File):
            spot.disk.fill(file, b"", truncate=True)
            spot.disk.store(file, content)
            spot.disk.fsync(file)

    patch.setattr(replacing, "put_over", put_over)


def keeps_no_copy(patch: Patch) -> None:
    """Keep nothing of the losing side of a conflict."""
    patch.setattr(apply, "keep_copy", lambda *_, **__: None)


def merges_to_theirs(patch: Patch) -> None:
    """Take the remote's version for a merge without a conflict."""
    patch.setattr(apply, "merge", lambda _base, _mine, theirs, **_: Merged(theirs, conflict=False))


def records_before_writing(patch: Patch) -> None:
    """Record the base of a download before the file is written."""
    real = Applier.run

    def run(self: Applier, actions: tuple[Action, ...]) -> Applied:
        downloads = [action.path for action in actions if action.kind is Kind.DOWNLOAD]
        self._kit.state.save_base({path: base_of(self._remote[path]) for path in downloads})
        return real(self, actions)

    patch.setattr(Applier, "run", run)


def records_before_committing(patch: Patch) -> None:
    """Record the base of an upload before the commit has landed."""
    real = Pusher._commit

    def commit(self: Pusher, batch: Any) -> None:
        rows = {path: base_of(encoded.file) for path, encoded in batch.encoded.items()}
        self._kit.state.save_base(rows)
        real(self, batch)

    patch.setattr(Pusher, "_commit", commit)


def records_what_is_not_durable(patch: Patch) -> None:
    """Take what an agent has just saved for safe from a power cut."""
    patch.setattr(push, "flush", lambda *_: set())


def a_root_that_only_receives_takes_theirs(patch: Patch) -> None:
    """Take the remote's version where both sides changed and only that one is to travel."""
    patch.setitem(plan.INSTEAD, "pull", {**plan.INSTEAD["pull"], Kind.MERGE: Kind.DOWNLOAD})


def a_root_that_only_receives_deletes(patch: Patch) -> None:
    """Let a delete travel from a root that only receives."""
    patch.setitem(plan.INSTEAD, "pull", {Kind.MERGE: Kind.MERGE_DOWN})


def a_root_that_only_sends_is_written_to(patch: Patch) -> None:
    """Merge where this device's version is to stay as it is."""
    patch.setitem(plan.INSTEAD, "push", {Kind.DELETE_LOCAL: None})


def a_new_direction_unites_nothing(patch: Patch) -> None:
    """Go on with what was in sync after a root has turned."""
    for module in (local, cycle):
        patch.setattr(module, "take_settings", lambda _kit: None)


MISTAKES: Sequence[Callable[[Patch], None]] = (
    downloads_over_edits,
    delete_wins,
    deletes_come_back,
    replaces_unseen,
    writes_in_place,
    keeps_no_copy,
    merges_to_theirs,
    records_before_writing,
    records_before_committing,
    records_what_is_not_durable,
)
ONE_WAY_MISTAKES: Sequence[Callable[[Patch], None]] = (
    a_root_that_only_receives_takes_theirs,
    a_root_that_only_receives_deletes,
    a_root_that_only_sends_is_written_to,
    a_new_direction_unites_nothing,
)
