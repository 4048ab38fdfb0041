"""memory-sync keeps the memory files of AI agents the same on all of a person's machines."""

__version__ = "0.1.0"
