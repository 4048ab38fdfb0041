"""GraphQL on GitHub's own schema."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.hub.conftest import COMMIT
from tests.hub.test_rest import git
from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.hub import Repository
    from tests.hub.conftest import Client

ZEROS = "0" * 40
UPDATE = """mutation M($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId } }"""


def ask(ada: Client, fields: str, name: str = "vault") -> Any:
    """Ask for fields of one of Ada's repositories."""
    return ada.graph(f'{{ repository(owner: "ada", name: "{name}") {{ {fields} }} }}')


def move(ada: Client, repo: Repository, *updates: Mapping[str, object]) -> Any:
    """Move refs of a repository."""
    number = ask(ada, "id", repo.name)["data"]["repository"]["id"]
    return ada.graph(UPDATE, input={"repositoryId": number, "refUpdates": list(updates)})


def test_a_repository_is_described(vault: Repository, empty: Repository, ada: Client) -> None:
    """One query tells the state and the head of a repository, and none of an empty one."""
    fields = "nameWithOwner isPrivate isArchived isEmpty defaultBranchRef { name target { oid } }"
    assert ask(ada, fields)["data"]["repository"] == {
        "nameWithOwner": "ada/vault",
        "isPrivate": True,
        "isArchived": False,
        "isEmpty": False,
        "defaultBranchRef": {"name": "main", "target": {"oid": vault.head()}},
    }
    shown = ask(ada, "isEmpty defaultBranchRef { name }", empty.name)["data"]["repository"]
    assert shown == {"isEmpty": True, "defaultBranchRef": None}
    missing = ask(ada, "id", "nowhere")
    assert missing["data"] == {"repository": None}
    assert missing["errors"][0]["type"] == "NOT_FOUND"


def test_history_comes_in_pages(vault: Repository, ada: Client) -> None:
    """History is paged by cursor, filtered by path, and needs a bound of at most 100."""
    made = [vault.change({f"f{n % 2}": str(n).encode()}, f"c{n}\n\nbody") for n in range(4)]
    query = """ref(qualifiedName: "refs/heads/main") { target { ... on Commit { history(%s) {
      nodes { oid messageHeadline message tree { oid } parents(first: 1) { nodes { oid } } }
      pageInfo { endCursor hasNextPage } } } } }"""

    def page(arguments: str) -> Any:
        answer = ask(ada, query % arguments)
        found = answer["data"]["repository"]["ref"]["target"]
        return found["history"] if "errors" not in answer else answer["errors"][0]["type"]

    first = page("first: 3")
    assert [node["oid"] for node in first["nodes"]] == made[:0:-1]
    assert first["nodes"][0]["parents"]["nodes"] == [{"oid": made[2]}]
    assert (first["nodes"][0]["messageHeadline"], first["nodes"][0]["message"]) == (
        "c3",
        "c3\n\nbody",
    )
    rest = page(f'first: 3, after: "{first["pageInfo"]["endCursor"]}"')
    assert (len(rest["nodes"]), rest["pageInfo"]["hasNextPage"]) == (2, False)
    assert [n["messageHeadline"] for n in page('first: 9, path: "f1"')["nodes"]] == ["c3", "c1"]


