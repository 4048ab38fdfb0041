"""What `init` says of text that looks like a credential, before anything is sent."""

from __future__ import annotations

import os

from memory_sync.cli.ask import say
from memory_sync.cli.where import Aim
from memory_sync.cli.words import many
from memory_sync.config.settings import RootSettings
from memory_sync.engine.secrets import told
from memory_sync.ports.look import Heard
from memory_sync.sync.secrets import Finding, scan

SHOWN = 10
"""Files that are named."""


class Secrets:
    """What was found in the files of folders: by path, with its folder where there are several."""

    def __init__(self, aim: Aim) -> None:
        self._policy = aim.vault.secrets
        self._several = len(aim.roots) + len(aim.projects) > 1
        self._found: dict[str, tuple[Finding, ...]] = {}

    def heard_in(self, root: RootSettings) -> Heard:
        """Return what looks into the files of one folder."""

        def heard(path: str, content: bytes) -> None:
            if self._policy != "off" and (found := scan(content)):
                self._found[os.path.join(root.path, path) if self._several else path] = found

        return heard

    def tell(self) -> None:
        """Say what was found: where, and what it looks like, never the value."""
        if not self._found:
            return
        count = len(self._found)
        say(f"{many(count, 'file')} {'seem' if count > 1 else 'seems'} to hold a credential:")
        for path in sorted(self._found)[:SHOWN]:
            say(f"    {path}: {told(self._found[path])}")
        if count > SHOWN:
            say(f"    and {count - SHOWN} more")
        if self._policy == "block":
            say('They stay here: this vault has secrets = "block".')
        else:
            say("They are sent all the same, encrypted; who has the key can read them.")
            say("Take out what is not meant to travel, or leave the file out: .memorysyncignore")
