"""The fixed list of exchanges: each route, and each refusal, that the adapter meets.

All are as GitHub's description has them; the double takes nothing else.
"""

from __future__ import annotations

from base64 import b64encode

from memory_sync.ports.token import Token
from memory_sync.vault.trees import blob_id
from tests.live.shape import Shape
from tests.live.stage import Stage, found, oid
from tests.live.throwaway import Throwaways

NOBODY = Token("ghp_" + "0" * 36, "nobody's")
UNKNOWN = "1" * 40
SHA = {"Accept": "application/vnd.github.sha"}
TEXT, BINARY, BIG = b"A text.\n", b"\0\xff\0", b"0123456789abcde\n" * 40_000
BLOB = "... on Blob { oid text isTruncated isBinary }"
FIRST = {"message": "first\n\nMemory-Sync-Seal: 1\n", "content": b64encode(b"{}\n").decode()}


def run(throwaways: Throwaways) -> dict[str, Shape]:
    """Make the exchanges in a repository of their own and return the shape of each answer."""
    stage = Stage(throwaways)
    made = False
    try:
        _strangers(stage)
        made = _beginning(stage)
        throwaways.ready(stage.name)
        _empty(stage)
        first = _first(stage)
        head = _commits(stage, first)
        _reading(stage, first, head)
        _blobs(stage, head)
        _archive(stage, head)
        _git_data(stage, head)
        _senseless(stage)
    finally:
        throwaways.delete(stage.name, made=made)
    stage.get("repository: when it is deleted", "", status=404)
    return stage.shapes


def _strangers(stage: Stage) -> None:
    """Ask with tokens and without."""
    stage.get("user", "/user")
    stage.note("user: wrong token", stage.talk("GET", "/user", token=NOBODY))
    stage.note("user: no token", stage.talk("GET", "/user", anonymous=True))
    query = {"query": "{ viewer { login } }"}
    stage.note("graphql: wrong token", stage.talk("POST", "/graphql", query, token=NOBODY))
    stage.graph("graphql: viewer", "{ viewer { login } }")


def _beginning(stage: Stage) -> bool:
    """Create the repository."""
    stage.get("repository: none", "", status=404)
    new = {"name": stage.short, "private": True, "auto_init": False, "description": "A test"}
    stage.send("create repository", "POST", "/user/repos", new)
    stage.send("create repository: again", "POST", "/user/repos", new)
    stage.send("create repository: unknown owner", "POST", f"/orgs/{stage.none}/repos", new)
    stage.get("repository: empty", "")
    return True


def _empty(stage: Stage) -> None:
    """Ask a repository without a commit."""
    stage.get("empty: head", "commits/heads/main", status=409, headers=SHA)
    stage.get("empty: commits", "commits", status=409)
    stage.get(
        "empty: commits from an unknown one", f"commits?sha={UNKNOWN}&per_page=10", status=409
    )
    stage.get("empty: tree", f"git/trees/{UNKNOWN}?recursive=1", status=409)
    stage.get("empty: blob", f"git/blobs/{UNKNOWN}", status=409)
    stage.get("empty: ref", "git/ref/heads/main", status=409)
    stage.get("empty: compare", f"compare/{UNKNOWN}...{UNKNOWN}", status=404)
    stage.get("empty: contents", "contents/vault.json", status=404)
    stage.get("empty: tarball", "tarball/main", status=404)
    stage.send("empty: new blob", "POST", "git/blobs", {"content": "x"})
    entry = {"path": "a", "mode": "100644", "type": "blob", "content": "x"}
    stage.send("empty: new tree", "POST", "git/trees", {"tree": [entry]})
    query = "query Q($o: String!, $n: String!) { repository(owner: $o, name: $n)"
    query += " { isEmpty isPrivate defaultBranchRef { name } } }"
    stage.graph("empty: graphql", query, o=stage.login, n=stage.short)
    stage.commit("empty: createCommitOnBranch", UNKNOWN, {"a": b"a"})


def _first(stage: Stage) -> str:
    """Make the first commit, by the Contents API, and be refused."""
    made = stage.send("contents: first file", "PUT", "contents/vault.json", FIRST)
    head = oid(made, "commit", "sha")
    stage.settle(head)
    again = "contents: a file that is there, without its id"
    stage.send(again, "PUT", "contents/vault.json", FIRST)
    stage.send("contents: wrong id", "PUT", "contents/vault.json", FIRST | {"sha": UNKNOWN})
    stage.send("contents: no base64", "PUT", "contents/b", FIRST | {"content": "*"})
    stage.send("contents: unknown branch", "PUT", "contents/b", FIRST | {"branch": "nowhere"})
    return head


