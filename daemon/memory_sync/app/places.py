"""What a person means by a path: a file of the vault, or one on this disk."""

from __future__ import annotations

import os
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.ports import names

Meaning = tuple[str, str]
"""A vault's name, and a path as the vault names it."""


def on_disk(context: Context, vault: str | None, path: str) -> Meaning | None:
    """Find the root that a path on this disk lies in, the innermost one."""
    folder, name = os.path.split(os.path.abspath(os.path.expanduser(path)))
    place = Path(os.path.realpath(folder), name)
    inside = [
        (Path(os.path.realpath(root.path)), settings.name, root.name)
        for settings in context.vaults(vault)
        for root in settings.root
    ]
    inside = [one for one in inside if place == one[0] or one[0] in place.parents]
    if not inside:
        return None
    top, vault_name, root = max(inside, key=lambda one: len(one[0].parts))
    relative = names.composed(place.relative_to(top).as_posix())
    return vault_name, root if relative == "." else f"{root}/{relative}"
