"""How GitHub's REST API writes things down, under the field names of its own description."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.hub import trees
from tests.hub.wire import Json

if TYPE_CHECKING:
    from tests.hub.accounts import Account, Accounts
    from tests.hub.objects import CommitObject, Entry, Person
    from tests.hub.repository import Repository

USER_LINKS = (
    "followers", "following", "gists", "starred", "subscriptions", "organizations", "repos",
    "events", "received_events",
)  # fmt: skip
REPO_LINKS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare",
    "contents", "contributors", "deployments", "downloads", "events", "forks", "git_commits",
    "git_refs", "git_tags", "issue_comment", "issue_events", "issues", "keys", "labels",
    "languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers",
    "statuses", "subscribers", "subscription", "tags", "teams", "trees", "hooks",
)  # fmt: skip
ALONE = ("subscribers_count", "network_count")
"""What is told of a repository only where that alone was asked for."""
MAX_INLINE = 1_000_000


def stamp(seconds: float) -> str:
    """Write a time as GitHub does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(prefix: str, *parts: object) -> str:
    """Make an opaque id that leads back to what it names."""
    plain = ":".join(str(part) for part in parts).encode()
    return f"{prefix}_{base64.urlsafe_b64encode(plain).decode()}"


def parse_node_id(prefix: str, text: str) -> list[str]:
    """Take an opaque id apart; an empty list if it is none of this kind."""
    kind, _, plain = text.partition("_")
    try:
        return base64.urlsafe_b64decode(plain).decode().split(":") if kind == prefix else []
    except ValueError:
        return []


def user(base: str, account: Account) -> Json:
    """Describe an account."""
    url = f"{base}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("U", account.id),
        "avatar_url": f"{base}/avatars/{account.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{base}/{account.login}",
        **{f"{link}_url": f"{url}/{link}" for link in USER_LINKS},
        "type": account.type,
        "site_admin": False,
    }