def _commits(stage: Stage, first: str) -> str:
    """Commit through GraphQL, and be refused."""
    files = {"objects/00/a.age": TEXT, "objects/00/b.bin": BINARY, "objects/01/c.age": BIG}
    head = stage.commit("commit", first, files)
    stage.settle(head)
    stage.commit("commit: stale", first, {"x": b"x"})
    stage.commit("commit: unknown head", UNKNOWN, {"x": b"x"})
    stage.commit("commit: delete what is not there", head, {}, ["objects/none"])
    stage.commit("commit: delete a folder", head, {}, ["objects/00"])
    stage.commit("commit: write and delete the same", head, {"vault.json": b"x"}, ["vault.json"])
    for path in ("", "/x", "../x", "a//b", "a/./b", ".git/x"):
        stage.commit(f"commit: path {path!r}", head, {path: b"x"})
    stage.commit(
        "commit: no base64", head, fileChanges={"additions": [{"path": "x", "contents": "*"}]}
    )
    stage.commit("commit: head that is no id", "main", {"x": b"x"})
    branch = {"repositoryNameWithOwner": stage.name, "branchName": "nowhere"}
    stage.commit("commit: unknown branch", head, {"x": b"x"}, branch=branch)
    branch = {"repositoryNameWithOwner": f"{stage.login}/{stage.none}", "branchName": "main"}
    stage.commit("commit: unknown repository", head, {"x": b"x"}, branch=branch)
    head = stage.commit("commit: write and delete", head, {"d": b"d"}, ["objects/00/a.age"])
    stage.settle(head)
    return head


def _reading(stage: Stage, first: str, head: str) -> None:
    """Read heads, commits, comparisons and trees."""
    poll = "commits/heads/main"
    stage.get("poll", poll, headers=SHA)
    stage.get("poll: unchanged", poll, status=304, headers=SHA | {"If-None-Match": f'"{head}"'})
    stage.get("poll: changed", poll, headers=SHA | {"If-None-Match": f'"{first}"'})
    stage.get("poll: unknown branch", "commits/heads/nowhere", status=422, headers=SHA)
    stage.get("commit as JSON", f"commits/{head}")
    stage.get("commit: unknown", f"commits/{UNKNOWN}", status=422)
    stage.get("commits", f"commits?sha={head}&per_page=10")
    stage.get("commits: a page", f"commits?sha={head}&per_page=1")
    stage.get("commits: unknown", f"commits?sha={UNKNOWN}&per_page=10", status=404)
    stage.get("compare", f"compare/{first}...{head}")
    stage.get("compare: the same", f"compare/{head}...{head}")
    stage.get("compare: backwards", f"compare/{head}...{first}")
    stage.get("compare: unknown", f"compare/{UNKNOWN}...{head}", status=404)
    commit = stage.get("git commit", f"git/commits/{head}")
    stage.get("git commit: unknown", f"git/commits/{UNKNOWN}", status=404)
    tree = oid(commit, "tree", "sha")
    stage.get("tree", f"git/trees/{tree}")
    stage.get("tree: recursive", f"git/trees/{tree}?recursive=1")
    stage.get("tree: unknown", f"git/trees/{UNKNOWN}?recursive=1", status=404)
    stage.get("ref", "git/ref/heads/main")
    stage.get("ref: unknown", "git/ref/heads/nowhere", status=404)
    stage.get("contents", "contents/vault.json")
    stage.get("contents: unknown", "contents/nothing", status=404)
    stage.get("repository", "")


def _blobs(stage: Stage, head: str) -> None:
    """Read blobs both ways."""
    blobs = {"text": TEXT, "binary": BINARY, "big": BIG}
    for name, data in blobs.items():
        stage.get(f"blob: {name}", f"git/blobs/{blob_id(data)}")
    raw = {"Accept": "application/vnd.github.raw"}
    stage.get("blob: raw", f"git/blobs/{blob_id(TEXT)}", headers=raw)
    stage.get("blob: unknown", f"git/blobs/{UNKNOWN}", status=404)
    stage.get("blob: a commit", f"git/blobs/{head}", status=404)
    ids = {name: blob_id(data) for name, data in blobs.items()}
    for name, wanted in (ids | {"unknown": UNKNOWN, "a commit": head}).items():
        query = "query B($o: String!, $n: String!) { repository(owner: $o, name: $n)"
        query += f' {{ b0: object(oid: "{wanted}") {{ {BLOB} }} }} }}'
        stage.graph(f"graphql blob: {name}", query, o=stage.login, n=stage.short)
    query = "query B($o: String!, $n: String!) { repository(owner: $o, name: $n) { id } }"
    stage.graph("graphql: unknown repository", query, o=stage.login, n=stage.none)


