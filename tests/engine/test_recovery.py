"""A vault that the program wrote, read without it: by age, git and tar, and a second reader."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from memory_sync.vault.keys import format_identity
from tests.engine.devices import Device, settle
from tests.needs import needs
from tests.reader import judge_rotation, read_vault

FILES = {
    "MEMORY.md": b"# memory\r\nno last newline",
    "memory/empty.md": b"",
    "memory/part.md": os.urandom(32768),
    "memory/more.md": os.urandom(32769),
    "memory/large.md": os.urandom(5 * 1024 * 1024),
    "memory/day by day/Größere Pläne für café.md": "mit Umlauten: äöü\n".encode(),
}


@pytest.fixture
def written(laptop: Device, desktop: Device) -> Path:
    """Give the key file of a vault into which both devices wrote, and from which one deleted."""
    for device in (laptop, desktop):
        device.max_size = 10 * 1024 * 1024
    for path, content in FILES.items():
        laptop.write(path, content)
    laptop.write("memory/gone.md", "gone\n")
    settle(laptop, desktop)
    desktop.delete("memory/gone.md")
    (desktop.folder() / "memory/part.md").chmod(0o640)
    settle(desktop, laptop)
    trust = laptop.keystore.trust("v")
    identity = trust and laptop.keystore.find(trust.recipient)
    assert identity
    key = laptop.home / "key.txt"
    key.write_text(format_identity(identity))
    return key


def test_the_recovery_commands_of_the_readme_bring_every_file_back(
    written: Path, vault: Path, tmp_path: Path
) -> None:
    """What stands in the vault's README is typed into a shell, with the real programs."""
    needs("age", "git", "tar")
    work = tmp_path / "work"
    work.mkdir()
    (work / "key.txt").write_bytes(written.read_bytes())
    words = ["git", "-C", str(vault), "show", "HEAD:README.md"]
    readme = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    block = re.search(r"```\n(.*?)```", readme, re.DOTALL)
    assert block
    commands = block[1].replace("<repository>", str(vault))
    subprocess.run(["sh", "-e"], input=commands, text=True, cwd=work, check=True)
    found = {
        place.relative_to(work / "recovered/memory").as_posix(): place.read_bytes()
        for place in (work / "recovered").rglob("*")
        if place.is_file()
    }
    assert found == FILES


def test_the_second_reader_finds_the_same(written: Path, vault: Path, laptop: Device) -> None:
    """A reader that shares no line with the program agrees on every rule of the format."""
    needs("age", "git")
    secret = written.read_text().splitlines()[-1]
    read = read_vault(vault, secret, written)
    files = {path.removeprefix("memory/"): file.content for path, file in read.files.items()}
    assert files == FILES
    trust = laptop.keystore.trust("v")
    assert trust
    assert read.sealed
    assert (read.id, read.sealed.commit, read.sealed.n) == (trust.vault_id, trust.commit, trust.n)
    assert read.files["memory/MEMORY.md"].device == "laptop"
    assert read.files["memory/memory/large.md"].parts == 1 + -(-(5 * 1024 * 1024 + 1024) // 32768)


def test_every_commit_on_the_branch_is_a_whole_vault(written: Path, vault: Path) -> None:
    """At any commit the second reader finds a vault without a fault."""
    needs("age", "git")
    secret = written.read_text().splitlines()[-1]
    words = ["git", "-C", str(vault), "rev-list", "HEAD"]
    commits = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    counts = [len(read_vault(vault, secret, written, rev).files) for rev in reversed(commits)]
    assert counts[0] == 0
    assert counts[-1] == len(FILES)
    assert len(commits) >= 3


def test_i54_the_second_reader_follows_a_rotation(
    written: Path, vault: Path, laptop: Device, tmp_path: Path
) -> None:
    """The old key hands the vault on under the reader's own rules, and the new one opens all."""
    needs("age", "git", "ssh-keygen")
    ssh = tmp_path / "ssh"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(ssh)]
    subprocess.run(words, check=True)
    public = " ".join(ssh.with_suffix(".pub").read_text().split()[:2])
    laptop.restart()
    laptop.recovery = (public,)
    old = written.read_text().splitlines()[-1]
    laptop.engine.rekey(rotate=True)
    trust = laptop.keystore.trust("v")
    identity = trust and laptop.keystore.find(trust.recipient)
    assert trust
    assert identity
    assert identity.secrets[1] == old
    rotation = judge_rotation(vault, "HEAD", old, trust.vault_id)
    assert (rotation.commit, rotation.n) == (trust.commit, trust.n)
    new = tmp_path / "new.txt"
    new.write_text(identity.secrets[0] + "\n")
    read = read_vault(vault, identity.secrets[0], new)
    assert read.recipients == (trust.recipient, public)
    assert {
        path.removeprefix("memory/"): file.content for path, file in read.files.items()
    } == FILES
    assert read.sealed
    assert read.sealed.n == trust.n
