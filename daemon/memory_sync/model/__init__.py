"""What the layers say to each other: frozen data, no behaviour that needs the world.

A module is loaded when something of it is asked for: making all these classes takes longer than
`memory-sync status` has.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory_sync.model.about import About, Budget
    from memory_sync.model.kind import Direction, Kind
    from memory_sync.model.outcome import Outcome
    from memory_sync.model.plan import Action, Plan
    from memory_sync.model.remote import Change, Commit, Entry, Listing
    from memory_sync.model.shown import Phase, Problem, Step, Would
    from memory_sync.model.trees import BaseFile, FileVersion, Part, RemoteFile, split_root

__all__ = [
    "About",
    "Action",
    "BaseFile",
    "Budget",
    "Change",
    "Commit",
    "Direction",
    "Entry",
    "FileVersion",
    "Kind",
    "Listing",
    "Outcome",
    "Part",
    "Phase",
    "Plan",
    "Problem",
    "RemoteFile",
    "Step",
    "Would",
    "split_root",
]

PLACES = {
    "about": ("About", "Budget"),
    "kind": ("Direction", "Kind"),
    "outcome": ("Outcome",),
    "plan": ("Action", "Plan"),
    "remote": ("Change", "Commit", "Entry", "Listing"),
    "shown": ("Phase", "Problem", "Step", "Would"),
    "trees": ("BaseFile", "FileVersion", "Part", "RemoteFile", "split_root"),
}
"""Which module has which names."""


def __getattr__(name: str) -> object:
    """Return a name of one of the modules, and keep it."""
    for module, names in PLACES.items():
        if name in names:
            found: object = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(name)