@dataclass(frozen=True)
class Shapes:
    """The shapes of what lies in one repository."""

    base: str
    accounts: Accounts
    repo: Repository

    @property
    def api(self) -> str:
        """The repository's own URL."""
        return f"{self.base}/repos/{self.repo.full_name}"

    @property
    def web(self) -> str:
        """The repository's page."""
        return f"{self.base}/{self.repo.full_name}"

    def listed(self, *, admin: bool, push: bool) -> Json:
        """Describe the repository as lists do."""
        whole = self.repository(admin=admin, push=push)
        return {name: whole[name] for name in whole if name not in ALONE}

    def repository(self, *, admin: bool, push: bool) -> Json:
        """Describe the repository as this user sees it."""
        repo = self.repo
        head = repo.head()
        pushed = repo.objects.commit(head).committer.time if head else repo.created
        counts = ("forks", "open_issues", "watchers")
        features = ("issues", "projects", "wiki", "downloads")
        return {
            "id": repo.id,
            "node_id": node_id("R", repo.id),
            "name": repo.name,
            "full_name": repo.full_name,
            "owner": user(self.base, self.accounts.find(repo.owner)),
            "private": repo.private,
            "visibility": "private" if repo.private else "public",
            "html_url": self.web,
            "description": repo.description,
            "fork": False,
            "url": self.api,
            **{f"{link}_url": f"{self.api}/{link}" for link in REPO_LINKS},
            "git_url": f"git://{self.web.partition('//')[2]}.git",
            "ssh_url": f"git@{self.base.partition('//')[2]}:{repo.full_name}.git",
            "clone_url": f"{self.web}.git",
            "svn_url": self.web,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            **dict.fromkeys(counts, 0),
            **{f"{count}_count": 0 for count in (*counts, "stargazers", "subscribers", "network")},
            "size": 0,
            "default_branch": repo.default_branch,
            **{f"has_{feature}": True for feature in features},
            "has_pages": False,
            "has_discussions": False,
            "archived": repo.archived,
            "disabled": False,
            "is_template": False,
            "topics": [],
            "allow_forking": True,
            "created_at": stamp(repo.created),
            "updated_at": stamp(pushed),
            "pushed_at": stamp(pushed),
            "permissions": {
                "admin": admin, "maintain": admin, "push": push, "triage": push, "pull": True,
            },
        }  # fmt: skip

    def git_commit(self, commit: CommitObject) -> Json:
        """Describe a commit as the Git Data API does."""
        return {
            "sha": commit.sha,
            "node_id": node_id("C", self.repo.id, commit.sha),
            "url": f"{self.api}/git/commits/{commit.sha}",
            "html_url": f"{self.web}/commit/{commit.sha}",
            **self._commit_core(commit),
            "parents": [
                {
                    "sha": parent,
                    "url": f"{self.api}/git/commits/{parent}",
                    "html_url": f"{self.web}/commit/{parent}",
                }
                for parent in commit.parents
            ],
        }

    def commit(self, commit: CommitObject) -> Json:
        """Describe a commit as the commits API does."""
        url = f"{self.api}/commits/{commit.sha}"
        return {
            "sha": commit.sha,
            "node_id": node_id("C", self.repo.id, commit.sha),
            "commit": {
                **self._commit_core(commit),
                "url": f"{self.api}/git/commits/{commit.sha}",
                "comment_count": 0,
            },
            "url": url,
            "html_url": f"{self.web}/commit/{commit.sha}",
            "comments_url": f"{url}/comments",
            "author": self._account(commit.author),
            "committer": self._account(commit.committer),
            "parents": [
                {
                    "sha": parent,
                    "url": f"{self.api}/commits/{parent}",
                    "html_url": f"{self.web}/commit/{parent}",
                }
                for parent in commit.parents
            ],
        }

    def full_commit(self, commit: CommitObject) -> Json:
        """Describe a commit together with the files that it changed."""
        objects = self.repo.objects
        before = objects.commit(commit.parents[0]).tree if commit.parents else None
        files = [self.change(c, commit.sha) for c in trees.compare(objects, before, commit.tree)]
        stats = {key: sum(file[key] for file in files) for key in ("additions", "deletions")}
        return {
            **self.commit(commit),
            "stats": {**stats, "total": sum(stats.values())},
            "files": files[:300],
        }

    def _commit_core(self, commit: CommitObject) -> Json:
        return {
            "author": _signature(commit.author),
            "committer": _signature(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{self.api}/git/trees/{commit.tree}"},
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        }

    def _account(self, person: Person) -> Json | None:
        known = self.accounts.by_login.values()
        found = next((account for account in known if account.email == person.email), None)
        return user(self.base, found) if found else None

    def change(self, change: trees.Change, commit: str) -> Json:
        """Describe a changed file; the line counts are of all lines, as if all had changed."""
        entry = change.new or change.old
        blob = self.repo.objects.blob
        moved = change.status == "renamed"
        added = _lines(blob(change.new.sha)) if change.new and not moved else 0
        removed = _lines(blob(change.old.sha)) if change.old and not moved else 0
        before = {"previous_filename": change.old.path} if change.old and moved else {}
        return {
            "sha": entry.sha if entry else None,
            "filename": change.path,
            "status": change.status,
            "additions": added,
            "deletions": removed,
            "changes": added + removed,
            "blob_url": f"{self.web}/blob/{commit}/{change.path}",
            "raw_url": f"{self.web}/raw/{commit}/{change.path}",
            "contents_url": f"{self.api}/contents/{change.path}?ref={commit}",
            **before,
        }

    def tree_entry(self, entry: Entry) -> Json:
        """Describe an entry of a tree."""
        shape: Json = {
            "path": entry.path,
            "mode": f"{entry.mode:06o}",
            "type": entry.type,
            "sha": entry.sha,
            "url": f"{self.api}/git/{entry.type}s/{entry.sha}",
        }
        if entry.type == "blob":
            shape["size"] = self.repo.objects.size(entry.sha)
        return shape

    def ref(self, branch: str, sha: str) -> Json:
        """Describe a branch."""
        return {
            "ref": f"refs/heads/{branch}",
            "node_id": node_id("REF", self.repo.id, branch),
            "url": f"{self.api}/git/refs/heads/{branch}",
            "object": {
                "sha": sha, "type": "commit", "url": f"{self.api}/git/commits/{sha}",
            },
        }  # fmt: skip

    def content(self, entry: Entry, ref: str) -> Json:
        """Describe a file or a folder as the contents API does, without the bytes."""
        url = f"{self.api}/contents/{entry.path}?ref={ref}"
        git = f"{self.api}/git/{entry.type}s/{entry.sha}"
        page = f"{self.web}/{entry.type}/{ref}/{entry.path}"
        return {
            "name": entry.path.rpartition("/")[2],
            "path": entry.path,
            "sha": entry.sha,
            "size": self.repo.objects.size(entry.sha),
            "url": url,
            "html_url": page,
            "git_url": git,
            "download_url": None if entry.is_tree else f"{self.web}/raw/{ref}/{entry.path}",
            "type": "dir" if entry.is_tree else "file",
            "_links": {"self": url, "git": git, "html": page},
        }

    def file(self, entry: Entry, ref: str) -> Json:
        """Describe a file with its bytes, which are left out above a megabyte."""
        data = self.repo.objects.blob(entry.sha) or b""
        small = len(data) <= MAX_INLINE
        return {
            **self.content(entry, ref),
            "content": wrapped(data) if small else "",
            "encoding": "base64" if small else "none",
        }


def wrapped(data: bytes) -> str:
    """Write bytes as base64 in lines of 60, as GitHub does."""
    text = base64.b64encode(data).decode()
    return "".join(f"{text[i : i + 60]}\n" for i in range(0, len(text), 60))


def weak_tag(body: bytes) -> str:
    """Make an entity tag for an answer."""
    return f'W/"{hashlib.sha256(body).hexdigest()}"'


def _signature(person: Person) -> Json:
    return {"name": person.name, "email": person.email, "date": stamp(person.time)}


def _lines(data: bytes | None) -> int:
    return len((data or b"").splitlines())
