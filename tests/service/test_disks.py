"""Which part of the disks a confined service may write to."""

import subprocess
import sys
from pathlib import Path

from tests.needs import needs, needs_linux, needs_root

SCRIPT = """
import os, subprocess, sys
from pathlib import Path
from memory_sync_service.sandbox import drop_in

top = Path(sys.argv[1])
home, stick = top / "home", top / "stick"
(home / "agent").mkdir(parents=True)
stick.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(stick)], check=True)
(stick / "vault.git").mkdir()
os.environ["HOME"] = str(home)
text = drop_in([home / "agent", stick / "vault.git", stick / "other.git", home / "not yet"])
for line in text.splitlines():
    if line.startswith("ReadWritePaths="):
        print(line.replace(str(top), ""))
"""


def test_a_disk_that_can_be_taken_away_is_writable_as_a_whole(tmp_path: Path) -> None:
    """A folder on it would be pinned; folders on the usual disks are writable by themselves."""
    needs_linux()
    needs_root()
    needs("unshare")
    words = ["unshare", "--mount", sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if "/tmp" not in line] == [
        'ReadWritePaths=-"/home/agent"',
        'ReadWritePaths=-"/home/not yet"',
        'ReadWritePaths=-"/stick"',
    ]
