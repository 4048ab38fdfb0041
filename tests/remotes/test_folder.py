"""What only a vault in a folder has to bear: disks, locks, other programs, and damage."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID, ShaFile

from memory_sync.errors import (
    DiskFullError,
    FolderGoneError,
    FolderNotRepositoryError,
    Moved,
    RemoteInvalidError,
    RemoteTroubleError,
)
from memory_sync.model import Change
from memory_sync.ports import gitfiles
from memory_sync.ports.folder import FolderRemote, folder_path
from memory_sync.vault.trees import blob_id
from tests.remotes.case import BRANCH, RemoteCase, Vault, begin, git_output, object_name


def loose(case: RemoteCase, oid: str) -> Path:
    """Return the file of a loose object."""
    return case.git_dir / "objects" / oid[:2] / oid[2:]


def leftovers(case: RemoteCase) -> list[Path]:
    """Return temporary and lock files that lie about, but for our own lock's, which stays."""
    found = [path for path in case.git_dir.parent.rglob("*") if path.is_file()]
    found = [path for path in found if path.name != "memory-sync.lock"]
    return [path for path in found if path.name.startswith("tmp") or path.suffix == ".lock"]


def age(path: Path, seconds: float) -> None:
    """Make a file look as old as this."""
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a held lock only for a moment."""
    monkeypatch.setattr(gitfiles, "PATIENCE", 0.05)


# --- where it lies --------------------------------------------------------------------------


def test_url_becomes_a_path() -> None:
    """A URL names an absolute path, with its escapes undone; nothing else is taken."""
    assert folder_path("file:///a/b.git") == Path("/a/b.git")
    assert folder_path("file:///My%20Disk/b.git") == Path("/My Disk/b.git")
    assert folder_path("file:///a/b#c?d.git") == Path("/a/b#c?d.git")
    for wrong in ("file://host/a.git", "file:///", "/a/b.git", "github:a/b", "file:///a%00b"):
        with pytest.raises(RemoteInvalidError):
            folder_path(wrong)


def test_i21_a_disk_that_is_gone_is_not_an_empty_vault(folder_case: RemoteCase) -> None:
    """With its disk gone a vault is gone in every answer, never empty, and is not made anew."""
    vault = begin(folder_case)
    remote, head = vault.remote, vault.head or ""
    commit = next(iter(remote.history(head)))
    folder_case.git_dir.parent.rename(folder_case.git_dir.parent.with_name("elsewhere"))
    asked: list[Callable[[], object]] = [
        remote.head,
        lambda: list(remote.history(head)),
        lambda: remote.listing(commit),
        lambda: remote.top(commit),
        lambda: list(remote.blobs([])),
        lambda: vault.commit({object_name(1): "one\n"}),
    ]
    for ask in asked:
        with pytest.raises(FolderGoneError):
            ask()
    assert not remote.condition().exists
    assert not folder_case.git_dir.parent.exists()


def test_an_empty_mount_point_is_a_disk_that_is_gone(folder_case: RemoteCase) -> None:
    """An empty folder is neither an empty vault nor a place to make one."""
    folder_case.git_dir.mkdir(parents=True)
    remote = folder_case.connect()
    with pytest.raises(FolderGoneError):
        remote.head()
    for ask in (remote.condition, remote.create):
        with pytest.raises(FolderNotRepositoryError):
            ask()
    assert list(folder_case.git_dir.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder", "worktree", "dot-git", "sha256", "below-file"])
def test_what_is_no_bare_repository_is_left_alone(folder_case: RemoteCase, kind: str) -> None:
    """A file, other files, a work tree and formats that we do not know are refused, untouched."""
    path = folder_case.git_dir
    path.parent.mkdir()
    quiet = ["git", "init", "-q"]
    if kind == "file":
        path.write_text("precious")
    elif kind == "below-file":
        path.write_text("precious")
        path = path / "vault.git"
    elif kind == "sha256":
        subprocess.run([*quiet, "--bare", "--object-format=sha256", str(path)], check=True)
    else:
        subprocess.run([*quiet, str(path)], check=True)
        (path / "precious").write_text("x")
        if kind == "dot-git":
            path = path / ".git"
        elif kind == "folder":
            (path / ".git").rename(path / "other")
    before = sorted(path.parent.rglob("*"))
    remote = FolderRemote(f"file://{path}")
    for ask in (remote.condition, remote.create, remote.head):
        with pytest.raises(FolderNotRepositoryError):
            ask()
    assert sorted(path.parent.rglob("*")) == before


def test_what_is_created_is_what_git_expects(folder_case: RemoteCase) -> None:
    """The repository is bare, its branch is `main`, and `git clone` checks out what is in it."""
    begin(folder_case)
    assert folder_case.git("symbolic-ref", "HEAD") == BRANCH
    assert folder_case.git("rev-parse", "--is-bare-repository") == "true"
    copy = folder_case.git_dir.parent / "copy"
    subprocess.run(["git", "clone", "-q", str(folder_case.git_dir), str(copy)], check=True)
    assert (copy / "vault.json").read_text() == '{"format": 1}\n'
    assert leftovers(folder_case) == []


def test_a_repository_with_another_branch(folder_case: RemoteCase) -> None:
    """In a repository that git made, the vault goes to the branch that a clone checks out."""
    words = ["git", "init", "-q", "--bare", "-b", "trunk/one", str(folder_case.git_dir)]
    subprocess.run(words, check=True)
    head = begin(folder_case).head
    assert folder_case.git("rev-parse", "HEAD", "refs/heads/trunk/one").split() == [head, head]
    assert folder_case.connect().head() == head


def test_nothing_is_held_open(folder_case: RemoteCase) -> None:
    """Between two calls no file of the repository is open, so its disk can be unmounted."""
    vault = begin(folder_case)
    vault.commit({object_name(number): f"{number}\n" for number in range(100)})
    folder_case.git("gc", "-q")
    vault.commit({object_name(200): "one\n"})
    remote = folder_case.connect()
    commit = next(iter(remote.history(vault.head or "")))
    assert len(list(remote.blobs(entry.id for entry in remote.listing(commit).values()))) == 102
    inside = {(path.stat().st_dev, path.stat().st_ino) for path in folder_case.git_dir.rglob("*")}
    opened = set()
    for handle in range(256):
        try:
            facts = os.fstat(handle)
        except OSError:
            continue
        opened.add((facts.st_dev, facts.st_ino))
    assert not inside & opened
    maps = Path("/proc/self/maps")
    assert str(folder_case.git_dir) not in (maps.read_text() if maps.exists() else "")


def test_the_adapter_stays_small() -> None:
    """An idle daemon with a folder vault does not load the large parts of dulwich."""
    script = "import sys, memory_sync.ports.folder; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    loaded = done.stdout.decode().split()
    assert "dulwich.object_store" in loaded
    assert not {"dulwich.repo", "dulwich.porcelain", "dulwich.client", "urllib3"} & set(loaded)


# --- locks ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
def test_a_lock_of_a_killed_process_is_broken(folder_case: RemoteCase) -> None:
    """A lock that nobody can still hold does not stop the vault for ever."""
    vault = begin(folder_case)
    lock = folder_case.git_dir / f"{BRANCH}.lock"
    for seconds in (6, -70):
        lock.write_text("")
        age(lock, seconds)
        head = vault.commit({object_name(1): f"{seconds}\n"})
        assert folder_case.head() == head
        assert not lock.exists()


def test_a_commit_killed_while_it_held_the_lock_stops_nobody_for_long(
    folder_case: RemoteCase,
) -> None:
    """What a killed process leaves is out of the way within seconds."""
    vault = begin(folder_case)
    lock = folder_case.git_dir / f"{BRANCH}.lock"
    lock.write_text("")
    end = time.monotonic() + 15
    head = None
    while head is None and time.monotonic() < end:
        with contextlib.suppress(RemoteTroubleError):
            head = vault.commit({object_name(1): "after\n"})
    assert head is not None
    assert folder_case.head() == head


@pytest.mark.usefixtures("hasty")
def test_a_fresh_lock_is_respected(folder_case: RemoteCase) -> None:
    """While another program may hold the lock the commit fails for now, with the lock named."""
    vault = begin(folder_case)
    lock = folder_case.git_dir / f"{BRANCH}.lock"
    lock.write_text("another's")
    age(lock, 2)
    with pytest.raises(RemoteTroubleError, match=str(lock)):
        vault.commit({object_name(1): "one\n"})
    assert lock.read_text() == "another's"
    assert folder_case.head() == vault.head


@pytest.mark.usefixtures("hasty")
def test_many_break_one_lock(folder_case: RemoteCase) -> None:
    """Devices that find the same lock left behind still win one at a time."""
    begun = begin(folder_case)
    vaults = [Vault(folder_case.connect(), begun.head, dict(begun.tree)) for _ in range(4)]
    lock = folder_case.git_dir / f"{BRANCH}.lock"
    lock.write_text("")
    age(lock, 1000)

    def work(device: int) -> str | None:
        try:
            return vaults[device].commit({f"objects/00/{device}.age": "x\n"})
        except (Moved, RemoteTroubleError):
            return None

    with ThreadPoolExecutor(4) as pool:
        won = [head for head in pool.map(work, range(4)) if head]
    assert folder_case.chain() == [*won, begun.head]
    assert not lock.exists()


# --- other programs -------------------------------------------------------------------------


def test_gc_in_the_middle_of_reading(folder_case: RemoteCase) -> None:
    """A reader that is in the middle finds what `git gc` has moved meanwhile."""
    vault = begin(folder_case)
    for number in range(5):
        vault.commit({object_name(number): f"{number}\n"})
    ids = [entry.id for entry in vault.tree.values()]
    history, blobs = vault.remote.history(vault.head or ""), vault.remote.blobs(ids)
    read = [next(history).id]
    found = dict([next(blobs)])
    folder_case.git("gc", "-q", "--prune=now")
    read += [commit.id for commit in history]
    found |= dict(blobs)
    assert read == folder_case.chain()
    assert set(found) == set(ids)


def test_gc_replaces_the_pack_that_is_read(folder_case: RemoteCase) -> None:
    """A reader goes on after its pack was replaced by another one."""
    vault = begin(folder_case)
    vault.commit({object_name(number): f"{number}\n" for number in range(60)})
    folder_case.git("repack", "-q", "-a", "-d")
    ids = [entry.id for entry in vault.tree.values()]
    blobs = vault.remote.blobs(ids)
    found = dict([next(blobs)])
    Vault(folder_case.connect(), vault.head, dict(vault.tree)).commit({object_name(90): "new\n"})
    folder_case.git("repack", "-q", "-a", "-d", "-f")
    found |= dict(blobs)
    assert set(found) == set(ids)


def test_gc_between_two_looks(folder_case: RemoteCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that moves into a pack after the packs were looked through is found."""
    vault = begin(folder_case)
    blob = vault.tree["vault.json"].id
    look = DiskObjectStore._get_loose_object

    def late(store: DiskObjectStore, oid: ObjectID) -> ShaFile | None:
        folder_case.git("gc", "-q", "--prune=now")
        return look(store, oid)

    monkeypatch.setattr(DiskObjectStore, "_get_loose_object", late)
    assert [oid for oid, _ in vault.remote.blobs([blob])] == [blob]
    assert not loose(folder_case, blob).exists()


