"""Recovery keys: they read the vault with the real programs, and never write to it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

from memory_sync.engine.rekey import recovery_of
from memory_sync.errors import (
    KeyMissingError,
    RecipientPluginError,
    RecoveryInvalidError,
)
from memory_sync.model import Change, Entry
from memory_sync.ports.folder import FolderRemote
from memory_sync.vault.keys import generate_identity
from memory_sync.vault.manifest import MANIFEST, Manifest
from memory_sync.vault.seals import read_rotation, seal_message
from memory_sync.vault.trees import blob_id, root_tree
from tests.engine.devices import Device, settle
from tests.needs import needs

LOG = "line\n" * 20_000
PLUGIN = '''\
#!{python}
"""Wraps a file key by not wrapping it: enough to see that a plugin is asked."""
import sys

def lines():
    for line in sys.stdin:
        yield line.rstrip("\\n")

assert sys.argv[1] == "--age-plugin=recipient-v1"
source, body, keys = lines(), "", []
for line in source:
    if line.startswith("-> wrap-file-key"):
        keys.append(next(source))
    if line.startswith("-> done"):
        break
next(source, None)
for number, key in enumerate(keys):
    print(f"-> recipient-stanza {{number}} none\\n{{key}}", flush=True)
    for line in source:
        if line.startswith("-> ok"):
            next(source)
            break
print("-> done\\n", flush=True)
'''


def _set(device: Device, *recovery: str) -> None:
    """Configure recovery recipients, and begin anew."""
    device.restart()
    device.recovery = recovery


def _ssh_key(folder: Path) -> tuple[Path, str]:
    needs("ssh-keygen")
    key = folder / "recovery"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(words, check=True)
    return key, " ".join(key.with_suffix(".pub").read_text().split()[:2])


def _recovered(vault: Path, key: Path) -> dict[str, bytes]:
    """Read every file of the vault with git, the real age and tar, and no key but this one."""
    needs("age")

    def git(*words: str) -> bytes:
        done = subprocess.run(["git", "-C", str(vault), *words], capture_output=True, check=True)
        return done.stdout

    files: dict[str, bytes] = {}
    streams: dict[str, bytes] = {}
    for name in sorted(git("ls-tree", "-r", "--name-only", "HEAD", "objects").decode().split()):
        part = subprocess.run(
            ["age", "-d", "-i", str(key)],
            input=git("show", f"HEAD:{name}"), capture_output=True, check=True,
        )  # fmt: skip
        first = name[: name.index(".age")]
        streams[first] = streams.get(first, b"") + zlib.decompress(part.stdout, wbits=31)
    for stream in streams.values():
        with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
            for member in tar:
                opened = tar.extractfile(member)
                assert opened
                files[member.name] = opened.read()
    return files


@pytest.fixture
def filled(laptop: Device, desktop: Device) -> Device:
    """Give the laptop of two devices that are in sync."""
    laptop.write("MEMORY.md", "start\n")
    laptop.write("memory/log.md", LOG)
    settle(laptop, desktop)
    return laptop


@pytest.mark.parametrize("kind", ["x25519", "ssh-ed25519"])
def test_a_recovery_key_reads_everything_that_is_there_and_comes(
    filled: Device, desktop: Device, vault: Path, tmp_path: Path, kind: str
) -> None:
    """What was there is encrypted anew as one commit; every device encrypts to it from then on."""
    if kind == "x25519":
        identity, key = generate_identity(), tmp_path / "recovery.txt"
        key.write_text(identity.secrets[0] + "\n")
        public = identity.recipient
    else:
        key, public = _ssh_key(tmp_path)
    trust = filled.keystore.trust("v")
    _set(filled, public)
    commits = filled.remote.commits
    filled.engine.rekey(rotate=False)
    assert filled.remote.commits == commits + 1
    after = filled.keystore.trust("v")
    assert trust
    assert after
    assert (after.recipient, after.n) == (trust.recipient, trust.n + 1)
    outcome = desktop.sync()
    assert (outcome.up, outcome.down, outcome.problems) == ((), (), ())
    desktop.write("memory/new.md", "new\n")
    desktop.write("memory/log.md", LOG + "more\n")
    settle(desktop, filled)
    found = _recovered(vault, key)
    assert found == {f"memory/{path}": data for path, data in filled.files().items()}


def test_a_recovery_key_that_is_taken_out_reads_nothing_new(
    filled: Device, vault: Path, tmp_path: Path
) -> None:
    """Removing one encrypts everything anew, too; a part that does not change is no exception."""
    key, public = _ssh_key(tmp_path)
    _set(filled, public)
    filled.engine.rekey(rotate=False)
    assert _recovered(vault, key)
    _set(filled)
    filled.engine.rekey(rotate=False)
    with pytest.raises(subprocess.CalledProcessError):
        _recovered(vault, key)
    assert recovery_of(filled.opened()) == ()


def test_recovery_keys_stay_in_a_rotation(filled: Device, vault: Path, tmp_path: Path) -> None:
    """A device whose configuration names none keeps those that the vault has."""
    key, public = _ssh_key(tmp_path)
    _set(filled, public)
    filled.engine.rekey(rotate=False)
    filled.restart()
    filled.engine.rekey(rotate=True)
    assert recovery_of(filled.opened()) == (public,)
    assert _recovered(vault, key)


def test_devices_with_different_lists_do_not_fight(filled: Device, desktop: Device) -> None:
    """The vault's list is in force on both, and only a command changes it; each says so."""
    mine, theirs = generate_identity().recipient, generate_identity().recipient
    _set(filled, mine)
    filled.engine.rekey(rotate=False)
    _set(desktop, theirs)
    commits = filled.remote.commits + desktop.remote.commits
    for _ in range(3):
        assert filled.sync().problems == ()
        assert [problem.code for problem in desktop.sync().problems] == ["recovery-differs"]
    assert filled.remote.commits + desktop.remote.commits == commits
    desktop.write("memory/d.md", "d\n")
    desktop.sync()
    assert recovery_of(desktop.opened()) == (mine,)


