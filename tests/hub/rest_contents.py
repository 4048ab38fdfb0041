"""REST: the contents API."""

from __future__ import annotations

import binascii
from base64 import b64decode

from tests.hub import trees
from tests.hub.objects import Entry
from tests.hub.repository import GITHUB
from tests.hub.routes import Call, check_fields, invalid, media_type, router
from tests.hub.wire import Answer, RefusedError, json_answer, raw_answer

CONTENTS = "/repos/{owner}/{repo}/contents/{path*}"
PUT = {
    "message": str, "content": str, "sha": str, "branch": str, "author": dict, "committer": dict,
}  # fmt: skip
PERSON = {"name": str, "email": str}


@router.add("GET", CONTENTS, "read", query=("ref",), media=("json", "raw"))
def get_contents(call: Call) -> Answer:
    """Give a file, or list a folder."""
    repo, path = call.repo, call.params["path"]
    if repo.is_empty(call.request.lag):
        raise RefusedError(404, "This repository is empty.")
    ref = call.request.query.get("ref") or repo.default_branch
    tree = repo.tree_of(ref, call.request.lag)
    if tree is None:
        raise RefusedError(404, f"No commit found for the ref {ref}")
    found = trees.lookup(repo.objects, tree, path)
    if found is None:
        raise RefusedError(404, "Not Found")
    if found.is_tree:
        below = [Entry(f"{path}/{e.path}", e.mode, e.sha) for e in repo.objects.entries(found.sha)]
        return json_answer([call.shapes.content(entry, ref) for entry in below])
    if media_type(call.request) == "raw":
        data = repo.objects.blob(found.sha) or b""
        return raw_answer(data, "application/vnd.github.raw; charset=utf-8")
    return json_answer(call.shapes.file(found, ref))


@router.add("PUT", CONTENTS, "write", body=PUT, required=("message", "content"))
def put_contents(call: Call) -> Answer:
    """Create or replace one file in a commit; this also makes an empty repository's first one."""
    repo, fields, path = call.repo, call.fields, call.params["path"]
    branch = fields.get("branch", repo.default_branch)
    if not trees.is_path(path):
        raise RefusedError(422, "path contains a malformed path component")
    try:
        data = b64decode(fields["content"].replace("\n", ""), validate=True)
    except binascii.Error:
        raise RefusedError(422, "content is not valid Base64") from None
    old = _current(call, branch, path)
    if old is not None and "sha" not in fields:
        raise invalid('"sha" wasn\'t supplied.')
    if "sha" in fields and (old is None or old.sha != fields["sha"]):
        raise RefusedError(409, f"{path} does not match {fields['sha']}")
    sha = repo.change(
        {path: data},
        fields["message"],
        _person(call, "author", call.person),
        branch=branch,
        committer=_person(call, "committer", GITHUB),
    )
    made = repo.objects.commit(sha)
    entry = trees.lookup(repo.objects, made.tree, path)
    shapes = call.shapes
    content = shapes.content(entry, branch) if entry else None
    body = {"content": content, "commit": shapes.git_commit(made)}
    return json_answer(body, 201 if old is None else 200)


def _current(call: Call, branch: str, path: str) -> Entry | None:
    """Find what the file would replace."""
    head = call.repo.head(branch)
    if head is None:
        if not call.repo.is_empty():
            raise RefusedError(404, f"Branch {branch} not found")
        return None
    return trees.lookup(call.repo.objects, call.repo.objects.commit(head).tree, path)


def _person(call: Call, name: str, default: tuple[str, str]) -> tuple[str, str]:
    fields = call.fields.get(name)
    if fields is None:
        return default
    check_fields(fields, PERSON, ("name", "email"))
    return fields["name"], fields["email"]
