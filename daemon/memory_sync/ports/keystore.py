"""Identities by recipient, and beside them what is trusted of each vault.

Both lie outside the state database: losing that must not make a device forget what it trusted.
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

from memory_sync.config.durable import make_private_folder, write_durably
from memory_sync.config.small import read_small
from memory_sync.errors import FileUnreadableError, KeyFileError, KeyInvalidError, MemorySyncError
from memory_sync.ports.handles import writing
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import CipherError, Identity, format_identity, parse_identity

FOR_A_PERSON = (
    errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR,
)  # fmt: skip
"""What time does not mend; anything else (too many open files, a disk that fails) it may."""


class Keystore:
    """Files in one folder (0700): `<recipient>.txt` (age identity files) and `<vault>.trust.json`.

    `extra` is an identity that comes from the environment and is not stored.
    """

    def __init__(self, folder: Path, extra: Identity | None = None) -> None:
        self.folder = folder
        self._extra = extra

    def find(self, recipient: str) -> Identity | None:
        """Return the identity whose current recipient this is, or None."""
        path = self._identity_path(recipient)
        if _there(path):
            return read_identity_file(path)
        if self._extra and self._extra.recipient == recipient:
            return self._extra
        return None

    def stored(self, recipient: str) -> bool:
        """Tell whether the identity lies in this folder, where a service finds it too."""
        return _there(self._identity_path(recipient))

    def recipients(self) -> tuple[str, ...]:
        """Return the recipients of all identities that are stored here."""
        return tuple(sorted(path.stem for path in self.folder.glob("age1*.txt")))

    def add(self, identity: Identity) -> Path:
        """Store an identity, durably; one that is there with the same current secret stays."""
        path = self._identity_path(identity.recipient)
        if _there(path) and set(identity.secrets) <= set(read_identity_file(path).secrets):
            return path
        make_private_folder(self.folder)
        text = format_identity(identity, "the identity of a memory-sync vault: keep it secret")
        write_durably(path, text.encode())
        return path

    def trust(self, vault: str) -> Trust | None:
        """Return what is trusted of the vault with this name in the configuration, or None."""
        path = self._trust_path(vault)
        try:
            data: dict[str, Any] = json.loads(read_small(path))
            return Trust(
                str(data["vault_id"]), str(data["recipient"]), str(data["commit"]), int(data["n"])
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

    def drop_trust(self, vault: str) -> None:
        """Forget what is trusted of a vault that was only looked at."""
        self._trust_path(vault).unlink(missing_ok=True)

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

    def _exported_path(self, recipient: str) -> Path:
        return self.folder / f"{recipient}.exported"

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
