"""Errors of keys: the identity has to be brought here. Status 9."""

from __future__ import annotations

from memory_sync.errors.base import MemorySyncError


class KeyError_(MemorySyncError):  # noqa: N801, N818 - the language has a KeyError of its own
    """The vault's identity is not here, or not the right one."""

    code = "key"
    status = 9
    text = "{detail}"
    hint = "memory-sync import-key KEY-FILE"


class KeyMissingError(KeyError_):
    """The vault exists and its key is not on this device."""

    code = "key-missing"
    text = "The key of vault {vault} ({recipient}) is not on this machine; no second one is made."
    hint = "memory-sync import-key KEY-FILE"


class KeyWrongError(KeyError_):
    """The key that is here does not open the vault."""

    code = "key-wrong"
    text = "The key that is here does not open vault {vault}: it wants {recipient}."
    hint = "memory-sync import-key KEY-FILE"


class KeyInvalidError(KeyError_):
    """What was given is no age identity."""

    code = "key-invalid"
    text = "{source} holds no age identity (a line AGE-SECRET-KEY-1…)."
    hint = "memory-sync export-key KEY-FILE"


class KeyFileError(KeyError_):
    """A key file of ours cannot be used as it is."""

    code = "key-file"
    text = "The key file {path} cannot be used: {detail}."
    hint = "chmod 600 '{path}'"


class PassphraseError(KeyError_):
    """The passphrase does not open the key file."""

    code = "passphrase-wrong"
    text = "The passphrase does not open {source}."
    hint = "memory-sync import-key KEY-FILE"
