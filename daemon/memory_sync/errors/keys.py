"""Errors of keys: the identity has to be brought here. Status 9."""

from __future__ import annotations

from memory_sync.errors.base import MemorySyncError

EXPORT_ELSEWHERE = "memory-sync export-key -  # on a machine that has the key"


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


class KeyRotatedError(KeyError_):
    """Another device has changed the vault's key, and this one has only the old one."""

    code = "key-rotated"
    text = (
        "The key of vault {vault} was changed on another device; this one has only the old key,"
        " which counts no more. Nothing is lost: bring the new one ({recipient})."
    )
    hint = "memory-sync import-key KEY-FILE"


class KeyVariableError(KeyMissingError):
    """The key in the environment, the only one that is here, is not that of the vault."""

    code = "key-variable"
    text = (
        "MEMORY_SYNC_IDENTITY holds another key than that of vault {vault} ({recipient}): an older"
        " one, or another vault's. All that the hint prints belongs into it."
    )
    hint = EXPORT_ELSEWHERE


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


class KeyringError(KeyError_):
    """The system's keyring, which has the key, does not give it, or does not take one."""

    code = "keyring"
    text = "The keyring cannot be used: {detail}."
    hint = "memory-sync move-key file"


class WordsDifferError(KeyError_):
    """Two machines that pair do not show the same words."""

    code = "words-differ"
    text = "The words are not the same, so no key was {done}. Somebody else may write to {remote}."
    hint = "memory-sync pair"


class RequestExpiredError(KeyError_):
    """A request to join was not answered in time."""

    code = "request-expired"
    text = "The request in {remote} was not answered within {minutes} minutes; it counts no more."
    hint = "memory-sync join --remote {remote}"


class RequestGoneError(KeyError_):
    """A request to join is not in the vault any more."""

    code = "request-gone"
    text = "The request is not in {remote} any more: {detail}."
    hint = "memory-sync join --remote {remote}"


class AnswerForeignError(KeyError_):
    """The answer to a request to join is not the key of that vault."""

    code = "answer-foreign"
    text = "The answer in {remote} is not the key of this vault: {detail}. Nothing was taken over."
    hint = "memory-sync join --remote {remote}"
