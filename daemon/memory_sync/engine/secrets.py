"""What looks like a credential in the files that go up: looked at once, shown while it is there.

Of what was found only the line and the kind are kept, with the digest of the file: when that is
another, or the file is gone, so is the finding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from memory_sync.engine.kit import Kit
from memory_sync.engine.local import Looked
from memory_sync.errors import SecretBlockedError
from memory_sync.model import Problem, split_root
from memory_sync.ports import names
from memory_sync.sync.plan import direction_of
from memory_sync.sync.secrets import VERSION, Finding, scan

KEY = "secrets"
FIRST = 3
"""Places in one file that are named."""
FOUND = "secret-found"
HINT = "${{EDITOR:-vi}} +{line} '{path}'"


class Findings:
    """The findings of one vault; they are in the state, and so outlive the process."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._files = _read(kit.state.get(KEY)) if kit.secrets != "off" else {}

    def blocks(self, path: str, digest: str, content: bytes) -> bool:
        """Look into a file that is to go up; tell whether it has to stay."""
        if self._kit.secrets == "off":
            return False
        known = self._files.get(path)
        if known is None or known[0] != digest:
            found = scan(content)
            self._files.pop(path, None)
            if found:
                self._files[path] = (digest, found)
        return self._kit.secrets == "block" and path in self._files

    def settle(self, looked: Looked, written: Mapping[str, str]) -> None:
        """Forget what is no longer in the files, and store the rest.

        `written` has the digests of what was written after the look. Of a file about which nothing
        is known at the moment, what was found stays.
        """
        for path, (digest, _) in list(self._files.items()):
            version = looked.files.get(path)
            now = {written.get(path), version.digest if version else None}
            stays = direction_of(path, self._kit.directions) == "pull"
            if stays or (digest not in now and not looked.holds(path)):
                del self._files[path]
        rows = {
            path: [digest, [[one.line, one.kind] for one in found]]
            for path, (digest, found) in self._files.items()
        }
        text = json.dumps({"version": VERSION, "files": rows}) if rows else None
        if text != self._kit.state.get(KEY):
            self._kit.state.put(KEY, text)

    def blocked(self, remote: Mapping[str, str]) -> dict[str, SecretBlockedError]:
        """Return the files that stay here, by path; `remote` has the digests of the vault."""
        if self._kit.secrets != "block":
            return {}
        return {
            path: SecretBlockedError(path=self._place(path), found=told(found), line=found[0].line)
            for path, (digest, found) in self._files.items()
            if remote.get(path) != digest
        }

    def warnings(self, remote: Mapping[str, str]) -> tuple[Problem, ...]:
        """Return what is shown of the files that went up, or go up all the same."""
        shown = []
        for path, (digest, found) in sorted(self._files.items()):
            if self._kit.secrets == "block" and remote.get(path) != digest:
                continue
            place, line = self._place(path), found[0].line
            shown.append(warning(path, place, found, line))
        return tuple(shown)

    def _place(self, path: str) -> str:
        root, relative = split_root(path)
        return names.shown(f"{self._kit.roots[root].place}/{relative}")


def warning(path: str, place: str, found: tuple[Finding, ...], line: int) -> Problem:
    """Say that a file holds what looks like a credential; no state is worse for it."""
    text = (
        f"{place} seems to hold a credential: {told(found)}. If that is meant, write"
        " `memory-sync: allow-secret` on the line."
    )
    return Problem(FOUND, text, HINT.format(line=line, path=place), 0, path)


def told(found: tuple[Finding, ...]) -> str:
    """Say where and what, and never the value."""
    places = ", ".join(f"line {one.line} looks like {one.kind}" for one in found[:FIRST])
    more = f", and {len(found) - FIRST} more" if len(found) > FIRST else ""
    return places + more


def _read(text: str | None) -> dict[str, tuple[str, tuple[Finding, ...]]]:
    """Read what was found before; what other formats found is looked for anew."""
    try:
        stored = json.loads(text or "{}")
        rows = stored.get("files", {}) if stored.get("version") == VERSION else {}
        return {
            path: (digest, tuple(Finding(int(line), str(kind)) for line, kind in found))
            for path, (digest, found) in rows.items()
            if found
        }
    except (ValueError, TypeError, AttributeError):
        return {}
