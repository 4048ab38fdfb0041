"""Which head is accepted: the six rules of docs/vault-format.md, as one pure function.

*Chain* means first parents only. `A` is the commit accepted last, `H` the branch's head, `N` the
newest commit on H's chain whose seal counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from memory_sync.errors import RemoteLiedError
from memory_sync.model.remote import Commit, Entry
from memory_sync.vault.manifest import MANIFEST, SUPERSEDED, Manifest
from memory_sync.vault.seals import read_rotation, rotation_of, seal_of

SEALED_ENTRIES = ("objects", MANIFEST, SUPERSEDED)


class Standing(StrEnum):
    """What a head is."""

    ACCEPTED = "accepted"
    FOREIGN = "foreign"  # rule 3: something above N was made without the key
    STALE = "stale"  # rule 4: an old read, or history forced back
    FORKED = "forked"  # rule 5: N counts and is neither before nor after A
    ORPHAN = "orphan"  # rule 6: nothing was made with the key
    ROTATED = "rotated"  # above A the vault was handed to another key


@dataclass(frozen=True)
class Trust:
    """What a device trusts about a vault, kept beside its key.

    `commit` and `n` are of the commit accepted last; empty and 0 before the first contact. While
    `rotated`, that commit is of the key before this one: no seal of that key counts any more, and
    nothing of the new one was accepted yet.
    """

    vault_id: str
    recipient: str
    commit: str = ""
    n: int = 0
    rotated: bool = False


@dataclass(frozen=True)
class Verdict:
    """How a head stands; `newest` is N with its sequence number, `blamed` the commit to name.

    Of a rotation `newest` is the commit that has it, and `successor` the recipient to trust next.
    """

    standing: Standing
    newest: Commit | None = None
    n: int = 0
    blamed: str = ""
    successor: str = ""


class Look(Protocol):
    """What the judge has to look up; each answer is checked against the ids it is asked by."""

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        """Return the root tree's direct entries."""
        ...

    def manifest(self, commit: Commit) -> Manifest | None:
        """Return the commit's `vault.json`, or None where it has none that can be read."""
        ...

    def superseded(self, commit: str) -> frozenset[str]:
        """Return the ids in the `superseded` of a commit's tree; none if the commit is unknown."""
        ...

    def history(self, commit: str) -> Iterable[Commit]:
        """Follow the first parents of an accepted commit."""
        ...

    def on_accepted_chain(self, commit: str) -> bool:
        """Tell whether the commit is one that was accepted before A, on A's own chain."""
        ...


@dataclass(frozen=True)
class Court:
    """What the judge knows beforehand."""

    trust: Trust
    look: Look
    seal_key: bytes = field(repr=False)

    def judge(self, history: Iterable[Commit]) -> Verdict:
        """Judge a head by its chain, newest first and read only as far as it is needed."""
        chain = iter(history)
        above: list[Commit] = []
        for commit in chain:
            seal = self._counting_seal(commit)
            if seal:
                return self._judge_newest(commit, seal, above, chain)
            if commit.id == self.trust.commit or self.look.on_accepted_chain(commit.id):
                # Accepted once, and of a key that was given up since: an old read, or forced back.
                return Verdict(Standing.STALE, commit, blamed=commit.id)
            above.append(commit)
        return Verdict(Standing.ORPHAN, blamed=above[0].id if above else "")

    def _counting_seal(self, commit: Commit) -> int:
        """Return the sequence number of a seal that counts, or 0."""
        seal = seal_of(self.seal_key, self.trust.vault_id, commit)
        if seal is None:
            return 0
        manifest = self.look.manifest(commit)
        fits = (
            manifest is not None
            and manifest.id == self.trust.vault_id
            and manifest.recipients[0] == self.trust.recipient
        )
        return seal.n if fits else 0

    def _judge_newest(
        self, newest: Commit, n: int, above: list[Commit], below: Iterator[Commit]
    ) -> Verdict:
        passed: list[Commit] = []
        follows = self._follows(newest, n, _noted(below, passed))
        if follows and (rotation := self._rotation([*above, *passed])):
            return rotation
        if not follows:
            accepted = self.trust.commit
            old = (
                self.look.on_accepted_chain(newest.id)
                or newest.id in self.look.superseded(accepted)
                or self._is_below(newest, n)
            )
            return Verdict(Standing.STALE if old else Standing.FORKED, newest, n, newest.id)
        mine = self._sealed_entries(newest) if above else {}
        for commit in reversed(above):
            if self._sealed_above(commit) != mine:
                return Verdict(Standing.FOREIGN, newest, n, commit.id)
        return Verdict(Standing.ACCEPTED, newest, n, newest.id)

    def _follows(self, newest: Commit, n: int, below: Iterator[Commit]) -> bool:
        """Rule 1: tell whether N is the accepted commit, above it on the chain, or in its place."""
        accepted = self.trust.commit
        if accepted in ("", newest.id):
            return True
        # On a chain the numbers only grow, so a smaller one spares the walk.
        if n > self.trust.n and any(commit.id == accepted for commit in below):
            return True
        return accepted in self.look.superseded(newest.id)

    def _is_below(self, newest: Commit, n: int) -> bool:
        """Tell whether N, or what N is a copy of, lies on A's chain.

        This device may have come later than that; and author and time are not under the seal.
        """
        for commit in self.look.history(self.trust.commit):
            seal = seal_of(self.seal_key, self.trust.vault_id, commit)
            if commit.id == self.trust.commit or seal is None:
                continue
            if (seal.n, commit.parents, commit.tree) == (n, newest.parents, newest.tree):
                return True
            if seal.n < n:
                break
        return False

    def _rotation(self, commits: list[Commit]) -> Verdict | None:
        """Find where the key was given up first: nothing that it made after that counts.

        `commits` are newest first. Without a higher number and another recipient it is none.
        """
        for commit in reversed(commits):
            claim = read_rotation(commit.message)
            if claim is None or claim.n <= self.trust.n or commit.id == self.trust.commit:
                continue
            manifest = self.look.manifest(commit)
            if manifest is None or manifest.id != self.trust.vault_id:
                continue
            successor = manifest.recipients[0]
            fits = rotation_of(self.seal_key, self.trust.vault_id, commit, successor)
            if fits and successor != self.trust.recipient:
                return Verdict(Standing.ROTATED, commit, claim.n, commit.id, successor)
        return None

    def _sealed_above(self, commit: Commit) -> dict[str, Entry | None]:
        try:
            return self._sealed_entries(commit)
        except RemoteLiedError:
            # A folder that git itself would not write, say: nobody with the key has made that.
            return {}

    def _sealed_entries(self, commit: Commit) -> dict[str, Entry | None]:
        top = self.look.top(commit)
        return {name: top.get(name) for name in SEALED_ENTRIES}


def _noted(chain: Iterator[Commit], passed: list[Commit]) -> Iterator[Commit]:
    for commit in chain:
        passed.append(commit)
        yield commit


def read_superseded(content: bytes) -> frozenset[str]:
    """Read the file `superseded`: commit ids, one a line."""
    return frozenset(content.decode("ascii", "replace").split())
