"""What a token may do: enough for the vault, and whether more than that. Nothing is changed."""

from __future__ import annotations

from memory_sync.errors import MemorySyncError
from memory_sync.ports.github.answers import dig
from memory_sync.ports.github.place import Place
from memory_sync.ports.github.wire import Wire
from memory_sync.ports.remote import Condition

SHOWN = 3
"""How many names of other repositories are told."""
PAGE = 100
NOBODY = "0" * 40
"""The id of no commit."""
WRITING = "Contents: read and write (classic: repo)"


def require_enough(wire: Wire, place: Place, condition: Condition, head: str | None) -> None:
    """Raise TokenForbiddenError if the token cannot write to the repository as it is.

    A branch is moved to where it is, or, where there is none, made at a commit that is none. An
    archived repository is not the token's matter.
    """
    if place.scopes is not None:
        _require_scope(wire, place)
    if not condition.exists or place.archived:
        return
    if not place.may_push:
        raise wire.explain.forbidden(f"it may only read; it needs {WRITING}")
    path, allow = f"{place.path}/git/refs", (404, 409, 422)
    # Refused for another reason: the repository is empty, or the branch moved on in the meantime.
    if head is None:
        wire.ask(
            "POST", path, body={"ref": f"refs/heads/{place.branch()}", "sha": NOBODY}, allow=allow
        )
        return
    answer = wire.ask(
        "PATCH", f"{path}/{place.ref()}", body={"sha": head, "force": False}, allow=allow
    )
    if answer.status == 404:
        raise wire.explain.forbidden(f"it may only read; it needs {WRITING}")


def _require_scope(wire: Wire, place: Place) -> None:
    """Refuse a classic token without the scope that a private repository takes."""
    scopes = _scopes(place)
    if "repo" not in scopes and "public_repo" not in scopes:
        held = ", ".join(scopes) or "none"
        raise wire.explain.forbidden(f"it needs the scope repo, and has {held}")


def too_much(wire: Wire, place: Place) -> tuple[str, ...]:
    """Tell what the token may do besides; nothing is told where GitHub does not say.

    For a fine-grained token it takes one request.
    """
    if place.scopes is not None:
        extra = [scope for scope in _scopes(place) if scope.partition(":")[0] != "repo"]
        more = f", and may do more: {', '.join(extra)}" if extra else ""
        return (f"The token is a classic one: it reaches all repositories of the account{more}.",)
    try:
        answer = wire.ask("GET", "/user/repos", query={"affiliation": "owner", "per_page": PAGE})
    except MemorySyncError:
        # A token that may not even ask, as that of a workflow.
        return ()
    listed = answer.data if isinstance(answer.data, list) else []
    found = [dig(repo, "full_name") for repo in listed if dig(repo, "private") is True]
    others = [name for name in found if str(name).casefold() != place.name.casefold()]
    if not others:
        return ()
    count = f"{'at least ' if len(listed) == PAGE else ''}{len(others)}"
    names = ", ".join(map(str, others[:SHOWN])) + (", …" if len(others) > SHOWN else "")
    return (f"The token reaches {count} other private repositories: {names}.",)


def _scopes(place: Place) -> list[str]:
    return [scope for text in (place.scopes or "").split(",") if (scope := text.strip())]
