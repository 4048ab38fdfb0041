"""REST: the Git Data API (trees, blobs, commits, refs)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from datetime import datetime

from tests.hub import trees
from tests.hub.objects import DIRECTORY, Entry, Person, is_sha
from tests.hub.routes import Call, check_fields, invalid, media_type, router
from tests.hub.shapes import node_id, wrapped
from tests.hub.wire import Answer, Json, RefusedError, UnsupportedError, json_answer, raw_answer

GIT = "/repos/{owner}/{repo}/git"
MODES = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree"}
ENTRY = {"path": str, "mode": str, "type": str, "sha": str, "content": str}
PERSON = {"name": str, "email": str, "date": str}


@router.add("GET", GIT + "/trees/{ref*}", "read", query=("recursive",))
def get_tree(call: Call) -> Answer:
    """List a tree, with all that is below it for any value of `recursive`."""
    call.not_empty()
    repo = call.repo
    tree = repo.tree_of(call.params["ref"], call.request.lag)
    if tree is None:
        raise RefusedError(404, "Not Found")
    deep = "recursive" in call.request.query
    found = list(trees.walk(repo.objects, tree)) if deep else repo.objects.entries(tree)
    return json_answer(_tree(call, tree, found))


def _tree(call: Call, tree: str, found: list[Entry]) -> Json:
    limit = call.hub.tree_limit
    return {
        "sha": tree,
        "url": f"{call.shapes.api}/git/trees/{tree}",
        "tree": [call.shapes.tree_entry(entry) for entry in found[:limit]],
        "truncated": len(found) > limit,
    }


@router.add(
    "POST", GIT + "/trees", "write", body={"tree": list, "base_tree": str}, required=("tree",)
)
def create_tree(call: Call) -> Answer:
    """Make a tree, from nothing or from another one."""
    call.not_empty()
    objects = call.repo.objects
    base = call.fields.get("base_tree")
    if base is not None:
        base = call.repo.tree_of(base) if is_sha(base) else None
        if base is None:
            raise RefusedError(422, "base_tree is not a valid tree oid")
    changes = dict(_change(call, fields) for fields in call.fields["tree"])
    try:
        tree = trees.edit(objects, base, changes)
    except trees.MissingPathError:
        raise RefusedError(422, "GitRPC::BadObjectState") from None
    return json_answer(_tree(call, tree, objects.entries(tree)), 201)


def _change(call: Call, fields: Json) -> tuple[str, Entry | None]:
    """Read one entry of a tree that is to be made."""
    given = {name: value for name, value in fields.items() if (name, value) != ("sha", None)}
    check_fields(given, ENTRY, ("path", "mode"))
    path, mode = fields["path"], fields["mode"]
    kind = MODES.get(mode)
    if kind is None or fields.get("type", kind) != kind:
        raise RefusedError(422, "Must supply a valid tree.mode")
    if not trees.is_path(path):
        raise RefusedError(422, "tree.path contains a malformed path component")
    if "sha" in fields and fields["sha"] is None:
        return path, None
    if ("sha" in fields) == ("content" in fields):
        raise RefusedError(422, "Must supply either tree.sha or tree.content.")
    objects = call.repo.objects
    sha = fields.get("sha") or objects.add_blob(fields["content"].encode())
    if objects.kind(sha) != kind:
        raise RefusedError(422, f"tree.sha {sha} is not a valid {kind}")
    return path, Entry(path, DIRECTORY if kind == "tree" else int(mode, 8), sha)


@router.add(
    "POST", GIT + "/blobs", "write", body={"content": str, "encoding": str}, required=("content",)
)
def create_blob(call: Call) -> Answer:
    """Store a blob."""
    call.not_empty()
    data = call.fields["content"].encode()
    if call.fields.get("encoding") == "base64":
        try:
            data = b64decode(data)
        except binascii.Error:
            raise RefusedError(422, "content is not valid Base64") from None
    sha = call.repo.objects.add_blob(data)
    return json_answer({"sha": sha, "url": f"{call.shapes.api}/git/blobs/{sha}"}, 201)


@router.add("GET", GIT + "/blobs/{sha}", "read", media=("json", "raw"))
def get_blob(call: Call) -> Answer:
    """Give a blob's bytes."""
    call.not_empty()
    sha = call.params["sha"]
    data = call.repo.objects.blob(sha)
    if data is None:
        raise RefusedError(404, "Not Found")
    if media_type(call.request) == "raw":
        return raw_answer(data, "application/vnd.github.raw; charset=utf-8")
    return json_answer(
        {
            "sha": sha,
            "node_id": node_id("B", call.repo.id, sha),
            "size": len(data),
            "url": f"{call.shapes.api}/git/blobs/{sha}",
            "content": wrapped(data),
            "encoding": "base64",
        }
    )


