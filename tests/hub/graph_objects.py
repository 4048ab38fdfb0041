"""GraphQL: blobs, trees and commits. A method or attribute is the field of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLError

from tests.hub import history
from tests.hub.shapes import stamp

if TYPE_CHECKING:
    from tests.hub.graph_nodes import Context
    from tests.hub.objects import CommitObject, Entry
    from tests.hub.repository import Repository

MAX_PAGE = 100


def failure(kind: str, message: str) -> GraphQLError:
    """Make an error with the `type` by which clients tell errors apart."""
    return GraphQLError(message, extensions={"type": kind})


@dataclass(frozen=True)
class BlobNode:
    """The bytes of a file."""

    repo: Repository
    oid: str
    typename = "Blob"

    @property
    def data(self) -> bytes:
        """All the bytes."""
        return self.repo.objects.blob(self.oid) or b""

    @property
    def byte_size(self) -> int:
        """How many bytes there are."""
        return len(self.data)

    @property
    def is_binary(self) -> bool:
        """Whether this is no text."""
        return b"\0" in self.data or self._decoded is None

    def is_truncated(self, context: Context) -> bool:
        """Tell whether the text is cut."""
        return len(self.data) > context.hub.blob_limit

    def text(self, context: Context) -> str | None:
        """Give the beginning as text, nothing if it is binary."""
        if self.is_binary:
            return None
        return self.data[: context.hub.blob_limit].decode("utf-8", "ignore")

    @property
    def _decoded(self) -> str | None:
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True)
class TreeEntryNode:
    """An entry of a tree; its whole path is known if the tree was asked for by path."""

    repo: Repository
    entry: Entry
    folder: str

    @property
    def name(self) -> str:
        """The name in its folder."""
        return self.entry.path

    @property
    def path(self) -> str:
        """The path in the repository."""
        return self.folder + self.entry.path

    @property
    def mode(self) -> int:
        """The mode as the decimal number that it is."""
        return self.entry.mode

    @property
    def type(self) -> str:
        """Git's name for what it points to."""
        return self.entry.type

    @property
    def oid(self) -> str:
        """The id of what it points to."""
        return self.entry.sha

    @property
    def object(self) -> GitNode | None:
        """What it points to."""
        return git_node(self.repo, self.entry.sha, f"{self.path}/")


@dataclass(frozen=True)
class TreeNode:
    """A folder."""

    repo: Repository
    oid: str
    folder: str = ""
    typename = "Tree"

    @property
    def entries(self) -> list[TreeEntryNode]:
        """What it holds."""
        entries = self.repo.objects.entries(self.oid)
        return [TreeEntryNode(self.repo, entry, self.folder) for entry in entries]


@dataclass(frozen=True)
class PageInfo:
    """Where a page ends."""

    end_cursor: str | None
    has_next_page: bool


@dataclass(frozen=True)
class Connection:
    """A page of commits, with the count of all of them."""

    nodes: list[CommitNode]
    page_info: PageInfo
    total_count: int


@dataclass(frozen=True)
class CommitNode:
    """A commit."""

    repo: Repository
    oid: str
    typename = "Commit"

    @property
    def _commit(self) -> CommitObject:
        return self.repo.objects.commit(self.oid)

    @property
    def message(self) -> str:
        """The whole message."""
        return self._commit.message

    @property
    def message_headline(self) -> str:
        """The message's first line."""
        return self._commit.message.partition("\n")[0]

    @property
    def message_body(self) -> str:
        """The message without its headline."""
        return self._commit.message.partition("\n")[2].lstrip("\n")

    @property
    def committed_date(self) -> str:
        """When it was made."""
        return stamp(self._commit.committer.time)

    @property
    def tree(self) -> TreeNode:
        """Its root."""
        return TreeNode(self.repo, self._commit.tree)

    def parents(self, first: int | None = None, after: str | None = None) -> Connection:
        """List what it was built on."""
        return self._page("parents", list(self._commit.parents), first, after)

    def history(
        self, first: int | None = None, after: str | None = None, path: str | None = None
    ) -> Connection:
        """List it and what came before, the newest first."""
        found = history.log(self.repo.objects, self.oid)
        if path:
            found = history.touching(self.repo.objects, found, path)
        return self._page("history", found, first, after)

    def _page(
        self, name: str, found: list[str], first: int | None, after: str | None
    ) -> Connection:
        """Cut out a page; a cursor is this commit's id and the number of the last entry."""
        if first is None:
            raise failure(
                "MISSING_PAGINATION_BOUNDARIES",
                f"You must provide a `first` or `last` value to properly paginate the `{name}`"
                " connection.",
            )
        if first > MAX_PAGE:
            raise failure(
                "EXCESSIVE_PAGINATION",
                f"Requesting {first} records on the `{name}` connection exceeds the `first` limit"
                f" of {MAX_PAGE} records.",
            )
        owner, _, number = (after or f"{self.oid} -1").partition(" ")
        if owner != self.oid or not number.lstrip("-").isdecimal():
            raise failure(
                "INVALID_CURSOR_ARGUMENTS", f"`{after}` does not appear to be a valid cursor."
            )
        start = int(number) + 1
        page = found[start : start + first]
        end = f"{self.oid} {start + len(page) - 1}" if page else None
        nodes = [CommitNode(self.repo, sha) for sha in page]
        return Connection(nodes, PageInfo(end, start + len(page) < len(found)), len(found))


GitNode = BlobNode | TreeNode | CommitNode


def git_node(repo: Repository, oid: str, folder: str = "") -> GitNode | None:
    """Find an object of whatever type; of a tree it matters in which folder it lies."""
    match repo.objects.kind(oid):
        case "blob":
            return BlobNode(repo, oid)
        case "tree":
            return TreeNode(repo, oid, folder)
        case "commit":
            return CommitNode(repo, oid)
    return None
