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

from __future__ import annotations

from typing import ClassVar


class MemorySyncError(Exception):
    """The root of the tree; raised itself only for what should not be able to happen."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 1
    text: ClassVar[str] = "Something failed that should not be able to: {detail}."
    hint: ClassVar[str] = "memory-sync logs -n 50"

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """What happened, in one sentence."""
        return self.text.format(**self.facts)

    @property
    def advice(self) -> str:
        """The hint with its facts put in: a command."""
        return self.hint.format(**self.facts)


# --- usage and configuration: 2 -------------------------------------------------------------


class UsageError(MemorySyncError):
    """The command line asks for something that cannot be."""

    code = "usage"
    status = 2
    text = "{detail}"
    hint = "memory-sync --help"


class ConfigBrokenError(UsageError):
    """The configuration file is not TOML, or a value in it is not what the setting takes."""

    code = "config-broken"
    text = "The configuration {path} cannot be used: {detail}."
    hint = "${{EDITOR:-vi}} '{path}'"


class EnvironmentBrokenError(ConfigBrokenError):
    """A setting in the environment does not exist, or its value is not what the setting takes."""

    code = "environment-broken"
    text = "The environment variable {name} cannot be used: {detail}."
    hint = "unset {name}"


class SettingUnknownError(UsageError):
    """The configuration holds a setting that does not exist."""

    code = "setting-unknown"
    text = "The configuration {path} holds a setting that does not exist: {setting}."
    hint = "${{EDITOR:-vi}} '{path}'"


class NotConfiguredError(UsageError):
    """There is no vault in the configuration yet."""

    code = "not-configured"
    text = "No vault is set up on this machine yet ({path} names none)."
    hint = "memory-sync init"


class VaultUnknownError(UsageError):
    """`--vault` names a vault that the configuration does not have."""

    code = "vault-unknown"
    text = "There is no vault named {name}; there are: {known}."
    hint = "memory-sync status"


class VaultAmbiguousError(UsageError):
    """Several vaults are configured and the command can mean only one."""

    code = "vault-ambiguous"
    text = "Several vaults are set up ({known}); this command needs one of them."
    hint = "memory-sync {command} --vault {first}"


class RootMissingError(UsageError):
    """The folder that is to be set up is not there."""

    code = "root-missing"
    text = "The folder {path} does not exist, or is not a folder."
    hint = "mkdir -p '{path}'"


class RootOverlapError(UsageError):
    """One file would belong to two roots."""

    code = "root-overlap"
    text = "{path} would belong to two roots, {first} and {second}."
    hint = "${{EDITOR:-vi}} '{config}'"


class RootNameTakenError(UsageError):
    """The device already maps the root's name to another folder."""

    code = "root-name-taken"
    text = "The root name {name} already stands for {path} on this machine."
    hint = "memory-sync init --name OTHER-NAME"


class NameInvalidError(UsageError):
    """A vault's, root's or device's name has characters that it may not have."""

    code = "name-invalid"
    text = "{name!r} cannot be the name of a {what}: 1 to 64 of A-Z a-z 0-9 . _ -, no dot first."
    hint = "memory-sync init --help"


class RemoteInvalidError(UsageError):
    """The remote is neither github:OWNER/REPO nor file:///path/x.git."""

    code = "remote-invalid"
    text = "{remote!r} is no remote: github:OWNER/REPO or file:///path/vault.git."
    hint = "memory-sync init --remote github:OWNER/REPO"


class RepositoryPublicError(UsageError):
    """The repository can be read by everybody, which has to be asked for."""

    code = "repository-public"
    text = "The repository {remote} is public: everybody sees when and how much you write."
    hint = "memory-sync init --remote {remote} --allow-public"


class NotAVaultError(UsageError):
    """The repository holds something else than a vault."""

    code = "not-a-vault"
    text = "The repository {remote} holds no vault but other files ({names}); it is left alone."
    hint = "memory-sync init --remote github:OWNER/OTHER-REPO"


class FolderNotRepositoryError(UsageError):
    """The path of a file:// remote exists and is no bare git repository."""

    code = "not-a-repository"
    text = "{path} exists and is not a bare git repository; it is left alone."
    hint = "memory-sync init --remote file:///OTHER/vault.git"


class ExportIntoRootError(UsageError):
    """The key would lie in a folder that is synced."""

    code = "export-into-root"
    text = "{path} lies in the synced folder {root}; a key must not."
    hint = "memory-sync export-key ~/memory-sync-key.txt"


class FileExistsHereError(UsageError):
    """A file that would be written is already there."""

    code = "file-exists"
    text = "{path} is already there; it is not overwritten."
    hint = "memory-sync export-key '{path}.new'"