def test_history_without_a_bound_is_an_error(ada: Client, vault: Repository) -> None:
    """A connection without `first`, or with more than 100, is refused by type."""
    query = f'object(oid: "{vault.head()}") {{ ... on Commit {{ history%s {{ totalCount }} }} }}'
    assert ask(ada, query % "")["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"
    assert ask(ada, query % "(first: 101)")["errors"][0]["type"] == "EXCESSIVE_PAGINATION"


def test_many_blobs_come_in_one_request(vault: Repository, ada: Client) -> None:
    """Aliases fetch many blobs; text is cut at 512,000 bytes, null if binary, null if missing."""
    vault.change({"a": b"text", "b": b"\0bin", "c": b"\xff", "d": b"x" * 512_001}, "blobs")
    oids = [entry.sha for entry in vault.objects.entries(vault.tree_of("main") or "")][1:]
    want = "{ oid ... on Blob { text byteSize isBinary isTruncated } }"
    query = " ".join(f'b{n}: object(oid: "{oid}") {want}' for n, oid in enumerate([*oids, ZEROS]))
    shown = ask(ada, query)["data"]["repository"]
    assert (shown["b0"]["text"], shown["b0"]["isTruncated"]) == ("text", False)
    assert [shown[f"b{n}"]["text"] for n in (1, 2)] == [None, None]
    assert (len(shown["b3"]["text"]), shown["b3"]["isTruncated"]) == (512_000, True)
    assert shown["b3"]["byteSize"] == 512_001
    assert shown["b4"] is None


def test_an_object_is_found_by_expression(vault: Repository, ada: Client) -> None:
    """`main:path` leads to a blob or a folder with its entries."""
    vault.change({"objects/00/x": b"x"}, "more")
    query = """f: object(expression: "main:objects/00/x") { ... on Blob { text } }
      t: object(expression: "HEAD:objects") { ... on Tree { entries { name mode type oid path } } }
      n: object(expression: "main:none") { oid }"""
    shown = ask(ada, query)["data"]["repository"]
    assert (shown["f"], shown["n"]) == ({"text": "x"}, None)
    entry = shown["t"]["entries"][0]
    assert (entry["name"], entry["path"], entry["mode"], entry["type"]) == (
        "00", "objects/00", 0o40000, "tree",
    )  # fmt: skip


def test_a_wrong_field_is_an_error(vault: Repository, ada: Client) -> None:
    """A query that the schema does not allow is answered with errors and no data."""
    assert vault.head()
    for query in ("{ viewer { colour } }", "{ viewer { login }", 'object(oid: "x") { oid }'):
        answer = ask(ada, query) if query.startswith("object") else ada.graph(query)
        assert answer["errors"][0]["message"]
        assert "data" not in answer


def test_a_batch_is_one_commit(vault: Repository, ada: Client) -> None:
    """Additions and deletions land in one commit, with its message and the mode of each file."""
    needs("git")
    vault.change({"gone": b"g", "run": b"r"}, "before")
    entries = [{"path": "run", "mode": "100755", "type": "blob", "content": "r"}]
    base = {"tree": entries, "base_tree": vault.tree_of("main")}
    tree = ada("POST", "/repos/ada/vault/git/trees", base).json()["sha"]
    fields = {"message": "mode", "tree": tree, "parents": [vault.head()]}
    head = ada("POST", "/repos/ada/vault/git/commits", fields).json()["sha"]
    vault.set_head("main", head)
    answer = ada.commit(head, {"run": b"r2", "n/a": b"\0"}, ("gone",), body="Seal: 1\n")
    made = answer["data"]["createCommitOnBranch"]["commit"]
    assert made == {"oid": vault.head(), "tree": {"oid": vault.tree_of("main")}}
    assert vault.files() == {"README.md": b"# vault\n", "n/a": b"\0", "run": b"r2"}
    assert git(vault.path, "ls-tree", "main", "run").startswith("100755 ")
    raw = git(vault.path, "cat-file", "commit", "main")
    assert raw.endswith("\n\nsync\n\nSeal: 1\n")
    assert "committer GitHub <noreply@github.com>" in raw
    assert f"parent {head}\n" in raw


def test_contents_must_be_base64(vault: Repository, ada: Client) -> None:
    """Contents that are no standard base64 are an error of the variable, and nothing lands."""
    head = vault.head()
    given = {
        "branch": {"repositoryNameWithOwner": "ada/vault", "branchName": "main"},
        "message": {"headline": "sync"},
        "fileChanges": {"additions": [{"path": "a", "contents": "a\n"}]},
        "expectedHeadOid": head,
    }
    assert "not valid Base64" in ada.graph(COMMIT, input=given)["errors"][0]["message"]
    assert vault.head() == head


def test_a_stale_head_is_refused(vault: Repository, ada: Client) -> None:
    """A commit on a head that moved is STALE_DATA with status 200, and nothing lands."""
    old = vault.head()
    head = vault.change({"a": b"a"}, "more")
    answer = ada.commit(old, {"b": b"b"})
    assert answer["data"] == {"createCommitOnBranch": None}
    assert answer["errors"][0]["type"] == "STALE_DATA"
    assert (ada.hub.requests[-1].status, ada.hub.requests[-1].kind) == (200, "mutation")
    assert vault.head() == head


def test_a_bad_batch_is_refused_whole(vault: Repository, ada: Client) -> None:
    """A delete of nothing, a path given twice and one that git cannot hold abort the commit."""
    head = vault.head()
    for answer in (
        ada.commit(head, {"a": b"a"}, ("none",)),
        ada.commit(head, {"README.md": b"a"}, ("README.md",)),
        ada.commit(head, {"../a": b"a"}),
        ada.commit(None, {"a": b"a"}),
    ):
        assert answer["errors"][0]["message"]
    assert vault.head() == head


def test_a_batch_needs_a_branch(vault: Repository, empty: Repository, ada: Client) -> None:
    """A commit on a branch that does not exist is refused."""
    head = vault.head()
    vault.set_head("main", None)
    assert ada.commit(head, {"a": b"a"})["errors"][0]["type"] == "NOT_FOUND"
    assert empty.is_empty()


def test_of_concurrent_batches_one_lands(vault: Repository, ada: Client) -> None:
    """Of several commits that expect one head exactly one lands."""
    head = vault.head()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ada.commit(head, {f"f{n}": b"x"}), range(8)))
    assert sum("errors" not in answer for answer in answers) == 1
    assert len(vault.files()) == 2


def test_refs_move_as_a_compare_and_swap(vault: Repository, ada: Client) -> None:
    """`updateRefs` moves a branch from where it is believed to be, all updates or none."""
    first = vault.head()
    second = vault.change({"a": b"a"}, "more")
    main = {"name": "refs/heads/main", "afterOid": first}
    assert "errors" in move(ada, vault, main | {"beforeOid": first, "force": True})
    assert "errors" in move(ada, vault, main | {"beforeOid": second})
    side = {"name": "refs/heads/side", "afterOid": second, "beforeOid": ZEROS}
    assert "errors" in move(ada, vault, side, main)
    assert vault.branches() == ["main"]
    forced = main | {"beforeOid": second, "force": True}
    assert "errors" not in move(ada, vault, side, forced)
    assert (vault.head(), vault.head("side")) == (first, second)
    assert "errors" not in move(ada, vault, {"name": "refs/heads/side", "afterOid": ZEROS})
    assert vault.branches() == ["main"]
