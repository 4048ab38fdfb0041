"""What the files of the service settle, line by line, and what its sandbox's trial believes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from memory_sync_service.sandbox import drop_in, works
from memory_sync_service.systemd import Systemd
from tests.needs import needs_linux

SECTIONS: Mapping[str, Mapping[str, list[str]]] = {
    "Unit": {
        "Description": [
            "memory-sync: keeps the memory files of AI agents the same on all machines"
        ],
        "StartLimitIntervalSec": ["0"],
    },
    "Service": {
        "Type": ["notify"],
        "NotifyAccess": ["main"],
        "ExecStart": [':"/srv/memory-sync" "daemon"'],
        "Environment": ["PYTHONUTF8=1"],
        "Restart": ["on-failure"],
        "RestartSec": ["10"],
        "RestartPreventExitStatus": ["78"],
        "WatchdogSec": ["60"],
        "WatchdogSignal": ["SIGKILL"],
        "LimitCORE": ["0"],
        "TimeoutStopSec": ["30"],
        "RuntimeDirectory": ["memory-sync"],
        "RuntimeDirectoryMode": ["0700"],
        "RuntimeDirectoryPreserve": ["yes"],
        "UMask": ["0077"],
        "KeyringMode": ["private"],
        "NoNewPrivileges": ["yes"],
        "LockPersonality": ["yes"],
        "MemoryDenyWriteExecute": ["yes"],
        "RestrictRealtime": ["yes"],
        "RestrictSUIDSGID": ["yes"],
        "RestrictNamespaces": ["yes"],
        "RestrictAddressFamilies": ["AF_UNIX AF_INET AF_INET6 AF_NETLINK"],
        "SystemCallArchitectures": ["native"],
        "SystemCallFilter": ["@system-service"],
        "SystemCallErrorNumber": ["EPERM"],
    },
    "Install": {"WantedBy": ["default.target"]},
}
"""All that the unit says; what is changed there is changed here, on purpose."""

UNCONFINED = f"""#!{sys.executable}
# A manager that passes over every property: the command runs as it would anywhere.
import os, sys
words = sys.argv[1:]
while words[0].startswith("-"):
    del words[: 2 if words[0] == "-p" else 1]
os.execvp(words[0], [word.replace("$$", "$") for word in words])
"""


def _sections(text: str) -> dict[str, dict[str, list[str]]]:
    """Read a unit: a key may come more than once."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return found


def test_the_unit_says_this_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is ready, started again, ended, watched, and what it may not do."""
    program = ["/srv/memory-sync", "daemon"]
    monkeypatch.setattr("memory_sync_service.systemd.start_words", lambda _: program)
    unit = next(iter(Systemd({"HOME": str(tmp_path)}, []).texts().values()))
    assert _sections(unit) == SECTIONS


def test_a_sandbox_that_is_passed_over_in_silence_does_not_count(tmp_path: Path) -> None:
    """Where a manager knows none of the properties, the trial writes to the home, and says no."""
    needs_linux()
    home, ours, tools = (tmp_path / name for name in ("home", "ours", "tools"))
    for folder in (home, ours, tools):
        folder.mkdir()
    manager = tools / "systemd-run"
    manager.write_text(UNCONFINED)
    manager.chmod(0o755)
    env = {"HOME": str(home), "PATH": f"{tools}:{os.environ['PATH']}"}
    assert not works(env, drop_in([ours]), [ours])
    assert list(home.iterdir()) == list(ours.iterdir()) == []
