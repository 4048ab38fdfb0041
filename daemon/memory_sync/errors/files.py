"""Errors of files: of one memory file, while the others go on, and of our own. Status 1."""

from __future__ import annotations

from memory_sync.errors.base import MemorySyncError


class FileError(MemorySyncError):
    """One file cannot be synced; it delays no other."""

    code = "file"
    text = "{path}: {detail}."
    hint = "memory-sync status"


class FileTooLargeError(FileError):
    """The file is larger than `max_size`."""

    code = "file-too-large"
    text = "{path} has {size} bytes, more than max_size ({limit}); it is not synced."
    hint = "ls -la '{path}'"


class FileUnreadableError(FileError):
    """The file cannot be read."""

    code = "file-unreadable"
    text = "{path} cannot be read: {detail}."
    hint = "chmod u+r '{path}'"


class FileUnwritableError(FileError):
    """The file cannot be written."""

    code = "file-unwritable"
    text = "{path} cannot be written: {detail}."
    hint = "ls -la '{path}'"


class FileChangedError(FileError):
    """The file changed or vanished between the look and the deed; the next look sees it."""

    code = "file-changed"
    text = "{path} changed while it was looked at; it is looked at again."
    hint = "memory-sync now"


class FileSpecialError(FileError):
    """A symbolic link or a special file, which is never followed."""

    code = "file-special"
    text = "{path} is a {kind}; only ordinary files are synced."
    hint = "ls -la '{path}'"


class FileNameError(FileError):
    """The name cannot be held by the vault, or not on this device."""

    code = "file-name"
    text = "{path} has a name that cannot be synced: {detail}."
    hint = "mv '{path}' OTHER-NAME"


class FileInTheWayError(FileError):
    """A file stands where a folder is needed, or a folder where a file is."""

    code = "file-in-the-way"
    text = "{path} cannot be written: something else stands in its place."
    hint = "ls -la '{path}'"


class IgnoreFileError(FileError):
    """`.memorysyncignore` is there and cannot be read: what is to be left out is not known."""

    code = "ignore-file"
    text = "{path} cannot be heeded ({detail}); until it is, nothing in root {root} is synced."
    hint = "ls -la '{path}'"


class IgnoreRuleError(FileError):
    """A part of `.memorysyncignore` is no rule; the rest of it is heeded."""

    code = "ignore-rule"
    text = "{path} is not heeded in full: {detail}."
    hint = "${{EDITOR:-vi}} '{path}'"


class SecretBlockedError(FileError):
    """The file seems to hold a credential, and `secrets` is "block"."""

    code = "secret-blocked"
    text = (
        "{path} is not sent: {found}. Take it out, or write `memory-sync: allow-secret` on the line"
    )
    hint = "${{EDITOR:-vi}} +{line} '{path}'"


class ObjectBrokenError(FileError):
    """An object of the vault cannot be decrypted or is not what its name says."""

    code = "object-broken"
    text = "{path} in the vault cannot be read ({detail}); both sides are left as they are."
    hint = "memory-sync logs -n 50"


class StateNewerError(MemorySyncError):
    """The state database was written by a newer version."""

    code = "state-newer"
    text = "{path} was written by a newer version of memory-sync (schema {found})."
    hint = "pipx upgrade memory-sync"


class StateUnusableError(MemorySyncError):
    """The state database can be neither read nor made anew."""

    code = "state-unusable"
    text = "The state database {path} cannot be used: {detail}."
    hint = "ls -la '{path}'"


class DiskFullError(MemorySyncError):
    """There is no space left where something had to be written."""

    code = "disk-full"
    text = "No space is left to write {path}; nothing was cut short."
    # Of all disks: the path that could not be written may not be there to be asked about.
    hint = "df -h"


class RekeyBlockedError(FileError):
    """An object cannot be read, so nothing is encrypted anew: its content would be lost."""

    code = "rekey-blocked"
    text = "Nothing was encrypted anew: {path} cannot be read ({detail}), and would be lost."
    hint = "memory-sync status --json"
