"""What the layers say to each other: frozen data, no behaviour that needs the world."""

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