def test_packed_references(folder_case: RemoteCase) -> None:
    """A branch that `git pack-refs` put away is read, moved and raced for as before."""
    mine = begin(folder_case)
    other = Vault(folder_case.connect(), mine.head, dict(mine.tree))
    folder_case.git("pack-refs", "--all", "--prune")
    assert not (folder_case.git_dir / BRANCH).exists()
    assert folder_case.connect().head() == mine.head
    with pytest.raises(Moved):
        Vault(folder_case.connect()).commit({"vault.json": "second\n"})
    head = mine.commit({object_name(1): "one\n"})
    with pytest.raises(Moved):
        other.commit({object_name(2): "two\n"})
    assert folder_case.head() == head
    folder_case.git("pack-refs", "--all", "--prune")
    assert folder_case.connect().head() == head


def test_a_name_that_is_not_utf8(folder_case: RemoteCase) -> None:
    """A foreign file whose name is not UTF-8 is listed and outlives our commits."""
    vault = begin(folder_case)
    stream = (
        b"commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"
    )
    old = folder_case.write_as_another_program(stream + b'M 644 inline "caf\\351"\ndata 1\nx\n\n')
    commit = next(iter(vault.remote.history(old)))
    assert os.fsdecode(b"caf\xe9") in vault.remote.top(commit)
    assert vault.remote.listing(commit) == folder_case.files(old)
    lines = git_output(folder_case.git_dir, "ls-tree", "-z", old)
    lines += f"100644 blob {blob_id(b'new')}\tnew.age\0"
    tree = folder_case.git("mktree", "-z", "--missing", given=os.fsencode(lines))
    new = vault.remote.commit(old, Change("sync", tree, {"new.age": b"new"}))
    assert os.fsdecode(b"caf\xe9") in folder_case.files(new)


