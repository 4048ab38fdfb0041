"""What the confined service may write: tried from within, on a real systemd."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.service.manager import Machine
from tests.service.user import UNIT, User, eventually

TRIAL = """#!/bin/sh
for place do
    (true > "$place/trial" && rm "$place/trial" && echo "$place" >> "$0.written") 2>/dev/null
done
touch "$0.done"
"""


def _written(user: User, *places: Path) -> set[Path]:
    """Return the folders that a process in the service's own sandbox can write to."""
    state = user.home / ".local" / "state" / "memory-sync"
    script = state / "trial.sh"
    for old in state.glob("trial.sh*"):
        old.unlink()
    script.write_text(TRIAL)
    script.chmod(0o700)
    user.boot.own(state)
    words = shlex.join(map(str, (script, *places)))
    user.adds(f"[Service]\nExecStartPost=/bin/sh -c {shlex.quote(words)}\n")
    user.ms("service", "restart")
    eventually((state / "trial.sh.done").exists)
    written = state / "trial.sh.written"
    return set(map(Path, written.read_text().splitlines())) if written.exists() else set()


def test_the_service_writes_to_its_own_folders_and_the_roots_only(nobody: User) -> None:
    """With the sandbox nothing else can be written; without it the home folder can."""
    runtime = Path(nobody.env["XDG_RUNTIME_DIR"])
    open_to_all = nobody.folder / "open"
    open_to_all.mkdir(exist_ok=True)
    open_to_all.chmod(0o777)
    good = {
        nobody.agent,
        nobody.vault,
        nobody.home / ".config" / "memory-sync",
        nobody.home / ".local" / "state" / "memory-sync",
        runtime / "memory-sync",
        Path("/tmp"),
    }
    bad = {nobody.home, nobody.home / ".config", nobody.units, runtime, open_to_all}
    assert nobody.installs()["sandboxed"]
    assert _written(nobody, *good, *bad) == good
    assert not nobody.installs("--no-sandbox")["sandboxed"]
    assert _written(nobody, *good, *bad) == good | bad


def test_its_tmp_is_its_own(nobody: User) -> None:
    """What the service writes to /tmp is not in the machine's, unless a root lies there."""
    nobody.installs()
    assert nobody.boot.shown(UNIT, "PrivateTmp") == "yes"
    text = nobody.config.read_text()
    folder = Path("/tmp", nobody.folder.name)
    inside = nobody.boot.inside(folder)
    inside.mkdir()
    try:
        nobody.boot.own(inside)
        nobody.config.write_text(text.replace(f'"{nobody.agent}"', f'"{folder}"'))
        assert nobody.installs()["sandboxed"]
        assert nobody.boot.shown(UNIT, "PrivateTmp") == "no"
        assert _written(nobody, folder, nobody.home) == {folder}
    finally:
        inside.rmdir()


def test_without_user_namespaces_it_runs_unconfined(machines: dict[str, Machine]) -> None:
    """Where the kernel denies them the drop-in is not written, and the service runs."""
    with machines["spare"].boot(jailed=True) as boot, User(boot).at_home() as user:
        data = user.installs()
        assert data["active"]
        assert not data["sandboxed"]
        assert not list(user.units.glob("*.d"))
        assert "namespaces" in user.ms("service", "install").out
