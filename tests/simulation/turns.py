"""One cycle as the oracle sees it, and what can be told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memory_sync.model import Outcome
from memory_sync.ports.names import composed, is_temporary
from tests.simulation.deeds import everything
from tests.simulation.device import Device
from tests.simulation.volume import File

TOLD = ("up", "down", "merged", "new_conflicts", "problems", "halts")


@dataclass
class Turn:
    """One cycle as the oracle sees it: the files that lay still, the outcome if there was one."""

    still: dict[str, bytes]
    outcome: Outcome | None = None
    error: str = ""
    crashed: bool = False


def displaced(device: Device) -> Iterator[tuple[str, File]]:
    """Yield the files in the trash by the paths that they had, and those on their way there."""
    for path, file in device.disk.walk(device.disk.bin):
        yield composed(path.rpartition("/")[0]), file
    for path, file in everything(device.disk):
        if is_temporary(path.rpartition("/")[2]):
            yield "", file


def held_paths(outcome: Outcome) -> Callable[[str], bool]:
    """Return what tells whether an outcome shows a problem for a path."""
    held = {problem.path for problem in outcome.problems if problem.path}
    folders = tuple(path for path in held if path.endswith("/"))
    return lambda path: path in held or path.startswith(folders)


def told(turn: Turn) -> str:
    """Say in a line what a cycle came to."""
    if turn.outcome is None:
        return "crashed" if turn.crashed else turn.error or "nothing"
    out = turn.outcome
    words = [f"{len(getattr(out, name))} {name}" for name in TOLD if getattr(out, name)]
    words += [f"{item.code} {item.root or item.path}" for item in (*out.halts, *out.problems)]
    return ", ".join([*words, *(["again"] if out.again else [])]) or "quiet"
