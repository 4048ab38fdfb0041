"""`memory-sync conflicts`: what two machines changed in the same lines is seen and settled."""

from __future__ import annotations

import os
import shlex
import shutil
from itertools import product
from pathlib import Path

import pytest

from tests.cli.conflicting import ADAS, BOBS, BOTH, FILE, START, Pair, conflict, copies, settled
from tests.cli.person import QUICK, Person, until
from tests.cli.terminal import terminal

# --- seeing


def test_they_are_listed_on_every_machine(torn: Pair) -> None:
    """File, devices, when and the size of the difference; the same without the word `list`."""
    for person in torn:
        lines = person.types("conflicts").out.splitlines()
        assert lines[0].split() == ["FILE", "COPY", "OF", "FILE", "OF", "DIFFERENCE"]
        assert lines[1].startswith(f"{FILE}  desktop, 20")
        assert "  laptop  " in lines[1]
        assert lines[1].endswith("1 line only in the file, 1 line only in the copy")
        (row,) = person.types("conflicts", "list", "--json").answer["data"]["conflicts"]
        assert (row["path"], row["device"], row["file_device"]) == (FILE, "desktop", "laptop")
        assert row["difference"] == {"only_theirs": 1, "only_mine": 1}
        assert row["copy"] == f"{row['when'].replace('-', '').replace(':', '')}-desktop"


def test_without_a_conflict_it_says_so(pair: Pair) -> None:
    """An empty list is no error, before the first sync and after it."""
    ran = pair[0].types("conflicts")
    assert (ran.status, ran.out) == (0, "No conflicts.\n")
    assert pair[0].types("conflicts", "--json").answer["data"] == {"conflicts": []}


def test_status_counts_them(torn: Pair) -> None:
    """It names the command that lists them, and tells them by exit status 3."""
    bob = torn[1]
    bob.configure(QUICK)
    with bob.daemon():
        until(lambda: bob.state() == "needs-attention")
        ran = bob.types("status", "--exit-code")
        assert (
            ran.status,
            bob.types("status", "--json").answer["data"]["vaults"][0]["conflicts"],
        ) == (3, 1)
        assert "hint: memory-sync conflicts\n" in ran.out


def test_a_conflict_is_shown_three_ways(torn: Pair) -> None:
    """Base, theirs and mine, where the base is known; plain in a pipe."""
    ran = torn[1].types("conflicts", "show", FILE)
    assert ran.out.splitlines()[-6:] == [
        "       | # Memory",
        "       | - one",
        "base   | - two",
        "theirs | - two A",
        "mine   | - two B",
        "       | - three",
    ]
    data = torn[1].types("conflicts", "show", FILE, "--json").answer["data"]
    assert [data[side]["text"] for side in ("base", "theirs", "mine")] == [START, ADAS, BOBS]


def test_where_the_base_is_not_known_two_are_shown(torn: Pair) -> None:
    """Only the machine that made the copy knows what both began with."""
    ran = torn[0].types("conflicts", "show", FILE)
    assert "base     not known on this machine" in ran.out
    assert ran.out.splitlines()[-5:] == [
        "       | # Memory",
        "       | - one",
        "theirs | - two A",
        "mine   | - two B",
        "       | - three",
    ]
    assert torn[0].types("conflicts", "show", FILE, "--json").answer["data"]["base"] is None


def test_it_is_coloured_on_a_terminal_only(torn: Pair) -> None:
    """Each side has its colour there, and NO_COLOR is heeded."""
    words = ("conflicts", "show", FILE)
    with terminal(*words, env=torn[1].env) as screen:
        assert screen.ends() == 0
        assert "\x1b[32mtheirs | - two A\x1b[0m" in screen.shown
        assert "\x1b[33mmine   | - two B\x1b[0m" in screen.shown
    with terminal(*words, env={**torn[1].env, "NO_COLOR": "1"}) as screen:
        assert screen.ends() == 0
        assert "\x1b" not in screen.shown
    assert "\x1b" not in torn[1].types(*words).out


