"""Machines with a real `systemd --user`, for root or for somebody who may do little."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.person import Ran, until

SCRIPT = Path(__file__).with_name("namespace.sh")
SHELF = "/var/lib"
"""Where these folders lie: not in /tmp, which the sandbox replaces by an empty one."""
PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Machine:
    """The folder of a machine, which outlasts its boots; the program is in `venv`."""

    user: str
    folder: Path
    venv: Path

    @contextmanager
    def boot(self, lang: str = "C.UTF-8", *, jailed: bool = False) -> Iterator[Boot]:
        """Have the machine run; `jailed` is one that allows no user namespaces."""
        # What the Python of the tests needs may lie where this user cannot go.
        visible = [sys.base_prefix, sysconfig.get_path("purelib")]
        state = self.folder / "state"
        state.unlink(missing_ok=True)
        process = subprocess.Popen(
            [SCRIPT, self.user, self.folder, *visible],
            env={"PATH": os.environ["PATH"], "BOOT_LANG": lang, "JAILED": "1" * jailed},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            until(lambda: state.exists() or process.poll() is not None)
            assert process.poll() is None, process.communicate()[1]
            yield Boot(self, _child(_child(process.pid)))
        finally:
            print(process.communicate(timeout=60)[1], file=sys.stderr)


@contextmanager
def shelf() -> Iterator[Path]:
    """Have a folder that everybody can enter, for as long as it is needed."""
    folder = Path(tempfile.mkdtemp(prefix="memory-sync-test.", dir=SHELF))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Boot:
    """A machine that runs, and a way to type on it as its user."""

    def __init__(self, machine: Machine, target: int) -> None:
        self.machine = machine
        self._entry = pwd.getpwnam(machine.user)
        self._target = target

    @property
    def env(self) -> dict[str, str]:
        """The environment of a login."""
        runtime = f"/run/user/{self._entry.pw_uid}"
        return {
            "PATH": PATH,
            "HOME": str(self.machine.folder / "home"),
            "USER": self.machine.user,
            "LOGNAME": self.machine.user,
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": runtime,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
        }

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run a command as the user; `env` is the whole environment, a login's by default."""
        entry = self._entry
        ids = ["--setuid", str(entry.pw_uid), "--setgid", str(entry.pw_gid)]
        spaces = ["--target", str(self._target), "--mount", "--pid", "--ipc", "--cgroup"]
        done = subprocess.run(
            ["nsenter", *spaces, *ids, "--", *words],
            env=self.env if env is None else env,
            stdin=subprocess.DEVNULL,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def ctl(self, *words: str) -> str:
        """Run systemctl, which has to succeed, and return what it says."""
        ran = self.run("systemctl", "--user", *words)
        assert ran.status == 0, ran
        return ran.out.strip()

    def shown(self, unit: str, name: str) -> str:
        """Return one of a unit's properties."""
        return self.ctl("show", unit, "--value", f"--property={name}")

    def inside(self, path: Path) -> Path:
        """Return the path under which this process sees one of the machine's files."""
        return Path(f"/proc/{self._target}/root") / path.relative_to("/")

    def own(self, path: Path) -> None:
        """Give a file or a folder, with all in it, to the user."""
        for place in (path, *path.rglob("*")):
            os.chown(place, self._entry.pw_uid, self._entry.pw_gid, follow_symlinks=False)


def _child(pid: int) -> int:
    """Return the one process that another has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    until(listed.read_text)
    return int(listed.read_text().split()[0])
