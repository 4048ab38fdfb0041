"""Guards: a side that has lost every file."""

import pytest

from memory_sync.sync.guards import Alarm, Guard, alarms

TWO = {"memory/a": "1", "memory/b": "2"}
OTHER = {"other/a": "1", "other/b": "2"}


@pytest.mark.parametrize(
    ("local", "remote", "base", "expected"),
    [
        ({}, TWO, TWO, [Alarm("memory", Guard.LOCAL_EMPTIED, 2)]),
        (TWO, {}, TWO, [Alarm("memory", Guard.REMOTE_EMPTIED, 2)]),
        ({}, {}, TWO, []),
        ({"memory/a": "1"}, TWO, TWO, []),
        ({}, {"memory/a": "1"}, {"memory/a": "1"}, []),
        ({}, TWO, {}, []),
        (OTHER, TWO | OTHER, TWO | OTHER, [Alarm("memory", Guard.LOCAL_EMPTIED, 2)]),
    ],
    ids=["here", "there", "both", "one left", "only one", "no base", "another root"],
)
def test_i23_a_side_emptied_of_two_or_more_files_is_an_alarm(
    local: dict[str, str], remote: dict[str, str], base: dict[str, str], expected: list[Alarm]
) -> None:
    """Both ways, for that root alone, and only where the base knows two files or more."""
    assert list(alarms(local, remote, base, {"memory", "other"})) == expected


def test_conflict_copies_may_all_be_resolved() -> None:
    """The reserved root is emptied whenever the last conflict is settled."""
    copies = {f".conflicts/memory/a/{n}": "1" for n in range(3)}
    assert alarms({}, copies, copies, {".conflicts"}) == ()
