"""Identities by recipient, and beside them what is trusted of each vault.

Both lie outside the state database: losing that must not make a device forget what it trusted. An
identity lies in a file, or in the system's keyring if a person has moved it there.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Any

from memory_sync.config.durable import make_private_folder, sync_folder, write_durably
from memory_sync.config.small import read_small
from memory_sync.errors import (
    FileUnreadableError,
    KeyFileError,
    KeyInvalidError,
    KeyringError,
    MemorySyncError,
)
from memory_sync.ports.handles import writing
from memory_sync.ports.ring import Ring
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import CipherError, Identity, format_identity, parse_identity

FOR_A_PERSON = (
    errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR,
)  # fmt: skip
"""What time does not mend; anything else (too many open files, a disk that fails) it may."""


class Keystore:
    """Files in one folder (0700): `<recipient>.txt` (age identity files) and `<vault>.trust.json`.

    `<recipient>.keyring` is empty and says that the identity is in the keyring. `extra` is an
    identity that comes from the environment and is not stored.
    """

    def __init__(
        self, folder: Path, extra: Identity | None = None, ring: Ring | None = None
    ) -> None:
        self.folder = folder
        self._extra = extra
        self._ring = ring
        self._opened: dict[str, Identity] = {}

    def find(self, recipient: str) -> Identity | None:
        """Return the identity whose current recipient this is, or None."""
        path = self._identity_path(recipient)
        if _there(path):
            return read_identity_file(path)
        if self.in_ring(recipient):
            return self._from_ring(recipient)
        if self._extra and self._extra.recipient == recipient:
            return self._extra
        return None

    def stored(self, recipient: str) -> bool:
        """Tell whether the identity lies where a service finds it too."""
        return _there(self._identity_path(recipient)) or self.in_ring(recipient)

    def in_ring(self, recipient: str) -> bool:
        """Tell whether the identity was moved into the keyring; that is not asked."""
        return not _there(self._identity_path(recipient)) and _there(self._ring_path(recipient))

    def recipients(self) -> tuple[str, ...]:
        """Return the recipients of all identities that are stored here."""
        found = (*self.folder.glob("age1*.txt"), *self.folder.glob("age1*.keyring"))
        return tuple(sorted({path.stem for path in found}))

    def add(self, identity: Identity) -> Path:
        """Store an identity, durably, and keep older secrets that are known of it.

        It goes where the one lies that it is or follows. What stands in its place and is no
        identity is set aside. Returns the file of ours that stands for it.
        """
        path = self._identity_path(identity.recipient)
        kept = self._kept(path)
        whole = _merged(identity, kept)
        if kept == whole:
            return path
        if kept is None and any(map(self.in_ring, _recipients(identity))):
            with contextlib.suppress(KeyringError):
                return self._into_ring(identity)
        self._write(path, whole)
        return path

    def move_into_ring(self, recipient: str) -> None:
        """Move an identity from its file into the keyring, where it was read again before it goes.

        Raises KeyringError, with the file in place.
        """
        path = self._identity_path(recipient)
        self._into_ring(read_identity_file(path))
        path.unlink()
        sync_folder(self.folder)

    def move_into_file(self, recipient: str) -> Path:
        """Move an identity from the keyring into a file. Raises KeyringError."""
        identity, path = self._from_ring(recipient), self._identity_path(recipient)
        self._write(path, identity)
        if read_identity_file(path) == identity:
            self._ring_path(recipient).unlink()
            with contextlib.suppress(KeyringError):
                self._asked().drop(recipient)
        return path

    def _kept(self, path: Path) -> Identity | None:
        """Return the identity in a file; what is none is set aside, for a person to look at."""
        if not _there(path):
            return None
        try:
            return read_identity_file(path)
        except KeyInvalidError:
            os.replace(path, path.with_suffix(".broken"))
            return None

    def _write(self, path: Path, identity: Identity) -> None:
        make_private_folder(self.folder)
        text = format_identity(identity, "the identity of a memory-sync vault: keep it secret")
        write_durably(path, text.encode())

    def _asked(self) -> Ring:
        if self._ring is None:
            raise KeyringError(detail="nobody may ask it here")
        return self._ring

    def _from_ring(self, recipient: str) -> Identity:
        """Ask the keyring, once: it may be slow. Raises KeyringError, KeyInvalidError."""
        if recipient not in self._opened:
            try:
                text = self._asked().get(recipient)
            except KeyringError as error:
                detail = f"the key {recipient} lies in it, and {error.facts['detail']}"
                raise KeyringError(**{**error.facts, "detail": detail}) from None
            if text is None:
                hint = "memory-sync import-key KEY-FILE"
                raise KeyringError(detail=f"it no longer has the key {recipient}", hint=hint)
            try:
                self._opened[recipient] = parse_identity(text)
            except CipherError:
                raise KeyInvalidError(source="the keyring") from None
        return self._opened[recipient]

    def _into_ring(self, identity: Identity) -> Path:
        """Put an identity into the keyring, make sure that it comes back, and note where it is."""
        recipient, ring = identity.recipient, self._asked()
        held = ring.get(recipient)
        with contextlib.suppress(CipherError):
            identity = _merged(identity, parse_identity(held) if held else None)
        ring.put(recipient, "\n".join(identity.secrets))
        if (ring.get(recipient) or "").split() != list(identity.secrets):
            raise KeyringError(detail="it does not give back what was put into it")
        make_private_folder(self.folder)
        write_durably(self._ring_path(recipient), b"")
        self._opened[recipient] = identity
        return self._ring_path(recipient)

    def trust(self, vault: str) -> Trust | None:
        """Return what is trusted of the vault with this name in the configuration, or None."""
        path = self._trust_path(vault)
        try:
            data: dict[str, Any] = json.loads(read_small(path))
            return Trust(
                str(data["vault_id"]),
                str(data["recipient"]),
                str(data["commit"]),
                int(data["n"]),
                bool(data.get("rotated", False)),
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unread(path, error) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            # Forgetting what was trusted must be a person's decision: no "first contact".
            raise KeyFileError(path=path, detail="it is no record of trust") from None

    def set_trust(self, vault: str, trust: Trust) -> None:
        """Store what is trusted of a vault, durably. Raises DiskFullError or another error."""
        path = self._trust_path(vault)
        with writing(str(path)):
            make_private_folder(self.folder)
            write_durably(path, (json.dumps(asdict(trust)) + "\n").encode())

    def discard(self, vault: str, identity: Identity) -> None:
        """Drop a key and a trust record that were drawn for a vault which was never founded."""
        self._trust_path(vault).unlink(missing_ok=True)
        self._identity_path(identity.recipient).unlink(missing_ok=True)

    def remove(self, recipient: str) -> None:
        """Delete an identity from this device, from the keyring too. Raises KeyringError."""
        if self.in_ring(recipient):
            self._asked().drop(recipient)
            self._ring_path(recipient).unlink(missing_ok=True)
        self._identity_path(recipient).unlink(missing_ok=True)
        self._opened.pop(recipient, None)
        sync_folder(self.folder)

    def drop_trust(self, vault: str) -> None:
        """Forget what is trusted of a vault that was only looked at."""
        self._trust_path(vault).unlink(missing_ok=True)

    def newer(self, recipient: str) -> tuple[Identity, ...]:
        """Return the identities that have come after the one with this recipient."""
        known = [self._extra] if self._extra else []
        for stored in self.recipients():
            with contextlib.suppress(MemorySyncError):
                known += [found] if (found := self.find(stored)) else []
        others = (identity for identity in known if identity.recipient != recipient)
        return tuple(identity for identity in others if identity.since(recipient))

    def older(self, recipient: str) -> Identity | None:
        """Return the identity as it was while this recipient was current, if a newer one has it."""
        return next((one.since(recipient) for one in self.newer(recipient)), None)

    def drawn(self, vault: str) -> Identity | None:
        """Return the identity that was drawn for a vault's next key, and is perhaps in force."""
        path = self._drawn_path(vault)
        return read_identity_file(path) if _there(path) else None

    def keep_drawn(self, vault: str, identity: Identity) -> None:
        """Store an identity that a vault is about to be handed to, durably.

        It is filed apart, as nobody knows yet whether it will be. Raises DiskFullError.
        """
        path = self._drawn_path(vault)
        with writing(str(path)):
            make_private_folder(self.folder)
            text = format_identity(identity, "perhaps the next identity of a vault: keep it secret")
            write_durably(path, text.encode())

    def drop_drawn(self, vault: str, recipient: str) -> None:
        """File the identity that was drawn, if the vault was handed to it; forget it otherwise.

        To be called only once it is certain to whom the vault was handed.
        """
        identity = self.drawn(vault)
        if identity and identity.recipient == recipient:
            self.add(identity)
        self._drawn_path(vault).unlink(missing_ok=True)

    def was_exported(self, recipient: str) -> bool:
        """Tell whether the identity was ever exported from this device."""
        return _there(self._exported_path(recipient))

    def mark_exported(self, recipient: str) -> None:
        """Remember that the identity was exported, or came from outside."""
        make_private_folder(self.folder)
        with contextlib.suppress(OSError):
            write_durably(self._exported_path(recipient), b"")

    def _identity_path(self, recipient: str) -> Path:
        return self.folder / f"{recipient}.txt"

    def _ring_path(self, recipient: str) -> Path:
        return self.folder / f"{recipient}.keyring"

    def _exported_path(self, recipient: str) -> Path:
        return self.folder / f"{recipient}.exported"

    def _drawn_path(self, vault: str) -> Path:
        return self.folder / f"{vault}.next-key"

    def _trust_path(self, vault: str) -> Path:
        return self.folder / f"{vault}.trust.json"


