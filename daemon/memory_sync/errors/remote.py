"""Errors of the remote: the token has to change (4), time mends it (5), or it is senseless (1)."""

from __future__ import annotations

from memory_sync.errors.base import MemorySyncError


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


class TokenSignOnError(AuthError):
    """The organisation wants the token to be authorised by its single sign-on first."""

    code = "token-sign-on"
    text = "The token from {source} has to be authorised for the organisation of {remote}: {url}"
    hint = "memory-sync now"


class TokenFileError(AuthError):
    """The token file cannot be used as it is."""

    code = "token-file"
    text = "The token file {path} cannot be used: {detail}."
    hint = "chmod 600 '{path}'"


class OfflineError(MemorySyncError):
    """The remote cannot be reached; the next try comes by itself."""

    code = "offline"
    status = 5
    text = "{remote} cannot be reached: {detail}."
    hint = "memory-sync now"


class ProxyError(OfflineError):
    """The proxy on the way to the remote is down, or refuses; `proxy` has no password."""

    code = "proxy"
    text = "The proxy {proxy} does not lead to {remote}: {detail}."
    hint = "memory-sync now"


class UntrustedError(OfflineError):
    """No authority that is trusted here vouches for the server's certificate."""

    code = "untrusted"
    text = "The certificate of {server} is not trusted ({detail}). ca_file of [github]: {ca_file}."
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


class RemoteError(MemorySyncError):
    """The remote answered what it should not."""

    code = "remote"
    text = "{remote} gave an answer that makes no sense: {detail}."
    hint = "memory-sync now"


class RemoteReadOnlyError(RemoteError):
    """The vault's folder cannot be written: by its disk, or by a service that was confined before.

    A confined service may write only to what was there when it began.
    """

    code = "remote-read-only"
    text = "{remote} lies on a file system that is read-only here."
    hint = "memory-sync service restart"


class RequestsCrowdedError(RemoteError):
    """So many requests to join lie in a vault that they are not all of one's own machines."""

    code = "requests-crowded"
    text = "{count} requests to join lie in {remote}: not only your own machines write to it."
    hint = "memory-sync pair --clear"


class Moved(Exception):  # noqa: N818 - a signal between layers; no person meets it
    """The remote's head is no longer the one that a commit was to be made on."""
