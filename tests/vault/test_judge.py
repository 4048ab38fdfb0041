"""Which head is accepted: the six rules."""

from collections.abc import Iterator, Mapping

import pytest

from memory_sync.model import Commit, Entry
from memory_sync.vault.judge import Court, Standing, Trust
from memory_sync.vault.keys import Identity, generate_identity
from memory_sync.vault.manifest import Manifest
from memory_sync.vault.seals import rotation_line, seal_message
from tests.vault.samples import IDENTITY, KEYS, VAULT_ID, commit

MANIFEST = Manifest(VAULT_ID, (IDENTITY.recipient,))


class Repository:
    """Commits with what their trees hold, as the judge looks them up."""

    def __init__(self) -> None:
        self.commits: dict[str, Commit] = {}
        self.tops: dict[str, dict[str, Entry]] = {}
        self.manifests: dict[str, Manifest | None] = {}
        self.replaced: dict[str, frozenset[str]] = {}
        self.accepted: set[str] = set()

    def sealed(self, n: int, parent: Commit | None, objects: int = 0) -> Commit:
        number = len(self.commits) + 1
        tree = f"{number:040x}"
        message = seal_message(KEYS.seal, n, VAULT_ID, parent.id if parent else None, tree)
        parents = (parent,) if parent else ()
        return self._add(commit(number, *parents, tree=tree, message=message), objects or number)

    def foreign(self, parent: Commit, changed: str, letter: str = "d") -> Commit:
        made = commit(len(self.commits) + 1, parent, message="Update README.md")
        self._add(made, 0)
        self.tops[made.id] = self.tops[parent.id] | {changed: Entry("100644", letter * 40)}
        return made

    def _add(self, made: Commit, objects: int) -> Commit:
        self.commits[made.id] = made
        self.tops[made.id] = {
            "objects": Entry("040000", f"{objects:040x}"),
            "vault.json": Entry("100644", "a" * 40),
        }
        self.manifests[made.id] = MANIFEST
        return made

    def chain(self, head: Commit) -> Iterator[Commit]:
        while True:
            yield head
            if not head.parents:
                return
            head = self.commits[head.parents[0]]

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        return self.tops[commit.id]

    def manifest(self, commit: Commit) -> Manifest | None:
        return self.manifests[commit.id]

    def superseded(self, commit: str) -> frozenset[str]:
        return self.replaced.get(commit, frozenset())

    def history(self, commit: str) -> Iterator[Commit]:
        return self.chain(self.commits[commit]) if commit in self.commits else iter(())

    def on_accepted_chain(self, commit: str) -> bool:
        return commit in self.accepted

    def judge(
        self, head: Commit, accepted: Commit | None = None, n: int = 0
    ) -> tuple[Standing, str]:
        trust = Trust(VAULT_ID, IDENTITY.recipient, accepted.id if accepted else "", n)
        verdict = Court(trust, self, KEYS.seal).judge(self.chain(head))
        return verdict.standing, verdict.newest.id if verdict.newest else ""


@pytest.fixture
def repo() -> Repository:
    """Give an empty repository."""
    return Repository()


def test_first_contact_accepts_any_sealed_head(repo: Repository) -> None:
    """Rule 1: a device that has accepted nothing takes the newest seal that counts."""
    second = repo.sealed(2, repo.sealed(1, None))
    assert repo.judge(second) == (Standing.ACCEPTED, second.id)


def test_a_head_above_the_accepted_one_is_accepted(repo: Repository) -> None:
    """Rule 1: the accepted commit is on the chain and the number is higher."""
    first = repo.sealed(1, None)
    third = repo.sealed(3, repo.sealed(2, first))
    assert repo.judge(third, first, 1) == (Standing.ACCEPTED, third.id)


def test_i52_a_number_that_does_not_rise_is_not_accepted(repo: Repository) -> None:
    """A sealed commit that was transplanted above the accepted one does not pass as news."""
    first = repo.sealed(5, None)
    replayed = repo.sealed(4, first)
    assert repo.judge(replayed, first, 5) == (Standing.FORKED, replayed.id)


def test_a_readme_edited_on_the_web_is_harmless(repo: Repository) -> None:
    """Rule 2: what lies above has the same objects, vault.json and superseded."""
    first = repo.sealed(1, None)
    edited = repo.foreign(repo.foreign(first, "README.md"), "pairing")
    assert repo.judge(edited, first, 1) == (Standing.ACCEPTED, first.id)