def test_i52_a_recovery_key_never_writes(
    filled: Device, desktop: Device, vault: Path, tmp_path: Path
) -> None:
    """Its owner cannot join as a device, and what its owner seals is foreign."""
    recovery = generate_identity()
    _set(filled, recovery.recipient)
    filled.engine.rekey(rotate=False)
    stranger = Device(tmp_path, "stranger", vault)
    with pytest.raises(KeyMissingError):
        stranger.join(recovery)
    trust = filled.keystore.trust("v")
    assert trust
    remote = FolderRemote(f"file://{vault}")
    head = remote.head()
    assert head
    listing = dict(remote.listing(next(iter(remote.history(head)))))
    evil = Manifest(trust.vault_id, (recovery.recipient, trust.recipient)).dump()
    for writes in ({"objects/00/evil.age": b"x"}, {MANIFEST: evil}):
        tree = root_tree(
            listing | {path: Entry("100644", blob_id(data)) for path, data in writes.items()}
        )
        seal = recovery.derive(trust.vault_id).seal
        message = seal_message(seal, trust.n + 1, trust.vault_id, head, tree)
        made = remote.commit(head, Change(message, tree, writes))
        assert [halt.code for halt in desktop.sync().halts] == ["foreign-content"]
        branch = ["git", "-C", str(vault), "update-ref", "HEAD", head, made]
        subprocess.run(branch, check=True)


def test_what_is_no_recipient_changes_nothing(filled: Device, vault: Path) -> None:
    """It is named before anything is encrypted."""
    before = FolderRemote(f"file://{vault}").head()
    _set(filled, "age1nonsense")
    with pytest.raises(RecoveryInvalidError):
        filled.engine.rekey(rotate=False)
    assert FolderRemote(f"file://{vault}").head() == before


def test_a_plugins_recipient_needs_the_plugin_on_every_device(
    filled: Device, desktop: Device, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it everything is encrypted to it too; without it a device halts, and says which."""
    public = "age1fake1ppppppppppppppppl0cxv5"
    _set(filled, public)
    with pytest.raises(RecoveryInvalidError, match="age-plugin-fake"):
        filled.engine.rekey(rotate=False)
    tools = tmp_path / "tools"
    tools.mkdir()
    plugin = tools / "age-plugin-fake"
    plugin.write_text(PLUGIN.format(python=sys.executable))
    plugin.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
        filled.engine.rekey(rotate=False)
        assert desktop.sync().problems == ()
    desktop.restart()
    with pytest.raises(RecipientPluginError, match="age-plugin-fake"):
        desktop.sync()
    done = subprocess.run(
        ["git", "-C", str(vault), "log", "-1", "--format=%B"], capture_output=True, check=True
    )
    assert read_rotation(done.stdout.decode()) is None
