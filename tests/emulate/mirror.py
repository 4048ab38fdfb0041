"""A bare repository that holds what the stand-in holds, so that real git can look at it.

The stand-in speaks no git. Its objects come by REST; each must get the id here that it has there.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dulwich.repo import Repo

from tests.emulate.standin import OWNER, StandIn
from tests.hub.objects import Entry, Objects, Person
from tests.remotes.case import BRANCH, git_output


@dataclass
class Mirror:
    """One repository of the stand-in, and an empty one for git that becomes like it."""

    stand_in: StandIn
    name: str
    git_dir: Path
    token: str

    def __post_init__(self) -> None:
        """Open the repository for git."""
        self._repo = Repo(str(self.git_dir))
        self.objects = Objects(self._repo.object_store)

    def close(self) -> None:
        """Let go of the repository's files."""
        self._repo.close()

    def ask(self, verb: str, path: str, body: Any = None, allow: tuple[int, ...] = ()) -> Any:
        """Send a request about the repository; None for a status in `allow`."""
        path = f"/repos/{OWNER}/{self.name}/git/{path}"
        answer = self.stand_in.ask(verb, path, self.token, body)
        if answer.status_code in allow:
            return None
        assert answer.ok, (verb, path, answer.text)
        return answer.json()

    # --- from the stand-in to git -----------------------------------------------------------

    def refresh(self) -> None:
        """Bring the branch, with all that leads to it, to where git sees it."""
        found = self.ask("GET", "ref/heads/main", allow=(404,))
        if found is None:
            return
        head = found["object"]["sha"]
        waiting = [head]
        while waiting:
            commit = waiting.pop()
            if self.objects.kind(commit) is None:
                waiting += self._commit(commit)
        git_output(self.git_dir, "update-ref", BRANCH, head)

    def _commit(self, sha: str) -> list[str]:
        found = self.ask("GET", f"commits/{sha}")
        tree, parents = found["tree"]["sha"], [parent["sha"] for parent in found["parents"]]
        if self.objects.kind(tree) is None:
            self._tree(tree)
        # The stand-in makes the id of a text that ends with a newline, and gives back its own.
        message = found["message"].removesuffix("\n") + "\n"
        people = (_person(found[role]) for role in ("author", "committer"))
        assert self.objects.add_commit(tree, parents, message, *people) == sha
        return parents

    def _tree(self, sha: str) -> None:
        found = self.ask("GET", f"trees/{sha}?recursive=1")
        assert found["truncated"] is False
        folders: dict[str, list[Entry]] = {"": []}
        ids = {"": sha}
        for item in found["tree"]:
            above, _, name = item["path"].rpartition("/")
            folders.setdefault(above, []).append(Entry(name, int(item["mode"], 8), item["sha"]))
            if item["type"] == "tree":
                ids[item["path"]] = item["sha"]
            elif self.objects.kind(item["sha"]) is None:
                self._blob(item["sha"])
        for path, entries in folders.items():
            assert self.objects.add_tree(entries) == ids[path]

    def _blob(self, sha: str) -> None:
        content = b64decode(self.ask("GET", f"blobs/{sha}")["content"])
        assert self.objects.add_blob(content) == sha

    # --- from git to the stand-in -----------------------------------------------------------

    def take_over(self) -> str:
        """Bring what another program has written here to the stand-in; return its head there."""
        there: dict[str, str] = {}
        order = ("rev-list", "--reverse", "--topo-order", BRANCH)
        for sha in git_output(self.git_dir, *order).split():
            commit = self.objects.commit(sha)
            body = {
                "message": commit.message,
                "tree": self._send_tree(sha, commit.tree),
                "parents": [there[parent] for parent in commit.parents],
                "author": _named(commit.author),
                "committer": _named(commit.committer),
            }
            there[sha] = self.ask("POST", "commits", body)["sha"]
        head = there[sha]
        self.ask("POST", "refs", {"ref": BRANCH, "sha": head})
        return head

    def _send_tree(self, commit: str, tree: str) -> str:
        """Make the tree of a commit of git's there, where it must get the same id."""
        entries = []
        listing = git_output(self.git_dir, "ls-tree", "-r", "-z", "--full-tree", commit)
        for line in listing.split("\0")[:-1]:
            facts, _, path = line.partition("\t")
            mode, kind, blob = facts.split()
            content = (self.objects.blob(blob) or b"").decode()
            entries.append({"path": path, "mode": mode, "type": kind, "content": content})
        made: str = self.ask("POST", "trees", {"tree": entries})["sha"]
        assert made == tree
        return made


def _person(data: dict[str, str]) -> Person:
    time = datetime.fromisoformat(data["date"]).timestamp()
    return Person(data["name"], data["email"], int(time))


def _named(person: Person) -> dict[str, str]:
    date = datetime.fromtimestamp(person.time, UTC).isoformat()
    return {"name": person.name, "email": person.email, "date": date}
