"""What goes up, to the byte and once, and what does not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from memory_sync.ports import look
from memory_sync.vault.keys import AgeCipher
from tests.engine.devices import Device, settle
from tests.files.test_local_tree import BYTES


def _edit_unseen(place: Path, content: bytes) -> None:
    """Edit a file in place so that its size and its time stay as they are."""
    seen = place.stat()
    assert seen.st_size == len(content)
    place.write_bytes(content)
    os.utime(place, ns=(seen.st_atime_ns, seen.st_mtime_ns))


@pytest.fixture
def encrypted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the sizes of what is encrypted from now on, compressed."""
    sizes: list[int] = []
    encrypt = AgeCipher.encrypt

    def noted(cipher: AgeCipher, plaintext: bytes) -> bytes:
        sizes.append(len(plaintext))
        return encrypt(cipher, plaintext)

    monkeypatch.setattr(AgeCipher, "encrypt", noted)
    return sizes


@pytest.mark.parametrize("writer", ["the one that sent it", "the one that fetched it"])
def test_i49_what_did_not_change_is_neither_encrypted_nor_sent_again(
    laptop: Device, desktop: Device, encrypted: list[int], writer: str
) -> None:
    """A start anew encrypts nothing, and an append only the header and the last of seven parts."""
    laptop.write("memory/log.md", "line\n" * 40_000)
    laptop.write("MEMORY.md", "small\n")
    settle(laptop, desktop)
    device = laptop if writer == "the one that sent it" else desktop
    commits = device.remote.commits
    encrypted.clear()
    device.restart()
    device.sync()
    os.utime(device.folder() / "MEMORY.md")
    device.sync()
    assert (encrypted, device.remote.commits) == ([], commits)
    device.write("memory/log.md", "line\n" * 40_000 + "more\n")
    outcome = device.sync()
    assert outcome.up == ("memory/memory/log.md",)
    assert len(encrypted) == 2
    settle(laptop, desktop)
    assert len(encrypted) == 2
    assert laptop.files() == desktop.files()


def test_i56_a_save_that_is_under_way_is_no_delete(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file is renamed away just as it is looked at: then only the final bytes go up."""
    laptop.write("MEMORY.md", "other\n")
    laptop.write("memory/a.md", "old\n")
    settle(laptop, desktop)
    place = laptop.folder() / "memory" / "a.md"
    backup, listed = place.with_name("a.md~"), look._list

    def rename_away(handle: int) -> list[os.DirEntry[str]]:
        entries = listed(handle)
        if place.name in [entry.name for entry in entries]:
            place.rename(backup)
        return entries

    with monkeypatch.context() as patch:
        patch.setattr(look, "_list", rename_away)
        outcome = laptop.sync()
    assert (outcome.up, outcome.again, outcome.problems) == ((), True, ())
    commits = laptop.remote.commits
    place.write_text("final\n")
    backup.unlink()
    assert laptop.sync().up == ("memory/memory/a.md",)
    assert laptop.remote.commits == commits + 1
    assert desktop.sync().down == ("memory/memory/a.md",)
    assert desktop.read("memory/a.md") == "final\n"


@pytest.mark.parametrize("when", ["within the cycle", "right after it"])
def test_i59_an_edit_right_after_a_remote_change_is_kept_and_uploaded(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Of the same size and with the same time: it is a plain edit of what was written."""
    laptop.write("MEMORY.md", "first\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "their\n")
    laptop.sync()
    place = desktop.folder() / "MEMORY.md"
    files = desktop.opened().roots["memory"].files
    write = files.write

    def write_and_edit(path: str, content: bytes, *, mode: int, expect: str | None) -> None:
        write(path, content, mode=mode, expect=expect)
        _edit_unseen(place, b"mine!\n")

    with monkeypatch.context() as patch:
        if when == "within the cycle":
            patch.setattr(files, "write", write_and_edit)
        assert desktop.sync().down == ("memory/MEMORY.md",)
    if when == "right after it":
        _edit_unseen(place, b"mine!\n")
    outcome = desktop.sync()
    assert (outcome.up, outcome.merged, outcome.conflicts) == (("memory/MEMORY.md",), (), 0)
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == {"MEMORY.md": b"mine!\n"}


def test_i61_what_was_done_while_nothing_ran_is_found(laptop: Device, desktop: Device) -> None:
    """An edit of the same size and with the old time, a new file and a delete."""
    laptop.clock.ahead = 3.0  # what is read now is not too young to be known again
    for name in "abc":
        laptop.write(f"memory/{name}.md", f"old {name}\n")
    settle(laptop, desktop)
    laptop.restart()
    _edit_unseen(laptop.folder() / "memory" / "a.md", b"new a\n")
    laptop.delete("memory/b.md")
    laptop.write("memory/d.md", "new d\n")
    assert laptop.sync().up == tuple(f"memory/memory/{name}.md" for name in "abd")
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert desktop.read("memory/a.md") == "new a\n"


@pytest.mark.parametrize("linked", ["the file", "its folder"])
def test_i67_what_a_link_has_replaced_is_neither_deleted_nor_followed(
    laptop: Device, desktop: Device, tmp_path: Path, linked: str
) -> None:
    """It is shown; nothing behind the link goes up or is written to, and other files go on."""
    laptop.write("MEMORY.md", "other\n")
    laptop.write("memory/sub/a.md", "ours\n")
    settle(laptop, desktop)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.md").write_text("secret\n")
    link = laptop.folder() / "memory" / "sub"
    shutil.rmtree(link)
    if linked == "the file":
        link.mkdir()
        link, outside = link / "a.md", outside / "a.md"
    link.symlink_to(outside)
    outcome = laptop.sync()
    assert (outcome.up, [problem.code for problem in outcome.problems]) == ((), ["file-special"])
    desktop.write("memory/sub/a.md", "edited\n")
    desktop.write("MEMORY.md", "edited too\n")
    desktop.sync()
    assert laptop.sync().down == ("memory/MEMORY.md",)
    assert (tmp_path / "outside" / "a.md").read_text() == "secret\n"
    link.unlink()
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert laptop.read("memory/sub/a.md") == "edited\n"


def test_i69_bytes_go_round_exactly(laptop: Device, desktop: Device) -> None:
    """Whatever a file holds, the other device has it to the byte: as a new file and as an edit."""
    for number, content in enumerate(BYTES):
        laptop.write(f"memory/{number}.md", content)
    settle(laptop, desktop)
    assert desktop.files() == laptop.files()
    expected = {}
    for number, content in enumerate(reversed(BYTES)):
        laptop.write(f"memory/{number}.md", content)
        expected[f"memory/{number}.md"] = content
    settle(laptop, desktop)
    assert desktop.files() == laptop.files() == expected


def test_i69_a_merge_keeps_every_byte_of_a_line(laptop: Device, desktop: Device) -> None:
    """Byte order mark, both kinds of line ends and a last line without one are as they were."""
    laptop.write("MEMORY.md", b"\xef\xbb\xbfone\r\ntwo\r\n\tthree \nfour")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", b"\xef\xbb\xbfone\r\nTWO\r\n\tthree \nfour")
    desktop.write("MEMORY.md", b"\xef\xbb\xbfone\r\ntwo\r\n\tthree \nFOUR")
    settle(laptop, desktop)
    merged = {"MEMORY.md": b"\xef\xbb\xbfone\r\nTWO\r\n\tthree \nFOUR"}
    assert laptop.files() == desktop.files() == merged
    assert laptop.conflicts() == []
