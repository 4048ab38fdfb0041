"""Restoring where not all of it can come back: each file stands alone, and all is told."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory_sync.ports.disk import DiskTree
from tests.cli.person import Person, Ran
from tests.cli.terminal import terminal
from tests.engine.attacker import Attacker
from tests.files.test_disk import small_disk

Pair = tuple[Person, Person]
SENT = "A daemon that runs sends it by itself"


def head(person: Person) -> str:
    """Return the newest revision."""
    [change] = person.types("history", "-n", "1", "--json").answer["data"]["changes"]
    return str(change["revision"])


def pushed(person: Person, **texts: str) -> str:
    """Save files `memory/<name>.md`, send them, and return the revision that they make."""
    for name, text in texts.items():
        person.write(f"memory/{name}.md", text)
    assert person.types("push").status == 0
    return head(person)


def texts(person: Person) -> dict[str, str | None]:
    """Return the texts of the files below `memory/`, None for what is no ordinary file."""
    return {
        one.stem: one.read_text() if one.is_file() and not one.is_symlink() else None
        for one in (person.agent / "memory").iterdir()
    }


def written(ran: Ran) -> dict[str, bool]:
    """Return which files an answer says to have been written."""
    return {one["path"]: one["written"] for one in ran.answer["data"]["files"]}


@pytest.fixture
def owner(ada: Person) -> Person:
    """Return a machine with a vault."""
    assert ada.init().status == 0
    return ada


@pytest.fixture
def old(owner: Person) -> str:
    """Return a revision with three files that have changed since."""
    old = pushed(owner, a="a\n", b="b\n", c="c\n")
    pushed(owner, a="new a\n", b="new b\n", c="new c\n")
    return old


# --- what the vault cannot give ---


@pytest.fixture
def broken(owner: Person, tmp_path: Path) -> Callable[..., str]:
    """Return what makes a revision with a file whose object the vault loses after that."""

    def make(then: str | None) -> str:
        attacker = Attacker(tmp_path / "vault.git")
        pushed(owner, a="a\n", b="b\n")
        before = attacker.files()
        revision = pushed(owner, lost="lost\n")
        [blob] = {
            blob
            for path, blob in attacker.files().items()
            if path.startswith("objects/") and before.get(path) != blob
        }
        if then is None:
            (owner.agent / "memory/lost.md").unlink()
        pushed(owner, a="new a\n", **({"lost": then} if then else {}))
        attacker.lose(blob)
        return revision

    return make


@pytest.mark.parametrize("then", ["newer\n", None])
def test_what_cannot_be_read_is_told_and_the_rest_comes_back(
    owner: Person, broken: Callable[..., str], tmp_path: Path, then: str | None
) -> None:
    """Whether anything names the broken object, or its file was removed since."""
    revision = broken(then)
    elsewhere = owner.types("restore", "memory", "--at", revision, "--to", str(tmp_path / "old"))
    assert elsewhere.status == 1
    assert elsewhere.out.startswith("4 of 5 files as at ")
    assert sorted(one.name for one in (tmp_path / "old/memory/memory").iterdir()) == [
        "2026-01-01.md",
        "a.md",
        "b.md",
    ]
    asked = owner.types("restore", "memory", "--at", revision)
    assert "Not this: " in asked.err
    ran = owner.types("restore", "memory", "--at", revision, "--yes", "--json")
    assert (ran.status, ran.codes) == (1, ["object-broken"])
    assert written(ran) == {"memory/memory/a.md": True}
    named = "memory/memory/lost.md" if then else "objects/"
    assert ran.answer["errors"][0]["message"].startswith(named)
    assert owner.read("memory/a.md") == "a\n"
    assert owner.read("memory/lost.md") == then
    again = owner.types("restore", "memory", "--at", revision, "--yes")
    assert again.status == 1
    assert again.out.startswith("What else there was is just as it was at ")
    assert again.err.startswith(f"error: {named}")


def test_a_file_alone_that_cannot_be_read(owner: Person, broken: Callable[..., str]) -> None:
    """It is the error; of others nothing is said, and none is told for a file that can be read."""
    revision = broken(None)
    ran = owner.types("restore", "memory/memory/lost.md", "--at", revision, "--yes", "--json")
    assert (ran.status, ran.codes) == (1, ["object-broken"])
    assert "memory/memory/lost.md" in ran.answer["errors"][0]["message"]
    assert owner.types("restore", "memory/memory/a.md", "--at", revision, "--yes").status == 0


def test_nothing_is_said_to_be_nowhere_that_may_be_there(
    owner: Person, broken: Callable[..., str]
) -> None:
    """A folder of which nothing can be read is not said to have held nothing."""
    ran = owner.types("restore", "other", "--at", broken(None), "--yes", "--json")
    assert (ran.status, ran.codes) == (1, ["object-broken"])
    assert "(maybe of other)" in ran.answer["errors"][0]["message"]


# --- what stands in the place of a file ---


def _link(place: Path) -> None:
    place.symlink_to("/etc/passwd")


def _folder(place: Path) -> None:
    place.mkdir()
    (place / "x.md").write_text("x\n")


def _large(place: Path) -> None:
    place.write_bytes(b"x" * (11 * 1024**2))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_link, "file-special"),
        (_folder, "file-special"),
        (os.mkfifo, "file-special"),
        (_large, "file-too-large"),
    ],
)
def test_one_file_keeps_no_other_back(
    owner: Person, old: str, make: Callable[[Path], None], code: str
) -> None:
    """A link, a folder, a pipe, a file that is too large: told before and after, and it stays."""
    place = owner.agent / "memory/b.md"
    place.unlink()
    make(place)
    before = place.lstat()
    with terminal("restore", "memory", "--at", old, env=owner.env) as screen:
        screen.expect("Restore it? [Y/n]")
        assert f"Not this: {place}" in screen.shown.replace("\r\n", " ")
        screen.type("n")
        assert screen.ends() == 0
    ran = owner.types("restore", "memory", "--at", old, "--yes", "--json")
    assert (ran.status, ran.codes) == (1, [code])
    assert written(ran) == {"memory/memory/a.md": True, "memory/memory/c.md": True}
    assert (owner.read("memory/a.md"), owner.read("memory/c.md")) == ("a\n", "c\n")
    assert place.lstat() == before
    alone = owner.types("restore", "memory/memory/b.md", "--at", old, "--yes", "--json")
    assert (alone.status, alone.codes, written(alone)) == (1, [code], {})


@pytest.mark.parametrize("make", [Path.touch, lambda place: place.symlink_to("/tmp")])
def test_a_file_where_a_folder_was_is_told_as_that(
    owner: Person, old: str, make: Callable[[Path], None]
) -> None:
    """It has not "changed while it was looked at"; all that lies elsewhere comes back."""
    owner.write("MEMORY.md", "# New\n")
    shutil.rmtree(owner.agent / "memory")
    make(owner.agent / "memory")
    ran = owner.types("restore", "memory", "--at", old, "--yes", "--json")
    assert (ran.status, set(ran.codes)) == (1, {"file-in-the-way"})
    assert written(ran) == {"memory/MEMORY.md": True}
    [error] = [one for one in ran.answer["errors"] if "a.md" in one["message"]]
    assert f"({owner.agent / 'memory'} is no folder)" in error["message"]
    assert error["hint"] == f"ls -la {owner.agent / 'memory'}"


def test_the_trash_tells_what_stands_on_the_way_as_well(pair: Pair) -> None:
    """A file where a folder was, again."""
    owner, bob = pair
    (bob.agent / "memory/2026-01-01.md").unlink()
    bob.types("push")
    owner.types("pull")
    shutil.rmtree(owner.agent / "memory", ignore_errors=True)
    (owner.agent / "memory").write_text("a file\n")
    ran = owner.types("restore", "memory/memory/2026-01-01.md", "--yes", "--json")
    assert (ran.status, ran.codes) == (1, ["file-in-the-way"])


# --- an end in the middle ---


def test_a_full_disk_in_the_middle(owner: Person, tmp_path: Path) -> None:
    """What is back by then is told, in the root and elsewhere; nothing is half."""
    large = "x" * 300_000
    revision = pushed(owner, a="a\n", b=large, c="c\n")
    pushed(owner, a="new a\n", b="new b\n", c="new c\n")
    words = ("restore", "memory", "--at", revision)
    with small_disk(200_000):
        ran = owner.types(*words, "--yes", "--json")
        there = owner.types(*words, "--to", str(tmp_path / "old"))
        again = owner.types(*words, "--yes")
    assert (ran.status, ran.codes) == (1, ["disk-full"])
    assert written(ran) == {
        "memory/memory/a.md": True,
        "memory/memory/b.md": False,
        "memory/memory/c.md": False,
    }
    assert texts(owner) | {"2026-01-01": ""} == {
        "2026-01-01": "",
        "a": "a\n",
        "b": "new b\n",
        "c": "new c\n",
    }
    assert there.status == 1
    assert there.out.startswith("4 of 5 files as at ")
    assert f"{tmp_path}/old/memory/memory/b.md cannot be written" in there.err
    assert not (tmp_path / "old/memory/memory/b.md").exists()
    assert (again.status, again.out) == (1, "")
    assert owner.types(*words, "--yes").out.startswith("2 files as at ")
    assert owner.read("memory/b.md") == large


@pytest.fixture
def after_the_first(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Return what has something happen right after the first file was written."""

    def arrange(deed: Callable[[], None]) -> None:
        real, seen = DiskTree.write, list[str]()

        def write(self: DiskTree, path: str, content: bytes, **more: Any) -> None:
            real(self, path, content, **more)
            seen.append(path)
            if len(seen) == 1:
                deed()

        monkeypatch.setattr(DiskTree, "write", write)

    return arrange


