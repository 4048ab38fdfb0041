"""A process that is killed between two steps of changing a file, and what happens before each."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from memory_sync.ports import switch

Before = Callable[[int, str], None]


class Killed(BaseException):
    """The process is gone."""


class Steps:
    """The steps that change something on the disk; `before` hears the number and kind of each.

    Once it has raised Killed, every further step does, so that no handler mends anything.
    """

    def __init__(self, patch: pytest.MonkeyPatch, before: Before) -> None:
        self.count = 0
        self._before = before
        self._dead = self._asking = False
        for name in ("rename", "link", "unlink", "fsync", "mkdir", "rmdir", "open"):
            patch.setattr(os, name, self._wrapped(getattr(os, name), name))
        patch.setattr(switch, "_rename", self._wrapped(switch._rename, "move"))

    def _wrapped(self, real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            reading = name == "open" and not arguments[1] & os.O_CREAT
            traded = name == "move" and arguments[-1] == switch._EXCHANGE
            if not (reading or self._asking):
                self._step("exchange" if traded else name)
            return real(*arguments, **keywords)

        return call

    def _step(self, kind: str) -> None:
        if self._dead:
            raise Killed
        self._asking = True
        try:
            self._before(self.count, kind)
        except Killed:
            self._dead = True
            raise
        finally:
            self._asking = False
        self.count += 1


def after(moment: str, act: Callable[[], object] = lambda: None) -> Before:
    """Do something just before the first step of a kind; the process dies right after that step."""
    seen: list[str] = []

    def before(_number: int, kind: str) -> None:
        if seen:
            raise Killed
        if kind == moment:
            act()
            seen.append(kind)

    return before
