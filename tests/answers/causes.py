"""What goes wrong in the table: which requests are answered how, and what happens on GitHub."""

from __future__ import annotations

import random
from dataclasses import replace

from tests.answers.place import STRUCK, Machine, Place
from tests.hub import faults
from tests.hub.accounts import Level
from tests.hub.faults import Kind
from tests.hub.objects import Person

MUTATION = "mutation Commit"
GRAPH = "^POST /graphql"
NOBODY = Person("nobody", "nobody@example.com", 0)


# --- which requests a fault strikes ------------------------------------------------------------


class Reads:
    """A cause: what reads is answered like this."""

    def __init__(self, kind: Kind, times: int | None = None) -> None:
        self.kind, self.times = kind, times

    def __call__(self, place: Place) -> None:
        place.strike("^GET", self.kind, self.times)
        place.strike(GRAPH, self.kind, self.times, "query Blobs")


class Writes(Reads):
    """A cause: what writes is answered like this."""

    def __call__(self, place: Place) -> None:
        place.strike(GRAPH, self.kind, self.times, MUTATION)
        place.strike("^(PUT|PATCH|POST) /repos", self.kind, self.times)


class All(Reads):
    """A cause: everything is answered like this."""

    def __call__(self, place: Place) -> None:
        place.strike("", self.kind, self.times)


class RestWrites(Reads):
    """A cause: there is no GraphQL, and what writes is answered like this."""

    def __call__(self, place: Place) -> None:
        place.hub.graphql = False
        place.strike("^(PUT|PATCH|POST) /repos", self.kind, self.times)


class Lying:
    """A cause: the clocks in the headers lie, and something is refused under them or not."""

    def __init__(self, date: float, reset: float, kind: Kind | None = None) -> None:
        self.date, self.reset, self.kind = date, reset, kind

    def __call__(self, place: Place) -> None:
        place.hub.date_skew, place.hub.reset_skew = self.date, self.reset
        if self.kind:
            place.strike("", self.kind)


# --- causes that are the repository's ----------------------------------------------------------


def revoke(place: Place) -> None:
    """Make the tokens worthless."""
    for name in STRUCK:
        place.hub.revoke(place.tokens[name])


def lose_access(place: Place) -> None:
    """Take the repository from what the tokens cover."""
    _tokens(place, frozenset())


def regain_access(place: Place) -> None:
    """Let the tokens cover the repository again."""
    _tokens(place, None)


def _tokens(place: Place, repos: frozenset[str] | None) -> None:
    known = place.hub.accounts.tokens
    for name in STRUCK:
        token = known[place.tokens[name]]
        known[place.tokens[name]] = replace(token, classic=False, repos=repos)


def take_rights(place: Place) -> None:
    """Let the tokens only read."""
    _rights(place, "read")


def give_rights(place: Place) -> None:
    """Let the tokens write again."""
    _rights(place, "write")


def _rights(place: Place, contents: Level) -> None:
    known = place.hub.accounts.tokens
    for name in STRUCK:
        token = known[place.tokens[name]]
        known[place.tokens[name]] = replace(token, classic=False, contents=contents)


def archive(place: Place) -> None:
    """Archive the repository."""
    place.repo.archived = True


def unarchive(place: Place) -> None:
    """Make an archived repository one that can be written to."""
    place.repo.archived = False


def delete(place: Place) -> None:
    """Delete the repository."""
    place.hub.remove_repo(place.repo)


def undelete(place: Place) -> None:
    """Bring a deleted repository back."""
    place.hub.restore(place.repo)


def publish(place: Place) -> None:
    """Let everybody see the repository."""
    place.repo.private = False


def hide(place: Place) -> None:
    """Make the repository private again."""
    place.repo.private = True


def delete_branch(place: Place) -> None:
    """Delete the branch."""
    place.kept = place.repo.head() or ""
    place.repo.delete_branch()


def rewrite(place: Place) -> None:
    """Put the same files on the branch as a history of one commit, by somebody without the key."""
    place.kept = place.repo.head() or ""
    tree = place.repo.tree_of("HEAD")
    assert tree
    squashed = place.repo.objects.add_commit(tree, [], "Squashed", NOBODY, NOBODY)
    place.repo.set_head(place.repo.default_branch, squashed)


