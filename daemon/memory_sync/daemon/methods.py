"""What can be asked on the control socket: a table of methods and their parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from memory_sync import __version__
from memory_sync.daemon import protocol
from memory_sync.daemon.mailbox import Board, Mailbox, Request
from memory_sync.daemon.report import VaultReport
from memory_sync.engine.local import problem
from memory_sync.errors import BusyError

Alive = Callable[[], bool]
Submit = Callable[[str, Request], Alive]
"""Puts a request into the mailbox of a vault's worker, and returns whether that worker lives."""
Tell = Callable[[Mapping[str, Any]], None]
"""Sends a notification `progress` to whoever waits. Raises GoneError once nobody does."""


class GoneError(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a method: which values it may have, and which it has if it is not given."""

    fits: Callable[[Any], bool]
    default: Any = None


@dataclass(frozen=True)
class Method:
    """Something that can be asked; `answer` gets each parameter by name, and a way to tell more.

    Without a table of parameters whatever comes is passed over. A method that `waits` for work may
    take long; it holds none of the places of those that are answered at once.
    """

    answer: Callable[[dict[str, Any], Tell], Any]
    parameters: Mapping[str, Parameter] | None = field(default_factory=dict)
    waits: bool = False

    def read(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Check the parameters of a request, and add those that were not given.

        One that is not known is an error, as it may be a limit to what is to be done. Raises
        ProtocolError.
        """
        if self.parameters is None:
            return {}
        for name in params:
            if name not in self.parameters:
                text = "unknown parameter"
                raise protocol.ProtocolError(protocol.PARAMS_INVALID, text, protocol.UNKNOWN)
        values = {name: params.get(name, known.default) for name, known in self.parameters.items()}
        for name, known in self.parameters.items():
            if not known.fits(values[name]):
                raise protocol.ProtocolError(protocol.PARAMS_INVALID, f"wrong parameter: {name}")
        return values


def is_flag(value: Any) -> bool:
    """Tell whether it is true or false."""
    return isinstance(value, bool)


def is_names(value: Any) -> bool:
    """Tell whether it is a list of names, or null."""
    return value is None or (
        isinstance(value, list) and all(isinstance(name, str) for name in value)
    )


def is_plans(value: Any) -> bool:
    """Tell whether it says which plans are confirmed: by vault, then by root."""
    return isinstance(value, dict) and all(
        isinstance(roots, dict) and all(isinstance(plan, str) for plan in roots.values())
        for roots in value.values()
    )


def is_rekey(value: Any) -> bool:
    """Tell whether it says why everything is to be encrypted anew, or that it is not to be."""
    return value in ("", "rotate", "recovery")


class Answers:
    """The methods that every daemon has; `notes` is added to what is told of the daemon."""

    def __init__(
        self, board: Board[VaultReport], submit: Submit, health: Callable[[], dict[str, Any]]
    ) -> None:
        self._board = board
        self._health = health
        self._submit = submit
        self.notes: dict[str, Any] = {}

    def methods(self) -> dict[str, Method]:
        """Return the table."""
        parameters = {
            "vaults": Parameter(is_names),
            "up": Parameter(is_flag, default=True),
            "down": Parameter(is_flag, default=True),
            "dry_run": Parameter(is_flag, default=False),
            "confirm": Parameter(is_plans, default={}),
            "rekey": Parameter(is_rekey, default=""),
        }
        return {
            "hello": Method(self._hello, parameters=None),
            "status": Method(self._status),
            "sync": Method(self._sync, parameters, waits=True),
        }

    def _hello(self, _: Mapping[str, Any], _tell: Tell) -> dict[str, Any]:
        return {"version": __version__, "protocol": protocol.PROTOCOL, "pid": os.getpid()}

    def _status(self, _: Mapping[str, Any], _tell: Tell) -> dict[str, Any]:
        reports = self._board.all()
        return {
            "daemon": {
                "running": True,
                "pid": os.getpid(),
                "version": __version__,
                **self.notes,
                **self._health(),
            },
            "vaults": [reports[name].data() for name in sorted(reports)],
        }

    def _sync(self, asked: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Let the workers run a cycle and wait for all of them, with a beat each second."""
        known = self._board.all()
        names, plans = asked.pop("vaults"), asked.pop("confirm")
        names = sorted(known) if names is None else names
        if missing := [name for name in names if name not in known]:
            raise protocol.ProtocolError(
                protocol.PARAMS_INVALID, f"the daemon serves no vault named {missing[0]}"
            )
        requests = {name: Request(**asked, confirm=plans.get(name, {})) for name in names}
        alive = {name: self._submit(name, request) for name, request in requests.items()}
        return {
            name: self._await(tell, name, request.reply, alive[name])
            for name, request in requests.items()
        }

    def _await(
        self, tell: Tell, name: str, reply: Mailbox[dict[str, Any]], alive: Alive
    ) -> dict[str, Any]:
        """Wait for a worker's answer, and say each second how far it is."""
        for _ in range(int(protocol.SYNC_SECONDS / protocol.BEAT)):
            # Asked first: what a worker says at its end is there once it has ended.
            gone = not alive()
            answer = reply.get(0 if gone else protocol.BEAT)
            if answer is not None:
                return answer
            if gone:
                return {"error": problem(BusyError(vault=name)).data()}
            report = self._board.all().get(name)
            tell(report.step.data() if report and report.step else {})
        raise protocol.ProtocolError(protocol.BUSY, "it takes long; the daemon goes on with it")
