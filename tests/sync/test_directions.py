"""The planner and the guards for roots of one direction."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.model import Direction, Kind
from memory_sync.sync.guards import Alarm, Guard, alarms
from memory_sync.sync.plan import plan
from tests.sync.trees import TREES, Case, Tree

A, B, C = "a" * 64, "b" * 64, "c" * 64
PATH, COPY = "memory/x.md", ".conflicts/memory/x.md/20260101T000000Z-laptop"

TABLE = [
    # local, remote, base -> where it only sends, where it only receives
    (None, None, None, None, None),
    (A, A, A, None, None),
    (B, A, A, Kind.UPLOAD, None),
    (A, None, None, Kind.UPLOAD, None),
    (None, A, A, Kind.DELETE_REMOTE, None),
    (A, B, A, None, Kind.DOWNLOAD),
    (None, A, None, None, Kind.DOWNLOAD),
    (A, None, A, None, Kind.DELETE_LOCAL),
    (B, B, A, Kind.RECORD, Kind.RECORD),
    (A, A, None, Kind.RECORD, Kind.RECORD),
    (None, None, A, Kind.FORGET, Kind.FORGET),
    (B, None, A, Kind.UPLOAD, Kind.FORGET),
    (None, B, A, Kind.FORGET, Kind.DOWNLOAD),
    (B, C, A, Kind.OVERRULE, Kind.MERGE_DOWN),
    (B, C, None, Kind.OVERRULE, Kind.MERGE_DOWN),
]
UPWARD = {Kind.UPLOAD, Kind.DELETE_REMOTE, Kind.OVERRULE, Kind.MERGE}
DOWNWARD = {Kind.DOWNLOAD, Kind.DELETE_LOCAL, Kind.MERGE_DOWN, Kind.MERGE}


def decided(
    path: str, direction: Direction, *digests: str | None, former: Tree | None = None
) -> Kind | None:
    """Plan one path of a root of one direction."""
    trees = [{path: digest} if digest else {} for digest in digests]
    ways: dict[str, Direction] = {"memory": direction}
    actions = plan(*trees, directions=ways, former=former or {}).actions
    return actions[0].kind if actions else None


@pytest.mark.parametrize(("local", "remote", "base", "push", "pull"), TABLE)
def test_the_table_of_one_way(
    local: str | None, remote: str | None, base: str | None, push: Kind | None, pull: Kind | None
) -> None:
    """Each row: what is done where a root only sends, and where it only receives."""
    assert decided(PATH, "push", local, remote, base) is push
    assert decided(PATH, "pull", local, remote, base) is pull


def test_conflict_copies_of_a_root_that_only_receives_stay_here() -> None:
    """They come down and never go up; those of one that only sends travel both ways."""
    assert decided(COPY, "pull", A, None, None) is None
    assert decided(COPY, "pull", None, A, None) is Kind.DOWNLOAD
    assert decided(COPY, "push", A, None, None) is Kind.UPLOAD
    assert decided(COPY, "push", None, A, None) is Kind.DOWNLOAD


def test_what_was_in_common_once_tells_who_has_changed_a_file() -> None:
    """Without a base a root that only sends overrules nobody with a file that it did not change."""
    assert decided(PATH, "push", A, B, None, former={PATH: A}) is None
    assert decided(PATH, "push", A, B, None, former={PATH: B}) is Kind.UPLOAD
    assert decided(PATH, "push", A, B, None, former={PATH: C}) is Kind.OVERRULE
    assert decided(PATH, "push", A, A, None, former={PATH: A}) is Kind.RECORD
    assert decided(PATH, "push", None, A, None, former={PATH: A}) is None


@settings(max_examples=300)
@given(TREES, st.sampled_from(["push", "pull"]))
def test_i4_i8_nothing_goes_against_the_direction(case: Case, way: Direction) -> None:
    """From any three trees: no deed of the other direction, and nothing new is dropped by one."""
    ways: dict[str, Direction] = {"memory": way, "other": way}
    made = plan(
        case.local, case.remote, case.base, held=case.held, outside=case.outside, directions=ways
    )
    assert not {action.kind for action in made.actions} & (DOWNWARD if way == "push" else UPWARD)
    for action in made.of(Kind.DELETE_LOCAL, Kind.DELETE_REMOTE, Kind.DOWNLOAD, Kind.UPLOAD):
        lost = action.local if action.kind in DOWNWARD else action.remote
        assert lost in (None, action.base)


# --- guards

MANY = [f"memory/{number}.md" for number in range(12)]
FULL: Tree = dict.fromkeys(MANY, A)
CHANGED: Tree = dict.fromkeys(MANY, B)


@pytest.mark.parametrize(
    ("local", "remote", "guard", "push", "pull"),
    [
        ({}, FULL, Guard.LOCAL_EMPTIED, True, False),
        (FULL, {}, Guard.REMOTE_EMPTIED, False, True),
        ({MANY[0]: A}, FULL, Guard.MANY_DELETED, True, False),
        (CHANGED, FULL, Guard.ALL_CHANGED, True, False),
    ],
)
def test_i23_i24_i25_a_guard_stops_what_can_happen(
    local: Tree, remote: Tree, guard: Guard, push: bool, pull: bool
) -> None:
    """Both ways each is an alarm; one way only what would travel; an alarm that stood ends then."""
    [stood] = alarms(local, remote, FULL, ["memory"])
    assert stood.guard is guard
    for way, stays in (("push", push), ("pull", pull)):
        before: dict[str, Alarm] = {"memory": stood}
        for standing in ({}, before):
            ways: dict[str, Direction] = {"memory": "push" if way == "push" else "pull"}
            found = alarms(local, remote, FULL, ["memory"], standing=standing, directions=ways)
            assert [one.guard for one in found] == [guard] * stays
