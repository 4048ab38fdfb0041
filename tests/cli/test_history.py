"""`memory-sync history`, `diff`, and `restore --at` and `--time`: older states of the vault."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.person import Person, until
from tests.cli.terminal import terminal
from tests.engine.attacker import Attacker

Pair = tuple[Person, Person]
LOG = "memory/2026-01-01.md"


@pytest.fixture
def owner(pair: Pair) -> Person:
    """Return a machine after a change by another one, and a file that this one removed."""
    owner, bob = pair
    bob.write("MEMORY.md", "# Memory\nof Bob\n")
    assert bob.types("push").status == 0
    assert owner.types("pull").status == 0
    (owner.agent / LOG).unlink()
    assert owner.types("push").status == 0
    assert bob.types("pull").status == 0
    return owner


def changes(person: Person, *words: str) -> list[dict[str, Any]]:
    """Return the changes that `history` answers with."""
    found: list[dict[str, Any]] = person.types("history", *words, "--json").answer["data"][
        "changes"
    ]
    return found


def first(person: Person) -> str:
    """Return the revision in which both files came."""
    revision: str = changes(person)[-1]["revision"]
    return revision


# --- history ---


def test_the_history_of_a_vault(owner: Person) -> None:
    """When, by whom, which files, how large, how many lines; as JSON too."""
    ran = owner.types("history")
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("    ")] == [
        ["removed", f"memory/{LOG}"],
        ["changed", "memory/MEMORY.md"],
        ["added", "memory/MEMORY.md"],
        ["added", f"memory/{LOG}"],
    ]
    assert "(9 bytes to 16 bytes, +1 -0 lines)" in ran.out
    assert "  desktop" in lines[2]
    assert len(lines) == 7
    edit = changes(owner)[1]
    assert edit["devices"] == ["desktop"]
    assert edit["time"].endswith("Z")
    assert edit["files"] == [
        {
            "path": "memory/MEMORY.md",
            "change": "changed",
            "device": "desktop",
            "size_before": 9,
            "size": 16,
            "lines_added": 1,
            "lines_removed": 0,
        }
    ]


@pytest.mark.parametrize("way", ["vault", "disk", "here"])
def test_the_history_of_a_file(owner: Person, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Of one that is removed too; by its path in the vault, or on the disk."""
    monkeypatch.chdir(owner.agent)
    path = {"vault": f"memory/{LOG}", "disk": str(owner.agent / LOG), "here": f"./{LOG}"}[way]
    assert [one["files"][0]["change"] for one in changes(owner, path)] == ["removed", "added"]
    here = {
        "vault": "memory/MEMORY.md",
        "disk": str(owner.agent / "MEMORY.md"),
        "here": "MEMORY.md",
    }
    assert [one["files"][0]["change"] for one in changes(owner, here[way])] == ["changed", "added"]
    assert len(changes(owner, str(owner.agent))) == 3


def test_page_by_page(owner: Person) -> None:
    """The last line is the command of the next page, and it begins where this one ended."""
    whole = changes(owner)
    seen, words = [], ["history", "-n", "1"]
    for _ in whole:
        ran = owner.types(*words)
        seen.append(ran.out.split()[0])
        last = ran.out.splitlines()[-1]
        words = last.removeprefix("Older: memory-sync ").split()
    assert seen == [one["revision"][:12] for one in whole]
    assert not last.startswith("Older: ")


