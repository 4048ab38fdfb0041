"""REST: the user, repositories, the rate limit, archives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hub.permits import check_create, is_members, may_read, may_write
from tests.hub.rest_commits import paged
from tests.hub.routes import Call, router
from tests.hub.shapes import Shapes, stamp, user
from tests.hub.wire import Answer, RefusedError, json_answer

if TYPE_CHECKING:
    from tests.hub.repository import Repository

NEW = {"name": str, "description": str, "private": bool, "auto_init": bool}


@router.add("GET", "/user", "user")
def get_user(call: Call) -> Answer:
    """Describe the token's user."""
    account = call.hub.accounts.find(call.token.login)
    nothing = ("company", "blog", "location", "email", "hireable", "bio")
    counts = (
        "public_repos", "public_gists", "followers", "following", "private_gists",
        "total_private_repos", "owned_private_repos", "disk_usage", "collaborators",
    )  # fmt: skip
    return json_answer(
        {
            **user(call.request.base, account),
            "name": account.login,
            **dict.fromkeys(nothing),
            **dict.fromkeys(counts, 0),
            "two_factor_authentication": True,
            "created_at": stamp(0),
            "updated_at": stamp(0),
        }
    )


@router.add("GET", "/rate_limit", "user")
def get_rate_limit(call: Call) -> Answer:
    """Say what is left, at no cost."""
    limits, login = call.hub.limits, call.token.login
    resources = {name: limits.state(login, name) for name in limits.allowed}
    return json_answer({"resources": resources, "rate": resources["core"]})


@router.add("GET", "/user/repos", "user", query=("visibility", "affiliation", "per_page", "page"))
def list_user_repos(call: Call) -> Answer:
    """List what the user has a part in, as far as the token reaches, the newest last."""
    hub, token, query = call.hub, call.token, call.request.query
    parts = query.get("affiliation", "owner,collaborator,organization_member").split(",")
    wanted = {"private": (True,), "public": (False,)}.get(query.get("visibility", "all"))
    found = [
        repo
        for repo in hub.all_repos()
        if may_read(hub, token, repo)
        and is_members(hub, token, repo)
        and ("owner" if repo.owner == token.login else "organization_member") in parts
        and (wanted is None or repo.private in wanted)
    ]
    page, links = paged(call, found, default=30)
    return json_answer([_describe(call, repo, listed=True) for repo in page], 200, links)


@router.add("POST", "/user/repos", "create", body=NEW, required=("name",))
def create_user_repo(call: Call) -> Answer:
    """Create a repository of the user's own."""
    return _create(call, call.token.login)


@router.add("POST", "/orgs/{org}/repos", "create", body=NEW, required=("name",))
def create_org_repo(call: Call) -> Answer:
    """Create an organisation's repository."""
    org = call.hub.accounts.by_login.get(call.params["org"].lower())
    if org is None or org.type != "Organization":
        raise RefusedError(404, "Not Found")
    return _create(call, org.login)


def _create(call: Call, owner: str) -> Answer:
    fields = call.fields
    check_create(call.hub, call.token, owner, private=fields.get("private", False))
    try:
        repo = call.hub.add_repo(
            f"{owner}/{fields['name']}",
            private=fields.get("private", False),
            init="readme" if fields.get("auto_init") else None,
        )
    except FileExistsError:
        why = {"resource": "Repository", "code": "custom", "field": "name",
               "message": "name already exists on this account"}  # fmt: skip
        raise RefusedError(422, "Repository creation failed.", errors=[why]) from None
    repo.description = fields.get("description")
    location = f"{call.request.base}/repos/{repo.full_name}"
    return json_answer(_describe(call, repo), 201, {"Location": location})


@router.add("GET", "/repos/{owner}/{repo}", "metadata")
def get_repo(call: Call) -> Answer:
    """Describe a repository."""
    return json_answer(_describe(call, call.repo))


def _describe(call: Call, repo: Repository, *, listed: bool = False) -> dict[str, object]:
    owns = call.hub.accounts.belongs(call.token.login, repo.owner)
    push = owns if call.hub.shows_role else may_write(call.hub, call.token, repo)
    shapes = Shapes(call.request.base, call.hub.accounts, repo)
    return (shapes.listed if listed else shapes.repository)(admin=owns, push=push)


@router.add("DELETE", "/repos/{owner}/{repo}", "admin")
def delete_repo(call: Call) -> Answer:
    """Delete a repository."""
    call.hub.remove_repo(call.repo)
    return Answer(204)


@router.add("GET", "/repos/{owner}/{repo}/tarball/{ref*}", "read")
def get_tarball(call: Call) -> Answer:
    """Point to where the archive lies, which is outside the API and needs no token."""
    commit = call.repo.resolve(call.params["ref"], call.request.lag)
    if commit is None:
        raise RefusedError(404, "Not Found")
    secret = call.hub.archives.offer(call.repo, commit)
    path = f"/_codeload/{call.repo.full_name}/legacy.tar.gz/{commit}"
    return Answer(302, b"", {"Location": f"{call.hub.base_url}{path}?token={secret}"})
