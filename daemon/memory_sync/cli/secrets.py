"""What `init` says of text that looks like a credential, before anything is sent."""

from __future__ import annotations

from memory_sync.cli.ask import say
from memory_sync.cli.where import Aim
from memory_sync.cli.words import many
from memory_sync.engine.secrets import told
from memory_sync.sync.secrets import Finding, scan

SHOWN = 10
"""Files that are named."""


class Secrets:
    """What was found in the files of a folder, by path."""

    def __init__(self, aim: Aim) -> None:
        self._policy = aim.vault.secrets
        self._found: dict[str, tuple[Finding, ...]] = {}

    def heard(self, path: str, content: bytes) -> None:
        """Look into a file."""
        if self._policy != "off" and (found := scan(content)):
            self._found[path] = found

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