def _archive(stage: Stage, head: str) -> None:
    """Follow the link to an archive, which leads out of the API and needs no token."""
    link = stage.get("tarball", f"tarball/{head}", status=302)
    stage.get("tarball: unknown", f"tarball/{UNKNOWN}", status=404)
    place = link.headers.get("location")
    if place:
        stage.note("tarball: followed", stage.talk("GET", place, anonymous=True))


def _git_data(stage: Stage, head: str) -> None:
    """Write by the Git Data API, and be refused."""
    text = {"path": "e", "mode": "100644", "type": "blob", "content": "e"}
    binary = {"content": b64encode(BINARY).decode(), "encoding": "base64"}
    stage.send("new blob", "POST", "git/blobs", binary)
    tree = oid(stage.talk("GET", f"{stage.repo}/git/commits/{head}"), "tree", "sha")

    def entry(**what: object) -> dict[str, object]:
        return {"base_tree": tree, "tree": [text | what]}

    made = oid(stage.send("new tree", "POST", "git/trees", entry()), "sha")
    gone = {"path": "d", "mode": "100644", "type": "blob", "sha": None}
    stage.send("new tree: delete", "POST", "git/trees", {"base_tree": tree, "tree": [gone]})
    gone |= {"path": "nothing"}
    missing = "new tree: delete what is not there"
    stage.send(missing, "POST", "git/trees", {"base_tree": tree, "tree": [gone]})
    stage.send("new tree: bad path", "POST", "git/trees", entry(path="../e"))
    unknown = {"base_tree": UNKNOWN, "tree": [text]}
    stage.send("new tree: unknown base", "POST", "git/trees", unknown)
    body = {"message": "m\n\nA line.\n", "tree": made, "parents": [head]}
    new = oid(stage.send("new commit", "POST", "git/commits", body), "sha")
    stage.send("new commit: unknown tree", "POST", "git/commits", body | {"tree": UNKNOWN})
    stage.send("new commit: unknown parent", "POST", "git/commits", body | {"parents": [UNKNOWN]})
    _refs(stage, head, new)


def _refs(stage: Stage, head: str, new: str) -> None:
    """Move the branch, and be refused."""
    ref = "git/refs/heads/main"
    stage.send("move ref", "PATCH", ref, {"sha": new, "force": False})
    stage.settle(new)
    stage.send("move ref: no fast forward", "PATCH", ref, {"sha": head, "force": False})
    stage.send("move ref: unknown commit", "PATCH", ref, {"sha": UNKNOWN, "force": False})
    nowhere = "git/refs/heads/nowhere"
    stage.send("move ref: unknown ref", "PATCH", nowhere, {"sha": new, "force": False})
    stage.send("new ref: there already", "POST", "git/refs", {"ref": "refs/heads/main", "sha": new})
    query = "query R($o: String!, $n: String!) { repository(owner: $o, name: $n) { id } }"
    data = stage.graph("graphql: id", query, o=stage.login, n=stage.short)
    number = found(data, "data", "repository", "id")
    query = (
        "mutation U($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }"
    )

    def update(exchange: str, before: str) -> None:
        move = {"name": "refs/heads/main", "beforeOid": before, "afterOid": head, "force": True}
        stage.graph(exchange, query, input={"repositoryId": number, "refUpdates": [move]})

    update("updateRefs: elsewhere", head)
    update("updateRefs: back", new)


def _senseless(stage: Stage) -> None:
    """Send GraphQL that makes no sense."""
    stage.graph("graphql: syntax", "{ viewer {")
    stage.graph("graphql: unknown field", "{ viewer { nonsense } }")
    stage.graph("graphql: no variable", "query Q($o: String!) { user(login: $o) { id } }")
    stage.send("graphql: no query", "POST", "/graphql", {})
    stage.send("graphql: no JSON", "POST", "/graphql", b"{")
