"""Whoever has the repository but not the key can neither write nor turn anything back."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_sync.engine.found import look_into, trust_for
from memory_sync.engine.kit import unlock
from memory_sync.engine.local import problem
from memory_sync.errors import (
    BranchGoneError,
    ForcedBackError,
    ForeignContentError,
    ForkedError,
    KeyMissingError,
    KeyWrongError,
    MemorySyncError,
    NotAVaultError,
    OfflineError,
    OrphanError,
    RecipientUnknownError,
    RemoteLiedError,
    RepositoryGoneError,
    StaleReadError,
)
from memory_sync.model import Commit, Entry, Listing
from memory_sync.ports.remote import Remote
from memory_sync.vault.keys import format_identity, generate_identity
from tests.engine.devices import Device, Meddler, settle

WORDS = (b"MEMORY.md", b"memory/", b"laptop", b"AGE-SECRET-KEY", b"a first memory")


def git(vault: Path, *words: str, data: bytes = b"") -> str:
    """Run git in the vault, as whoever has the repository can."""
    done = subprocess.run(
        ["git", "-C", str(vault), "-c", "user.name=x", "-c", "user.email=x@x", *words],
        input=data, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout.decode().strip()


def tamper(vault: Path, changes: dict[str, bytes | None], message: str = "Update") -> str:
    """Commit something on the branch, as whoever has the token can."""
    lines = [b"commit refs/heads/main", b"committer x <x@x> 1700000000 +0000"]
    lines += [b"data %d" % len(message), message.encode(), b"from refs/heads/main^0"]
    for path, content in changes.items():
        if content is None:
            lines.append(f"D {path}".encode())
        else:
            lines += [f"M 100644 inline {path}".encode(), b"data %d" % len(content), content]
    git(vault, "fast-import", "--force", "--quiet", data=b"\n".join([*lines, b""]))
    return git(vault, "rev-parse", "main")


def objects(vault: Path, rev: str = "main") -> list[str]:
    """List the objects of a commit."""
    return git(vault, "ls-tree", "-r", "--name-only", rev, "objects").splitlines()


def content(vault: Path, path: str, rev: str = "main") -> bytes:
    """Read a file of a commit."""
    words = ["git", "-C", str(vault), "show", f"{rev}:{path}"]
    return subprocess.run(words, capture_output=True, check=True).stdout


@pytest.fixture
def filled(laptop: Device, desktop: Device, vault: Path) -> Path:
    """Give a vault with two files that both devices have."""
    laptop.write("MEMORY.md", "one\n")
    laptop.write("memory/a.md", "a first memory\n")
    settle(laptop, desktop)
    return vault


@pytest.mark.parametrize("deed", ["new", "changed", "copied", "swapped", "deleted", "manifest"])
def test_i52_a_change_without_the_key_is_never_applied(
    filled: Path, laptop: Device, desktop: Device, deed: str
) -> None:
    """Whatever the thief of a token commits: nothing changes or is pushed, and it is named."""
    first, second = objects(filled)
    stranger = generate_identity()
    manifest = json.loads(content(filled, "vault.json"))
    deeds: dict[str, dict[str, bytes | None]] = {
        "new": {"objects/aa/" + "b" * 30 + ".age": b"evil\n"},
        "changed": {first: b"evil\n"},
        "copied": {"objects/aa/" + "b" * 30 + ".age": content(filled, first)},
        "swapped": {first: content(filled, second), second: content(filled, first)},
        "deleted": {first: None},
        "manifest": {"vault.json": json.dumps(
            manifest | {"recipients": [stranger.recipient]}, sort_keys=True).encode()},
    }  # fmt: skip
    evil = tamper(filled, deeds[deed])
    before = laptop.files()
    laptop.write("memory/new.md", "mine\n")
    for device in (laptop, desktop):
        outcome = device.sync()
        assert [halt.code for halt in outcome.halts] == [ForeignContentError.code]
        assert evil in outcome.halts[0].message
        assert outcome.up == outcome.down == ()
    assert git(filled, "rev-parse", "main") == evil
    assert laptop.files() == {**before, "memory/new.md": b"mine\n"}
    assert desktop.files() == before


@pytest.mark.parametrize(
    ("deed", "counts", "paths"),
    [
        ("added", {"added": 1}, ["objects/aa/" + "b" * 30 + ".age"]),
        ("changed", {"changed": 2}, ["memory/MEMORY.md", "memory/memory/a.md"]),
        ("removed", {"removed": 1, "changed": 1}, ["memory/MEMORY.md", "memory/memory/a.md"]),
        ("nothing", {}, []),
    ],
)
def test_a_halt_of_the_vault_tells_what_it_keeps_from_happening(
    filled: Path, laptop: Device, deed: str, counts: dict[str, int], paths: list[str]
) -> None:
    """How many files would have been added, changed, removed, and which: no path stays untold."""
    known = {path: name for name, (path, _) in laptop.opened().state.snapshot().objects.items()}
    first, second = known["memory/MEMORY.md"], known["memory/memory/a.md"]
    changes: dict[str, dict[str, bytes | None]] = {
        "added": {"objects/aa/" + "b" * 30 + ".age": b"evil\n"},
        "changed": {first: b"evil\n", second: b"evil\n"},
        "removed": {first: None, second: b"evil\n"},
        "nothing": {"vault.json": b"{}\n"},
    }
    evil = tamper(filled, changes[deed])
    [halt] = laptop.sync().halts
    assert halt.would is not None
    assert (dict(halt.would.counts), sorted(halt.would.paths)) == (counts, paths)
    assert halt.would.plan == evil, "what a repair is of"


def test_i52_sealed_work_below_a_foreign_commit_is_applied_first(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """A device that lags behind gets what was sealed, and only then halts."""
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    tamper(filled, {objects(filled)[0]: b"evil\n"})
    assert desktop.sync().halts
    assert desktop.read("MEMORY.md") == "two\n"


def test_a_halt_ends_by_itself_when_the_head_is_good_again(filled: Path, laptop: Device) -> None:
    """A head that has become acceptable is taken up without a restart."""
    good = git(filled, "rev-parse", "main")
    tamper(filled, {objects(filled)[0]: b"evil\n"})
    assert laptop.sync().halts
    git(filled, "update-ref", "refs/heads/main", good)
    laptop.write("memory/new.md", "mine\n")
    outcome = laptop.sync()
    assert (outcome.halts, outcome.up) == ((), ("memory/memory/new.md",))


def test_a_readme_edited_on_the_web_is_harmless_and_put_back(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """Other files stay, the next push restores the README, and no device halts."""
    tamper(filled, {"README.md": b"changed\n", "notes.txt": b"mine\n", "pairing/x": b"y"})
    laptop.write("MEMORY.md", "two\n")
    settle(laptop, desktop)
    assert desktop.read("MEMORY.md") == "two\n"
    assert b"memory-sync vault" in content(filled, "README.md")
    assert content(filled, "notes.txt") == b"mine\n"


def test_i41_an_older_head_is_ignored_for_a_minute_and_then_a_halt(
    filled: Path, laptop: Device
) -> None:
    """A stale read is no revert; if it stays, history was forced back."""
    old = git(filled, "rev-parse", "main")
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    git(filled, "update-ref", "refs/heads/main", old)
    with pytest.raises(StaleReadError):
        laptop.sync()
    laptop.clock.ahead += 61
    laptop.restart()
    with pytest.raises(ForcedBackError) as caught:
        laptop.sync()
    assert old in caught.value.message
    halt = problem(caught.value)
    assert halt.would
    assert (halt.would.counts, halt.would.paths) == ({"changed": 1}, ("memory/MEMORY.md",))
    assert laptop.read("MEMORY.md") == "two\n"


def test_an_older_head_with_nothing_forced_goes_on(filled: Path, laptop: Device) -> None:
    """A read that was stale for seconds leaves no trace."""
    old, new = git(filled, "rev-parse", "main"), ""
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    new = git(filled, "rev-parse", "main")
    git(filled, "update-ref", "refs/heads/main", old)
    with pytest.raises(StaleReadError):
        laptop.sync()
    git(filled, "update-ref", "refs/heads/main", new)
    assert laptop.sync().halts == ()


def test_a_history_forced_back_and_built_upon_is_forked(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """An honest device that was away built upon the old state: halt, and nothing is lost."""
    old = git(filled, "rev-parse", "main")
    laptop.write("MEMORY.md", "laptop\n")
    laptop.sync()
    git(filled, "update-ref", "refs/heads/main", old)
    desktop.write("memory/a.md", "desktop\n")
    desktop.sync()
    desktop.write("memory/a.md", "desktop again\n")
    desktop.sync()
    with pytest.raises(ForkedError):
        laptop.sync()
    assert laptop.read("MEMORY.md") == "laptop\n"


def test_losing_the_database_does_not_lose_the_trust(filled: Path, laptop: Device) -> None:
    """What was accepted is kept beside the key: an old head is no first contact."""
    old = git(filled, "rev-parse", "main")
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    laptop.restart()
    (laptop.home / "state.db").unlink()
    git(filled, "update-ref", "refs/heads/main", old)
    with pytest.raises((StaleReadError, ForkedError)):
        laptop.sync()
    assert laptop.read("MEMORY.md") == "two\n"


def test_an_orphan_history_is_a_halt(filled: Path, laptop: Device) -> None:
    """A branch on which nothing was made with the key is not followed."""
    tree = git(filled, "mktree", data=b"")
    orphan = git(filled, "commit-tree", tree, "-m", "new start")
    git(filled, "update-ref", "refs/heads/main", orphan)
    with pytest.raises(OrphanError) as caught:
        laptop.sync()
    assert orphan in caught.value.message
    assert laptop.read("MEMORY.md") == "one\n"


def test_i42_a_branch_that_is_gone_is_a_halt(filled: Path, laptop: Device) -> None:
    """No branch is no empty vault: nothing is deleted."""
    git(filled, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(BranchGoneError) as caught:
        laptop.sync()
    halt = problem(caught.value)
    assert halt.would
    assert halt.would.counts == {"removed": 2}
    assert halt.would.paths == ("memory/MEMORY.md", "memory/memory/a.md")
    assert laptop.read("MEMORY.md") == "one\n"


def test_a_folder_in_the_readmes_place_does_not_stop_the_vault(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """It goes with the next push; what somebody made on the web blocks nobody."""
    tamper(filled, {"README.md": None, "README.md/notes.txt": b"mine\n"})
    laptop.write("MEMORY.md", "two\n")
    settle(laptop, desktop)
    assert desktop.read("MEMORY.md") == "two\n"
    assert b"memory-sync vault" in content(filled, "README.md")


class Liar(Meddler):
    """A remote whose listings are not what they should be: `spoilt` makes them of the true ones."""

    def __init__(self, inner: Remote, spoilt: Callable[[dict[str, Entry]], Listing]) -> None:
        super().__init__(inner)
        self.spoilt = spoilt

    def listing(self, commit: Commit, since: tuple[str, Listing] | None = None) -> Listing:
        return self.spoilt(dict(super().listing(commit, since)))


def _cut_short(listing: dict[str, Entry]) -> Listing:
    listing.pop(max(path for path in listing if path.startswith("objects/")))
    return listing


def _without_objects(listing: dict[str, Entry]) -> Listing:
    return {path: entry for path, entry in listing.items() if not path.startswith("objects/")}


def _failed(_: dict[str, Entry]) -> Listing:
    raise OfflineError(remote="x", detail="the connection was cut")


def _not_found(_: dict[str, Entry]) -> Listing:
    raise RepositoryGoneError(remote="x")


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [(_cut_short, RemoteLiedError), (_without_objects, RemoteLiedError),
     (lambda _: {}, RemoteLiedError), (_failed, OfflineError), (_not_found, RepositoryGoneError)],
    ids=["cut-short", "without-objects", "empty", "failed", "not-found"],
)  # fmt: skip
def test_i27_a_listing_that_leaves_files_out_is_not_believed(
    filled: Path,
    laptop: Device,
    desktop: Device,
    spoilt: Callable[[dict[str, Entry]], Listing],
    error: type[MemorySyncError],
) -> None:
    """What does not compute to the tree id, or does not come at all, is no delete."""
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    before = desktop.files()
    true = desktop.remote
    desktop.remote = Liar(true.inner, spoilt)
    desktop.restart()
    for _ in range(2):
        with pytest.raises(error):
            desktop.sync()
    assert desktop.files() == before
    desktop.remote = true
    desktop.restart()
    settle(desktop, laptop)
    assert desktop.files() == laptop.files() == {**before, "MEMORY.md": b"two\n"}


def test_i50_bytes_that_are_not_what_was_asked_for_are_not_believed(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """A blob that does not hash to its id is asked for again, then shown; both sides stay."""
    laptop.write("MEMORY.md", "two\n")
    laptop.write("memory/b.md", "b\n")
    laptop.sync()
    target: list[str] = []

    def spoil(blob: str, data: bytes) -> bytes:
        if data.startswith(b"-----BEGIN AGE"):
            target.append(blob)
        return data + b"x" if target[:1] == [blob] else data

    desktop.remote.spoil = spoil
    outcome = desktop.sync()
    assert [problem.code for problem in outcome.problems] == ["object-broken"]
    assert len(outcome.down) == 1
    desktop.remote.spoil = None
    assert set(desktop.files()) >= {"MEMORY.md", "memory/a.md"}


def test_i20_an_object_that_was_not_there_yet_is_read_when_it_is(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """A replica may lag behind its branch: the same head is enough to try again, now and then."""
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    desktop.remote.spoil = lambda _, data: data + b"x" if data.startswith(b"-----") else data
    assert [problem.code for problem in desktop.sync().problems] == ["object-broken"]
    assert desktop.engine.cycle(look=False).problems
    desktop.remote.spoil = None
    desktop.clock.ahead += 301
    assert desktop.engine.cycle(look=False).problems == ()
    assert desktop.read("MEMORY.md") == "two\n"


def test_i50_an_object_that_does_not_decrypt_touches_nothing(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """It is neither "deleted" nor "empty": edits and deletes here wait, and the vault keeps it."""
    kit = laptop.opened()
    laptop.write("MEMORY.md", "two\n")
    broken = kit.make_cipher

    class Garbage:
        def encrypt(self, plaintext: bytes) -> bytes:
            return b"-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----\n"

        def decrypt(self, ciphertext: bytes) -> bytes:
            return broken(generate_identity(), []).decrypt(ciphertext)

    trust = laptop.keystore.trust("v")
    assert trust
    keys = laptop.engine._fetcher.keys(trust)
    object.__setattr__(keys, "cipher", Garbage())
    laptop.engine._fetcher._keys = keys
    laptop.sync()
    before = git(filled, "rev-parse", "main")
    outcome = desktop.sync()
    assert desktop.files() == {"MEMORY.md": b"one\n", "memory/a.md": b"a first memory\n"}
    assert [problem.code for problem in outcome.problems] == ["object-broken"]
    assert "memory/MEMORY.md" in outcome.problems[0].message
    desktop.write("MEMORY.md", "mine\n")
    assert desktop.sync().up == ()
    assert desktop.read("MEMORY.md") == "mine\n"
    desktop.delete("MEMORY.md")
    assert desktop.sync().up == ()
    assert git(filled, "rev-parse", "main") == before


def test_i51_without_the_key_nothing_is_written(filled: Path, tmp_path: Path) -> None:
    """A device that has another key is refused, and the remote is as it was."""
    before = git(filled, "rev-parse", "main")
    stranger = Device(tmp_path, "stranger", filled)
    stranger.keystore.add(generate_identity())
    with pytest.raises(KeyMissingError):
        trust_for(look_into(stranger.remote), "v", stranger.remote, stranger.keystore)
    assert stranger.keystore.trust("v") is None
    assert git(filled, "rev-parse", "main") == before


def test_i51_a_key_file_with_another_key_in_it_writes_nothing(
    desktop: Device, filled: Path
) -> None:
    """Names and seals would be made with one key and read with another: it is refused."""
    before = git(filled, "rev-parse", "main")
    trust = desktop.keystore.trust("v")
    assert trust
    path = desktop.keystore.folder / f"{trust.recipient}.txt"
    path.write_text(format_identity(generate_identity()))
    desktop.restart()
    desktop.write("memory/a.md", "mine\n")
    with pytest.raises(KeyWrongError):
        desktop.sync()
    assert git(filled, "rev-parse", "main") == before


def test_a_repository_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """A vault is not founded upon other files, but a README or a licence is adopted."""
    source = tmp_path / "source.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(source))
    head = b"commit refs/heads/main\ncommitter x <x@x> 1 +0000\ndata 1\nx\n"
    git(source, "fast-import", "--quiet", data=head + b"M 100644 inline README.md\ndata 1\nx\n")
    device = Device(tmp_path, "one", source)
    assert look_into(device.remote).adoptable
    tamper(source, {"main.py": b"print()\n"})
    assert not look_into(device.remote).adoptable
    with pytest.raises(NotAVaultError):
        trust_for(look_into(device.remote), "v", device.remote, device.keystore)


def test_a_repository_with_only_a_readme_is_adopted(tmp_path: Path) -> None:
    """The vault's first commit is made on its head, sealed, and other devices accept it."""
    source = tmp_path / "source.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(source))
    head = b"commit refs/heads/main\ncommitter x <x@x> 1 +0000\ndata 1\nx\n"
    git(source, "fast-import", "--quiet", data=head + b"M 100644 inline LICENSE\ndata 1\nx\n")
    one, two = Device(tmp_path, "one", source), Device(tmp_path, "two", source)
    two.join(one.found())
    one.write("MEMORY.md", "x\n")
    settle(one, two)
    assert two.read("MEMORY.md") == "x\n"
    assert content(source, "LICENSE") == b"x"


