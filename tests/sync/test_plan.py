"""The planner: the table, and what holds for any three trees."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.model import Kind, Plan
from memory_sync.sync.plan import plan

A, B, C = "a" * 64, "b" * 64, "c" * 64
PATH = "memory/x.md"
Tree = dict[str, str]

TABLE = [
    # local, remote, base -> action
    (None, None, None, None),
    (A, A, A, None),
    (B, A, A, Kind.UPLOAD),
    (A, None, None, Kind.UPLOAD),
    (None, A, A, Kind.DELETE_REMOTE),
    (A, B, A, Kind.DOWNLOAD),
    (None, A, None, Kind.DOWNLOAD),
    (A, None, A, Kind.DELETE_LOCAL),
    (B, B, A, Kind.RECORD),
    (A, A, None, Kind.RECORD),
    (None, None, A, Kind.FORGET),
    (B, None, A, Kind.UPLOAD),
    (None, B, A, Kind.DOWNLOAD),
    (B, C, A, Kind.MERGE),
    (B, C, None, Kind.MERGE),
]


def _tree(digest: str | None) -> Tree:
    return {PATH: digest} if digest else {}


@pytest.mark.parametrize(("local", "remote", "base", "kind"), TABLE)
def test_the_table(
    local: str | None, remote: str | None, base: str | None, kind: Kind | None
) -> None:
    """Each row of the table: what is done, and with which digests it was planned."""
    actions = plan(_tree(local), _tree(remote), _tree(base)).actions
    assert [action.kind for action in actions] == ([kind] if kind else [])
    for action in actions:
        assert (action.local, action.remote, action.base) == (local, remote, base)


@pytest.mark.parametrize(("local", "remote", "base", "kind"), TABLE)
def test_a_held_path_is_left_alone(
    local: str | None, remote: str | None, base: str | None, kind: Kind | None
) -> None:
    """Whatever the table says, nothing is decided about a path that has an error."""
    held = plan(_tree(local), _tree(remote), _tree(base), held={PATH})
    assert held == Plan()
    assert kind is None or plan(_tree(local), _tree(remote), _tree(base)) != held


@pytest.mark.parametrize(("local", "remote", "base", "kind"), TABLE)
def test_i28_outside_only_the_base_forgets(
    local: str | None, remote: str | None, base: str | None, kind: Kind | None
) -> None:
    """A path that is not synced (any more) changes on no side."""
    assert kind is None or kind in Kind
    actions = plan(_tree(local), _tree(remote), _tree(base), outside={PATH}).actions
    assert [action.kind for action in actions] == ([Kind.FORGET] if base else [])


_DIGEST = st.sampled_from([A, B, C])
_TREE = st.dictionaries(st.sampled_from([f"memory/{n}.md" for n in range(6)]), _DIGEST)


@st.composite
def _correlated(draw: st.DrawFn) -> tuple[Tree, Tree, Tree]:
    """Make one tree and change it twice, as two devices do."""
    base = draw(_TREE)
    sides: list[Tree] = []
    for _ in range(2):
        side = dict(base)
        for path in draw(st.lists(st.sampled_from([f"memory/{n}.md" for n in range(6)]))):
            digest = draw(st.none() | _DIGEST)
            if digest:
                side[path] = digest
            else:
                side.pop(path, None)
        sides.append(side)
    return sides[0], sides[1], base


def _apply(made: Plan, local: Tree, remote: Tree, base: Tree) -> None:
    """Pretend to carry the actions out; a merge makes a new content on this side."""
    for action in made.actions:
        path = action.path
        match action.kind:
            case Kind.UPLOAD:
                remote[path] = base[path] = local[path]
            case Kind.DOWNLOAD:
                local[path] = base[path] = remote[path]
            case Kind.DELETE_LOCAL:
                del local[path], base[path]
            case Kind.DELETE_REMOTE:
                del remote[path], base[path]
            case Kind.RECORD:
                base[path] = remote[path]
            case Kind.FORGET:
                del base[path]
            case Kind.MERGE:
                base[path] = remote[path]
                local[path] = f"merge of {local[path]} and {remote[path]}"


@given(_correlated(), st.randoms(use_true_random=False))
@settings(max_examples=500)
def test_i1_i2_i3_plans_come_to_rest_in_any_order(
    trees: tuple[Tree, Tree, Tree], chance: random.Random
) -> None:
    """Within three rounds the plan is empty and the trees equal, whatever the actions' order."""
    ends: list[tuple[Tree, Tree, Tree]] = []
    for shuffle in (False, True):
        local, remote, base = (dict(tree) for tree in trees)
        for _ in range(3):
            made = plan(local, remote, base)
            actions = list(made.actions)
            if shuffle:
                chance.shuffle(actions)
            _apply(Plan(tuple(actions)), local, remote, base)
        assert plan(local, remote, base) == Plan()
        assert local == remote == base
        ends.append((local, remote, base))
    assert ends[0] == ends[1]


@given(_correlated())
@settings(max_examples=500)
def test_i4_no_new_content_is_dropped(trees: tuple[Tree, Tree, Tree]) -> None:
    """A content that is new on one side is uploaded, downloaded, merged or equal; never deleted."""
    local, remote, base = trees
    actions = {action.path: action.kind for action in plan(local, remote, base).actions}
    for path, digest in local.items():
        if digest != base.get(path) and digest != remote.get(path):
            assert actions[path] in (Kind.UPLOAD, Kind.MERGE)
    for path, digest in remote.items():
        if digest != base.get(path) and digest != local.get(path):
            assert actions[path] in (Kind.DOWNLOAD, Kind.MERGE)


@given(_correlated())
def test_i5_the_same_trees_give_the_same_plan(trees: tuple[Tree, Tree, Tree]) -> None:
    """To the byte, however the mappings were built."""
    turned = [dict(reversed(tree.items())) for tree in trees]
    assert repr(plan(*trees)) == repr(plan(*turned))
