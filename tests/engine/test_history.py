"""The past of a vault: the commits whose seal counts, and what each changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from memory_sync.engine.changes import Change, Changes
from memory_sync.engine.history import Past, Source
from memory_sync.errors import (
    ForcedBackError,
    KeyRotatedError,
    RemoteLiedError,
    RevisionUnknownError,
)
from memory_sync.model import Change as Sent
from memory_sync.model import Entry
from memory_sync.model.remote import FILE_MODE
from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.token import Token
from memory_sync.vault.keys import Identity, generate_identity
from memory_sync.vault.manifest import MANIFEST, Manifest
from memory_sync.vault.objects import Decoded
from memory_sync.vault.seals import seal_message
from memory_sync.vault.trees import blob_id, root_tree
from tests.engine.attacker import Attacker, repair
from tests.engine.devices import Device, settle
from tests.engine.sealing import Holder, archive, packed
from tests.hub import Hub


def past_of(device: Device) -> Past:
    """Open the past as a device sees it, without anything that it knows of the present."""
    trust = device.keystore.trust("v")
    assert trust
    return Past(Source("v", device.remote, device.keystore, trust))


def identity_of(device: Device) -> Identity:
    """Return the key that a device trusts."""
    trust = device.keystore.trust("v")
    assert trust
    identity = device.keystore.find(trust.recipient)
    assert identity
    return identity


def told(change: Change) -> list[tuple[str, str, int | None, int | None]]:
    """Return of a change what became of which file, and the lines."""
    return [(one.kind, one.path, one.lines_added, one.lines_removed) for one in change.edits]


@pytest.fixture
def attacker(vault: Path) -> Attacker:
    """Give somebody with the disk and without the key."""
    return Attacker(vault)


@pytest.fixture
def busy(laptop: Device, desktop: Device) -> tuple[Device, Device]:
    """Return both devices after an added, a changed and a removed file."""
    laptop.write("MEMORY.md", "one\n")
    laptop.write("memory/a.md", "a\n")
    settle(laptop, desktop)
    desktop.write("MEMORY.md", "one\ntwo\nthree\n")
    settle(desktop, laptop)
    laptop.delete("memory/a.md")
    settle(laptop, desktop)
    return laptop, desktop


def test_each_commit_tells_what_it_changed(busy: tuple[Device, Device]) -> None:
    """Newest first: which files came, changed and went, their sizes and lines, and the device."""
    changes = list(Changes(past_of(busy[0])))
    assert [told(change) for change in changes] == [
        [("removed", "memory/memory/a.md", 0, 1)],
        [("changed", "memory/MEMORY.md", 2, 0)],
        [("added", "memory/MEMORY.md", 1, 0), ("added", "memory/memory/a.md", 1, 0)],
    ]
    assert [change.devices for change in changes] == [(), ("desktop",), ("laptop",)]
    edit = changes[1].edits[0]
    assert (edit.before, edit.after) == (4, 14)
    assert all(change.time > 1_700_000_000 for change in changes)
    attacker = Attacker(Path(busy[0].remote.url.removeprefix("file://")))
    assert [change.commit for change in changes] == attacker.chain()[:3]


@pytest.mark.parametrize("path", ["memory/MEMORY.md", "memory/memory/a.md"])
def test_of_one_file_only_its_changes_are_told(busy: tuple[Device, Device], path: str) -> None:
    """Of a removed file as well."""
    changes = list(Changes(past_of(busy[0]), path, folder=False))
    kinds = ["changed", "added"] if path.endswith("MEMORY.md") else ["removed", "added"]
    assert [edit.kind for change in changes for edit in change.edits] == kinds
    assert {edit.path for change in changes for edit in change.edits} == {path}


def test_of_a_folder_only_what_lies_in_it(busy: tuple[Device, Device]) -> None:
    """A folder's name with a slash, not what begins with the same letters."""
    changes = list(Changes(past_of(busy[0]), "memory/memory"))
    assert [edit.path for change in changes for edit in change.edits] == ["memory/memory/a.md"] * 2
    assert list(Changes(past_of(busy[0]), "memory/mem")) == []


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_page_by_page_comes_the_same(laptop: Device, size: int) -> None:
    """However many are read at once, and wherever a page begins."""
    for number in range(7):
        laptop.write("MEMORY.md", f"{number}\n")
        laptop.sync()
    whole = [change.commit for change in Changes(past_of(laptop))]
    assert len(whole) == 7
    assert [change.commit for change in Changes(past_of(laptop), size=size)] == whole
    page = Changes(past_of(laptop), before=whole[2], size=size)
    assert [change.commit for change in page] == whole[3:]