def test_i53_nothing_of_the_memory_shows_in_the_vault(filled: Path) -> None:
    """No plaintext, no name and no key in any object of the repository or in a message."""
    ids = git(filled, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    everything = b"".join(
        subprocess.run(["git", "-C", str(filled), "cat-file", "-p", name],
                       capture_output=True, check=True).stdout
        for name in ids
    )  # fmt: skip
    found = [word for word in WORDS if word in everything]
    assert found == []


def test_listing_entries_of_others_with_odd_names_do_no_harm(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """A name that is not UTF-8 beside the vault's own entries is passed over, and kept."""
    blob = git(filled, "hash-object", "-w", "--stdin", data=b"odd")
    tree = subprocess.run(
        ["git", "-C", str(filled), "ls-tree", "-z", "main"], capture_output=True, check=True
    ).stdout
    made = git(filled, "mktree", "-z", data=tree + b"100755 blob %s\t\xff\xfe\0" % blob.encode())
    head = git(filled, "commit-tree", made, "-p", "main", "-m", "odd")
    git(filled, "update-ref", "refs/heads/main", head)
    laptop.write("MEMORY.md", "two\n")
    settle(laptop, desktop)
    assert desktop.read("MEMORY.md") == "two\n"
    assert Entry("100755", blob) in dict(
        laptop.remote.inner.listing(next(iter(laptop.remote.history(
            git(filled, "rev-parse", "main")))))).values()  # fmt: skip


def test_a_recipient_of_an_unknown_kind_is_a_halt(filled: Path, laptop: Device) -> None:
    """Nothing is written that somebody who is to read it could not read."""
    kit = laptop.opened()
    trust = kit.keystore.trust("v")
    assert trust
    with pytest.raises(RecipientUnknownError):
        unlock(kit, trust, (trust.recipient, "age1unknown1xyz"))
