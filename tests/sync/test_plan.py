"""The planner: the table, and what holds for any three trees."""

import os
import random
from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.model import Kind, Plan
from memory_sync.sync.plan import plan
from tests.sync.trees import TREES, Case, Tree, World, seeded

A, B, C = "a" * 64, "b" * 64, "c" * 64
PATH = "memory/x.md"

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


EXAMPLES = 5000
FEWER = 500
"""Examples of the tests that look at one plan only: the many seeds go through the same checks."""
ROUNDS = 3
VOLUME = int(os.environ.get("MEMORY_SYNC_PLANS", "20000"))


def check_rest(case: Case, chance: random.Random) -> None:
    """Check that plans come to rest in any order, at equal trees, and keep every content."""
    left = case.held | case.outside
    ends = []
    for shuffle in (False, True):
        world = World.of(case)
        before = {*world.local.values(), *world.remote.values()}
        for _ in range(ROUNDS):
            actions = list(_now(world, case).plan().actions)
            if shuffle:
                chance.shuffle(actions)
            world.carry_out(actions)
        assert _now(world, case).plan() == Plan()
        for tree in (world.remote, world.base):
            assert without(tree, left) == without(world.local, left)
        assert before <= {*world.local.values(), *world.remote.values(), *world.kept}
        ends.append(world)
    assert ends[0] == ends[1]


def _now(world: World, case: Case) -> Case:
    return Case(world.local, world.remote, world.base, case.held, case.outside)


def without(tree: Tree, paths: Collection[str]) -> Tree:
    """Return a tree without some paths."""
    return {path: digest for path, digest in tree.items() if path not in paths}


def check_new(case: Case) -> None:
    """Check that a content which is new on one side is carried over, merged or equal."""
    actions = {action.path: action.kind for action in case.plan().actions}
    left = case.held | case.outside
    for path, digest in without(case.local, left).items():
        if digest not in (case.base.get(path), case.remote.get(path)):
            assert actions[path] in (Kind.UPLOAD, Kind.MERGE)
    for path, digest in without(case.remote, left).items():
        if digest not in (case.base.get(path), case.local.get(path)):
            assert actions[path] in (Kind.DOWNLOAD, Kind.MERGE)


def check_deletes(case: Case) -> None:
    """Check that only what is as it was on the other side is deleted there."""
    for action in case.plan().actions:
        if action.kind is Kind.DELETE_LOCAL:
            assert (action.local, action.remote) == (action.base, None)
        if action.kind is Kind.DELETE_REMOTE:
            assert (action.remote, action.local) == (action.base, None)


def check_union(case: Case) -> None:
    """Check that without a base nothing is deleted, and only what differs is merged."""
    for action in Case(case.local, case.remote, {}).plan().actions:
        assert action.kind in (Kind.UPLOAD, Kind.DOWNLOAD, Kind.RECORD, Kind.MERGE)
        if action.kind is Kind.MERGE:
            assert action.local != action.remote


def check_same(case: Case) -> None:
    """Check that a plan is the same to the byte, however the trees were built, and in order."""
    local, remote, base = (
        dict(reversed(tree.items())) for tree in (case.local, case.remote, case.base)
    )
    held = frozenset(sorted(case.held, reverse=True))
    made = case.plan()
    assert repr(made) == repr(Case(local, remote, base, held, case.outside).plan())
    paths = [action.path for action in made.actions]
    assert paths == sorted(set(paths))


@given(TREES, st.integers(0, 2**32).map(random.Random))
@settings(max_examples=EXAMPLES, deadline=None)
def test_i1_i2_i3_plans_come_to_rest_in_any_order(case: Case, chance: random.Random) -> None:
    """Within three rounds the plan is empty and the trees equal, whatever the actions' order."""
    check_rest(case, chance)


@given(TREES)
@settings(max_examples=FEWER, deadline=None)
def test_i4_no_new_content_is_dropped(case: Case) -> None:
    """A content that is new on one side is uploaded, downloaded, merged or equal; never deleted."""
    check_new(case)


@given(TREES)
@settings(max_examples=FEWER, deadline=None)
def test_i8_a_delete_needs_an_untouched_file(case: Case) -> None:
    """A file is deleted only where the other side has what the base has, and lacks it here."""
    check_deletes(case)


@given(TREES)
@settings(max_examples=FEWER, deadline=None)
def test_i13_without_a_base_nothing_is_deleted(case: Case) -> None:
    """Both sides are united; a conflict is only possible where contents differ."""
    check_union(case)


def test_i1_i2_i3_i4_i8_i13_hold_for_many_seeds() -> None:
    """The same for many more cases, from plain seeds: the one that fails is named."""
    for seed in range(VOLUME):
        case, chance = seeded(seed)
        try:
            check_rest(case, chance)
            check_new(case)
            check_deletes(case)
            check_union(case)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {case}") from error


@given(TREES)
@settings(max_examples=FEWER, deadline=None)
def test_i5_the_same_trees_give_the_same_plan(case: Case) -> None:
    """To the byte, however the mappings were built, and in the order of the paths."""
    check_same(case)


def test_i5_many_seeds_give_the_same_plan() -> None:
    """The same for plain seeds."""
    for seed in range(VOLUME // 10):
        check_same(seeded(seed)[0])


def test_i3_the_order_of_the_actions_changes_nothing() -> None:
    """Forward, backward or shuffled, the actions of one plan give the same three trees."""
    for seed in range(VOLUME // 10):
        case, chance = seeded(seed)
        actions = list(case.plan().actions)
        ends = []
        for order in (actions, actions[::-1], chance.sample(actions, len(actions))):
            world = World.of(case)
            world.carry_out(order)
            ends.append((world.local, world.remote, world.base))
        assert ends[0] == ends[1] == ends[2], f"seed {seed}: {case}"
