"""What a person is told of a halt. Imports nothing heavy."""

from __future__ import annotations

from memory_sync.cli.words import many
from memory_sync.model import Kind, Would

DEEDS = {
    Kind.DELETE_REMOTE.value: "delete {} in the vault",
    Kind.DELETE_LOCAL.value: "delete {} here",
    Kind.UPLOAD.value: "send {}",
    Kind.DOWNLOAD.value: "write {} here",
    Kind.MERGE.value: "merge {}",
    "removed": "lose {}",
    "changed": "change {}",
    "added": "add {}",
}


UNITED = {
    "root-gone": "The folder is made anew and filled from the vault; nothing is deleted.",
    "marker-missing": "The folder is taken as it is and united with the vault; nothing is deleted.",
    "marker-foreign": "The folder is taken as it is and united with the vault; nothing is deleted.",
}
"""What a confirmation does where the folder is not the one that was meant."""


def would_text(would: Would) -> str:
    """Say what a halt keeps from happening: how many files of each kind, and the first names."""
    deeds = [
        DEEDS.get(word, f"{word} {{}}").format(many(count, "file"))
        for word, count in would.counts.items()
    ]
    if not deeds:
        return "nothing"
    rest = sum(would.counts.values()) - len(would.paths)
    names = ", ".join(would.paths) + (f" and {rest} more" if rest > 0 else "")
    return f"{', '.join(deeds)} ({names})"


def stopped_text(would: Would) -> str:
    """Say the same in a sentence of its own."""
    return f"this was stopped: {would_text(would)}"
