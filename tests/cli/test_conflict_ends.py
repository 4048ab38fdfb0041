"""A conflict that is settled while a process dies, or while an agent saves: nothing is lost."""

from __future__ import annotations

import pytest

from memory_sync.ports import replace
from memory_sync.ports.disk import DiskTree
from memory_sync.ports.trash import Trash
from tests.cli.conflicting import BOBS, BOTH, FILE, Pair, copies, settled
from tests.cli.terminal import terminal
from tests.files.dying import Killed


def test_i33_a_copy_goes_to_the_trash_though_the_file_was_what_it_is(torn: Pair) -> None:
    """The file may be another one by the time of the answer; the copy is nowhere else then."""
    ada = torn[0]
    (copy,) = copies(ada)
    by_hand = copy.read_text() + "- added to the copy by hand\n"
    copy.write_text(by_hand)
    ada.write("MEMORY.md", by_hand)
    with terminal("conflicts", "resolve", FILE, "--keep", "mine", env=ada.env) as screen:
        screen.expect("Resolve it? [Y/n]")
        ada.write("MEMORY.md", "just saved\n")
        screen.type("y")
        assert screen.ends() == 0
    assert ada.read("MEMORY.md") == "just saved\n"
    assert copies(ada) == []
    trash = ada.places.trash.rglob("*")
    assert any(file.is_file() and file.read_text() == by_hand for file in trash)


def test_i33_cut_short_before_the_trash_has_it_the_copy_comes_back(
    torn: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken out of its place and is nowhere else yet is there again after a sync."""
    ada = torn[0]
    (copy,) = copies(ada)
    copy.write_text("by hand\n")

    def killed(*_: object, **__: object) -> bool:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Trash, "take", killed)
        patch.setattr(replace, "_put_back", lambda *_: None)
        with pytest.raises(Killed):
            ada.types("conflicts", "resolve", FILE, "--keep", "theirs", "--yes")
    assert not copy.exists()
    assert ada.types("now").status == 0
    assert [copy.read_text() for copy in copies(ada)] == ["by hand\n"]


def test_i33_cut_short_it_is_mended_by_doing_it_again(
    torn: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is there before the copy goes: in between the conflict is merely still there."""
    ada = torn[0]
    words = ("conflicts", "resolve", FILE, "--keep", "both", "--yes")

    def cut(tree: DiskTree, path: str, expect: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DiskTree, "remove", cut)
        assert ada.types(*words).status == 130
    assert (ada.read("MEMORY.md"), [copy.read_text() for copy in copies(ada)]) == (BOTH, [BOBS])
    assert ada.types(*words).status == 0
    assert settled(torn) == {BOTH}
    assert all(copies(person) == [] for person in torn)
