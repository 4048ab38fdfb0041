"""GraphQL: what can be changed."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.hub import trees
from tests.hub.graph_nodes import Context, RefNode
from tests.hub.graph_objects import CommitNode, failure
from tests.hub.permits import check_write
from tests.hub.shapes import parse_node_id
from tests.hub.wire import Json, RefusedError

if TYPE_CHECKING:
    from tests.hub.repository import Repository

ZEROS = "0" * 40
NO_SCOPE = (
    "Your token has not been granted the required scopes to execute this query. It requires one of"
    " the following scopes: ['public_repo', 'repo']."
)


@dataclass(frozen=True)
class CommitPayload:
    """What `createCommitOnBranch` gives back."""

    commit: CommitNode
    ref: RefNode
    client_mutation_id: str | None


@dataclass(frozen=True)
class UpdatePayload:
    """What `updateRefs` gives back."""

    client_mutation_id: str | None


@dataclass(frozen=True)
class Mutation:
    """The root of mutations."""

    context: Context

    def create_commit_on_branch(self, input: Json) -> CommitPayload:  # noqa: A002 - GitHub's name
        """Commit files on a branch that must stand where the client believes it does."""
        repo, branch = self._branch(input["branch"])
        self._check_write(repo)
        expected = input["expectedHeadOid"]
        account = self.context.hub.accounts.find(self.context.token.login)
        with repo.lock:
            head = repo.head(branch)
            if head is None:
                raise failure("NOT_FOUND", f"Could not resolve to a Ref with the name '{branch}'.")
            if head != expected:
                raise failure(
                    "STALE_DATA",
                    f'Expected branch to point to "{expected}" but it did not.  '
                    "Pull and try again.",
                )
            changes = _changes(repo, head, input.get("fileChanges") or {})
            author = (account.login, account.email)
            sha = repo.change(changes, _message(input["message"]), author, branch=branch)
        return CommitPayload(
            CommitNode(repo, sha), RefNode(repo, branch, sha), input.get("clientMutationId")
        )

    def update_refs(self, input: Json) -> UpdatePayload:  # noqa: A002 - GitHub's name
        """Move branches, all of them or none."""
        number = parse_node_id("R", input["repositoryId"])
        repo = self.context.hub.repo_by_id(number[0] if number else "")
        if repo is None:
            raise failure(
                "NOT_FOUND",
                f"Could not resolve to a node with the global id of '{input['repositoryId']}'",
            )
        self.context.repository(repo.full_name)
        self._check_write(repo)
        with repo.lock:
            for update in input["refUpdates"]:
                _check_update(repo, update)
            for update in input["refUpdates"]:
                after = update["afterOid"]
                branch = update["name"].removeprefix("refs/heads/")
                repo.set_head(branch, None if after == ZEROS else after)
        return UpdatePayload(input.get("clientMutationId"))

    def _branch(self, branch: Json) -> tuple[Repository, str]:
        """Find the branch that an input names in one of the two ways."""
        if "id" in branch:
            parts = parse_node_id("REF", branch["id"])
            repo = self.context.hub.repo_by_id(parts[0]) if parts else None
            if repo is None:
                raise failure(
                    "NOT_FOUND",
                    f"Could not resolve to a node with the global id of '{branch['id']}'",
                )
            return self.context.repository(repo.full_name), ":".join(parts[1:])
        try:
            name, short = branch["repositoryNameWithOwner"], branch["branchName"]
        except KeyError:
            raise failure("UNPROCESSABLE", "A branch needs a name and a repository.") from None
        return self.context.repository(name), short.removeprefix("refs/heads/")

    def _check_write(self, repo: Repository) -> None:
        token = self.context.token
        if token.classic and not token.has_scope(repo.private):
            raise failure("INSUFFICIENT_SCOPES", NO_SCOPE)
        try:
            check_write(self.context.hub, self.context.token, repo)
        except RefusedError as refused:
            raise failure("FORBIDDEN", refused.message) from None


def _message(message: Json) -> str:
    body = message.get("body")
    return f"{message['headline']}\n\n{body}" if body else str(message["headline"])


def _changes(repo: Repository, head: str, given: Json) -> dict[str, bytes | None]:
    """Read the changed files, each path once, and hold the deletions against what is there."""
    additions, deletions = given.get("additions") or [], given.get("deletions") or []
    paths = [change["path"] for change in (*additions, *deletions)]
    bad = [path for path in paths if not trees.is_path(path) or paths.count(path) > 1]
    if bad:
        raise failure("UNPROCESSABLE", f"The path '{bad[0]}' is malformed or given twice.")
    tree = repo.objects.commit(head).tree
    for change in deletions:
        found = trees.lookup(repo.objects, tree, change["path"])
        if found is None or found.is_tree:
            raise failure(
                "UNPROCESSABLE",
                "A path was requested for deletion which does not exist as of commit oid"
                f" `{head}`: {change['path']}",
            )
    gone: dict[str, bytes | None] = {change["path"]: None for change in deletions}
    return gone | {change["path"]: b64decode(change["contents"]) for change in additions}


def _check_update(repo: Repository, update: Json) -> None:
    """Hold one move of a branch against where it stands."""
    name, after, before = update["name"], update["afterOid"], update.get("beforeOid")
    if not name.startswith("refs/heads/"):
        raise failure("UNPROCESSABLE", f"{name} is not a fully qualified branch.")
    branch = name.removeprefix("refs/heads/")
    if before is not None and (repo.head(branch) or ZEROS) != before:
        raise failure("STALE_DATA", f"{name} does not point to {before}.")
    if after == ZEROS:
        return
    if repo.objects.kind(after) != "commit":
        raise failure("UNPROCESSABLE", f"{after} is not a commit.")
    if not update.get("force") and not repo.is_fast_forward(branch, after):
        raise failure("UNPROCESSABLE", f"{name} cannot be fast-forwarded to {after}.")
