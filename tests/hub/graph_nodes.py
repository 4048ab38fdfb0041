"""GraphQL: what can be read. A method or attribute is the field of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.hub import trees
from tests.hub.graph_objects import GitNode, failure, git_node
from tests.hub.permits import check_read, may_read
from tests.hub.shapes import node_id, stamp
from tests.hub.wire import RefusedError

if TYPE_CHECKING:
    from tests.hub.accounts import Token
    from tests.hub.hub import Hub
    from tests.hub.repository import Repository


@dataclass(frozen=True)
class Context:
    """Who asks, and how old a state they see."""

    hub: Hub
    token: Token
    lag: float

    def repository(self, name: str, *, follow: bool = True) -> Repository:
        """Find a repository that this user may see, under a former name as well."""
        repo = self.hub.find_repo(name)
        if repo is None and follow and self.hub.graph_follows_renames:
            repo = self.hub.find_former(name)
        if repo is None or not may_read(self.hub, self.token, repo):
            raise failure("NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'.")
        return repo


@dataclass(frozen=True)
class Query:
    """The root of queries."""

    context: Context

    def viewer(self) -> UserNode:
        """Give the token's user."""
        return UserNode(self.context.token.login)

    def rate_limit(self) -> RateLimitNode:
        """Say what is left of the hour."""
        state = self.context.hub.limits.state(self.context.token.login, "graphql")
        return RateLimitNode(
            state["limit"], state["used"], state["remaining"], stamp(state["reset"])
        )

    def repository(self, owner: str, name: str, follow_renames: bool = True) -> RepositoryNode:
        """Find a repository by name."""
        found = self.context.repository(f"{owner}/{name}", follow=follow_renames)
        return RepositoryNode(self.context, found)


@dataclass(frozen=True)
class UserNode:
    """A user or an organisation, of which only the login is known here."""

    login: str
    typename = "User"


@dataclass(frozen=True)
class RateLimitNode:
    """The state of the rate limit."""

    limit: int
    used: int
    remaining: int
    reset_at: str
    cost: int = 1


@dataclass(frozen=True)
class RepositoryNode:
    """A repository."""

    context: Context
    repo: Repository

    @property
    def id(self) -> str:
        """The opaque id."""
        return node_id("R", self.repo.id)

    @property
    def name_with_owner(self) -> str:
        """The full name."""
        return self.repo.full_name

    @property
    def is_private(self) -> bool:
        """Whether only its owner sees it."""
        return self.repo.private

    @property
    def is_archived(self) -> bool:
        """Whether it is read-only."""
        return self.repo.archived

    @property
    def is_empty(self) -> bool:
        """Whether it has no commit."""
        return self.repo.is_empty(self.context.lag)

    def _check_read(self) -> None:
        """Refuse contents to a token that may only know of the repository."""
        try:
            check_read(self.context.hub, self.context.token, self.repo)
        except RefusedError as refused:
            raise failure("FORBIDDEN", refused.message) from None

    @property
    def default_branch_ref(self) -> RefNode | None:
        """The default branch, if it has a commit."""
        return self._branch(self.repo.default_branch)

    def ref(self, qualified_name: str) -> RefNode | None:
        """Find a branch by its short or its full name."""
        return self._branch(qualified_name.removeprefix("refs/").removeprefix("heads/"))

    def object(self, oid: str | None = None, expression: str | None = None) -> GitNode | None:
        """Find an object by id, or by `revision` or `revision:path`."""
        self._check_read()
        if oid is not None:
            return git_node(self.repo, oid)
        revision, colon, path = (expression or "").partition(":")
        if not colon:
            return git_node(self.repo, self.repo.resolve(revision, self.context.lag) or revision)
        tree = self.repo.tree_of(revision, self.context.lag)
        if tree is None or not path:
            return git_node(self.repo, tree or "")
        entry = trees.lookup(self.repo.objects, tree, path)
        return git_node(self.repo, entry.sha, f"{path}/") if entry else None

    def _branch(self, name: str) -> RefNode | None:
        self._check_read()
        sha = self.repo.head(name, self.context.lag)
        return RefNode(self.repo, name, sha) if sha else None


@dataclass(frozen=True)
class RefNode:
    """A branch."""

    repo: Repository
    name: str
    sha: str
    prefix = "refs/heads/"

    @property
    def id(self) -> str:
        """The opaque id."""
        return node_id("REF", self.repo.id, self.name)

    @property
    def target(self) -> GitNode | None:
        """The commit that it points to."""
        return git_node(self.repo, self.sha)