def test_i52_what_has_no_seal_is_left_out(owner: Person, tmp_path: Path) -> None:
    """It is counted, and a restore does not take it."""
    attacker = Attacker(tmp_path / "vault.git")
    evil = attacker.tamper({attacker.objects()[0]: b"evil"})
    ran = owner.types("history")
    assert "1 commit without a seal that counts left out;" in ran.out
    assert evil[:12] not in ran.out
    assert owner.types("history", "--json").answer["data"]["left_out"] == 1
    ran = owner.types("restore", "memory/MEMORY.md", "--at", evil, "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["revision-unknown"])


def test_what_a_new_place_was_begun_with_is_not_left_out(owner: Person, tmp_path: Path) -> None:
    """The program's own first commit there bears no seal, and is nobody else's."""
    place = f"file://{tmp_path}/new.git"
    assert owner.types("move-remote", place, "--yes").status == 0
    assert owner.types("history", "--json").answer["data"]["left_out"] == 0
    assert "left out" not in owner.types("history").out
    Attacker(tmp_path / "new.git").tamper({"README.md": b"mine"})
    assert "1 commit without a seal that counts left out;" in owner.types("history").out


@pytest.mark.parametrize("way", ["vault", "disk"])
def test_the_history_of_a_folder_that_is_gone(owner: Person, way: str) -> None:
    """It cannot be told from a file that never was but by looking for both."""
    owner.write("memory/sub/x.md", "x\n")
    assert owner.types("push").status == 0
    shutil.rmtree(owner.agent / "memory/sub")
    assert owner.types("push").status == 0
    path = {"vault": "memory/memory/sub", "disk": str(owner.agent / "memory/sub")}[way]
    found = changes(owner, path)
    assert [[one["path"] for one in change["files"]] for change in found] == [
        ["memory/memory/sub/x.md"]
    ] * 2
    assert [one["files"][0]["change"] for one in found] == ["removed", "added"]
    ran = owner.types("history", "memory/memory/never", "--json")
    assert (ran.status, ran.codes) == (2, ["not-in-vault"])


def lost(owner: Person, top: Path, path: str) -> str:
    """Have the vault lose what it has of a new file, and remove that; return the revision."""
    attacker = Attacker(top / "vault.git")
    before = attacker.files()
    owner.write(path, "precious\n")
    owner.write("memory/beside.md", "beside\n")
    assert owner.types("push").status == 0
    revision = changes(owner)[0]["revision"]
    now = attacker.files().items() - before.items()
    blobs = [blob for name, blob in now if name.startswith("objects/")]
    (owner.agent / path).unlink()
    owner.write("memory/beside.md", "changed\n")
    assert owner.types("push").status == 0
    kept = set(attacker.files().values())
    assert not kept & set(blobs)
    for blob in blobs:
        whole = attacker.git("cat-file", "blob", blob)
        attacker.lose(blob)
        ran = owner.types("history", f"memory/{path}", "--json")
        if ran.answer["data"]["changes"][0]["files"][0]["change"] == "unreadable":
            return str(revision)
        attacker.git("hash-object", "-w", "--stdin", data=whole)
    raise AssertionError(blobs)


def test_i50_an_object_that_cannot_be_read_is_told(owner: Person, tmp_path: Path) -> None:
    """By `history` of its folder and by `diff`, each of which tells the rest all the same."""
    revision = lost(owner, tmp_path, "memory/lost.md")
    kinds = {one["change"] for change in changes(owner, "memory") for one in change["files"]}
    assert kinds == {"added", "changed", "removed", "unreadable"}
    ran = owner.types("diff", "memory", "--from", revision)
    assert ran.status == 1
    assert "-beside\n+changed\n" in ran.out
    assert "(maybe of memory) in the vault cannot be read" in ran.err
    ran = owner.types("diff", "memory/memory/lost.md", "--from", revision, "--json")
    assert (ran.status, ran.codes) == (1, ["object-broken"])
    assert ran.answer["errors"][0]["message"].startswith("memory/memory/lost.md in the vault")
    # What the other state calls it is its name in this one: it is not new.
    owner.write("memory/lost.md", "anew\n")
    for _ in range(2):
        ran = owner.types("diff", "memory", "--from", revision)
        assert "error: memory/memory/lost.md in the vault cannot be read" in ran.err
        assert "maybe" not in ran.err
        assert "+anew" not in ran.out
        assert owner.types("push").status == 0
    assert owner.types("diff", "memory/memory/beside.md", "--from", revision).status == 0


def test_i42_a_branch_that_was_forced_back_is_said(owner: Person, tmp_path: Path) -> None:
    """The past is that below what was accepted here last, and can be brought back."""
    attacker = Attacker(tmp_path / "vault.git")
    whole = changes(owner)
    attacker.point(attacker.chain()[1])
    assert changes(owner) == whole
    assert "does not follow" in owner.types("history").out
    ran = owner.types("restore", "memory", "--at", first(owner), "--yes")
    assert "does not follow" in ran.err
    assert owner.read(LOG) == "- Learned to sync.\n"


def test_history_at_a_terminal(owner: Person) -> None:
    """The head of each change stands out."""
    with terminal("history", env=owner.env) as screen:
        assert screen.ends() == 0
        assert "\x1b[1m" in screen.shown
    assert "\x1b" not in owner.types("history").out


def test_history_writes_nothing(owner: Person) -> None:
    """It is reading only, also of what the program keeps."""

    def seen() -> dict[str, bytes]:
        files = [one for one in owner.home.rglob("*") if one.is_file() and one.suffix != ".log"]
        return {str(one): one.read_bytes() for one in files}

    before = seen()
    assert owner.types("history").status == 0
    assert seen() == before


def test_where_nothing_is_set_up_it_writes_nothing_either(owner: Person) -> None:
    """With variables alone, as in a container; only this disk's own files need a beginning."""
    key = owner.types("export-key", "-").out
    fresh = Person("fresh", owner.home.parent.parent, owner.env)
    fresh.env |= {
        "MEMORY_SYNC_IDENTITY": next(
            line for line in key.splitlines() if line.startswith("AGE-SECRET-KEY")
        ),
        "MEMORY_SYNC_REMOTE": owner.remote,
        "MEMORY_SYNC_ROOT": str(fresh.agent),
    }
    to = str(fresh.agent.parent / "old")
    for words in (
        ("history", "memory"),
        ("diff", "memory", "--from", first(owner), "--to", "head"),
        ("restore", "memory", "--at", first(owner), "--to", to),
    ):
        assert fresh.types(*words).status == 0, words
        assert list(fresh.agent.iterdir()) == []
        assert [one for one in fresh.home.rglob("*") if one.suffix != ".log"] == []
    assert "+++ /dev/null\tdisk\n" in fresh.types("diff", "memory").out


def test_words_that_mean_nothing(owner: Person) -> None:
    """A path, a revision, a number: each is named, without a traceback."""
    for words in (
        ("history", "/nowhere/x"),
        ("history", "--before", "ffffffffff"),
        ("history", "--before", ""),
        ("history", "-n", "0"),
        ("history", "\x00"),
        ("restore", "memory", "--time", "soon"),
        ("restore", "memory", "--time", "1999-01-01", "--yes"),
        ("restore", "memory", "--time", "2d", "--at", "head"),
        ("restore", "memory/none.md", "--at", "head", "--yes"),
        ("restore", "other/none.md", "--at", "head", "--yes"),
        ("restore", "--list", "--time", "2d"),
    ):
        ran = owner.types(*words, "--json")
        expected = 0 if words == ("history", "--before", "") else 2
        assert ran.status == expected, (words, ran)


def test_without_a_network_the_trash_still_serves(owner: Person, tmp_path: Path) -> None:
    """The past needs the vault, and says so; the plain restore does not."""
    (tmp_path / "vault.git").rename(tmp_path / "away.git")
    for words in (("history",), ("restore", "memory/MEMORY.md", "--at", "head")):
        assert owner.types(*words, "--json").status == 5
    assert owner.types("restore", "memory/MEMORY.md", "--yes").status == 0
    assert owner.read("MEMORY.md") == "# Memory\n"


# --- diff ---


def test_the_disk_against_the_vault(owner: Person) -> None:
    """A plain unified difference in a pipe, to the byte; nothing where nothing differs."""
    assert owner.types("diff", "memory").out == ""
    owner.write("MEMORY.md", "# Memory\n\tof Ada")
    owner.write("memory/new.md", "new\n")
    head = changes(owner)[0]["revision"][:12]
    assert owner.types("diff", str(owner.agent)).out == (
        f"--- memory/MEMORY.md\t{head}\n+++ memory/MEMORY.md\tdisk\n@@ -1,2 +1,2 @@\n"
        " # Memory\n-of Bob\n+\tof Ada\n\\ No newline at end of file\n"
        f"--- /dev/null\t{head}\n+++ memory/memory/new.md\tdisk\n@@ -0,0 +1 @@\n+new\n"
    )
    data = owner.types("diff", "memory", "--json").answer["data"]
    assert [one["path"] for one in data["files"]] == ["memory/MEMORY.md", "memory/memory/new.md"]
    assert data["to"] == "disk"
    assert (data["files"][0]["size_before"], data["files"][0]["size"]) == (16, 16)


def test_what_cannot_be_read_is_not_taken_for_removed(owner: Person) -> None:
    """A file that is too large for its root is an error, and no difference that removes it."""
    text = owner.places.config_file.read_text()
    owner.places.config_file.write_text(
        text.replace("[[vault.root]]", "[[vault.root]]\nmax_size = 4")
    )
    ran = owner.types("diff", "memory", "--json")
    assert (ran.status, ran.codes) == (1, ["file-too-large"])


def test_i67_what_cannot_be_compared_keeps_nothing_else_from_it(owner: Person) -> None:
    """A link, a pipe, a file that is too large: each is told, and the others are compared."""
    text = owner.places.config_file.read_text()
    owner.places.config_file.write_text(
        text.replace("[[vault.root]]", "[[vault.root]]\nmax_size = 99")
    )
    owner.write("memory/sub/kept.md", "kept\n")
    owner.write("memory/link.md.old/x.md", "x\n")
    assert owner.types("push").status == 0
    owner.write("MEMORY.md", "new\n")
    owner.write("memory/large.md", "x" * 100)
    os.mkfifo(owner.agent / "memory/pipe.md")
    (owner.agent / "memory/link.md").symlink_to("/etc/hostname")
    shutil.rmtree(owner.agent / "memory/sub")
    (owner.agent / "memory/sub").symlink_to("nowhere")
    for words in (("diff", "memory"), ("diff", str(owner.agent))):
        ran = owner.types(*words, "--json")
        assert ran.status == 1
        assert [one["path"] for one in ran.answer["data"]["files"]] == ["memory/MEMORY.md"]
        assert sorted(ran.codes) == ["file-special"] * 3 + ["file-too-large"]
    ran = owner.types("diff", "memory")
    assert ran.out.endswith("-# Memory\n-of Bob\n+new\n")
    assert f"error: {owner.agent / 'memory/link.md'} is a symbolic link" in ran.err
    # Of what lies below a link nothing can be told; a name that only begins so is another one.
    ran = owner.types("diff", "memory/memory/sub", "--json")
    assert (ran.status, ran.codes) == (1, ["file-special"])
    assert owner.types("diff", "memory/memory/link.md.old").status == 0


def test_a_long_file_is_compared_in_no_long_time(owner: Person) -> None:
    """Every third of ten thousand lines is another: nothing quadratic looks for the others."""
    owner.write("memory/long.md", "".join(f"{number:020}\n" for number in range(10_000)))
    assert owner.types("push").status == 0
    lines = [f"{number if number % 3 else -number:020}\n" for number in range(10_000)]
    owner.write("memory/long.md", "".join(lines))
    began = time.process_time()
    out = owner.types("diff", "memory/memory/long.md").out
    assert time.process_time() - began < 4.0
    assert out.count("\n-") == out.count("\n+") - 1 == 3333


def test_an_empty_file_that_came_or_went_is_told(owner: Person) -> None:
    """By its head alone: it has no line."""
    head = changes(owner)[0]["revision"][:12]
    owner.write("memory/empty.md", "")
    out = owner.types("diff", "memory").out
    assert out == f"--- /dev/null\t{head}\n+++ memory/memory/empty.md\tdisk\n"


def test_two_revisions(owner: Person) -> None:
    """Of a file, of a removed one, and of a root; a rotation between them is no difference."""
    old = first(owner)[:12]
    assert owner.types("rotate-key", "--yes").status == 0
    words = ("--from", old, "--to", "head")
    out = owner.types("diff", "memory", *words).out
    assert out.count("\n--- ") + out.startswith("--- ") == 2
    assert "+of Bob\n" in out
    assert "-- Learned to sync.\n" in out
    assert "+of Bob" not in owner.types("diff", f"memory/{LOG}", *words).out
    assert owner.types("diff", "memory", "--from", old, "--to", old).out == ""


def test_a_difference_at_a_terminal_is_coloured_and_harmless(owner: Person) -> None:
    """What comes and goes has colours; what would command the terminal is escaped."""
    owner.write("MEMORY.md", "# Memory\n\x1b]0;owned\x07\n")
    with terminal("diff", "memory/MEMORY.md", env=owner.env) as screen:
        assert screen.ends() == 0
        assert "\x1b[31m-of Bob\x1b[0m" in screen.shown
        assert "\x1b[32m+\\x1b]0;owned\\x07\x1b[0m" in screen.shown


def test_a_difference_of_what_is_no_text_or_nowhere(owner: Person) -> None:
    """The one is said; the other is an error that names it."""
    (owner.agent / "MEMORY.md").write_bytes(b"\xff\0")
    assert "memory/MEMORY.md differs and is no text." in owner.types("diff", "memory").out
    assert owner.types("diff", "memory", "--json").answer["data"]["files"][0]["diff"] is None
    ran = owner.types("diff", "memory/none.md", "--json")
    assert (ran.status, ran.codes) == (2, ["not-in-vault"])


# --- restore ---


@pytest.mark.parametrize("way", ["vault", "disk"])
def test_i19_a_removed_file_comes_back_from_the_vault(owner: Person, pair: Pair, way: str) -> None:
    """Onto this machine, and with the next sync onto the others."""
    path = f"memory/{LOG}" if way == "vault" else str(owner.agent / LOG)
    ran = owner.types("restore", path, "--at", first(owner)[:12], "--yes", "--json")
    assert ran.status == 0
    assert ran.answer["data"]["written"]
    assert [one["path"] for one in ran.answer["data"]["files"]] == [f"memory/{LOG}"]
    assert owner.read(LOG) == "- Learned to sync.\n"
    assert owner.read("MEMORY.md") == "# Memory\nof Bob\n"
    assert owner.types("push").status == 0
    assert pair[1].types("pull").status == 0
    assert pair[1].read(LOG) == "- Learned to sync.\n"


def test_i19_a_whole_root_comes_back_and_that_can_be_undone(owner: Person, pair: Pair) -> None:
    """What has come since stays; what was replaced lies in the trash and in the vault."""
    owner.write("memory/since.md", "since\n")
    assert owner.types("push").status == 0
    before = changes(owner)[0]["revision"]
    ran = owner.types("restore", "memory", "--at", first(owner), "--yes", "--json")
    written = {one["path"] for one in ran.answer["data"]["files"]}
    assert written == {f"memory/{LOG}", "memory/MEMORY.md"}
    assert owner.read("MEMORY.md") == "# Memory\n"
    assert owner.read(LOG) == "- Learned to sync.\n"
    assert owner.read("memory/since.md") == "since\n"
    trashed = (owner.places.trash / "vault/memory/MEMORY.md").iterdir()
    assert "# Memory\nof Bob\n" in [one.read_text() for one in trashed]
    assert owner.types("push").status == 0
    assert pair[1].types("pull").status == 0
    assert pair[1].read("MEMORY.md") == "# Memory\n"
    assert owner.types("restore", "memory", "--at", before, "--yes").status == 0
    assert owner.read("MEMORY.md") == "# Memory\nof Bob\n"


def test_as_it_was_at_a_time(owner: Person, tmp_path: Path) -> None:
    """`2h` is two hours ago, a date its first moment; the newest commit that is not younger."""
    attacker = Attacker(tmp_path / "vault.git")
    assert owner.types("restore", "memory", "--time", "2h", "--yes", "--json").codes == [
        "revision-unknown"
    ]
    ran = owner.types("restore", "memory/MEMORY.md", "--time", "2199-01-01", "--json")
    assert ran.answer["data"]["revision"] == attacker.head
    assert not ran.answer["data"]["written"]


def test_a_revision_and_a_time_are_taken_as_people_write_them(owner: Person) -> None:
    """In capitals; and no time ago is now."""
    head = changes(owner)[0]["revision"]
    for words in (("--at", "HEAD"), ("--at", head[:12].upper()), ("--time", "0s")):
        ran = owner.types("restore", "memory/MEMORY.md", *words, "--json")
        assert (ran.status, ran.answer["data"]["revision"]) == (0, head), words
    ran = owner.types("restore", "memory", "--at", "FFFFFFFFFF", "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["revision-unknown"])
    assert owner.types("diff", "memory", "--from", "Head").status == 0


def test_it_shows_what_it_will_do_and_asks(owner: Person) -> None:
    """Places and sizes; no answer changes nothing."""
    words = ("restore", "memory", "--at", first(owner)[:12])
    for answer, text in (("n", "# Memory\nof Bob\n"), ("y", "# Memory\n")):
        with terminal(*words, env=owner.env) as screen:
            screen.expect("Restore it? [Y/n]")
            shown = screen.shown.replace("\r\n", " ")
            assert f"{owner.agent / 'MEMORY.md'} (9 bytes, now 16 bytes)" in shown
            assert f"{owner.agent / LOG} (19 bytes, is not there now)" in shown
            assert "goes to the trash" in shown
            screen.type(answer)
            assert screen.ends() == 0
        assert owner.read("MEMORY.md") == text
    ran = owner.types(*words, "--json")
    assert (ran.status, ran.answer["data"]["written"]) == (0, False)


def test_without_a_terminal_it_needs_yes(owner: Person) -> None:
    """The hint is the command that does it."""
    ran = owner.types("restore", f"memory/{LOG}", "--at", first(owner))
    assert ran.status == 2
    [hint] = [line for line in ran.err.splitlines() if line.startswith("hint: ")]
    assert owner.read(LOG) is None
    assert owner.types(*hint.removeprefix("hint: memory-sync ").split()).status == 0
    assert owner.read(LOG) == "- Learned to sync.\n"


def test_a_restore_elsewhere(owner: Person, tmp_path: Path) -> None:
    """A file to a new file, a root to a new folder; nothing is overwritten, all of it private."""
    there, folder = tmp_path / "old.md", tmp_path / "old"
    words = ("restore", "memory/MEMORY.md", "--at", first(owner), "--to")
    assert owner.types(*words, str(there)).status == 0
    assert there.read_text() == "# Memory\n"
    assert there.stat().st_mode & 0o777 == 0o600
    assert owner.types(*words, str(there), "--json").codes == ["file-exists"]
    words = ("restore", "memory", "--at", first(owner), "--to")
    assert owner.types(*words, str(folder)).status == 0
    assert (folder / "memory" / LOG).read_text() == "- Learned to sync.\n"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert owner.types(*words, str(folder), "--json").codes == ["file-exists"]
    assert owner.read("MEMORY.md") == "# Memory\nof Bob\n"


def test_i54_below_a_rotation(owner: Person) -> None:
    """The past of the key before can be read and brought back with the new one."""
    revision = first(owner)
    assert owner.types("rotate-key", "--yes").status == 0
    assert [one["rekeyed"] for one in changes(owner)] == [True, False, False, False]
    assert "everything encrypted anew" in owner.types("history").out
    assert owner.types("restore", "memory", "--at", revision, "--yes").status == 0
    assert owner.read(LOG) == "- Learned to sync.\n"
    assert owner.read("MEMORY.md") == "# Memory\n"


def test_i32_a_file_that_is_saved_meanwhile_stays(owner: Person) -> None:
    """What was shown is what is replaced, and nothing newer."""
    with terminal("restore", "memory/MEMORY.md", "--at", first(owner), env=owner.env) as screen:
        screen.expect("Restore it? [Y/n]")
        owner.write("MEMORY.md", "just saved\n")
        screen.type("y")
        assert screen.ends() == 1
    assert owner.read("MEMORY.md") == "just saved\n"


def test_it_works_while_a_daemon_serves_the_root(owner: Person, pair: Pair) -> None:
    """The history is read beside it, and it sends what was restored by itself."""
    bob = pair[1]
    owner.configure("[daemon]\ndebounce = 0.1\npoll = 0.2\n")
    with owner.daemon():
        until(lambda: owner.state() == "idle")
        revision = first(owner)
        assert owner.types("restore", "memory", "--at", revision, "--yes").status == 0

        def there() -> bool:
            bob.types("pull")
            return (bob.read(LOG), bob.read("MEMORY.md")) == ("- Learned to sync.\n", "# Memory\n")

        until(there)


def test_a_lost_database_loses_no_history(owner: Person) -> None:
    """What this device knows of the present only spares requests."""
    for place in owner.places.vault_state("vault").glob("state.db*"):
        place.unlink()
    assert len(changes(owner)) == 3
    words = ("restore", "memory", "--at", first(owner), "--yes")
    assert owner.types(*words, "--json").codes == ["restore-behind"]
    assert owner.types("pull").status == 0
    assert owner.types(*words).status == 0
    assert owner.read("MEMORY.md") == "# Memory\n"


def test_a_root_that_is_gone_gives_its_files_elsewhere(owner: Person, tmp_path: Path) -> None:
    """Its folder is not made anew."""
    shutil.rmtree(owner.agent)
    ran = owner.types("restore", "memory", "--at", first(owner), "--yes", "--json")
    assert (ran.status, ran.codes) == (7, ["root-gone"])
    assert not os.path.lexists(owner.agent)
    to = str(tmp_path / "old")
    assert owner.types("restore", "memory", "--at", first(owner), "--to", to).status == 0