def read_identity_file(path: Path) -> Identity:
    """Read an identity file of ours; one that others can read is refused."""
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
        if mode & 0o077:
            raise KeyFileError(path=path, detail="others can read it")
        text = read_small(path).decode()
    except OSError as error:
        raise _unread(path, error) from None
    except ValueError:
        raise KeyInvalidError(source=path) from None
    try:
        return parse_identity(text)
    except CipherError:
        raise KeyInvalidError(source=path) from None


def _merged(identity: Identity, kept: Identity | None) -> Identity:
    """Return an identity with all older secrets that either has: they open the history."""
    secrets = (*identity.secrets, *(kept.secrets if kept else ()))
    return Identity(tuple(dict.fromkeys(secrets)))


def _recipients(identity: Identity) -> list[str]:
    return [Identity((secret,)).recipient for secret in identity.secrets]


def _there(path: Path) -> bool:
    """Tell whether a file is there; where the system does not tell, it is not taken for missing."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unread(path, error) from None
    return True


def _unread(path: Path, error: OSError) -> MemorySyncError:
    """Name why a file of ours could not be read: for a person to mend, or to be tried again."""
    detail = error.strerror or "the system does not say why"
    if error.errno in FOR_A_PERSON:
        return KeyFileError(path=path, detail=detail)
    return FileUnreadableError(path=path, detail=detail, hint="memory-sync status")
