"""What the layers say to each other: frozen data, no behaviour that needs the world.

A module is loaded when something of it is asked for: making all these classes takes longer than
`memory-sync status` has.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory_sync.model.about import About, Budget, Step
    from memory_sync.model.outcome import Outcome, Phase, Problem, Would
    from memory_sync.model.plan import Action, Kind, Plan
    from memory_sync.model.remote import Change, Commit, Entry, Listing
    from memory_sync.model.trees import BaseFile, FileVersion, Part, RemoteFile, split_root

__all__ = [
    "About",
    "Action",
    "BaseFile",
    "Budget",
    "Change",
    "Commit",
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

MODULES = ("about", "outcome", "plan", "remote", "trees")


def __getattr__(name: str) -> object:
    """Return a name of one of the modules, and keep it."""
    if name in __all__:
        for module in MODULES:
            found = getattr(import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(name)