@router.add("GET", GIT + "/commits/{sha}", "read")
def get_commit(call: Call) -> Answer:
    """Describe a commit."""
    call.not_empty()
    sha = call.params["sha"]
    if call.repo.objects.kind(sha) != "commit":
        raise RefusedError(404, "Not Found")
    return json_answer(call.shapes.git_commit(call.repo.objects.commit(sha)))


@router.add(
    "POST", GIT + "/commits", "write",
    body={"message": str, "tree": str, "parents": list, "author": dict, "committer": dict},
    required=("message", "tree"),
)  # fmt: skip
def create_commit(call: Call) -> Answer:
    """Make a commit that no branch has yet."""
    call.not_empty()
    objects, fields = call.repo.objects, call.fields
    parents = fields.get("parents", [])
    if objects.kind(fields["tree"]) != "tree":
        raise RefusedError(422, "Tree SHA does not exist")
    if any(not isinstance(p, str) or objects.kind(p) != "commit" for p in parents):
        raise RefusedError(422, "Parent SHA does not exist or is not a commit object")
    author = _person(fields.get("author"), Person(*call.person, int(call.hub.now())))
    committer = _person(fields.get("committer"), author)
    sha = objects.add_commit(fields["tree"], parents, fields["message"], author, committer)
    return json_answer(call.shapes.git_commit(objects.commit(sha)), 201)


def _person(fields: Json | None, default: Person) -> Person:
    if fields is None:
        return default
    check_fields(fields, PERSON, ("name", "email"))
    try:
        when = int(datetime.fromisoformat(fields["date"]).timestamp())
    except KeyError:
        when = default.time
    except ValueError:
        raise invalid("For 'properties/date', it is not a valid date-time.") from None
    return Person(fields["name"], fields["email"], when)


@router.add("GET", GIT + "/ref/heads/{branch*}", "read")
def get_ref(call: Call) -> Answer:
    """Say where a branch points to."""
    call.not_empty()
    branch = call.params["branch"]
    sha = call.repo.head(branch, call.request.lag)
    if sha is None:
        raise RefusedError(404, "Not Found")
    return json_answer(call.shapes.ref(branch, sha))


@router.add("POST", GIT + "/refs", "write", body={"ref": str, "sha": str}, required=("ref", "sha"))
def create_ref(call: Call) -> Answer:
    """Make a branch."""
    call.not_empty()
    ref, sha = call.fields["ref"], call.fields["sha"]
    if not ref.startswith("refs/heads/"):
        raise UnsupportedError(f"the ref {ref}, which is no branch")
    branch = ref.removeprefix("refs/heads/")
    if call.repo.objects.kind(sha) != "commit":
        raise RefusedError(422, "Object does not exist")
    if call.repo.head(branch) is not None:
        raise RefusedError(422, "Reference already exists")
    call.repo.set_head(branch, sha)
    return json_answer(call.shapes.ref(branch, sha), 201)


@router.add(
    "PATCH",
    GIT + "/refs/heads/{branch*}",
    "write",
    body={"sha": str, "force": bool},
    required=("sha",),
)
def update_ref(call: Call) -> Answer:
    """Move a branch, forwards only unless forced."""
    call.not_empty()
    branch, sha = call.params["branch"], call.fields["sha"]
    if call.repo.head(branch) is None:
        raise RefusedError(422, "Reference does not exist")
    if call.repo.objects.kind(sha) != "commit":
        raise RefusedError(422, "Object does not exist")
    if not call.fields.get("force") and not call.repo.is_fast_forward(branch, sha):
        raise RefusedError(422, "Update is not a fast forward")
    call.repo.set_head(branch, sha)
    return json_answer(call.shapes.ref(branch, sha))
