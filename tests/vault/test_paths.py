"""Which paths a vault may hold."""

import pytest

from memory_sync.vault.paths import PathError, check, conflict_path, safe_device


@pytest.mark.parametrize(
    "path", ["memory/MEMORY.md", "a-b_c.d/é ü.md", "m/" + "x" * 1022, "M/a/b/c/.hidden"]
)
def test_what_is_allowed(path: str) -> None:
    """Any composed UTF-8 name below a root's name."""
    assert check(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "memory", "memory/", "/x", "memory/./x", "memory/../x", "memory//x", "mem ory/x",
     ".memory/x", "memory/a\0b", "memory/a\x7fb", "memory/a\\b", "memory/e\u0301",
     "m/" + "x" * 1023, "memory/\udcff", ".conflicts/memory/x.md", ".conflicts/memory/x.md/now",
     ".conflicts/.bad/x.md/20260101T000000Z-d"],
)  # fmt: skip
def test_what_is_refused(path: str) -> None:
    """Each rule has a path that breaks it."""
    with pytest.raises(PathError):
        check(path)


def test_a_conflicts_affixes_do_not_count() -> None:
    """The longest path can still have a conflict copy."""
    path = "m/" + "x" * 1022
    place = conflict_path(path, "20260101T000000Z", "my laptop/1")
    assert check(place) == place
    assert place.endswith("/20260101T000000Z-my-laptop-1")


def test_a_device_name_is_reduced_to_safe_letters() -> None:
    """Any host's name makes a part of a path."""
    assert safe_device("Zoë's Mac") == "Zo--s-Mac"
    assert safe_device("") == "device"
    assert len(safe_device("x" * 99)) == 64
