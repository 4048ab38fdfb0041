"""The daemon as a service of the user's systemd."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from memory_sync.errors import ServiceError, ServiceMissingError, ServiceUnreachableError
from memory_sync_service import files
from memory_sync_service.command import start_words
from memory_sync_service.linger import lingers
from memory_sync_service.names import carried, home_of, service_name, unit_path
from memory_sync_service.quoting import assignment, command_line
from memory_sync_service.running import Ran, run
from memory_sync_service.sandbox import DROP_IN, drop_in, works
from memory_sync_service.standing import Standing

UNIT = "memory-sync.service"
ANOTHER = "8"
ENDINGS = {
    ANOTHER: ("another daemon runs already: end it first", "memory-sync status"),
    "78": ("the configuration cannot be used", "memory-sync status"),
}
"""What the daemon's exit statuses say of a start, and the command that tells more."""


class Systemd:
    """A unit in the home folder, with a drop-in for the sandbox where that works."""

    def __init__(self, env: Mapping[str, str], writable: Sequence[Path]) -> None:
        self._env = env
        self._writable = writable
        self._path = unit_path(env)
        self._unit = self._path.name
        self._folder = self._path.with_name(f"{self._unit}.d")
        self._drop_in = self._folder / DROP_IN
        self._link = self._path.parent / "default.target.wants" / self._unit

    def texts(self) -> Mapping[Path, str]:
        """Return the unit and the drop-in as they are to be."""
        return {self._path: self._text(), self._drop_in: drop_in(self._writable)}

    def _text(self) -> str:
        name = service_name(self._env)
        # A folder below the session's, made at each start: that of the control socket. It is kept
        # at the end, as a daemon that was started by hand may have its socket in it.
        runtime = (
            f"RuntimeDirectory={name}\nRuntimeDirectoryMode=0700\nRuntimeDirectoryPreserve=yes"
        )
        variables = carried(self._env).items()
        facts = {
            "EXEC": command_line(start_words(self._env)),
            "ENVIRONMENT": "\n".join(assignment(*variable) for variable in variables),
            "RUNTIME": "" if home_of(self._env) else runtime,
        }
        return files.filled(UNIT, facts)

    def install(self, *, sandbox: bool = True) -> bool:
        """Write the files, start the service with every login, and wait until it runs."""
        texts = self.texts()
        self._reach()
        changed = files.write(self._path, texts[self._path])
        changed |= self._confine(texts[self._drop_in], wanted=sandbox)
        state = self._state()
        if changed or state.get("NeedDaemonReload") == "yes":
            self._ask("daemon-reload")
        if not os.path.lexists(self._link):
            self._ask("enable", self._unit)
            changed = True
        if changed:
            self._ask("reset-failed", self._unit, must=False)
            self._run("restart")
        elif state.get("ActiveState") != "active":
            self._run("start")
            changed = True
        return changed

    def _confine(self, text: str, *, wanted: bool) -> bool:
        """Write the drop-in if the sandbox works here, else take it away."""
        if wanted and works(self._env, text, self._writable):
            return files.write(self._drop_in, text)
        return files.remove(self._drop_in)

    def uninstall(self) -> bool:
        """Stop the service and remove its files, also where the manager cannot be reached."""
        present = self._path.exists() or os.path.lexists(self._link)
        reached = self._version().status == 0
        if present and reached:
            self._ask("disable", "--now", self._unit)
        removed = [files.remove(path) for path in (self._link, self._drop_in, self._path)]
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()
        if reached:
            self._ask("daemon-reload")
            self._ask("reset-failed", self._unit, must=False)
        return present or any(removed)

    def start(self) -> None:
        """Start the service and wait until it runs."""
        self._present()
        self._run("start")

    def stop(self) -> None:
        """Stop the service."""
        self._present()
        self._ask("stop", self._unit)

    def restart(self) -> None:
        """Stop the service if it runs, and start it."""
        self._present()
        self._run("restart")

    def standing(self) -> Standing:
        """Return how the service stands; where it is not installed no process is started."""
        found = files.content(self._path)
        confined = files.content(self._drop_in)
        state: dict[str, str] = {}
        current, problem, away = False, "", None
        if found is not None:
            try:
                texts = self.texts()
                current = found == texts[self._path] and confined in (None, texts[self._drop_in])
            except ServiceError as error:
                problem = error.message
            away = self._away()
            state = {} if away else self._state()
        return Standing(
            installed=found is not None,
            current=current and state.get("NeedDaemonReload") != "yes",
            enabled=os.path.lexists(self._link),
            active=None if away else state.get("ActiveState") == "active",
            linger=lingers(),
            manager="systemd",
            path=str(self._path),
            detail=away.message if away else problem or _told(state),
            sandboxed=confined is not None,
            hint=away.advice if away else "",
        )

    def _present(self) -> None:
        if not self._path.exists():
            raise ServiceMissingError
        self._reach()

    def _reach(self) -> None:
        """Raise ServiceUnreachableError where there is no way to the manager."""
        if away := self._away():
            raise away

    def _away(self) -> ServiceUnreachableError | None:
        """Return what to set where there is no way to the manager."""
        version = self._version()
        if version.status == 0:
            return None
        runtime = f"/run/user/{os.getuid()}"
        if not os.path.isdir(runtime):
            hint = "loginctl enable-linger"
        elif self._env.get("XDG_RUNTIME_DIR") != runtime:
            hint = f"export XDG_RUNTIME_DIR={runtime}"
        else:
            hint = "unset DBUS_SESSION_BUS_ADDRESS"
        return ServiceUnreachableError(detail=version.said, hint=hint)

    def _version(self) -> Ran:
        return run(self._env, "systemctl", "--user", "show", "--property=Version")

    def _state(self) -> dict[str, str]:
        """Return what the manager knows about the unit."""
        names = "ActiveState,SubState,Result,ExecMainStatus,NeedDaemonReload,StatusText"
        shown = run(self._env, "systemctl", "--user", "show", self._unit, f"--property={names}")
        pairs = (line.partition("=") for line in shown.out.splitlines())
        return {name: value for name, _, value in pairs}

    def _ask(self, *words: str, must: bool = True) -> None:
        done = run(self._env, "systemctl", "--user", *words)
        if done.status != 0 and must:
            raise ServiceError(detail=f"systemctl --user {' '.join(words)}: {done.said}")

    def _run(self, verb: str) -> None:
        """Start or restart the unit, which takes until it is ready. Raises ServiceError."""
        done = run(self._env, "systemctl", "--user", verb, self._unit)
        state = self._state()
        if state.get("ActiveState") == "active":
            return
        reason, hint = ENDINGS.get(
            state.get("ExecMainStatus", ""),
            (_told(state) or done.said, f"systemctl --user status {self._unit}"),
        )
        taken = state.get("ExecMainStatus") == ANOTHER
        raise ServiceError(detail=f"it does not start: {reason}", hint=hint, taken=taken)


def _told(state: Mapping[str, str]) -> str:
    """Say in a few words why a unit does not run; "" if it does, or was never started."""
    if state.get("ActiveState") in (None, "active", "inactive"):
        return ""
    result, status = state.get("Result", ""), state.get("ExecMainStatus", "")
    known = ENDINGS.get(status)
    if known:
        return known[0]
    return f"{state['ActiveState']} ({result}, status {status})"
