"""What an engine is made of: the ports of one vault, wired."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from memory_sync.errors import (
    KeyMissingError,
    KeyRotatedError,
    KeyWrongError,
    RecipientPluginError,
    RecipientUnknownError,
)
from memory_sync.model import Direction, Step, split_root
from memory_sync.ports.bases import Bases
from memory_sync.ports.clock import Clock
from memory_sync.ports.files import LocalTree
from memory_sync.ports.keystore import Keystore
from memory_sync.ports.pulse import Beat, no_beat
from memory_sync.ports.remote import Remote
from memory_sync.ports.spool import Spool
from memory_sync.ports.state import State
from memory_sync.sync.guards import MANY
from memory_sync.sync.patterns import Glob, Patterns
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import (
    AgeCipher,
    Cipher,
    CipherError,
    DerivedKeys,
    Identity,
    PluginError,
)

CipherMaker = Callable[[Identity, Sequence[str]], Cipher]
Policy = Literal["warn", "block", "off"]
Report = Callable[[Step], None]
"""Is told how far a transfer is."""


@dataclass(frozen=True)
class Root:
    """A root as the engine sees it: its files, and which of them are synced.

    `place` is where it lies, for people; more than `max_deletes` deletes are asked about. What the
    vault holds under the names that it had formerly is carried over.
    """

    name: str
    place: str
    files: LocalTree
    patterns: Patterns
    max_size: int = 10 * 1024 * 1024
    merge_caps: Mapping[str, int] = field(default_factory=dict)
    max_deletes: int = MANY
    direction: Direction = "both"
    formerly: tuple[str, ...] = ()

    def merge_cap(self, path: str) -> int | None:
        """Return the number of characters that a merge of this file may have at most."""
        for pattern, cap in self.merge_caps.items():
            if Glob(pattern).matches(path):
                return cap
        return None


@dataclass(frozen=True)
class Kit:
    """Everything that one vault's engine needs. `vault` is its name in the configuration.

    `recovery` are the recovery recipients that the configuration names, None if it names none.
    `secrets` says what becomes of text that looks like a credential. `rules` are the patterns of
    each root as the last look found them: what a file of rules in the root says comes from there.
    `bases` keeps what conflicts began with, None if nobody will ask. `reach` gives another remote
    by its URL, None if there is no way to one: it is asked where the vault was before.
    """

    vault: str
    device: str
    remote: Remote
    state: State
    keystore: Keystore
    roots: Mapping[str, Root]
    spool: Spool
    clock: Clock
    make_cipher: CipherMaker = AgeCipher
    report: Report = lambda _: None
    beat: Beat = no_beat
    recovery: tuple[str, ...] | None = None
    secrets: Policy = "warn"
    rules: dict[str, Patterns] = field(default_factory=dict)
    bases: Bases | None = None
    reach: Callable[[str], Remote] | None = None

    @property
    def former(self) -> Mapping[str, str]:
        """The names that roots had formerly, each with the one that it has now."""
        return {old: root.name for root in self.roots.values() for old in root.formerly}

    def forget(self, root: str) -> None:
        """Drop a root's base, under whichever name it is, so that its two sides are united."""
        for name in (root, *(self.roots[root].formerly if root in self.roots else ())):
            self.state.forget_root(name)

    @property
    def directions(self) -> Mapping[str, Direction]:
        """Which way the roots go that go only one."""
        return {
            name: root.direction
            for root in self.roots.values()
            for name in (root.name, *root.formerly)
            if root.direction != "both"
        }

    def wants(self, path: str) -> bool:
        """Tell whether a path of the vault is one that this device syncs.

        Before a root was looked at nothing is known of its file of rules: then whatever could be.
        """
        name, relative = split_root(path)
        root = self.roots.get(name)
        if root is None:
            return False
        return (self.rules.get(name) or root.patterns.whole).matches(relative)


@dataclass(frozen=True)
class Keys:
    """The opened vault: what is trusted of it, and what opens and names its objects."""

    trust: Trust
    cipher: Cipher
    derived: DerivedKeys


def unlock(kit: Kit, trust: Trust, recipients: Sequence[str]) -> Keys:
    """Find the identity for a vault whose recipients these are.

    Raises KeyMissingError where it is not on this device, or KeyRotatedError where only one is that
    was given up, RecipientUnknownError or RecipientPluginError where something could not be
    encrypted to everybody who is to read it.
    """
    # One that was current in between opens what lies between two rotations.
    identity = kit.keystore.find(trust.recipient) or kit.keystore.older(trust.recipient)
    if identity is None:
        missing = KeyRotatedError if trust.rotated else KeyMissingError
        raise missing(vault=kit.vault, recipient=trust.recipient)
    if identity.recipient != trust.recipient:
        # Names and seals would come from another key than the one that all others open them with.
        raise KeyWrongError(vault=kit.vault, recipient=trust.recipient)
    try:
        cipher = kit.make_cipher(identity, recipients)
    except PluginError as error:
        detail = f"age-plugin-{error} is not to be found"
        raise RecipientPluginError(vault=kit.vault, detail=detail) from None
    except CipherError:
        raise RecipientUnknownError(vault=kit.vault) from None
    return Keys(trust, cipher, identity.derive(trust.vault_id))