def test_what_is_not_printable_cannot_command_the_terminal(pair: Pair) -> None:
    """Text of a copy is escaped where it is shown, and whole in the JSON."""
    conflict(pair, ada="\x1b[2Ja\n", bob="\x1b]0;b\x07\n")
    ran = pair[1].types("conflicts", "show", FILE)
    assert "\x1b" not in ran.out
    assert "mine   | \\x1b]0;b\\x07" in ran.out
    data = pair[1].types("conflicts", "show", FILE, "--json").answer["data"]
    assert data["mine"]["text"] == "\x1b]0;b\x07\n"


def test_what_is_no_text_is_told_by_its_size(pair: Pair) -> None:
    """There are no lines to show, and `both` is refused."""
    conflict(pair, ada="a\0a\n", bob="b\0\n")
    ran = pair[1].types("conflicts", "show", FILE)
    assert "differs  no text: 4 bytes in the file, 3 bytes in the copy" in ran.out
    assert pair[1].types("conflicts", "show", FILE, "--json").answer["data"]["mine"]["text"] is None
    ran = pair[1].types("conflicts", "resolve", FILE, "--keep", "both", "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["conflict-not-text"])
    assert len(copies(pair[1])) == 1


# --- settling


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize(("keep", "text"), [("theirs", ADAS), ("mine", BOBS), ("both", BOTH)])
def test_it_is_resolved_on_any_machine(torn: Pair, where: int, keep: str, text: str) -> None:
    """The file is what was chosen, the copy is gone, and so it is on the other machine."""
    ran = torn[where].types("conflicts", "resolve", FILE, "--keep", keep, "--yes", "--json")
    assert ran.answer["data"]["resolved"]
    assert torn[where].read("MEMORY.md") == text
    assert copies(torn[where]) == []
    assert settled(torn) == {text}
    assert all(copies(person) == [] for person in torn)
    assert [person.types("now").status for person in torn] == [0, 0]


def test_it_is_resolved_with_a_file(torn: Pair, tmp_path: Path) -> None:
    """Its content stands in the file, to the byte."""
    mine = tmp_path / "mine.md"
    mine.write_bytes(b"\xef\xbb\xbfof my own\r\n\0")
    words = ("conflicts", "resolve", FILE, "--with", str(mine), "--yes")
    assert torn[0].types(*words).status == 0
    assert (torn[0].agent / "MEMORY.md").read_bytes() == mine.read_bytes()
    settled(torn)
    assert (torn[1].agent / "MEMORY.md").read_bytes() == mine.read_bytes()
    assert all(copies(person) == [] for person in torn)


@pytest.mark.parametrize("keep", ["theirs", "mine", "both"])
def test_i19_what_a_resolution_displaces_can_be_restored(torn: Pair, keep: str) -> None:
    """Both versions are in the file or in the trash, each under a time of its own."""
    bob = torn[1]
    shutil.rmtree(bob.places.trash / "vault" / "memory")
    assert bob.types("conflicts", "resolve", FILE, "--keep", keep, "--yes").status == 0
    new = [item["came"] for item in _trash(bob)]
    assert len(new) == len(set(new)) == {"theirs": 1, "mine": 1, "both": 2}[keep]
    found = {bob.read("MEMORY.md")}
    for came in new:
        bob.types("restore", FILE, "--at", came, "--yes")
        found.add(bob.read("MEMORY.md"))
    assert {ADAS, BOBS} <= found


def _trash(person: Person) -> list[dict[str, str]]:
    files: list[dict[str, str]] = person.types("restore", "--list", "--json").answer["data"][
        "files"
    ]
    return files


@pytest.mark.parametrize(("first", "second"), [*product(["theirs", "mine", "both"], repeat=2)])
def test_i15_two_machines_resolve_at_once(torn: Pair, first: str, second: str) -> None:
    """The same way or another: the same file on both, no second conflict, and nothing to do."""
    for person, keep in zip(torn, (first, second), strict=True):
        assert person.types("conflicts", "resolve", FILE, "--keep", keep, "--yes").status == 0
    (text,) = settled(torn)
    changed = {first, second} - {"theirs"}
    assert text == {"theirs": ADAS, "mine": BOBS, "both": BOTH}[max(changed, default="theirs")]
    assert all(copies(person) == [] for person in torn)
    assert ["nothing to do" in person.types("now").out for person in torn] == [True, True]


def test_i15_two_machines_give_it_the_same_file(torn: Pair, tmp_path: Path) -> None:
    """Equal contents are no conflict."""
    mine = tmp_path / "mine.md"
    mine.write_text("mine\n")
    for person in torn:
        person.types("conflicts", "resolve", FILE, "--with", str(mine), "--yes")
    assert settled(torn) == {"mine\n"}
    assert all(copies(person) == [] for person in torn)


def test_i15_two_different_files_are_one_new_conflict(torn: Pair, tmp_path: Path) -> None:
    """What two people wrote differently is settled by neither of them silently."""
    for person in torn:
        mine = tmp_path / f"{person.name}.md"
        mine.write_text(START.replace("two", person.name))
        person.types("conflicts", "resolve", FILE, "--with", str(mine), "--yes")
    assert settled(torn) == {START.replace("two", "laptop")}
    for person in torn:
        assert [copy.read_text() for copy in copies(person)] == [START.replace("two", "desktop")]


def test_daemons_bring_it_to_all_machines(torn: Pair) -> None:
    """Resolved while daemons serve both: the copy goes, the file comes, by themselves."""
    ada, bob = torn
    for person in torn:
        person.configure(QUICK)
    with ada.daemon(), bob.daemon():
        assert ada.types("conflicts", "resolve", FILE, "--keep", "both", "--yes").status == 0
        until(lambda: bob.read("MEMORY.md") == BOTH and not copies(bob))
        until(lambda: [person.state() for person in torn] == ["idle", "idle"])
        assert ada.read("MEMORY.md") == BOTH


# --- which one is meant


@pytest.mark.parametrize("form", ["vault", "disk", "copy", "now", "plain"])
def test_a_conflict_is_named_in_several_ways(
    torn: Pair, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """By the vault's path, that on the disk, the copy's place on the disk, or as `now` tells it."""
    bob = torn[1]
    monkeypatch.chdir(bob.agent)
    (copy,) = copies(bob)
    path = {
        "vault": FILE,
        "disk": str(bob.agent / "MEMORY.md"),
        "plain": "MEMORY.md",
        "copy": str(copy),
        "now": f".conflicts/{FILE}/{copy.name}",
    }[form]
    assert bob.types("conflicts", "show", path, "--json").answer["data"]["copy"] == copy.name


@pytest.fixture
def crowd(torn: Pair) -> Pair:
    """Return two machines where the file has two copies, of one second."""
    (copy,) = copies(torn[1])
    copy.with_name(f"{copy.name}-2").write_text("the other\n")
    for person in (torn[1], torn[0]):
        person.types("now")
    return torn


def test_of_several_copies_one_has_to_be_named(crowd: Pair) -> None:
    """Without it nothing is done; the hint names one, and --copy takes just that."""
    ada = crowd[0]
    assert len(ada.types("conflicts", "--json").answer["data"]["conflicts"]) == 2
    ran = ada.types("conflicts", "resolve", FILE, "--keep", "mine", "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["conflict-ambiguous"])
    hint = shlex.split(ran.answer["errors"][0]["hint"])
    assert ada.types(*hint[1:], "--keep", "theirs", "--yes").status == 0
    (left,) = copies(ada)
    assert left.name.endswith("-2")
    assert ada.types("conflicts", "resolve", FILE, "--keep", "mine", "--yes").status == 0
    assert ada.read("MEMORY.md") == "the other\n"


def test_a_person_is_asked_which_copy_and_what_to_keep(crowd: Pair) -> None:
    """It shows what it will do, and does what was answered."""
    ada = crowd[0]
    with terminal("conflicts", "resolve", FILE, env=ada.env) as screen:
        screen.expect("Which copy is meant?")
        screen.type("2")
        screen.expect("What is to stand in the file?")
        screen.type("2")
        screen.expect("Resolve it? [Y/n]")
        assert "what is in it now goes to the trash" in screen.shown
        screen.type("y")
        assert screen.ends() == 0
    assert ada.read("MEMORY.md") == "the other\n"
    assert len(copies(ada)) == 1


@pytest.mark.parametrize("answers", [[""], ["1", ""], ["1", "2", "n"]])
def test_no_answer_changes_nothing(crowd: Pair, answers: list[str]) -> None:
    """At each question Enter, or no, leaves all as it is."""
    ada = crowd[0]
    questions = ["Which copy is meant?", "What is to stand in the file?", "Resolve it? [Y/n]"]
    with terminal("conflicts", "resolve", FILE, env=ada.env) as screen:
        for question, answer in zip(questions, answers, strict=False):
            screen.expect(question)
            screen.type(answer)
        assert screen.ends() == 0
        assert "Nothing was changed." in screen.shown
    assert (ada.read("MEMORY.md"), len(copies(ada))) == (ADAS, 2)


def test_without_a_terminal_it_needs_yes(torn: Pair) -> None:
    """The hint is the command that does it."""
    ada = torn[0]
    ran = ada.types("conflicts", "resolve", FILE, "--keep", "mine")
    assert (ran.status, ada.read("MEMORY.md"), len(copies(ada))) == (2, ADAS, 1)
    (hint,) = [line for line in ran.err.splitlines() if line.startswith("hint: ")]
    words = shlex.split(hint)[2:]
    assert words[-1] == "--yes"
    assert ada.types(*words).status == 0
    assert ada.read("MEMORY.md") == BOBS


@pytest.mark.parametrize(
    "words",
    [
        ("resolve", FILE, "--yes"),
        ("resolve", FILE, "--keep", "mine", "--with", "x", "--yes"),
        ("resolve", FILE, "--keep", "ours", "--yes"),
        ("show",),
        ("undo", FILE),
        ("show", "memory/other.md"),
        ("show", FILE, "--copy", "nothing"),
        ("show", "\0"),
        ("show", ".."),
        ("show", ""),
    ],
)
def test_words_that_mean_nothing_are_refused(torn: Pair, words: tuple[str, ...]) -> None:
    """As usage, without a traceback, and nothing is changed."""
    ran = torn[0].types("conflicts", *words, "--json")
    assert ran.status == 2
    assert set(ran.codes) <= {"usage", "conflict-unknown"}
    assert (torn[0].read("MEMORY.md"), len(copies(torn[0]))) == (ADAS, 1)


def test_a_file_that_cannot_be_read_resolves_nothing(torn: Pair, tmp_path: Path) -> None:
    """`--with` names what is not there, a folder, a pipe, or more than is synced."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "huge").write_bytes(bytes(11 * 1024 * 1024))
    for name in ("none", ".", "pipe", "huge"):
        words = ("conflicts", "resolve", FILE, "--with", str(tmp_path / name), "--yes", "--json")
        ran = torn[0].types(*words)
        assert (ran.status, ran.codes) == (1, ["file-unreadable"])
    assert (torn[0].read("MEMORY.md"), len(copies(torn[0]))) == (ADAS, 1)


def test_two_vaults_with_one_path_need_a_name(torn: Pair, tmp_path: Path) -> None:
    """--vault says which one is meant, above the command or behind it."""
    ada = torn[0]
    other = tmp_path / "other"
    other.mkdir()
    remote = f"file://{tmp_path}/two.git"
    assert ada.types("init", str(other), "--remote", remote, "--vault", "two", "--yes").status == 0
    copy = ada.places.vault_state("two") / "conflicts" / FILE / copies(ada)[0].name
    copy.parent.mkdir(parents=True)
    copy.write_text("of the other vault\n")
    ran = ada.types("conflicts", "show", FILE, "--json")
    assert (ran.status, ran.codes) == (2, ["vault-ambiguous"])
    assert "VAULT" in ada.types("conflicts").out
    for words in (("--vault", "two", "show", FILE), ("show", FILE, "--vault", "two")):
        data = ada.types("conflicts", *words, "--json").answer["data"]
        assert (data["vault"], data["theirs"]) == ("two", None)


# --- what may have happened meanwhile


@pytest.mark.parametrize(("keep", "text"), [("theirs", None), ("mine", BOBS), ("both", BOBS)])
def test_a_file_that_is_gone_stays_so_or_comes_back(
    torn: Pair, keep: str, text: str | None
) -> None:
    """Deleted on one machine: `theirs` leaves it deleted, all else makes it anew."""
    (torn[0].agent / "MEMORY.md").unlink()
    settled(torn)
    assert "there is no such file any more" in torn[1].types("conflicts", "show", FILE).out
    assert torn[1].types("conflicts", "resolve", FILE, "--keep", keep, "--yes").status == 0
    assert settled(torn) == {text}
    assert all(copies(person) == [] for person in torn)


@pytest.mark.parametrize("keep", ["mine", "both"])
def test_i32_what_changed_since_it_was_shown_is_left_alone(torn: Pair, keep: str) -> None:
    """An agent saves while the question is open: the file stays, and so does the copy."""
    ada = torn[0]
    with terminal("conflicts", "resolve", FILE, "--keep", keep, env=ada.env) as screen:
        screen.expect("Resolve it?")
        ada.write("MEMORY.md", "newer\n")
        screen.type("y")
        assert screen.ends() == 1
    assert (ada.read("MEMORY.md"), len(copies(ada))) == ("newer\n", 1)


def test_i32_a_copy_that_changed_since_it_was_shown_is_left_alone(torn: Pair) -> None:
    """Then the file is not touched either."""
    ada = torn[0]
    with terminal("conflicts", "resolve", FILE, "--keep", "mine", env=ada.env) as screen:
        screen.expect("Resolve it?")
        copies(ada)[0].write_text("newer\n")
        screen.type("y")
        assert screen.ends() == 1
    assert ada.read("MEMORY.md") == ADAS
    assert [copy.read_text() for copy in copies(ada)] == ["newer\n"]


def test_a_version_that_lost_is_found_in_the_history_by_its_place(
    torn: Pair, tmp_path: Path
) -> None:
    """On the other machine too, after the conflict was settled and its copy is gone."""
    ada, bob = torn
    (copy,) = copies(ada)
    place = f".conflicts/{FILE}/{copy.name}"
    assert ada.types("conflicts", "resolve", FILE, "--keep", "mine", "--yes").status == 0
    settled(torn)
    found = bob.types("history", place, "--json").answer["data"]["changes"]
    revision = found[-1]["revision"]
    words = ("restore", place, "--at", revision, "--to", str(tmp_path / "lost.md"))
    assert bob.types(*words).status == 0
    assert (tmp_path / "lost.md").read_text() == BOBS


def test_a_file_that_this_machine_does_not_sync_can_only_be_given_up(torn: Pair) -> None:
    """What would be written to it would go nowhere; so the copy stays, unless it is given up."""
    ada, bob = torn
    text = ada.places.config_file.read_text()
    excluded = text.replace("[[vault.root]]", '[[vault.root]]\nexclude = ["MEMORY.md"]')
    ada.places.config_file.write_text(excluded)
    assert "not synced here" in ada.types("conflicts").out
    ran = ada.types("conflicts", "resolve", FILE, "--keep", "mine", "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["conflict-outside"])
    assert (ada.read("MEMORY.md"), len(copies(ada))) == (ADAS, 1)
    assert ada.types("conflicts", "resolve", FILE, "--keep", "theirs", "--yes").status == 0
    settled(torn)
    assert (bob.read("MEMORY.md"), copies(bob)) == (ADAS, [])


def test_a_root_that_is_gone_delays_no_other_conflict(torn: Pair) -> None:
    """It is told in its row; nothing is made in its place."""
    ada = torn[0]
    ada.agent.rename(ada.agent.with_name("away"))
    ran = ada.types("conflicts", "--json")
    assert ran.status == 0
    assert [row["trouble"] for row in ran.answer["data"]["conflicts"]] == ["root-gone"]
    assert ada.types("conflicts", "resolve", FILE, "--keep", "mine", "--yes").status == 7
    assert not ada.agent.exists()
    assert len(copies(ada)) == 1


def test_it_needs_no_network_and_no_key(torn: Pair, tmp_path: Path) -> None:
    """Settled now, it travels later."""
    ada = torn[0]
    vault = tmp_path / "vault.git"
    vault.rename(tmp_path / "away")
    kept = {place: place.read_text() for place in ada.places.keys.glob("*") if place.is_file()}
    for place, text in kept.items():
        if "AGE-SECRET-KEY" in text:
            place.unlink()
    assert ada.types("conflicts", "resolve", FILE, "--keep", "mine", "--yes").status == 0
    assert ada.read("MEMORY.md") == BOBS
    for place, text in kept.items():
        place.write_text(text)
        place.chmod(0o600)
    (tmp_path / "away").rename(vault)
    assert settled(torn) == {BOBS}


# --- hostile names


@pytest.mark.parametrize(
    "name", ['memory/it\'s $(touch x); `x` "y".md', "memory/-rf.md", "memory/日本 \u200bé.md"]
)
def test_hostile_names_are_listed_shown_and_resolved(pair: Pair, name: str) -> None:
    """Quotes, dashes, spaces and letters of all kinds; hints can be typed as they stand."""
    conflict(pair, path=name)
    ada = pair[0]
    assert ada.types("conflicts").status == 0
    ran = ada.types("conflicts", "resolve", f"memory/{name}", "--keep", "both")
    (hint,) = [line for line in ran.err.splitlines() if line.startswith("hint: ")]
    if name.isprintable():
        words = shlex.split(hint)[2:]
    else:
        words = ["conflicts", "resolve", f"memory/{name}", "--keep", "both", "--yes"]
    assert ada.types(*words).status == 0
    assert ada.read(name) == BOTH
    assert copies(ada) == []


def test_a_copy_with_a_time_that_is_none_is_settled_too(torn: Pair) -> None:
    """Its name has the form and no sense; a file without the form is told and left alone."""
    ada = torn[0]
    (copy,) = copies(ada)
    copy.rename(copy.with_name("99999999T999999Z-x"))
    copy.with_name("notes.txt").write_text("x")
    ran = ada.types("conflicts")
    assert ran.status == 0
    assert "it is no conflict copy's name" in ran.out
    (row,) = ada.types("conflicts", "--json").answer["data"]["conflicts"]
    assert (row["copy"], row["when"]) == ("99999999T999999Z-x", None)
    assert ada.types("conflicts", "resolve", FILE, "--keep", "mine", "--yes").status == 0
    assert ada.read("MEMORY.md") == BOBS
    assert copy.with_name("notes.txt").read_text() == "x"


def test_i66_a_link_in_the_place_of_a_copy_leads_nowhere(torn: Pair, tmp_path: Path) -> None:
    """Neither what it leads to nor the link is taken for a copy."""
    ada = torn[0]
    (copy,) = copies(ada)
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    copy.unlink()
    copy.symlink_to(secret)
    assert ada.types("conflicts", "resolve", FILE, "--keep", "mine", "--yes").status == 2
    assert ada.read("MEMORY.md") == ADAS
    assert secret.read_text() == "secret\n"
