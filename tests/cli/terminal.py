"""A command at a terminal: what it shows, and what is typed into it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from tests.cli.person import COMMAND

PATIENCE = 20.0


class Terminal:
    """One command whose standard streams are a terminal."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str]) -> None:
        self._master, self._slave = pty.openpty()
        os.set_blocking(self._master, False)
        self.shown = ""
        self._process = subprocess.Popen(
            words,
            env={**env, "TERM": "xterm"},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
        )

    def _look(self) -> None:
        with suppress(BlockingIOError, OSError):
            while chunk := os.read(self._master, 4096):
                self.shown += chunk.decode("utf-8", "replace")

    def expect(self, text: str) -> None:
        """Wait until something is shown that was not there before the last answer."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < deadline, f"no {text!r} in {self.shown!r}"
            time.sleep(0.01)
            self._look()

    def until_silent(self) -> None:
        """Wait until the terminal does not echo, as it is when a secret is asked for."""
        deadline = time.monotonic() + PATIENCE
        while termios.tcgetattr(self._slave)[3] & termios.ECHO:
            assert time.monotonic() < deadline, "the terminal still echoes"
            time.sleep(0.01)

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._master, f"{text}\n".encode())

    def end_input(self) -> None:
        """Press Ctrl-D."""
        os.write(self._master, b"\x04")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def ends(self) -> int:
        """Wait for the end, and return the exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end: {self.shown!r}"
            time.sleep(0.01)
            self._look()
        self._look()
        return self._process.returncode

    def close(self) -> None:
        """Hang up."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)
        os.close(self._slave)


@contextmanager
def terminal(*words: str, env: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a command at a terminal."""
    here = Terminal((*COMMAND, *words), env)
    try:
        yield here
    finally:
        here.close()