class AnswerNeededError(UsageError):
    """A question has to be answered and nobody is there to ask."""

    code = "answer-needed"
    text = "This needs an answer and there is no terminal to ask on: {question}"
    hint = "memory-sync {command} --yes"


class PlatformError(UsageError):
    """The operating system is not one that the program runs on."""

    code = "platform"
    text = "memory-sync runs on Linux and macOS, not on {system}."
    hint = "wsl --install"


# --- token: 4 -------------------------------------------------------------------------------


class AuthError(MemorySyncError):
    """GitHub does not accept who is asking."""

    code = "auth"
    status = 4
    text = "GitHub refuses access to {remote}: {detail}."
    hint = "memory-sync init --remote {remote}"


class TokenMissingError(AuthError):
    """No token was found in any place where one is looked for."""

    code = "token-missing"
    text = "No GitHub token was found for {remote} (looked in: {places})."
    hint = "memory-sync init --remote {remote}"


class TokenRejectedError(AuthError):
    """The token is wrong, revoked or has expired."""

    code = "token-rejected"
    text = "GitHub does not accept the token from {source}: it is wrong, revoked or expired."
    hint = "memory-sync init --remote {remote} --new-token"


class TokenForbiddenError(AuthError):
    """The token is valid and may not do what is needed."""

    code = "token-forbidden"
    text = "The token from {source} may not do this on {remote}: {detail}."
    hint = "memory-sync init --remote {remote} --new-token"


class TokenFileError(AuthError):
    """The token file cannot be used as it is."""

    code = "token-file"
    text = "The token file {path} cannot be used: {detail}."
    hint = "chmod 600 '{path}'"


# --- offline: 5 -----------------------------------------------------------------------------


class OfflineError(MemorySyncError):
    """The remote cannot be reached; the next try comes by itself."""

    code = "offline"
    status = 5
    text = "{remote} cannot be reached: {detail}."
    hint = "memory-sync now"


class RateLimitedError(OfflineError):
    """GitHub asks to wait."""

    code = "rate-limited"
    text = "GitHub asks to wait {seconds} s before the next request to {remote}."
    hint = "memory-sync status"


class RemoteTroubleError(OfflineError):
    """The remote answered with an error of its own."""

    code = "remote-trouble"
    text = "{remote} has trouble: {detail}."
    hint = "memory-sync now"


class StaleReadError(OfflineError):
    """The remote shows an older state than the one that was accepted last."""

    code = "stale-read"
    text = "{remote} shows an older state ({commit}) than the last one; it is asked again."
    hint = "memory-sync now"


class FolderGoneError(OfflineError):
    """The repository of a file:// remote is not there: a disk that is not mounted, most likely."""

    code = "folder-gone"
    text = "{path} is not there; is the disk mounted?"
    hint = "memory-sync now"


# --- daemon: 6 ------------------------------------------------------------------------------


class DaemonError(MemorySyncError):
    """The daemon does not run."""

    code = "daemon-not-running"
    status = 6
    text = "The daemon does not run."
    hint = "memory-sync daemon"


class DaemonSilentError(DaemonError):
    """The daemon holds its lock and does not answer."""

    code = "daemon-silent"
    text = "The daemon (process {pid}) does not answer."
    hint = "memory-sync logs -n 50"


class DaemonVersionError(DaemonError):
    """The daemon that runs is of another version and does not know the request."""

    code = "daemon-version"
    text = "The daemon that runs is version {daemon}, this command is {command}."
    hint = "kill {pid} && memory-sync daemon"


# --- halts: 7 -------------------------------------------------------------------------------


class HaltError(MemorySyncError):
    """A root or a vault touches nothing until the cause is gone."""

    code = "halted"
    status = 7
    text = "{detail}"
    hint = "memory-sync status"


class RootGoneError(HaltError):
    """The folder of a root is not there: renamed, unmounted or replaced."""

    code = "root-gone"
    text = "The folder {path} of root {root} is not there; nothing was deleted anywhere."
    hint = "ls -la '{path}'"


class MarkerMissingError(HaltError):
    """The folder is there and its marker is not: an empty mount point, most likely."""

    code = "marker-missing"
    text = "{path} has lost its marker .memory-sync; root {root} is left alone."
    hint = "memory-sync init '{path}' --name {root}"


class MarkerForeignError(HaltError):
    """The folder's marker belongs to another vault or root."""

    code = "marker-foreign"
    text = "{path} carries the marker of another vault or root ({found}); it is left alone."
    hint = "cat '{path}/.memory-sync'"


class RootEmptiedError(HaltError):
    """Every file of a root that had several is gone at once."""

    code = "root-emptied"
    text = "All {count} files of root {root} are gone from {path}; nothing was deleted elsewhere."
    hint = "ls -la '{path}'"