@pytest.mark.parametrize("name", ["vault.json", "superseded", "objects"])
def test_i52_a_commit_without_a_seal_that_changes_the_vault_is_foreign(
    repo: Repository, name: str
) -> None:
    """Rule 3: the sealed commit below is accepted, and what is above it is named."""
    second = repo.sealed(2, repo.sealed(1, None))
    evil = repo.foreign(second, name)
    assert repo.judge(evil, repo.commits[second.parents[0]], 1) == (Standing.FOREIGN, second.id)


def test_i52_a_foreign_commit_that_was_taken_back_is_still_foreign(repo: Repository) -> None:
    """Rule 3 looks at every commit above, not at the last one only."""
    first = repo.sealed(1, None)
    evil = repo.foreign(first, "objects")
    back = repo.foreign(evil, "objects")
    repo.tops[back.id] = dict(repo.tops[first.id])
    assert repo.judge(back, first, 1) == (Standing.FOREIGN, first.id)


def test_i41_an_older_head_is_a_stale_read(repo: Repository) -> None:
    """Rule 4: a commit of the accepted chain is never taken for a revert."""
    first = repo.sealed(1, None)
    second = repo.sealed(2, first)
    repo.accepted = {first.id, second.id}
    assert repo.judge(first, second, 2) == (Standing.STALE, first.id)


def test_a_superseded_head_is_stale(repo: Repository) -> None:
    """Rule 4: the accepted tree's own list names what it has replaced."""
    old, new = repo.sealed(9, None), repo.sealed(10, None)
    repo.replaced[new.id] = frozenset({old.id})
    assert repo.judge(old, new, 10) == (Standing.STALE, old.id)


def test_a_head_that_supersedes_the_accepted_one_is_accepted(repo: Repository) -> None:
    """Rule 1: a repaired history names the commits that it replaces."""
    old, new = repo.sealed(9, None), repo.sealed(3, None)
    repo.replaced[new.id] = frozenset({old.id})
    assert repo.judge(new, old, 9) == (Standing.ACCEPTED, new.id)


def test_a_history_that_others_built_upon_an_old_state_is_forked(repo: Repository) -> None:
    """Rule 5: sealed, newer by number, and the accepted commit is not on its chain."""
    first = repo.sealed(1, None)
    mine = repo.sealed(2, first)
    theirs = repo.sealed(3, repo.sealed(2, first))
    repo.accepted = {first.id, mine.id}
    assert repo.judge(theirs, mine, 2) == (Standing.FORKED, theirs.id)


def test_i52_an_old_tree_with_the_accepted_head_as_second_parent_is_no_progress(
    repo: Repository,
) -> None:
    """The chain follows first parents only, and a merge has no seal that counts."""
    first = repo.sealed(1, None)
    second = repo.sealed(2, first)
    repo.accepted = {first.id, second.id}
    evil = Commit("e" * 40, (first.id, second.id), first.tree, second.message)
    repo.commits[evil.id] = evil
    repo.tops[evil.id] = dict(repo.tops[first.id])
    repo.manifests[evil.id] = MANIFEST
    assert repo.judge(evil, second, 2)[0] is Standing.STALE


def test_nothing_sealed_is_an_orphan(repo: Repository) -> None:
    """Rule 6: an orphan history, or another vault."""
    stranger = generate_identity().derive(VAULT_ID)
    message = seal_message(stranger.seal, 1, VAULT_ID, None, "1" * 40)
    orphan = repo._add(commit(1, tree="1" * 40, message=message), 5)
    assert repo.judge(orphan, commit(9), 4) == (Standing.ORPHAN, "")


@pytest.mark.parametrize(
    "manifest",
    [None, Manifest("f" * 32, (IDENTITY.recipient,)),
     Manifest(VAULT_ID, (generate_identity().recipient,))],
    ids=["none", "another id", "another recipient"],
)  # fmt: skip
def test_a_seal_counts_only_under_its_own_manifest(
    repo: Repository, manifest: Manifest | None
) -> None:
    """The key must be that of recipients[0] in the commit's own vault.json, and the id be ours."""
    first = repo.sealed(1, None)
    second = repo.sealed(2, first)
    repo.manifests[second.id] = manifest
    assert repo.judge(second, first, 1)[1] == first.id


NEXT = generate_identity()
AFTER = generate_identity()