def test_a_root_that_goes_away_in_the_middle(
    owner: Person, old: str, after_the_first: Callable[[Callable[[], None]], None]
) -> None:
    """The one halt is told once, with its status, and what was written before it."""
    gone = owner.agent.with_name("gone")
    after_the_first(lambda: os.rename(owner.agent, gone))
    ran = owner.types("restore", "memory", "--at", old, "--yes", "--json")
    assert (ran.status, ran.codes) == (7, ["root-gone"])
    assert list(written(ran).values()) == [True, False, False]
    assert (gone / "memory/a.md").read_text() == "a\n"


def test_ctrl_c_in_the_middle(
    owner: Person, old: str, after_the_first: Callable[[Callable[[], None]], None]
) -> None:
    """What is back by then is told, the file that was just written too; the status is 130."""
    after_the_first(lambda: signal.raise_signal(signal.SIGINT))
    ran = owner.types("restore", "memory", "--at", old, "--yes", "--json")
    assert (ran.status, ran.codes) == (130, ["interrupted"])
    assert list(written(ran).values()) == [True, False, False]
    assert (owner.read("memory/a.md"), owner.read("memory/b.md")) == ("a\n", "new b\n")


# --- what this machine does not sync ---


def test_what_is_left_out_here_is_named_and_not_written(owner: Person, old: str) -> None:
    """By a pattern, a rule or its size: alone it is refused, and `--to` has it all the same."""
    owner.write("MEMORY.md", "x" * 3000)
    large = pushed(owner)
    owner.write("MEMORY.md", "new\n")
    owner.write(".memorysyncignore", "c.md\n")
    owner.types("push")
    owner.configure('exclude = ["memory/b.md"]\nmax_size = 1000\n')
    ran = owner.types("restore", "memory", "--at", old, "--yes")
    assert ran.status == 0
    assert ran.out.startswith("2 files as at ")
    assert "    memory/memory/b.md: exclude has memory/b.md\n" in ran.out
    assert f"    memory/memory/c.md: line 1 of {owner.agent}/.memorysyncignore" in ran.out
    assert (owner.read("memory/b.md"), owner.read("memory/c.md")) == ("new b\n", "new c\n")
    [hint] = [one for one in ran.out.splitlines() if one.startswith("To have it elsewhere: ")]
    folder = owner.agent.with_name("old")
    typed = hint.partition("memory-sync ")[2].replace("FOLDER", str(folder)).split()
    assert owner.types(*typed).status == 0
    assert (folder / "memory/memory/b.md").read_text() == "b\n"
    same = owner.types("restore", "memory", "--at", old, "--yes", "--json")
    assert same.status == 0
    assert [one["path"][-4:] for one in same.answer["data"]["not_synced"]] == ["b.md", "c.md"]
    for path, at in (("memory/memory/b.md", old), ("memory/MEMORY.md", large)):
        alone = owner.types("restore", path, "--at", at, "--yes", "--json")
        assert (alone.status, alone.codes) == (2, ["restore-outside"])
        told = f"memory-sync restore {path} --at {at[:12]} --vault vault --to FILE"
        assert alone.answer["errors"][0]["hint"] == told
    assert owner.read("MEMORY.md") == "# Memory\n"