@pytest.mark.parametrize("message", ["", "one", "one\n", "a\n\n\nb\n\n\n", "\n x", "é\r\n"])
def test_any_message_is_kept(folder_case: RemoteCase, message: str) -> None:
    """Whatever the message, nothing is added to it and nothing taken away."""
    head = begin(folder_case).commit({object_name(1): "one\n"}, message=message)
    assert folder_case.message(head) == message
    assert next(iter(folder_case.connect().history(head))).message == message


# --- disks and damage -----------------------------------------------------------------------


def test_i35_objects_are_durable_before_the_branch_moves(
    folder_case: RemoteCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the branch moves, each new file and its folder has been synced; then the branch is."""
    vault = begin(folder_case)
    objects = folder_case.git_dir / "objects"
    old: set[Path] = set()
    synced: list[int] = []
    missing: list[Path] = []
    fsync, replace = os.fsync, os.replace

    def seen_fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    def seen_replace(source: Path, target: Path) -> None:
        if target == folder_case.git_dir / BRANCH:
            new = set(objects.rglob("*")) - old
            assert new
            wanted = new | {path.parent for path in new} | {source}
            missing.extend(path for path in wanted if path.stat().st_ino not in synced)
            synced.clear()
        replace(source, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "replace", seen_replace)
    for count in (1, 100):
        old = set(objects.rglob("*"))
        vault.commit({object_name(n): f"{count} {n}\n" for n in range(count)})
        assert missing == []
        assert synced == [(folder_case.git_dir / BRANCH).parent.stat().st_ino]


def test_many_objects_are_one_pack(folder_case: RemoteCase) -> None:
    """A large change makes two files, so that it does not wait for the disk a thousand times."""
    vault = begin(folder_case)
    before = set(folder_case.git_dir.rglob("*"))
    vault.commit({object_name(number): f"{number}\n" for number in range(300)})
    new = set(folder_case.git_dir.rglob("*")) - before
    assert sorted(path.suffix for path in new) == [".idx", ".pack"]
    folder_case.check()


@pytest.mark.parametrize("count", [1, 60])
def test_i36_a_full_disk(folder_case: RemoteCase, count: int) -> None:
    """Without space a commit fails by name, leaves no rubbish, and lands once there is space."""
    vault = begin(folder_case)
    script = f"""
import os, resource
from memory_sync.errors import DiskFullError
from memory_sync.model import Change
from memory_sync.ports.folder import FolderRemote
from tests.remotes.case import Vault, object_name
vault = Vault(FolderRemote("file://{folder_case.git_dir}"))
vault.catch_up()
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    vault.commit({{object_name(n): os.urandom(20000).hex() for n in range({count})}})
except DiskFullError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().strip() == str(DiskFullError(path=folder_case.git_dir))
    assert done.stderr == b""
    assert folder_case.head() == vault.head
    assert leftovers(folder_case) == []
    folder_case.check()
    vault.commit({object_name(n): f"{n}\n" for n in range(count)})
    folder_case.check()


def test_i39_a_killed_process_leaves_a_whole_repository(folder_case: RemoteCase) -> None:
    """Killed at random moments of committing, the branch is at a commit that is all there."""
    begin(folder_case)
    script = f"""
from memory_sync.ports.folder import FolderRemote
from tests.remotes.case import Vault, object_name
vault = Vault(FolderRemote("file://{folder_case.git_dir}"))
vault.catch_up()
for number in range(10**6):
    vault.commit({{object_name(number % 9): f"{{number}} {{vault.head}}\\n"}})
    print("one more", flush=True)
"""
    for number in range(4):
        words = [sys.executable, "-c", script]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout
            for _ in range(3):
                process.stdout.readline()
            time.sleep(number * 0.013)
            process.send_signal(signal.SIGKILL)
        folder_case.check()
        lock = folder_case.git_dir / f"{BRANCH}.lock"
        if lock.exists():
            age(lock, 100)
        vault = Vault(folder_case.connect())
        vault.catch_up()
        assert vault.commit({"after.age": f"{number}\n"}) == folder_case.head()
    assert len(folder_case.chain()) > 8


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from memory_sync.ports.folder import FolderRemote
from tests.remotes.case import Vault, object_name

source, target, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])


