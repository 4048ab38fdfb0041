"""Halts: nothing is touched until the cause is gone. Status 7."""

from __future__ import annotations

from memory_sync.errors.base import MemorySyncError


class HaltError(MemorySyncError):
    """A root or a vault touches nothing until the cause is gone.

    A fact named `would` (a `model.Would`) tells what the halt keeps from happening.
    """

    code = "halted"
    status = 7
    text = "{detail}"
    hint = "memory-sync status"


class RootGoneError(HaltError):
    """The folder of a root is not there: renamed, unmounted or replaced."""

    code = "root-gone"
    text = (
        "The folder {path} of root {root} is not there; nothing was deleted anywhere. Bring it back"
        " (a disk that is not mounted?); or, if it has moved: memory-sync roots move {root}"
        " NEW-FOLDER; or confirm that it is to be made anew from the vault."
    )
    hint = "memory-sync confirm --root {root}"


class MarkerMissingError(HaltError):
    """The folder is there and its marker is not: an empty mount point, most likely."""

    code = "marker-missing"
    text = "{path} has lost its marker .memory-sync; root {root} is left alone."
    hint = "memory-sync confirm --root {root}"


class MarkerForeignError(HaltError):
    """The folder's marker belongs to another vault or root."""

    code = "marker-foreign"
    text = "{path} carries the marker of another vault or root ({found}); it is left alone."
    hint = "cat '{path}/.memory-sync'"


class RootEmptiedError(HaltError):
    """Every file of a root that had several is gone at once."""

    code = "root-emptied"
    text = (
        "Of {known} known files of root {root}, {count} are gone from {path};"
        " nothing was deleted elsewhere."
    )
    hint = "memory-sync confirm --root {root}"


class RemoteEmptiedError(HaltError):
    """Every file of a root that had several is gone from the vault at once."""

    code = "remote-emptied"
    text = (
        "Of {known} known files of root {root}, {count} are gone from the vault;"
        " nothing was deleted in {path}."
    )
    hint = "memory-sync confirm --root {root}"


class RootRenamedError(HaltError):
    """A root is gone from the vault, and its files are there under another name."""

    code = "root-renamed"
    text = (
        "The files of root {root} are in the vault under the name {name} now, so another device has"
        " renamed it, it seems; {path} is left as it is."
    )
    hint = "memory-sync roots rename {root} {name}"


class ManyDeletedError(HaltError):
    """More files of a root were deleted at once than a person usually means to."""

    code = "many-deleted"
    text = "{count} of {known} files of root {root} were deleted in {path}; none was elsewhere."
    hint = "memory-sync confirm --root {root}"


class AllChangedError(HaltError):
    """Every known file of a root has changed at once."""

    code = "all-changed"
    text = "All {known} known files of root {root} in {path} changed at once; none was sent."
    hint = "memory-sync confirm --root {root}"


class PlanChangedError(HaltError):
    """What was confirmed is not what would be done now."""

    code = "plan-changed"
    text = "What root {root} would do is not what was confirmed; nothing was done."
    hint = "memory-sync confirm --root {root}"


class ForeignContentError(HaltError):
    """Somebody without the key wrote into the vault."""

    code = "foreign-content"
    text = "Commit {commit} changed the vault {vault} without its key; it is not applied."
    hint = "memory-sync repair"


class ForcedBackError(HaltError):
    """The branch was moved back to an earlier state."""

    code = "history-forced-back"
    text = "The history of vault {vault} was forced back to {commit}; it is not applied."
    hint = "memory-sync repair"


class ForkedError(HaltError):
    """The branch was replaced by another history of the same vault."""

    code = "history-forked"
    text = "The history of vault {vault} forked at {commit}; it is not applied."
    hint = "memory-sync repair"


class OrphanError(HaltError):
    """No commit of the branch was made with the key."""

    code = "history-foreign"
    text = "No commit up to {commit} of vault {vault} was made with its key; nothing is applied."
    hint = "memory-sync repair"


class BranchGoneError(HaltError):
    """The repository has lost the vault's branch."""

    code = "branch-gone"
    text = "The branch of vault {vault} is gone from {remote}; nothing was deleted here."
    hint = "memory-sync repair"


class RemoteChangedError(HaltError):
    """The configuration names another remote than before, and the vault is not in it.

    A fact named `fill` tells whether the vault may be put there.
    """

    code = "remote-changed"
    text = (
        "{remote} holds {found}; vault {vault} was in {before} before, and nothing was sent or"
        " deleted."
    )
    hint = "memory-sync move-remote {remote} --vault {vault}"


class RepairChangedError(HaltError):
    """The branch has moved since a repair was shown."""

    code = "repair-changed"
    text = "The vault {vault} is at {commit}, not where it was shown; nothing was repaired."
    hint = "memory-sync repair"


class RepairLosesError(HaltError):
    """Neither the vault nor this device has all that a repair is to bring back."""

    code = "repair-loses"
    text = (
        "Neither the repository nor this device has all of vault {vault} (files that are lacking:"
        " {count}); nothing was repaired. Another device may have them: repair there first."
    )
    hint = "memory-sync repair"


class RepairUnknownError(HaltError):
    """What this device accepted last is not known any more, here nor at the remote."""

    code = "repair-unknown"
    text = (
        "Neither this device nor the repository knows {commit} of vault {vault} any more; another"
        " device may: repair there."
    )
    hint = "memory-sync status --json"


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


class RecipientPluginError(HaltError):
    """The vault is to be readable with a key of an age plugin that does not work here."""

    code = "recipient-plugin"
    text = "The vault {vault} is encrypted with an age plugin too, which fails here: {detail}."
    hint = "memory-sync doctor"


class RemoteLiedError(HaltError):
    """What the remote sent is not what the seal vouches for."""

    code = "remote-mismatch"
    text = "{remote} sent something else than the sealed commit {commit} holds ({detail})."
    hint = "git fsck"