class RemoteEmptiedError(HaltError):
    """Every file of a root that had several is gone from the vault at once."""

    code = "remote-emptied"
    text = "All {count} files of root {root} are gone from the vault; nothing was deleted here."
    hint = "memory-sync status"


class ForeignContentError(HaltError):
    """Somebody without the key wrote into the vault."""

    code = "foreign-content"
    text = "Commit {commit} changed the vault {vault} without its key; it is not applied."
    hint = "git show {commit}"


class ForcedBackError(HaltError):
    """The branch was moved back to an earlier state."""

    code = "history-forced-back"
    text = "The history of vault {vault} was forced back to {commit}; it is not applied."
    hint = "git log {commit}"


class ForkedError(HaltError):
    """The branch was replaced by another history of the same vault."""

    code = "history-forked"
    text = "The history of vault {vault} forked at {commit}; it is not applied."
    hint = "git log {commit}"


class OrphanError(HaltError):
    """No commit of the branch was made with the key."""

    code = "history-foreign"
    text = "No commit up to {commit} of vault {vault} was made with its key; nothing is applied."
    hint = "git log {commit}"


class BranchGoneError(HaltError):
    """The repository has lost the vault's branch."""

    code = "branch-gone"
    text = "The branch of vault {vault} is gone from {remote}; nothing was deleted here."
    hint = "memory-sync status"


class RepositoryGoneError(HaltError):
    """The repository is gone, or the token no longer sees it."""

    code = "repository-gone"
    text = "There is no repository {remote}, or the token may not see it."
    hint = "memory-sync init --remote {remote} --new-token"


class RepositoryOpenedError(HaltError):
    """A repository that was private is public now."""

    code = "repository-opened"
    text = "The repository {remote} has become public; nothing more is sent."
    hint = "memory-sync init --remote {remote} --allow-public"


class FormatUnknownError(HaltError):
    """The vault is of a format that this version does not know."""

    code = "format-unknown"
    text = "The vault {vault} is of format {format}; this version knows only format 1."
    hint = "pipx upgrade memory-sync"


class RecipientUnknownError(HaltError):
    """The vault is to be readable with a key of a kind that this version cannot encrypt to."""

    code = "recipient-unknown"
    text = "The vault {vault} names a recipient of a kind that this version does not know."
    hint = "pipx upgrade memory-sync"


class RemoteLiedError(HaltError):
    """What the remote sent is not what the seal vouches for."""

    code = "remote-mismatch"
    text = "{remote} sent something else than the sealed commit {commit} holds ({detail})."
    hint = "git fsck"


# --- busy: 8 --------------------------------------------------------------------------------


class BusyError(MemorySyncError):
    """Another process is at work on the same thing."""

    code = "busy"
    status = 8
    text = "Another memory-sync works on vault {vault} right now."
    hint = "memory-sync status"


class DaemonRunningError(BusyError):
    """A daemon already serves this home."""

    code = "daemon-running"
    text = "A daemon already runs here (process {pid})."
    hint = "memory-sync status"


class RootBusyError(BusyError):
    """Another daemon serves the same folder."""

    code = "root-busy"
    text = "Another memory-sync serves the folder {path}."
    hint = "memory-sync status"


class RaceLostError(BusyError):
    """Other devices were quicker every time."""

    code = "race-lost"
    text = "Other devices wrote to vault {vault} at each of {tries} tries; nothing is lost."
    hint = "memory-sync now"


# --- keys: 9 --------------------------------------------------------------------------------


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


# --- one file: shown in status, the others go on --------------------------------------------


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


class ObjectBrokenError(FileError):
    """An object of the vault cannot be decrypted or is not what its name says."""

    code = "object-broken"
    text = "{path} in the vault cannot be read ({detail}); both sides are left as they are."
    hint = "memory-sync logs -n 50"


# --- the remote's answers -------------------------------------------------------------------


class RemoteError(MemorySyncError):
    """The remote answered what it should not."""

    code = "remote"
    text = "{remote} gave an answer that makes no sense: {detail}."
    hint = "memory-sync now"


class StateNewerError(MemorySyncError):
    """The state database was written by a newer version."""

    code = "state-newer"
    text = "{path} was written by a newer version of memory-sync (schema {found})."
    hint = "pipx upgrade memory-sync"


class StateBusyError(BusyError):
    """The state database is locked by another program."""

    code = "state-busy"
    text = "{path} is locked by another program."
    hint = "memory-sync status"


class DiskFullError(MemorySyncError):
    """There is no space left where something had to be written."""

    code = "disk-full"
    text = "No space is left to write {path}; nothing was cut short."
    hint = "df -h '{path}'"


class Moved(Exception):  # noqa: N818 - a signal between layers; no person meets it
    """The remote's head is no longer the one that a commit was to be made on."""
