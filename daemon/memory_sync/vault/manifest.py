"""`vault.json`, and the README that a person in need will read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from memory_sync.vault.keys import is_recipient

MANIFEST = "vault.json"
README = "README.md"
SUPERSEDED = "superseded"
FORMAT = 1
VAULT_ID = re.compile(r"[0-9a-f]{32}")

README_TEXT = """\
# A memory-sync vault

This repository holds the memory files of AI agents, encrypted with [age](https://age-encryption.org).
It is written by memory-sync; nothing in it can be read without the vault's key, and nothing that is
changed here by hand is taken over. Please leave it to the program.

## To get everything back without the program

You need `git`, `age`, `tar`, and the vault's key in a file `key.txt` beside the folder `vault`.

```
git clone <repository> vault && cd vault && mkdir -p ../recovered
for f in objects/*/*.age; do
  for part in "$f"*; do age -d -i ../key.txt "$part"; done | tar -xz -C ../recovered
done
```

These commands check no seal: if you do not trust the newest commit, `git checkout` the one that
`memory-sync status --json` had as `head` last.
"""


class ManifestError(Exception):
    """A `vault.json` that is none; its text says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The vault's id (32 hex digits), format and recipients, that of the identity first.

    `text` is the file as it was read, if it was.
    """

    id: str
    recipients: tuple[str, ...]
    format: int = FORMAT
    text: str = field(default="", compare=False, repr=False)

    def dump(self) -> bytes:
        """Write `vault.json`: one line, keys sorted."""
        data = {"format": self.format, "id": self.id, "recipients": list(self.recipients)}
        return (json.dumps(data, sort_keys=True) + "\n").encode()


def read_manifest(content: bytes) -> Manifest:
    """Read `vault.json`; fields of a later format are left alone.

    Raises ManifestError.
    """
    try:
        text = content.decode()
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise ManifestError("vault.json is no JSON") from None
    if not isinstance(data, dict):
        raise ManifestError("vault.json is no object")
    number, vault_id, recipients = data.get("format"), data.get("id"), data.get("recipients")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ManifestError("vault.json names no format")
    if not isinstance(vault_id, str) or not VAULT_ID.fullmatch(vault_id):
        raise ManifestError("vault.json names no id")
    if (
        not isinstance(recipients, list)
        or not recipients
        or not all(isinstance(item, str) and item.isascii() for item in recipients)
        or not is_recipient(recipients[0])
    ):
        raise ManifestError("vault.json names no recipient")
    return Manifest(vault_id, tuple(recipients), number, text)