def test_the_changes_of_a_file_are_found_among_many_commits(laptop: Device) -> None:
    """By halves, over more commits than are looked at together."""
    kept = []
    for number in range(9):
        if number % 4 == 0:
            laptop.write("memory/rare.md", f"{number}\n")
            kept.append(number)
        laptop.write("MEMORY.md", f"{number}\n")
        laptop.sync()
    changes = Changes(past_of(laptop), "memory/memory/rare.md", folder=False)
    changes._size = 3
    assert [edit.kind for change in changes for edit in change.edits] == [
        "changed", "changed", "added",
    ]  # fmt: skip


def test_a_search_ends_and_goes_on_from_there(
    laptop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of little looks only so far; the next one begins there, and nothing is skipped."""
    monkeypatch.setattr("memory_sync.engine.changes.LIMIT", 4)
    for number in range(12):
        laptop.write("MEMORY.md", f"{number}\n")
        if number % 3 == 0:
            laptop.write("memory/rare.md", f"{number}\n")
        laptop.sync()
    found, before, pages = 0, "", 0
    while before or not pages:
        changes = Changes(past_of(laptop), "memory/memory", before=before, size=2)
        found += len(list(changes))
        before, pages = changes.reached, pages + 1
    assert (found, pages) == (4, 4)


def test_a_search_for_a_file_ends_where_it_should(
    laptop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many commits it would look at together by then."""
    monkeypatch.setattr("memory_sync.engine.changes.LIMIT", 7)
    for number in range(12):
        laptop.write("MEMORY.md", f"{number}\n")
        laptop.sync()
    whole = [change.commit for change in Changes(past_of(laptop), size=20)]
    changes = Changes(past_of(laptop), "memory/none.md", folder=False, size=2)
    assert list(changes) == []
    assert changes.reached == whole[6]


def test_a_time_that_cannot_be_is_no_trouble(
    busy: tuple[Device, Device], attacker: Attacker
) -> None:
    """No seal speaks for a commit's time: whoever has the disk can make it whatever."""
    told_before = [told(change) for change in Changes(past_of(busy[0]))]
    content = attacker.git("cat-file", "commit", attacker.head).decode()
    stamp = next(line for line in content.splitlines() if line.startswith("committer "))
    word = stamp.split()[-2]
    odd = content.replace(f" {word} ", f" {'9' * 18} ").encode()
    attacker.point(attacker.text("hash-object", "-t", "commit", "-w", "--stdin", data=odd))
    laptop = busy[0]
    trust = laptop.keystore.trust("v")
    assert trust
    past = Past(Source("v", laptop.remote, laptop.keystore, replace(trust, commit="", n=0)))
    changes = list(Changes(past))
    assert [told(change) for change in changes] == told_before
    assert changes[0].time < 2**40


def test_i52_commits_without_a_counting_seal_are_left_out(
    busy: tuple[Device, Device], attacker: Attacker
) -> None:
    """Foreign ones on top and in between: neither they nor what they held is told, only how many.

    A repair on top of them is compared with what was sealed below.
    """
    laptop, _ = busy
    before = [told(change) for change in Changes(past_of(laptop))]
    name = attacker.objects()[0]
    sealed = attacker.head
    attacker.tamper({name: b"evil"})
    attacker.tamper({"README.md": b"mine"}, attacker.message(sealed))
    past = past_of(laptop)
    assert [told(change) for change in Changes(past)] == before
    assert past.left_out == 2
    repair(laptop)
    laptop.write("memory/new.md", "new\n")
    laptop.sync()
    past = past_of(laptop)
    assert [told(change) for change in Changes(past)] == [
        [("added", "memory/memory/new.md", 1, 0)], *before
    ]  # fmt: skip
    assert past.left_out == 2
    for revision in attacker.chain()[2:4]:
        with pytest.raises(RevisionUnknownError):
            past_of(laptop).revision(revision)


def test_what_the_vault_was_begun_on_is_not_left_out(
    tmp_path: Path, vault: Path, attacker: Attacker
) -> None:
    """A README that was there before is no commit of a stranger; one on top of a seal is."""
    with closing(FolderRemote(f"file://{vault}")) as remote:
        remote.create()
    for number in range(2):
        tree = attacker.tree({"README.md": b"%d" % number}, "")
        attacker.commit(tree, attacker.chain() if number else [])
    device = Device(tmp_path, "laptop", vault)
    device.found()
    device.write("MEMORY.md", "one\n")
    device.sync()
    assert len(attacker.chain()) >= 3
    past = past_of(device)
    assert len(list(Changes(past))) == 1
    assert past.left_out == 0
    attacker.tamper({"README.md": b"mine"})
    assert len(list(Changes(past := past_of(device)))) == 1
    assert past.left_out == 1
    device.restart()


def test_i50_what_cannot_be_read_is_told_in_its_folder_and_where_it_may_be(
    busy: tuple[Device, Device], attacker: Attacker
) -> None:
    """By its path if the present or its other version tells it, else by its object's name."""
    laptop, _ = busy
    before = attacker.files()
    laptop.write("memory/lost.md", "lost\n")
    laptop.sync()
    [(name, blob)] = {
        one for one in attacker.files().items() - before.items() if one[0].startswith("objects/")
    }
    laptop.write("memory/other.md", "other\n")
    laptop.sync()
    attacker.lose(blob)
    trust = laptop.keystore.trust("v")
    assert trust
    present = laptop.opened().state.snapshot()
    known = Past(Source("v", laptop.remote, laptop.keystore, trust, snapshot=present))
    for past, path in ((known, "memory/memory/lost.md"), (past_of(laptop), name)):
        changes = list(Changes(past, "memory/memory"))
        assert [told(change) for change in changes[:2]] == [
            [("added", "memory/memory/other.md", 1, 0)], [("unreadable", path, None, None)]
        ]  # fmt: skip
    laptop.write("memory/lost.md", "anew\n")
    laptop.sync()
    changes = list(Changes(past_of(laptop), "memory/memory"))
    assert told(changes[0]) == [("unreadable", "memory/memory/lost.md", None, None)]
    assert not [one for one in Changes(known, "memory/elsewhere") if one.edits]
    past = past_of(laptop)
    past.files(past.revision(changes[2].commit), "memory")
    assert list(past.unread) == [name]


def test_i54_across_a_rotation(busy: tuple[Device, Device]) -> None:
    """Below it the key of that time counts; it changes no file; nothing is taken for new."""
    laptop, _ = busy
    before = [told(change) for change in Changes(past_of(laptop))]
    laptop.engine.rekey(rotate=True)
    laptop.write("MEMORY.md", "new key\n")
    laptop.sync()
    laptop.engine.rekey(rotate=True)
    past = past_of(laptop)
    changes = list(Changes(past))
    assert [change.rekeyed for change in changes] == [True, False, True, False, False, False]
    assert [told(change) for change in changes if not change.rekeyed][1:] == before
    assert past.left_out == 0
    only = list(Changes(past_of(laptop), "memory/MEMORY.md", folder=False))
    assert [edit.kind for change in only for edit in change.edits] == [
        "changed", "changed", "added",
    ]  # fmt: skip
    assert not any(change.rekeyed and not change.edits for change in only)


def test_i54_what_an_old_key_makes_after_a_rotation_does_not_count(
    busy: tuple[Device, Device], attacker: Attacker
) -> None:
    """Whoever kept the old key can put nothing into the past above the rotation."""
    laptop, desktop = busy
    old = identity_of(laptop)
    laptop.engine.rekey(rotate=True)
    rotation = attacker.head
    Holder(old, laptop.remote.url).seal({"memory/evil.md": packed(archive("memory/evil.md"))})
    past = past_of(laptop)
    changes = list(Changes(past))
    assert changes[0].commit == rotation
    assert past.left_out == 1
    assert not any("evil" in edit.path for change in changes for edit in change.edits)
    with pytest.raises(KeyRotatedError):
        past_of(desktop)


def test_a_device_that_has_the_new_key_and_not_yet_followed_reads_on(
    busy: tuple[Device, Device],
) -> None:
    """The rotation is followed for reading, and nothing of it is stored."""
    laptop, desktop = busy
    laptop.engine.rekey(rotate=True)
    trust = desktop.keystore.trust("v")
    desktop.keystore.add(identity_of(laptop))
    assert len(list(Changes(past_of(desktop)))) == 4
    assert desktop.keystore.trust("v") == trust


def test_i52_a_seal_over_another_vault_does_not_count(
    busy: tuple[Device, Device], attacker: Attacker
) -> None:
    """The MAC is right and `vault.json` names another recipient: as if it were not there."""
    laptop, _ = busy
    before = [change.commit for change in Changes(past_of(laptop))]
    identity, url = identity_of(laptop), laptop.remote.url
    vault_id = past_of(laptop).vault_id
    other = Manifest(vault_id, (generate_identity().recipient,)).dump()
    with closing(FolderRemote(url)) as remote:
        top = next(iter(remote.history(attacker.head)))
        listing = {**remote.listing(top), MANIFEST: Entry(FILE_MODE, blob_id(other))}
        tree = root_tree(listing)
        message = seal_message(identity.derive(vault_id).seal, 50, vault_id, top.id, tree)
        made = remote.commit(top.id, Sent(message, tree, {MANIFEST: other}))
    # Put right again above, without the key, so that the head is judged by what lies below.
    attacker.tamper({MANIFEST: attacker.content(MANIFEST, top.id)})
    for size in (1, 10):
        past = past_of(laptop)
        assert [change.commit for change in Changes(past, size=size)] == before
        assert past.left_out == 2
    with pytest.raises(RevisionUnknownError):
        past_of(laptop).revision(made)


def test_i42_a_history_that_was_forced_back_is_read_from_what_was_accepted(
    busy: tuple[Device, Device], attacker: Attacker
) -> None:
    """Its commit is still in the repository; where it is not, nothing older is shown for it."""
    laptop, _ = busy
    chain = attacker.chain()
    whole = [change.commit for change in Changes(past_of(laptop))]
    attacker.point(chain[2])
    past = past_of(laptop)
    assert past.turned
    assert [change.commit for change in Changes(past)] == whole
    attacker.git("reflog", "expire", "--expire=now", "--all")
    attacker.git("gc", "--prune=now", "--quiet")
    with pytest.raises(ForcedBackError):
        past_of(laptop)


def test_a_revision_is_a_beginning_of_an_id(
    busy: tuple[Device, Device], attacker: Attacker
) -> None:
    """Or `head`; one that several have, or none, is refused."""
    laptop, _ = busy
    chain = attacker.chain()
    past = past_of(laptop)
    assert past.revision("head").point.commit.id == chain[0]
    assert past.revision("HEAD").point.commit.id == chain[0]
    for text in (chain[1], chain[1][:10], chain[1][:7], chain[1].upper()):
        assert past.revision(text).point.commit.id == chain[1]
    with pytest.raises(RevisionUnknownError, match="begin with"):
        past.revision("")
    with pytest.raises(RevisionUnknownError):
        past.revision("0" * 40)


def test_a_time_is_that_of_the_newest_commit_that_is_not_younger(
    busy: tuple[Device, Device], attacker: Attacker
) -> None:
    """Of the commits that count; before the first there is none."""
    past = past_of(busy[0])
    moment = past.revision("head").point.commit.time
    assert past.by_time(moment, "now").point.commit.id == attacker.head
    with pytest.raises(RevisionUnknownError, match="from 1970 or before"):
        past.by_time(0, "1970")


def test_i52_what_does_not_fit_its_ids_is_refused(
    busy: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing halts it; a blob that is another makes its file unreadable, and no other."""
    laptop, _ = busy
    laptop.remote.spoil = lambda _, content: content if content.startswith(b"{") else b"evil"
    changes = list(Changes(past_of(laptop)))
    assert {edit.kind for change in changes for edit in change.edits} == {"unreadable"}
    laptop.remote.spoil = None
    monkeypatch.setattr(laptop.remote, "listing", lambda *_: {})
    with pytest.raises(RemoteLiedError):
        list(Changes(past_of(laptop)))


def test_what_a_state_held_of_a_file_and_of_a_root(busy: tuple[Device, Device]) -> None:
    """Removed files too, by name or with all that lay beside them."""
    past = past_of(busy[0])
    first = list(Changes(past))[-1].commit
    held = past.revision(first)
    files = past.files(held, "memory")
    assert sorted(files) == ["memory/MEMORY.md", "memory/memory/a.md"]
    [(path, version)] = past.files(held, "memory/memory/a.md").items()
    past.fetch([version])
    decoded = past.read(version)
    assert isinstance(decoded, Decoded)
    assert (path, decoded.content) == ("memory/memory/a.md", b"a\n")
    assert past.files(past.revision("head"), "memory/memory/a.md") == {}


# --- on GitHub ---


@pytest.fixture
def ada(tmp_path: Path, hub: Hub) -> Iterator[Device]:
    """Give a device with forty commits in a vault on GitHub."""
    token = Token(hub.add_user("ada"), "a test")
    with closing(GitHubRemote("ada/vault", token, hub.base_url, timeout=10.0)) as remote:
        device = Device(tmp_path, "ada", remote)
        device.found()
        hub.limits.secondary = False
        for number in range(40):
            device.write("MEMORY.md", f"{number}\n")
            if number in (3, 20):
                device.write("memory/rare.md", f"{number}\n")
            device.sync()
        yield device
        device.restart()


def asked(hub: Hub, before: int) -> list[str]:
    """Return what was asked of the double since."""
    return [
        f"{done.method} {(done.path.split('/')[4:] or ['repository'])[0]}"
        if done.kind == "rest"
        else done.kind
        for done in hub.requests[before:]
    ]


def test_on_github_a_page_costs_few_requests(ada: Device, hub: Hub) -> None:
    """Ten commits: head and chain, one tree, a comparison for each, and all contents in one."""
    before = len(hub.requests)
    past = past_of(ada)
    changes = [change for _, change in zip(range(10), Changes(past), strict=False)]
    assert [told(change) for change in changes] == [[("changed", "memory/MEMORY.md", 1, 1)]] * 10
    made = asked(hub, before)
    assert made.count("GET compare") == 10
    assert made.count("query") == 2
    assert len(made) <= 10 + 7
    assert not {one for one in made if one.startswith(("POST", "PATCH", "PUT"))} | (
        {"mutation"} & set(made)
    )


def test_on_github_a_file_that_most_commits_change_costs_as_little(ada: Device, hub: Hub) -> None:
    """Three changes: head and chain, a tree for each and the one below, the contents in one."""
    before = len(hub.requests)
    changes = Changes(past_of(ada), "memory/MEMORY.md", folder=False, size=3)
    found = [change for _, change in zip(range(3), changes, strict=False)]
    assert [told(change) for change in found] == [[("changed", "memory/MEMORY.md", 1, 1)]] * 3
    made = asked(hub, before)
    assert made.count("GET git") == 5
    assert len(made) <= 9


def test_on_github_a_file_is_found_by_halves(ada: Device, hub: Hub) -> None:
    """Two changes among forty commits cost fewer requests than there are commits."""
    before = len(hub.requests)
    changes = list(Changes(past_of(ada), "memory/memory/rare.md", folder=False))
    assert [edit.kind for change in changes for edit in change.edits] == ["changed", "added"]
    assert len(asked(hub, before)) < 30


def test_on_github_only_the_objects_that_are_needed_are_fetched(ada: Device, hub: Hub) -> None:
    """One file of an old state: nothing of the others."""
    past = past_of(ada)
    held = past.revision("head")
    before = len(hub.requests)
    files = past.files(held, "memory/memory/rare.md")
    past.fetch(files.values(), held)
    assert asked(hub, before) == ["query"]
    [decoded] = [past.read(version) for version in files.values()]
    assert isinstance(decoded, Decoded)
    assert decoded.content == b"20\n"


def test_on_github_what_is_known_of_the_present_is_not_fetched(ada: Device, hub: Hub) -> None:
    """Of a whole root only the tree is asked for, and what is the same now is known to be."""
    trust = ada.keystore.trust("v")
    assert trust
    present = ada.opened().state.snapshot()
    past = Past(Source("v", ada.remote, ada.keystore, trust, snapshot=present))
    revision = [change.commit for _, change in zip(range(3), Changes(past), strict=False)][2]
    held = past.revision(revision)
    before = len(hub.requests)
    files = past.files(held, "memory")
    assert sorted(files) == ["memory/MEMORY.md", "memory/memory/rare.md"]
    assert asked(hub, before) == []
    assert past.known_digest(files["memory/memory/rare.md"])
    assert past.known_digest(files["memory/MEMORY.md"]) is None
