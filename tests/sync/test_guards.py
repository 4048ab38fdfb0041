"""Guards: what looks like a mistake stops a root, and only that one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memory_sync.sync.guards import Alarm, Guard, alarms, plan_id

Tree = dict[str, str]

TWO = {"memory/a": "1", "memory/b": "2"}
OTHER = {"other/a": "1", "other/b": "2"}


def many(count: int, root: str = "memory") -> Tree:
    """Return a tree of so many files with a content each."""
    return {f"{root}/{n:03}": f"{root}{n}" for n in range(count)}


def without(tree: Tree, count: int) -> Tree:
    """Return a tree that lacks the first so many files."""
    return dict(sorted(tree.items())[count:])


def edited(tree: Tree, count: int) -> Tree:
    """Return a tree in which the first so many files have another content."""
    return {
        path: f"new {digest}" if number < count else digest
        for number, (path, digest) in enumerate(sorted(tree.items()))
    }


def guards(
    local: Tree,
    remote: Tree,
    base: Tree,
    standing: dict[str, Alarm] | None = None,
    limits: dict[str, int] | None = None,
) -> list[tuple[str, Guard, int]]:
    """Return root, guard and number of suspects of each alarm."""
    roots = {path.partition("/")[0] for path in base}
    found = alarms(local, remote, base, roots, standing=standing, limits=limits)
    return [(alarm.root, alarm.guard, len(alarm.suspects)) for alarm in found]


@pytest.mark.parametrize(
    ("local", "remote", "base", "expected"),
    [
        ({}, TWO, TWO, [("memory", Guard.LOCAL_EMPTIED, 2)]),
        (TWO, {}, TWO, [("memory", Guard.REMOTE_EMPTIED, 2)]),
        ({}, {}, TWO, []),
        ({"memory/a": "1"}, TWO, TWO, []),
        ({}, {"memory/a": "1"}, {"memory/a": "1"}, []),
        ({}, TWO, {}, []),
        (OTHER, TWO | OTHER, TWO | OTHER, [("memory", Guard.LOCAL_EMPTIED, 2)]),
        ({"memory/new": "3"}, TWO, TWO, [("memory", Guard.LOCAL_EMPTIED, 2)]),
        (TWO, {"memory/new": "3"}, TWO, [("memory", Guard.REMOTE_EMPTIED, 2)]),
        ({"memory/x": "1", "memory/y": "2"}, TWO, TWO, []),
    ],
    ids=["here", "there", "both", "one left", "only one", "no base", "another root", "one new here",
         "one new there", "all renamed"],
)  # fmt: skip
def test_i23_a_side_emptied_of_two_or_more_files_is_an_alarm(
    local: Tree, remote: Tree, base: Tree, expected: list[tuple[str, Guard, int]]
) -> None:
    """Both ways, for that root alone, and only where the base knows two files or more."""
    assert guards(local, remote, base) == expected


@pytest.mark.parametrize(
    ("known", "deleted", "alarm"),
    [(21, 11, True), (22, 11, False), (20, 10, False), (12, 11, True), (300, 150, False),
     (300, 151, True)],
)  # fmt: skip
def test_i24_deletes_over_the_threshold_are_an_alarm(known: int, deleted: int, alarm: bool) -> None:
    """More than ten, and more than half of the root."""
    base = many(known)
    expected = [("memory", Guard.MANY_DELETED, deleted)] if alarm else []
    assert guards(without(base, deleted), base, base) == expected


def test_i24_a_rename_is_not_a_delete() -> None:
    """A content that is at a new path now was not deleted; one content stands for one file."""
    base = many(30)
    moved = {path.replace("memory/", "memory/old/"): digest for path, digest in base.items()}
    assert guards(moved, base, base) == []
    assert guards({**without(base, 20), **without(moved, 10)}, base, base) == []
    same = dict.fromkeys(base, "same")
    one = {"memory/old/one": "same", **without(same, 20)}
    assert guards(one, same, same) == [("memory", Guard.MANY_DELETED, 19)]
    elsewhere = {path.replace("memory/", "other/"): digest for path, digest in base.items()}
    assert guards(elsewhere | OTHER, base | OTHER, base | OTHER)[0][1] is Guard.LOCAL_EMPTIED


def test_i24_the_number_of_deletes_is_a_setting() -> None:
    """A root that is often cleaned up can have another threshold."""
    base = many(8)
    assert guards(without(base, 5), base, base, limits={"memory": 3})[0][2] == 5
    assert guards(without(base, 5), base, base, limits={"memory": 5}) == []


def test_i24_deletes_that_another_device_made_are_not_asked_about_again() -> None:
    """They were confirmed where they were made; only an emptied root is asked about everywhere."""
    base = many(30)
    assert guards(base, without(base, 20), base) == []


def test_i24_a_delete_against_an_edit_does_not_count() -> None:
    """What was edited elsewhere comes back anyway."""
    base = many(30)
    assert guards(without(base, 20), edited(base, 15), base) == []


@pytest.mark.parametrize(
    ("known", "changed", "alarm"), [(10, 10, True), (9, 9, False), (10, 9, False), (50, 50, True)]
)
def test_i25_ten_or_more_that_all_changed_are_an_alarm(
    known: int, changed: int, alarm: bool
) -> None:
    """One file that is as it was shows that it was no accident with all of them."""
    base = many(known)
    expected = [("memory", Guard.ALL_CHANGED, changed)] if alarm else []
    assert guards(edited(base, changed), base, base) == expected


def test_i25_what_both_sides_have_alike_did_not_change_by_accident() -> None:
    """A root that was brought to the vault's state by other means is in sync."""
    base = many(20)
    assert guards(edited(base, 20), edited(base, 20), base) == []


