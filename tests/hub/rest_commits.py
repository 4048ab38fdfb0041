"""REST: commits and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from tests.hub import history, trees
from tests.hub.routes import Call, media_type, router
from tests.hub.wire import Answer, RefusedError, json_answer, raw_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.hub.shapes import Shapes

T = TypeVar("T")

PAGING = ("per_page", "page")
MAX_PAGE = 100
MAX_FILES = 300
MAX_UNPAGED = 250


@router.add("GET", "/repos/{owner}/{repo}/commits/{ref*}", "read", media=("json", "sha"))
def get_commit(call: Call) -> Answer:
    """Describe a commit, or give only its id."""
    call.not_empty()
    ref = call.params["ref"]
    sha = call.repo.resolve(ref, call.request.lag)
    if sha is None:
        raise RefusedError(422, f"No commit found for SHA: {ref}")
    if media_type(call.request) == "sha":
        media = "application/vnd.github.sha; charset=utf-8"
        return raw_answer(sha.encode(), media, {"ETag": f'"{sha}"'})
    return json_answer(call.shapes.full_commit(call.repo.objects.commit(sha)))


@router.add(
    "GET", "/repos/{owner}/{repo}/commits", "read", query=("sha", "path", "per_page", "page")
)
def list_commits(call: Call) -> Answer:
    """List commits from a head on, the newest first."""
    call.not_empty()
    query, repo = call.request.query, call.repo
    head = repo.resolve(query.get("sha") or "HEAD", call.request.lag)
    if head is None:
        raise RefusedError(404, "Not Found")
    found = history.log(repo.objects, head)
    if query.get("path"):
        found = history.touching(repo.objects, found, query["path"])
    page, links = paged(call, found, default=30)
    return json_answer([call.shapes.commit(repo.objects.commit(sha)) for sha in page], 200, links)


@router.add("GET", "/repos/{owner}/{repo}/compare/{basehead*}", "read", query=PAGING)
def compare(call: Call) -> Answer:
    """Compare a head with a base, from the newest commit that both have."""
    repo, objects, shapes = call.repo, call.repo.objects, call.shapes
    base_ref, dots, head_ref = call.params["basehead"].partition("...")
    base, head = (repo.resolve(ref, call.request.lag) for ref in (base_ref, head_ref))
    if not dots or base is None or head is None:
        raise RefusedError(404, "Not Found")
    fork = history.merge_base(objects, base, head)
    if fork is None:
        raise RefusedError(404, f"No common ancestor between {base_ref} and {head_ref}.")
    ahead = history.log(objects, head, history.reachable(objects, base))[::-1]
    behind = history.log(objects, base, history.reachable(objects, head))
    # Without paging it is the last commits that come, with paging the first ones.
    asked = any(name in call.request.query for name in PAGING)
    page, links = paged(call, ahead, default=30) if asked else (ahead[-MAX_UNPAGED:], {})
    old, new = objects.commit(fork).tree, objects.commit(head).tree
    changes = trees.compare(objects, old, new) if call.number("page", 1, 10**9) == 1 else []
    body = {
        **_links(shapes, f"{base_ref}...{head_ref}"),
        "permalink_url": f"{shapes.web}/compare/{base}...{head}",
        "base_commit": shapes.commit(objects.commit(base)),
        "merge_base_commit": shapes.commit(objects.commit(fork)),
        "status": _status(bool(ahead), bool(behind)),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [shapes.commit(objects.commit(sha)) for sha in page],
        "files": [shapes.change(change, head) for change in changes[:MAX_FILES]],
    }
    return json_answer(body, 200, links)


def _links(shapes: Shapes, basehead: str) -> dict[str, str]:
    page = f"{shapes.web}/compare/{basehead}"
    return {
        "url": f"{shapes.api}/compare/{basehead}",
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
    }


def _status(ahead: bool, behind: bool) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


def paged(call: Call, found: Sequence[T], default: int) -> tuple[Sequence[T], dict[str, str]]:
    """Cut out the page that was asked for, with the header that leads to the others."""
    size = call.number("per_page", default, MAX_PAGE)
    page = call.number("page", 1, 10**9)
    last = max(1, -(-len(found) // size))
    near = {"prev": page - 1, "first": 1} if page > 1 else {}
    near |= {"next": page + 1, "last": last} if page < last else {}
    path = call.request.path
    if call.found:
        # The links of a repository's pages name it by its number.
        rest = "".join(f"/{part}" for part in path.split("/")[4:])
        path = f"/repositories/{call.repo.id}{rest}"
    url = call.request.base + path
    links = ", ".join(
        f'<{url}?{urlencode({**call.request.query, "page": number})}>; rel="{rel}"'
        for rel, number in near.items()
    )
    return found[(page - 1) * size : page * size], {"Link": links} if links else {}
