"""Every error that a person can meet.

The tree is split by what can be done about an error; the exit status follows the branch:

    MemorySyncError                     1
    ├── UsageError                      2   the command or the configuration has to change
    ├── AuthError                       4   the token has to change
    ├── OfflineError                    5   time mends it
    ├── DaemonError                     6   the daemon has to be started
    ├── HaltError                       7   nothing is touched until the cause is gone
    ├── BusyError                       8   another process holds the lock
    ├── KeyError_                       9   the identity has to be brought here
    ├── FileError                       1   one file cannot be synced; all others are
    └── RemoteError                     1   the remote answered what it should not

An error is a class: `code` names it for programs, `text` says what happened, `hint` is a command
that mends it or tells more. Both are templates over the facts that it is raised with. A fact is
never a secret.
"""

from memory_sync.errors.base import (
    MemorySyncError,
)
from memory_sync.errors.files import (
    DiskFullError,
    FileChangedError,
    FileError,
    FileInTheWayError,
    FileNameError,
    FileSpecialError,
    FileTooLargeError,
    FileUnreadableError,
    FileUnwritableError,
    ObjectBrokenError,
    StateNewerError,
    StateUnusableError,
)
from memory_sync.errors.halts import (
    BranchGoneError,
    ForcedBackError,
    ForeignContentError,
    ForkedError,
    FormatUnknownError,
    HaltError,
    MarkerForeignError,
    MarkerMissingError,
    OrphanError,
    RecipientUnknownError,
    RemoteEmptiedError,
    RemoteLiedError,
    RepositoryGoneError,
    RepositoryOpenedError,
    RootEmptiedError,
    RootGoneError,
)
from memory_sync.errors.keys import (
    KeyError_,
    KeyFileError,
    KeyInvalidError,
    KeyMissingError,
    KeyWrongError,
    PassphraseError,
)
from memory_sync.errors.process import (
    BusyError,
    DaemonError,
    DaemonRunningError,
    DaemonSilentError,
    DaemonVersionError,
    RaceLostError,
    RootBusyError,
    StateBusyError,
)
from memory_sync.errors.remote import (
    AuthError,
    FolderGoneError,
    Moved,
    OfflineError,
    RateLimitedError,
    RemoteError,
    RemoteTroubleError,
    StaleReadError,
    TokenFileError,
    TokenForbiddenError,
    TokenMissingError,
    TokenRejectedError,
)
from memory_sync.errors.usage import (
    AnswerNeededError,
    ConfigBrokenError,
    EnvironmentBrokenError,
    ExportIntoRootError,
    FileExistsHereError,
    FolderNotRepositoryError,
    NameInvalidError,
    NotAVaultError,
    NotConfiguredError,
    PlatformError,
    RemoteInvalidError,
    RepositoryPublicError,
    RootMissingError,
    RootNameTakenError,
    RootOverlapError,
    SettingUnknownError,
    UsageError,
    VaultAmbiguousError,
    VaultUnknownError,
)

__all__ = [
    "AnswerNeededError",
    "AuthError",
    "BranchGoneError",
    "BusyError",
    "ConfigBrokenError",
    "DaemonError",
    "DaemonRunningError",
    "DaemonSilentError",
    "DaemonVersionError",
    "DiskFullError",
    "EnvironmentBrokenError",
    "ExportIntoRootError",
    "FileChangedError",
    "FileError",
    "FileExistsHereError",
    "FileInTheWayError",
    "FileNameError",
    "FileSpecialError",
    "FileTooLargeError",
    "FileUnreadableError",
    "FileUnwritableError",
    "FolderGoneError",
    "FolderNotRepositoryError",
    "ForcedBackError",
    "ForeignContentError",
    "ForkedError",
    "FormatUnknownError",
    "HaltError",
    "KeyError_",
    "KeyFileError",
    "KeyInvalidError",
    "KeyMissingError",
    "KeyWrongError",
    "MarkerForeignError",
    "MarkerMissingError",
    "MemorySyncError",
    "Moved",
    "NameInvalidError",
    "NotAVaultError",
    "NotConfiguredError",
    "ObjectBrokenError",
    "OfflineError",
    "OrphanError",
    "PassphraseError",
    "PlatformError",
    "RaceLostError",
    "RateLimitedError",
    "RecipientUnknownError",
    "RemoteEmptiedError",
    "RemoteError",
    "RemoteInvalidError",
    "RemoteLiedError",
    "RemoteTroubleError",
    "RepositoryGoneError",
    "RepositoryOpenedError",
    "RepositoryPublicError",
    "RootBusyError",
    "RootEmptiedError",
    "RootGoneError",
    "RootMissingError",
    "RootNameTakenError",
    "RootOverlapError",
    "SettingUnknownError",
    "StaleReadError",
    "StateBusyError",
    "StateNewerError",
    "StateUnusableError",
    "TokenFileError",
    "TokenForbiddenError",
    "TokenMissingError",
    "TokenRejectedError",
    "UsageError",
    "VaultAmbiguousError",
    "VaultUnknownError",
]
