"""The log of a service in the journal of systemd."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.cli.person import until
from tests.service.user import UNIT, User


def entries(user: User, *matches: str) -> list[dict[str, str]]:
    """Return what stands in the journal of the user's machine, as root reads it."""
    # Everything that was sent before is to be on the disk.
    enter = ["nsenter", "--target", str(user.boot._target), "--mount", "--pid", "--"]
    subprocess.run([*enter, "journalctl", "--quiet", "--sync"], check=True, timeout=60)
    words = ["journalctl", "--quiet", "--output=json", "--all", *matches]
    done = subprocess.run([*enter, *words], capture_output=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def logged(user: User) -> list[dict[str, Any]]:
    """Return the daemon's own log."""
    path = user.home / ".local" / "state" / "memory-sync" / "log" / "daemon.log"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_journal_has_the_same_as_the_log(anybody: User) -> None:
    """Each event of the service stands in the journal of systemd, with all its fields, once."""
    anybody.installs()
    pid = str(anybody.pid())
    until(anybody.is_synced)
    anybody.write("memory/new.md", "new\n")
    until(lambda: any(line["event"] == "batch.up" for line in logged(anybody)))
    anybody.boot.ctl("stop", UNIT)
    found = entries(anybody, f"_PID={pid}", "SYSLOG_IDENTIFIER=memory-sync")
    lines = logged(anybody)
    assert [entry["MEMORY_SYNC_EVENT"] for entry in found] == [line["event"] for line in lines]
    assert {"daemon.started", "batch.up", "daemon.stopped"} <= {line["event"] for line in lines}
    for entry, line in zip(found, lines, strict=True):
        assert entry["PRIORITY"] == {"info": "6", "warning": "4", "error": "3"}[line["level"]]
        assert entry["MESSAGE"].split()[0] == line["event"]
        for key in set(line) - {"ts", "level", "event"}:
            value = line[key] if isinstance(line[key], str) else json.dumps(line[key])
            assert entry[f"MEMORY_SYNC_{key.upper()}"] == value
    assert not any("new.md" in json.dumps(entry) for entry in found)
