"""What a person is told of a halt. Imports nothing heavy."""

from __future__ import annotations

from memory_sync.cli.words import many
from memory_sync.model import Kind, Problem, Would

DEEDS = {
    Kind.DELETE_REMOTE.value: "delete {} in the vault",
    Kind.DELETE_LOCAL.value: "delete {} here",
    Kind.UPLOAD.value: "send {}",
    Kind.DOWNLOAD.value: "write {} here",
    Kind.MERGE.value: "merge {}",
    Kind.MERGE_DOWN.value: "merge {} here",
    Kind.OVERRULE.value: "overrule {} in the vault",
    "removed": "lose {}",
    "changed": "change {}",
    "added": "add {}",
}


UNITED = {
    "root-gone": "Confirmed, the folder is made anew and filled from the vault.",
    "marker-missing": "Confirmed, the folder is taken as it is and united with the vault.",
    "marker-foreign": "Confirmed, the folder is taken as it is and united with the vault.",
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


def stopped_text(problem: Problem) -> str:
    """Say what a halt has stopped, and what to confirm it does, if that is something else."""
    if not problem.would or not problem.would.counts:
        return ""
    text = f"this was stopped: {would_text(problem.would)}"
    if problem.code in UNITED:
        text += f". {UNITED[problem.code]}"
    return text