def test_what_is_left_out_is_shown_before_the_question(owner: Person, old: str) -> None:
    """Beside what will be written."""
    owner.configure('exclude = ["memory/b.md"]\n')
    with terminal("restore", "memory", "--at", old, env=owner.env) as screen:
        screen.expect("Restore it? [Y/n]")
        assert "Not synced on this machine, and left as it is: 1 file." in screen.shown
        screen.type("y")
        assert screen.ends() == 0
    assert owner.read("memory/b.md") == "new b\n"


def test_nothing_is_written_into_another_root(owner: Person, old: str) -> None:
    """A folder that is a root of its own by now keeps what it has."""
    inner = str(owner.agent / "memory")
    added = owner.types("roots", "add", inner, "--name", "inner", "--include", "**/*.md", "--yes")
    assert added.status == 0
    ran = owner.types("restore", "memory", "--at", old, "--yes")
    assert "memory/memory/a.md: here it belongs to root inner of vault vault\n" in ran.out
    assert owner.read("memory/a.md") == "new a\n"


def test_the_trash_holds_to_it_as_well(pair: Pair) -> None:
    """What is left out by now is not written; rules that cannot be read keep nothing back."""
    owner, bob = pair
    path = "memory/memory/2026-01-01.md"
    bob.write("memory/2026-01-01.md", "of Bob\n")
    bob.types("push")
    owner.types("pull")
    (owner.agent / ".memorysyncignore").symlink_to("elsewhere")
    assert owner.types("restore", path, "--yes").status == 0
    assert owner.read("memory/2026-01-01.md") == "- Learned to sync.\n"
    owner.configure('exclude = ["memory/2026*"]\n')
    ran = owner.types("restore", path, "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["restore-outside"])
    assert ran.answer["errors"][0]["hint"] == f"memory-sync restore {path} --to FILE"
    assert owner.types("restore", path, "--to", str(owner.home / "x.md")).status == 0


def test_a_root_that_only_receives_sends_nothing(pair: Pair) -> None:
    """From the vault, from the trash, and by settling a conflict: it is not said to be sent."""
    owner, bob = pair
    old = head(owner)
    for person, text in ((owner, "mine\n"), (bob, "theirs\n")):
        person.write("MEMORY.md", text)
    for person in (owner, bob):
        person.types("now")
    bob.configure('direction = "pull"\n')
    bob.types("now")
    only = "It stays on this machine: root memory only receives here.\n"
    words = ("conflicts", "resolve", "memory/MEMORY.md", "--keep", "mine", "--yes")
    assert bob.types(*words).out.endswith(only)
    assert bob.types("restore", "memory/MEMORY.md", "--at", old, "--yes").out.endswith(only)
    assert bob.types("restore", "memory/MEMORY.md", "--yes").out.endswith(only)
    assert bob.types("now").out == "vault: nothing to do\n"
    assert SENT in owner.types("restore", "memory/MEMORY.md", "--at", old, "--yes").out


# --- a root with another name ---


@pytest.mark.parametrize("path", ["work", "memory", "work/memory/a.md", "memory/memory/a.md", ""])
def test_a_root_that_was_renamed_has_its_past(owner: Person, old: str, path: str) -> None:
    """By the new name, by the old one, or on the disk: it comes into the root as it is now."""
    assert owner.types("roots", "rename", "memory", "work", "--yes").status == 0
    path = path or str(owner.agent / "memory/a.md")
    ran = owner.types("restore", path, "--at", old, "--yes", "--json")
    assert ran.status == 0
    assert written(ran)["work/memory/a.md"]
    assert owner.read("memory/a.md") == "a\n"
    folder = owner.agent.with_name("old")
    assert owner.types("restore", path, "--at", old, "--to", str(folder)).status == 0
    now = owner.types("restore", "work", "--at", "head", "--yes", "--json")
    assert now.status == 0
    assert owner.read("memory/a.md") == "new a\n"


def test_a_root_that_another_device_has(owner: Person, bob: Person) -> None:
    """The hint is a command that does it, but for the place."""
    owner.key_to(bob)
    assert bob.init("--name", "other").status == 0
    revision = head(bob)
    ran = bob.types("restore", "memory", "--at", revision, "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["restore-outside"])
    hint = ran.answer["errors"][0]["hint"]
    assert hint == f"memory-sync restore memory --at {revision[:12]} --vault vault --to FILE"
    typed = hint.removeprefix("memory-sync ").replace("FILE", str(bob.home / "old")).split()
    assert bob.types(*typed).status == 0


# --- words ---


@pytest.mark.parametrize("option", ["--to", "--at", "--time"])
def test_an_empty_word_is_none(pair: Pair, option: str) -> None:
    """It is not as if it were left out: then the file here would be replaced from the trash."""
    owner, bob = pair
    bob.write("MEMORY.md", "of Bob\n")
    bob.types("push")
    owner.types("pull")
    for more in ((), ("--at", "head")) if option == "--to" else ((),):
        ran = owner.types("restore", "memory/MEMORY.md", option, "", *more, "--yes", "--json")
        assert (ran.status, ran.codes) == (2, ["usage"])
        assert option in ran.answer["errors"][0]["message"]
    assert owner.read("MEMORY.md") == "of Bob\n"


@pytest.mark.parametrize("path", ["memory", "memory/memory"])
def test_a_folder_does_not_come_from_the_trash(owner: Person, old: str, path: str) -> None:
    """It is not said to have nothing: the hint lists its files, of which each can be named."""
    owner.write("memory/a.md", "not sent yet\n")
    assert owner.types("restore", "memory", "--at", old, "--yes").status == 0
    ran = owner.types("restore", path, "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["usage"])
    hint = ran.answer["errors"][0]["hint"]
    listed = owner.types(*hint.removeprefix("memory-sync ").split(), "--json").answer["data"]
    assert "memory/memory/a.md" in [one["path"] for one in listed["files"]]
    assert owner.types("restore", "memory/memory/a.md", "--yes").status == 0
    assert owner.read("memory/a.md") == "not sent yet\n"


def test_what_lies_above_the_new_folder_is_not_made(
    owner: Person, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On macOS to make `/` is refused as no other folder is."""
    real = os.mkdir

    def mkdir(path: Any, *words: Any, **more: Any) -> None:
        if str(path) == "/":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        real(path, *words, **more)

    monkeypatch.setattr(os, "mkdir", mkdir)
    folder = owner.agent.with_name("old")
    assert owner.types("restore", "memory", "--at", old, "--to", str(folder)).status == 0
    assert (folder / "memory/memory/a.md").read_text() == "a\n"
    assert (folder / "memory/memory").stat().st_mode & 0o777 == 0o700
