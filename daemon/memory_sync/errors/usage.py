"""Errors of usage and configuration: the command or the configuration has to change. Status 2."""

from __future__ import annotations

from memory_sync.errors.base import MemorySyncError


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


class AgentUnknownError(UsageError):
    """`--agent` names an agent for which there is no preset."""

    code = "agent-unknown"
    text = "There is no preset for an agent {name!r}; there are: {known}."
    hint = "memory-sync init --help"


class AgentMissingError(UsageError):
    """The agent that is to be set up is not where it usually is."""

    code = "agent-missing"
    text = "{title} was not found on this machine: looked for {places}."
    hint = "memory-sync init FOLDER --agent {name}"


class ProjectUnknownError(UsageError):
    """A path is no project that an agent keeps a memory of."""

    code = "project-unknown"
    text = "{path} is no project that an agent keeps anything of here ({tops})."
    hint = "memory-sync roots"


class RootUnknownError(UsageError):
    """No vault of this device has a root of this name."""

    code = "root-unknown"
    text = "There is no root named {name} on this machine; there are: {known}."
    hint = "memory-sync roots"


class RootFoundError(UsageError):
    """A root that was made of a project: what it is called and where it lies follows from that."""

    code = "root-found"
    text = "Root {name} is a project that was found, and stands in no configuration."
    hint = "memory-sync roots map '{path}' NAME"


class RootMarkedError(UsageError):
    """A folder that a root is to move to belongs to another root or vault."""

    code = "root-marked"
    text = "{path} carries the marker of another vault or root ({found}); it is left alone."
    hint = "cat '{path}/.memory-sync'"


class RemoteOtherError(UsageError):
    """The remote that a vault is to move to holds another vault."""

    code = "remote-other"
    text = "{remote} holds another vault than {vault}; nothing was changed."
    hint = "memory-sync init --remote {remote}"


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


class NothingToJoinError(UsageError):
    """The repository that is to be joined holds no vault."""

    code = "nothing-to-join"
    text = "The repository {remote} holds no vault that could be joined."
    hint = "memory-sync init --remote {remote}"


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


class AnswerMissingError(UsageError):
    """The input ended (Ctrl-D) where a question was asked."""

    code = "answer-missing"
    text = "The input ended before this was answered: {question}"
    hint = "memory-sync {command}"


class PlatformError(UsageError):
    """The operating system is not one that the program runs on."""

    code = "platform"
    text = "memory-sync runs on Linux and macOS, not on {system}."
    hint = "wsl --install"


class PathUnknownError(UsageError):
    """A path is neither one of the vault nor one in a folder that is synced."""

    code = "path-unknown"
    text = "{path} is no path of a vault, and lies in no folder that is synced here."
    hint = "memory-sync restore --list"


class NotInTrashError(UsageError):
    """The device's trash holds nothing of a path, or nothing that is old enough."""

    code = "not-in-trash"
    text = "The trash holds nothing of {path}{before}."
    hint = "memory-sync restore --list"


class RevisionUnknownError(UsageError):
    """No commit of a vault that counts is the one that is meant."""

    code = "revision-unknown"
    text = "The past of vault {vault} does not tell: {detail}."
    hint = "memory-sync history --vault {vault}"


class NotInVaultError(UsageError):
    """The vault held nothing of a path at a revision, or never did."""

    code = "not-in-vault"
    text = "The vault {vault} holds nothing of {path} {when}."
    hint = "memory-sync history --vault {vault}"


class ConflictUnknownError(UsageError):
    """There is no conflict copy of a path."""

    code = "conflict-unknown"
    text = "There is no conflict copy of {path}."
    hint = "memory-sync conflicts"


class ConflictAmbiguousError(UsageError):
    """A file has several conflict copies, and the command can mean only one."""

    code = "conflict-ambiguous"
    text = "{path} has several conflict copies ({known}); this command needs one of them."
    hint = "memory-sync {command}"


class ConflictNotTextError(UsageError):
    """A file that is no text cannot be put together by line."""

    code = "conflict-not-text"
    text = (
        "{path} is no text in one of its two versions, so that there is no way to keep both in it."
    )
    hint = "memory-sync conflicts resolve --help"


class ConflictOutsideError(UsageError):
    """The file of a conflict is not synced on this device, so that nothing can be written to it."""

    code = "conflict-outside"
    text = (
        "{path} is not synced on this machine: here its copy can only be taken away"
        " (--keep theirs); all else can be done on a machine that syncs the file."
    )
    hint = "memory-sync conflicts show {quoted}"


class RestoreOutsideError(UsageError):
    """A file is not synced on this device, so that nothing is restored into its place."""

    code = "restore-outside"
    text = "{path} is not synced on this machine ({why}), so nothing is written in its place."
    hint = "memory-sync restore {quoted} --to FILE"


class RestoreBehindError(UsageError):
    """The vault has a version of a file that this device has not fetched, and that would win."""

    code = "restore-behind"
    text = (
        "The vault has a newer version of {path} that has not come here yet: what is restored now"
        " would give way to it."
    )
    hint = "memory-sync pull"


class RecoveryInvalidError(UsageError):
    """A recovery recipient of the configuration is none that can be encrypted to."""

    code = "recovery-invalid"
    text = "Nothing can be encrypted to {recipient} of recovery_recipients: {detail}."
    hint = "memory-sync rotate-key --help"


class RecoveryDiffersError(UsageError):
    """The vault's recovery recipients are not those of this device's configuration."""

    code = "recovery-differs"
    text = (
        "The recovery keys of vault {vault} ({there}) are not those of recovery_recipients here"
        " ({here}); the vault's are in force."
    )
    hint = "memory-sync rotate-key --recovery-only --vault {vault}"
