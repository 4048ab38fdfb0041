"""REST: the user, repositories, the rate limit, archives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hub.routes import Call, check_admin, router
from tests.hub.shapes import Shapes, stamp, user
from tests.hub.wire import Answer, RefusedError, UnsupportedError, json_answer

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


@router.add("GET", "/user/repos", "user", query=("affiliation", "per_page", "page"))
def list_user_repos(call: Call) -> Answer:
    """List a page of the repositories that the user owns."""
    if call.request.query.get("affiliation") != "owner":
        raise UnsupportedError("repositories of others")
    size, page = call.number("per_page", 30, 100), call.number("page", 1, 10**9)
    mine = [
        repo for repo in call.hub.repos_of(call.token.login) if call.token.covers(repo.full_name)
    ]
    shown = [_describe(call, repo) for repo in mine[(page - 1) * size : page * size]]
    # A list tells a little less of each than its own page does.
    alone = {"subscribers_count", "network_count"}
    return json_answer([{k: v for k, v in one.items() if k not in alone} for one in shown])


@router.add("POST", "/user/repos", "user", body=NEW, required=("name",))
def create_user_repo(call: Call) -> Answer:
    """Create a repository of the user's own."""
    return _create(call, call.token.login)


@router.add("POST", "/orgs/{org}/repos", "user", body=NEW, required=("name",))
def create_org_repo(call: Call) -> Answer:
    """Create an organisation's repository."""
    org = call.hub.accounts.by_login.get(call.params["org"].lower())
    if org is None or org.type != "Organization":
        raise RefusedError(404, "Not Found")
    return _create(call, org.login)


def _create(call: Call, owner: str) -> Answer:
    check_admin(call.hub, call.token, owner)
    fields = call.fields
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


@router.add("GET", "/repos/{owner}/{repo}", "read")
def get_repo(call: Call) -> Answer:
    """Describe a repository."""
    return json_answer(_describe(call, call.repo))


def _describe(call: Call, repo: Repository) -> dict[str, object]:
    push = call.hub.accounts.belongs(call.token.login, repo.owner)
    shapes = Shapes(call.request.base, call.hub.accounts, repo)
    return shapes.repository(admin=push, push=push and not call.token.read_only)


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