def test_i25_what_is_gone_counts_with_what_changed() -> None:
    """Nothing is as it was: some files have changed, the others are gone."""
    base = many(20)
    assert guards(edited(without(base, 5), 20), base, base) == [("memory", Guard.ALL_CHANGED, 20)]


def test_i23_one_file_that_is_back_does_not_end_a_halt() -> None:
    """It stands until nothing is amiss any more, also while a backup is being brought back."""
    base = many(40)
    first = {alarm.root: alarm for alarm in alarms({}, base, base, {"memory"})}
    assert guards(without(base, 20), base, base) == []
    for gone in (39, 20, 5, 1):
        assert guards(without(base, gone), base, base, standing=first)[0][2] == gone
    assert guards(base, base, base, standing=first) == []


def test_i24_an_approval_is_for_one_guard_and_one_deed() -> None:
    """What was approved of as changed may not be deleted, all of it or some."""
    base = many(24)
    [alarm] = alarms(edited(base, 24), base, base, {"memory"})
    standing = {"memory": replace(alarm, approved=True)}
    for local in ({}, without(base, 23), edited(without(base, 20), 24)):
        [again] = alarms(local, base, base, {"memory"}, standing=standing)
        assert not again.approved
    [passes] = alarms(edited(base, 24), base, base, {"memory"}, standing=standing)
    assert passes.approved


def test_i24_exactly_what_was_approved_passes() -> None:
    """The same deletes or fewer do; one more is an alarm again, not approved."""
    base = many(30)
    [alarm] = alarms(without(base, 20), base, base, {"memory"})
    standing = {"memory": replace(alarm, approved=True)}
    for gone in (20, 18):
        [again] = alarms(without(base, gone), base, base, {"memory"}, standing=standing)
        assert again.approved
    [larger] = alarms(without(base, 21), base, base, {"memory"}, standing=standing)
    assert not larger.approved
    assert larger.plan != alarm.plan
    other = dict(sorted(base.items(), reverse=True)[20:])
    [different] = alarms(other, base, base, {"memory"}, standing=standing)
    assert not different.approved


def test_a_plan_has_an_id_of_its_own() -> None:
    """Guard and paths decide it, so that one confirmation is for one thing."""
    one = Alarm("memory", Guard.MANY_DELETED, frozenset({"memory/a"}), 3)
    assert one.plan == replace(one, known=4).plan
    assert one.plan != replace(one, guard=Guard.ALL_CHANGED).plan
    assert one.plan != replace(one, suspects=frozenset({"memory/b"})).plan


def test_i5_an_id_does_not_depend_on_the_order_of_the_paths() -> None:
    """Another process that plans the same names it the same."""
    paths = ["memory/b", "memory/a", "memory/c"]
    assert plan_id("x", paths) == plan_id("x", sorted(paths)) == plan_id("x", frozenset(paths))


def test_conflict_copies_may_all_be_resolved() -> None:
    """The reserved root is emptied whenever the last conflict is settled."""
    copies = {f".conflicts/memory/a/{n}": "1" for n in range(3)}
    assert alarms({}, copies, copies, {".conflicts"}) == ()