def deadly(real, left):
    def call(*words, **more):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*words, **more)
    return call


def commit(place, step):
    vault = Vault(FolderRemote(f"file://{place}"))
    vault.catch_up()
    left = [step]
    for name in ("mkdir", "fsync", "link", "rename", "replace", "unlink"):
        setattr(os, name, deadly(getattr(os, name), left))
    vault.commit({object_name(n): f"{n}\\n" for n in range(count)})


for step in range(1000):
    place = target / str(step)
    shutil.copytree(source, place)
    child = os.fork()
    if child == 0:
        commit(place, step)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
"""


@pytest.mark.parametrize("count", [1, 60])
def test_i39_a_commit_killed_at_any_step_leaves_the_remote_whole(
    folder_case: RemoteCase, tmp_path: Path, count: int
) -> None:
    """Before the branch moves all is as it was, and after it the commit is all there."""
    vault = begin(folder_case)
    words = [str(folder_case.git_dir), str(tmp_path / "copies"), str(count)]
    subprocess.run([sys.executable, "-c", KILLED, *words], check=True)
    heads = []
    for place in sorted((tmp_path / "copies").iterdir(), key=lambda place: int(place.name)):
        case = RemoteCase(partial(FolderRemote, f"file://{place}"), place)
        heads.append((place / BRANCH).read_text().strip() == vault.head)
        case.check()
        assert len(case.files("HEAD")) == (1 if heads[-1] else 1 + count)
    assert heads == sorted(heads, reverse=True)
    assert (heads[0], heads[-1], len(heads) > 5) == (True, False, True)


@pytest.mark.parametrize("text", ["", "0", "ref: refs/heads/other", "z" * 40])
def test_a_damaged_branch_is_not_an_empty_vault(folder_case: RemoteCase, text: str) -> None:
    """A branch file that a power cut left empty is trouble; nobody begins the vault anew."""
    vault = begin(folder_case)
    (folder_case.git_dir / BRANCH).write_text(text)
    with pytest.raises(RemoteTroubleError):
        folder_case.connect().head()
    with pytest.raises(RemoteTroubleError):
        Vault(folder_case.connect()).commit({"vault.json": "second\n"})
    assert (folder_case.git_dir / BRANCH).read_text() == text
    assert vault.head


def test_a_branch_that_cannot_be_read_is_not_an_empty_vault(folder_case: RemoteCase) -> None:
    """An error of the system while the branch is read is trouble, not "no commit yet"."""
    begin(folder_case)
    branch = folder_case.git_dir / BRANCH
    branch.unlink()
    branch.symlink_to(branch.name)
    with pytest.raises(RemoteTroubleError):
        folder_case.connect().head()
    with pytest.raises(RemoteTroubleError):
        Vault(folder_case.connect()).commit({"vault.json": "second\n"})
    assert branch.is_symlink()


@pytest.mark.parametrize("damage", [b"", b"rubbish", None])
def test_a_damaged_commit_is_trouble(folder_case: RemoteCase, damage: bytes | None) -> None:
    """A commit or tree that is missing or damaged is an error that names the trouble."""
    vault = begin(folder_case)
    commit = next(iter(vault.remote.history(vault.head or "")))
    for oid in (commit.tree, commit.id):
        loose(folder_case, oid).unlink()
        if damage is not None:
            loose(folder_case, oid).write_bytes(damage)
    with pytest.raises(RemoteTroubleError, match="damaged"):
        list(vault.remote.history(commit.id))
    with pytest.raises(RemoteTroubleError, match="damaged"):
        vault.remote.listing(commit)
    with pytest.raises(RemoteTroubleError, match="damaged"):
        vault.commit({object_name(1): "one\n"})
    assert folder_case.git_dir.joinpath(BRANCH).read_text().strip() == vault.head


def test_i20_a_damaged_blob_delays_no_other(folder_case: RemoteCase) -> None:
    """Of blobs that are read together the damaged ones are left out, and the others come."""
    vault = begin(folder_case)
    vault.commit({object_name(number): f"{number}\n" for number in range(3)})
    for number, damage in ((0, b""), (1, b"rubbish")):
        path = loose(folder_case, blob_id(f"{number}\n".encode()))
        path.unlink()
        path.write_bytes(damage)
    found = dict(vault.remote.blobs(entry.id for entry in vault.tree.values()))
    assert sorted(found.values()) == [b"2\n", b'{"format": 1}\n']


def test_a_damaged_blob_is_mended_by_writing_it(folder_case: RemoteCase) -> None:
    """What a power cut left under an object's name is replaced when the object comes again."""
    vault = begin(folder_case)
    path = loose(folder_case, blob_id(b"one\n"))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    vault.commit({object_name(1): "one\n"})
    assert dict(vault.remote.blobs([blob_id(b"one\n")])) == {blob_id(b"one\n"): b"one\n"}
    folder_case.check()


def test_an_odd_commit_of_another_program(folder_case: RemoteCase) -> None:
    """A signed commit in an old encoding is read for what matters."""
    vault = begin(folder_case)
    commit = next(iter(vault.remote.history(vault.head or "")))
    person = "J\xf6rg <j@example.org> 1700000000 -0330"
    text = f"tree {commit.tree}\nparent {commit.id}\nauthor {person}\ncommitter {person}\n"
    text += "encoding latin-1\ngpgsig -----\n a\n parent 0\n \n b\n\nm\xf6\n\nparent x\n"
    words = ("hash-object", "-t", "commit", "-w", "--stdin")
    odd = folder_case.git(*words, given=text.encode("latin-1"))
    found = next(iter(vault.remote.history(odd)))
    assert (found.tree, found.parents) == (commit.tree, (commit.id,))
    assert found.time == 1_700_000_000
    assert found.message == "m\ufffd\n\nparent x\n"
