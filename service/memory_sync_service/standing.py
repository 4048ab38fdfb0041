"""What a service manager does for the program, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Standing:
    """How the service stands.

    `current` says that the files are those that would be written now, `active` that it runs,
    `linger` that it runs without a login too; each is None where that is not known. `detail` is
    what is worth a look, or "", and `hint` a command that tells more or mends that, or "".
    """

    installed: bool
    current: bool | None
    enabled: bool
    active: bool | None
    linger: bool | None
    manager: str
    path: str
    detail: str
    sandboxed: bool
    hint: str = ""


class Service(Protocol):
    """The daemon as a service of this user."""

    def texts(self) -> Mapping[Path, str]:
        """Return what each file is to hold, the sandbox too."""

    def install(self, *, sandbox: bool = True) -> bool:
        """Write the files, start the service with every login, and wait until it runs.

        Returns False where nothing had to be changed. Raises ServiceError and its kin.
        """

    def uninstall(self) -> bool:
        """Stop the service and remove its files; False if there was nothing to remove."""

    def start(self) -> None:
        """Start the service and wait until it runs. Raises ServiceMissingError."""

    def stop(self) -> None:
        """Stop the service until the next login. Raises ServiceMissingError."""

    def restart(self) -> None:
        """Stop the service if it runs, and start it. Raises ServiceMissingError."""

    def standing(self) -> Standing:
        """Return how the service stands."""