def turn_back(place: Place) -> None:
    """Set the branch back by one commit."""
    place.kept = place.repo.head() or ""
    former = place.repo.objects.commit(place.kept).parents[0]
    place.repo.set_head(place.repo.default_branch, former)


def git_is_empty(place: Place) -> None:
    """Answer as if the repository had no commit."""
    place.strike("^GET .*/(commits|compare|git)(/|[?]|$)", faults.empty_409)


def set_back(place: Place) -> None:
    """Set the branch to where it was."""
    place.repo.set_head(place.repo.default_branch, place.kept)


def rename(place: Place) -> None:
    """Give the repository another name."""
    place.hub.rename(place.repo, f"{place.repo.full_name}-renamed")


def rename_unknown_to_graphql(place: Place) -> None:
    """Rename it, and let GraphQL know the new name only."""
    place.hub.graph_follows_renames = False
    rename(place)


def rename_without_graphql(place: Place) -> None:
    """Rename it on a server without GraphQL: writes meet a 307."""
    place.hub.graphql = False
    rename(place)


def rename_branch(place: Place) -> None:
    """Give the default branch another name."""
    place.hub.rename_branch(place.repo, "trunk")


def rename_branch_without_graphql(place: Place) -> None:
    """Rename the branch on a server without GraphQL."""
    place.hub.graphql = False
    rename_branch(place)


def without_graphql(place: Place) -> None:
    """Let there be no GraphQL."""
    place.hub.graphql = False


def cut_texts(place: Place) -> None:
    """Have GraphQL cut texts that are not short."""
    place.hub.blob_limit = 20_000


def cut_trees(place: Place) -> None:
    """Have trees cut that are not small, and no comparison that would tell as much."""
    place.hub.tree_limit = 20
    place.strike("^GET .*/compare/", faults.not_found)


def limit_by_path(place: Place) -> None:
    """Refuse what names this repository: others of the same token are not struck."""
    place.strike(f"/repos/{place.repo.full_name}(/|[?]|$)", faults.secondary_limit(7))
    place.strike(GRAPH, faults.secondary_limit(7), body=f'"{place.repo.full_name}"')


def leave(place: Place) -> None:
    """Do nothing at all: what there is is another vault's."""


def stay(place: Place) -> None:
    """Leave it as it is: what GitHub has changed stays so."""
    place.hub.faults.clear()


# --- what the machines do besides --------------------------------------------------------------


def many_files(place: Place, machines: dict[str, Machine]) -> None:
    """Write more files than a comparison tells."""
    for number in range(310):
        machines["three"].write(place.name, f"memory/many/{number}.md", f"{number}\n")


def some_files(place: Place, machines: dict[str, Machine]) -> None:
    """Write enough files for a tree to be cut."""
    for number in range(12):
        machines["three"].write(place.name, f"memory/some/{number}.md", f"{number}\n")


def long_file(place: Place, machines: dict[str, Machine]) -> None:
    """Write a file that GraphQL cuts."""
    machines["three"].write(place.name, "memory/long.md", _prose(100_000))


def large_files(place: Place, machines: dict[str, Machine]) -> None:
    """Write a file over 1 MB, and one over `max_size`."""
    machines["one"].write(place.name, "memory/big.md", _prose(1_300_000))
    machines["one"].write(place.name, "memory/huge.md", _prose(2_200_000))


def smaller_files(place: Place, machines: dict[str, Machine]) -> None:
    """Make the file that was too large smaller."""
    machines["one"].write(place.name, "memory/huge.md", "small now\n")


def _prose(size: int) -> str:
    chance = random.Random(size)
    lines = (f"{chance.getrandbits(256):064x}\n" for _ in range(size // 65))
    return "".join(lines)


# --- answers of GraphQL ------------------------------------------------------------------------


def told(text: str, kind: str | None, *, applied: bool = False) -> Kind:
    """Answer with an error of this type; None leaves the type out."""
    error = {"message": text, "path": ["createCommitOnBranch"]}
    if kind:
        error |= {"type": kind}
    return faults.graph(error, data={"createCommitOnBranch": None}, applied=applied)