def _rotated(repo: Repository, parent: Commit, n: int, old: Identity, new: Identity) -> Commit:
    """Make the commit that hands the vault from one key to the next."""
    number = len(repo.commits) + 1
    tree = f"{number:040x}"
    message = seal_message(new.derive(VAULT_ID).seal, n, VAULT_ID, parent.id, tree)
    message += rotation_line(
        old.derive(VAULT_ID).seal, n, VAULT_ID, parent.id, tree, recipient=new.recipient
    )
    made = repo._add(commit(number, parent, tree=tree, message=message), number)
    repo.manifests[made.id] = Manifest(VAULT_ID, (new.recipient,))
    return made


def _judged(
    repo: Repository, head: Commit, accepted: Commit, n: int, key: Identity
) -> tuple[Standing, str, str]:
    trust = Trust(VAULT_ID, key.recipient, accepted.id, n, rotated=key is not IDENTITY)
    verdict = Court(trust, repo, key.derive(VAULT_ID).seal).judge(repo.chain(head))
    return verdict.standing, verdict.newest.id if verdict.newest else "", verdict.successor


def test_i54_a_rotation_above_the_accepted_commit_hands_the_vault_on(repo: Repository) -> None:
    """It names the next recipient, whatever lies above it and between."""
    first = repo.sealed(1, None)
    edited = repo.foreign(repo.sealed(2, first), "README.md")
    rotated = _rotated(repo, edited, 3, IDENTITY, NEXT)
    above = repo.foreign(rotated, "objects")
    for head in (rotated, above):
        found = _judged(repo, head, first, 1, IDENTITY)
        assert found == (Standing.ROTATED, rotated.id, NEXT.recipient)
    assert _judged(repo, rotated, first, 1, NEXT)[:2] == (Standing.ACCEPTED, rotated.id)


def test_i54_what_the_old_key_seals_above_a_rotation_does_not_undo_it(repo: Repository) -> None:
    """Also for who comes back later and would find that seal first; nor does a second rotation."""
    first = repo.sealed(1, None)
    rotated = _rotated(repo, first, 2, IDENTITY, NEXT)
    evil = repo.sealed(3, rotated)
    again = _rotated(repo, evil, 4, IDENTITY, AFTER)
    for head in (evil, again):
        found = _judged(repo, head, first, 1, IDENTITY)
        assert found == (Standing.ROTATED, rotated.id, NEXT.recipient)
        assert _judged(repo, head, first, 1, NEXT)[:2] == (Standing.FOREIGN, rotated.id)


def test_i54_each_rotation_is_signed_by_the_key_before_it(repo: Repository) -> None:
    """A device follows two of them one after another, and not the second alone."""
    first = repo.sealed(1, None)
    one = _rotated(repo, first, 2, IDENTITY, NEXT)
    two = _rotated(repo, one, 3, NEXT, AFTER)
    found = _judged(repo, two, first, 1, IDENTITY)
    assert found == (Standing.ROTATED, one.id, NEXT.recipient)
    found = _judged(repo, two, first, 1, NEXT)
    assert found == (Standing.ROTATED, two.id, AFTER.recipient)
    assert _judged(repo, two, first, 2, AFTER)[:2] == (Standing.ACCEPTED, two.id)


@pytest.mark.parametrize("wrong", ["number", "vault", "recipient", "key"])
def test_i52_a_rotation_that_is_not_right_is_foreign(repo: Repository, wrong: str) -> None:
    """A number that does not rise, another vault or recipient in its vault.json, another key."""
    second = repo.sealed(2, repo.sealed(1, None))
    old = AFTER if wrong == "key" else IDENTITY
    rotated = _rotated(repo, second, 2 if wrong == "number" else 3, old, NEXT)
    if wrong == "vault":
        repo.manifests[rotated.id] = Manifest("f" * 32, (NEXT.recipient,))
    elif wrong == "recipient":
        repo.manifests[rotated.id] = Manifest(VAULT_ID, (AFTER.recipient,))
    assert _judged(repo, rotated, second, 2, IDENTITY)[:2] == (Standing.FOREIGN, second.id)


def test_i41_a_head_from_below_a_rotation_is_a_stale_read(repo: Repository) -> None:
    """What was accepted under the key before is no other history: a replica lags."""
    first = repo.sealed(1, None)
    second = repo.sealed(2, first)
    rotated = _rotated(repo, second, 3, IDENTITY, NEXT)
    repo.accepted = {first.id, second.id, rotated.id}
    for head in (first, second, repo.sealed(3, second)):
        assert _judged(repo, head, rotated, 3, NEXT)[0] is Standing.STALE
    assert _judged(repo, second, second, 2, NEXT)[0] is Standing.STALE
