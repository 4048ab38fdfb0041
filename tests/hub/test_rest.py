"""The REST routes, seen by a plain client and by the real git."""

from __future__ import annotations

import io
import subprocess
import tarfile
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hub import Repository
    from tests.hub.conftest import Client

VAULT = "/repos/ada/vault"
SHA = "application/vnd.github.sha"


def git(repo: Path, *words: str) -> str:
    """Run the real git on a bare repository."""
    command = ["git", "--git-dir", str(repo), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def put(ada: Client, path: str, data: bytes, **more: str) -> int:
    """Put a file through the contents API and give the status."""
    body = {"message": "put", "content": b64encode(data).decode(), **more}
    status: int = ada("PUT", f"{path}", body).status_code
    return status


def test_the_head_is_polled_for_nothing(vault: Repository, ada: Client) -> None:
    """The head's id comes as text with an entity tag, and as 304 while it stays."""
    path = f"{VAULT}/commits/main"
    first = ada("GET", path, Accept=SHA)
    assert (first.text, first.headers["ETag"]) == (vault.head(), f'"{vault.head()}"')
    assert ada("GET", path, Accept=SHA, If_None_Match=f'"{vault.head()}"').status_code == 304
    vault.change({"a": b"a"}, "more")
    assert ada("GET", path, Accept=SHA, If_None_Match=first.headers["ETag"]).text == vault.head()
    unknown = ada("GET", f"{VAULT}/commits/nowhere", Accept=SHA)
    assert unknown.status_code == 422
    assert unknown.json()["message"] == "No commit found for SHA: nowhere"


@pytest.mark.usefixtures("empty")
def test_an_empty_repository_takes_only_a_first_file(ada: Client) -> None:
    """The Git Data API answers 409 on an empty repository, the contents API makes its branch."""
    path = "/repos/ada/empty"
    requests: list[tuple[str, str, object]] = [
        ("GET", "commits/main", None),
        ("GET", "git/ref/heads/main", None),
        ("POST", "git/trees", {"tree": []}),
        ("POST", "git/blobs", {"content": "x"}),
    ]
    for method, route, body in requests:
        answer = ada(method, f"{path}/{route}", body)
        assert answer.status_code == 409
        assert answer.json()["message"] == "Git Repository is empty."
    assert put(ada, f"{path}/contents/vault.json", b"{}\n") == 201
    assert ada.hub.repo("ada/empty").files() == {"vault.json": b"{}\n"}


def test_contents_are_put_over_what_is_known(vault: Repository, ada: Client) -> None:
    """A file is replaced only by who knows its id; without it 422, with a wrong one 409."""
    path = f"{VAULT}/contents/notes/a.md"
    assert put(ada, path, b"one") == 201
    old = ada("GET", path).json()
    assert b64decode(old["content"]) == b"one"
    assert put(ada, path, b"two") == 422
    assert put(ada, path, b"two", sha="0" * 40) == 409
    assert put(ada, path, b"two", sha=old["sha"]) == 200
    assert put(ada, path, b"two", branch="nowhere") == 404
    assert vault.files()["notes/a.md"] == b"two"
    assert [e["path"] for e in ada("GET", f"{VAULT}/contents/notes").json()] == ["notes/a.md"]


def test_git_reads_what_the_api_wrote(vault: Repository, ada: Client) -> None:
    """Trees, blobs, commits and refs made by the API are those that git sees."""
    needs("git")
    data = f"{VAULT}/git"
    blob = ada("POST", f"{data}/blobs", {"content": "AAE=", "encoding": "base64"}).json()["sha"]
    entries = [
        {"path": "objects/00/x.age", "mode": "100644", "type": "blob", "content": "armour\n"},
        {"path": "run", "mode": "100755", "type": "blob", "sha": blob},
        {"path": "README.md", "mode": "100644", "type": "blob", "sha": None},
    ]
    head = vault.head() or ""
    made = ada("POST", f"{data}/trees", {"tree": entries, "base_tree": vault.tree_of(head)})
    assert made.status_code == 201
    message = "sync\n\nline \u00e9 \n\n"
    fields = {"message": message, "tree": made.json()["sha"], "parents": [head]}
    sha = ada("POST", f"{data}/commits", fields).json()["sha"]
    moved = ada("PATCH", f"{data}/refs/heads/main", {"sha": sha})
    assert moved.json()["object"]["sha"] == git(vault.path, "rev-parse", "main").strip() == sha
    listing = git(vault.path, "ls-tree", "-r", "--format=%(objectmode) %(path)", "main")
    assert listing.splitlines() == ["100644 objects/00/x.age", "100755 run"]
    assert git(vault.path, "show", "main:objects/00/x.age") == "armour\n"
    assert git(vault.path, "rev-parse", "main:run").strip() == blob
    assert git(vault.path, "cat-file", "commit", sha).partition("\n\n")[2] == message
    assert "ada <" in git(vault.path, "log", "-1", "--format=%an <%ae>")
    assert ada("GET", f"{data}/commits/{sha}").json()["message"] == message
    git(vault.path, "fsck", "--strict")


def test_the_api_reads_what_git_wrote(vault: Repository, ada: Client, tmp_path: Path) -> None:
    """Commits that git pushed, packed and with packed refs, are those that the API shows."""
    needs("git")
    clone = tmp_path / "clone"
    git(vault.path, "clone", "-q", str(vault.path), str(clone))
    for number in range(3):
        (clone / "file").write_text(str(number))
        inside = ["git", "-C", str(clone), "-c", "user.name=g", "-c", "user.email=g@example.org"]
        subprocess.run([*inside, "add", "file"], check=True)
        subprocess.run([*inside, "commit", "-qm", f"c{number}"], check=True)
        subprocess.run([*inside, "push", "-q"], check=True, capture_output=True)
        git(vault.path, "gc", "-q")
        shown = ada("GET", f"{VAULT}/commits/main").json()
        assert shown["commit"]["message"] == f"c{number}\n"
        assert [file["filename"] for file in shown["files"]] == ["file"]


def test_a_tree_is_listed_whole_or_said_to_be_cut(vault: Repository, ada: Client) -> None:
    """A recursive listing has every entry with id and mode, and `truncated` above the limit."""
    vault.change({"objects/00/a": b"a", "objects/01/b": b"b"}, "more")
    whole = ada("GET", f"{VAULT}/git/trees/{vault.head()}?recursive=1").json()
    assert [entry["path"] for entry in whole["tree"]] == [
        "README.md", "objects", "objects/00", "objects/00/a", "objects/01", "objects/01/b",
    ]  # fmt: skip
    assert (whole["sha"], whole["truncated"]) == (vault.tree_of("main"), False)
    assert len(ada("GET", f"{VAULT}/git/trees/main").json()["tree"]) == 2
    ada.hub.tree_limit = 3
    cut = ada("GET", f"{VAULT}/git/trees/main?recursive=1").json()
    assert (len(cut["tree"]), cut["truncated"]) == (3, True)


@pytest.mark.usefixtures("vault")
def test_a_malformed_tree_is_refused(ada: Client) -> None:
    """A path that git cannot hold, a delete of nothing and an unknown id are 422."""
    entry = {"path": "a", "mode": "100644", "type": "blob", "content": "x"}
    base = ada.hub.repo("ada/vault").tree_of("main")
    for wrong in [{"path": "../a"}, {"path": "/a"}, {"path": ".git/a"}, {"mode": "1"}]:
        body = {"tree": [entry | wrong], "base_tree": base}
        assert ada("POST", f"{VAULT}/git/trees", body).status_code == 422
    gone = {"path": "none", "mode": "100644", "type": "blob", "sha": None}
    for tree in [{"tree": [gone], "base_tree": base}, {"tree": [entry], "base_tree": "0" * 40}, {}]:
        assert ada("POST", f"{VAULT}/git/trees", tree).status_code == 422
    # The mode and the missing tree are a client's mistakes, and told as such.
    assert len(ada.hub.violations) == 2
    ada.hub.violations.clear()


def test_a_branch_moves_forwards_unless_forced(vault: Repository, ada: Client) -> None:
    """A move that loses commits is 422, and happens with `force`."""
    first = vault.head()
    second = vault.change({"a": b"a"}, "more")
    path = f"{VAULT}/git/refs/heads/main"
    refused = ada("PATCH", path, {"sha": first, "force": False})
    assert (refused.status_code, vault.head()) == (422, second)
    assert refused.json()["message"] == "Update is not a fast forward"
    assert ada("PATCH", path, {"sha": first, "force": True}).status_code == 200
    assert ada("GET", f"{VAULT}/git/ref/heads/main").json()["object"]["sha"] == first
    made = ada("POST", f"{VAULT}/git/refs", {"ref": "refs/heads/side", "sha": second})
    assert (made.status_code, vault.branches()) == (201, ["main", "side"])
    assert (
        ada("POST", f"{VAULT}/git/refs", {"ref": "refs/heads/side", "sha": second}).status_code
        == 422
    )


def test_of_concurrent_moves_one_wins(vault: Repository, ada: Client) -> None:
    """Of several commits on one head only one can be fast-forwarded to."""
    tree, head = vault.tree_of("main"), vault.head()
    rivals = [
        ada("POST", f"{VAULT}/git/commits", {"message": f"{n}", "tree": tree, "parents": [head]})
        for n in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        moves = pool.map(
            lambda sha: ada("PATCH", f"{VAULT}/git/refs/heads/main", {"sha": sha}).status_code,
            [rival.json()["sha"] for rival in rivals],
        )
        assert sorted(moves) == [200] + [422] * 7


def test_commits_are_listed_in_pages(vault: Repository, ada: Client) -> None:
    """Commits come newest first, by page with a Link header, and for one path."""
    made = [vault.change({f"f{n % 2}": str(n).encode()}, f"c{n}") for n in range(5)]
    first = ada("GET", f"{VAULT}/commits?sha=main&per_page=4")
    assert [c["sha"] for c in first.json()] == made[:0:-1]
    assert 'rel="next"' in first.headers["Link"]
    second = ada("GET", first.links["next"]["url"].removeprefix(ada.hub.base_url))
    assert len(second.json()) == 2
    assert "next" not in second.links
    of_path = ada("GET", f"{VAULT}/commits?path=f1").json()
    assert [c["commit"]["message"] for c in of_path] == ["c3", "c1"]


def test_a_comparison_says_what_changed(vault: Repository, ada: Client) -> None:
    """A comparison has the commits in order and each file with its id, a move as a rename."""
    base = vault.change({"stay": b"1", "go": b"gone", "old/name": b"same"}, "base")
    mid = vault.change({"stay": b"2", "go": None, "new": b"n"}, "mid\n\nseal")
    head = vault.change({"old/name": None, "z/name": b"same"}, "head")
    shown = ada("GET", f"{VAULT}/compare/{base}...{head}").json()
    assert (shown["status"], shown["ahead_by"], shown["behind_by"]) == ("ahead", 2, 0)
    assert [c["sha"] for c in shown["commits"]] == [mid, head]
    assert shown["commits"][0]["commit"]["message"] == "mid\n\nseal"
    assert shown["commits"][1]["commit"]["tree"]["sha"] == vault.tree_of(head)
    assert shown["commits"][1]["parents"][0]["sha"] == shown["commits"][0]["sha"]
    files = [(f["filename"], f["status"], f.get("previous_filename")) for f in shown["files"]]
    assert files == [
        ("go", "removed", None),
        ("new", "added", None),
        ("stay", "modified", None),
        ("z/name", "renamed", "old/name"),
    ]
    assert ada("GET", f"{VAULT}/git/blobs/{shown['files'][2]['sha']}").json()["content"] == "Mg==\n"


def test_a_comparison_knows_forks(vault: Repository, ada: Client) -> None:
    """Heads that parted are diverged from their merge base, and those without one are 404."""
    fork = vault.head() or ""
    vault.set_head("side", fork)
    side = vault.change({"s": b"s"}, "side", branch="side")
    main = vault.change({"m": b"m"}, "main")
    shown = ada("GET", f"{VAULT}/compare/{side}...{main}").json()
    assert (shown["status"], shown["ahead_by"], shown["behind_by"]) == ("diverged", 1, 1)
    assert shown["merge_base_commit"]["sha"] == fork
    assert [f["filename"] for f in shown["files"]] == ["m"]
    assert ada("GET", f"{VAULT}/compare/main...{fork}").json()["status"] == "behind"
    assert ada("GET", f"{VAULT}/compare/main...main").json()["status"] == "identical"
    vault.change({"o": b"o"}, "orphan", branch="orphan")
    assert ada("GET", f"{VAULT}/compare/main...orphan").status_code == 404
    assert ada("GET", f"{VAULT}/compare/main...nowhere").status_code == 404


def test_a_large_comparison_is_cut(vault: Repository, ada: Client) -> None:
    """There are at most 300 files, on the first page only, and unpaged the last 250 commits."""
    base = vault.head() or ""
    for number in range(260):
        head = vault.change({f"{number}-{n}": b"x" for n in range(2)}, str(number))
    whole = ada("GET", f"{VAULT}/compare/{base}...{head}").json()
    assert (len(whole["files"]), len(whole["commits"])) == (300, 250)
    assert (whole["commits"][-1]["sha"], whole["total_commits"]) == (head, 260)
    third = ada("GET", f"{VAULT}/compare/{base}...{head}?per_page=100&page=3")
    assert (third.json()["files"], len(third.json()["commits"])) == ([], 60)
    assert "next" not in third.links


def test_a_tarball_holds_the_tree(vault: Repository, ada: Client) -> None:
    """The archive lies behind a redirect, needs no token and leaves out what is not exported."""
    vault.change(
        {".gitattributes": b"/drafts export-ignore\n*.tmp export-ignore\n", "drafts/a": b"a",
         "deep/b.tmp": b"b", "deep/c": b"c"},
        "more",
    )  # fmt: skip
    link = ada("GET", f"{VAULT}/tarball/{vault.head()}")
    assert link.status_code == 302
    path = link.headers["Location"].removeprefix(ada.hub.base_url)
    assert path.startswith("/_codeload/ada/vault/")
    archive = ada("GET", path, Authorization="")
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as tar:
        top = f"ada-vault-{(vault.head() or '')[:7]}"
        assert [m.name.removeprefix(top) for m in tar if m.isfile()] == [
            "/.gitattributes", "/README.md", "/deep/c",
        ]  # fmt: skip
    assert ada.hub.requests[-1].kind == "codeload"
    assert ada("GET", path.partition("?")[0]).status_code == 404
