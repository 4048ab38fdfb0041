"""What agents wrote, and when each line of it was on which device."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Edit:
    """One line that an agent wrote; `left` are the devices that do not have it yet."""

    number: int
    vault: str
    path: str
    author: str
    when: float
    left: set[str]
    everywhere: float = 0.0
    sent: float = 0.0

    @property
    def line(self) -> bytes:
        """The line itself: there is no other like it."""
        return b"- %06d written by %s\n" % (self.number, self.author.encode())

    @property
    def seconds(self) -> float:
        """How long it took until all devices had it."""
        return self.everywhere - self.when


@dataclass
class Edits:
    """All edits of a play; `devices` are the names of those that share a vault."""

    devices: dict[str, list[str]] = field(default_factory=dict)
    made: list[Edit] = field(default_factory=list)
    _open: dict[tuple[str, str], list[Edit]] = field(default_factory=dict)

    def make(self, vault: str, path: str, author: str, when: float) -> Edit:
        """Note a new edit; its author's device has it."""
        left = set(self.devices[vault]) - {author}
        edit = Edit(len(self.made) + 1, vault, path, author, when, left)
        self.made.append(edit)
        self._open.setdefault((vault, path), []).append(edit)
        return edit

    def seen(self, vault: str, path: str, device: str, content: bytes, when: float) -> None:
        """Note what a device has now in a file."""
        waiting = self._open.get((vault, path), [])
        for edit in [edit for edit in waiting if device in edit.left and edit.line in content]:
            edit.left.discard(device)
            if not edit.left:
                edit.everywhere = when
                waiting.remove(edit)

    def waiting(self) -> int:
        """Count the edits that are not on all devices yet."""
        return sum(map(len, self._open.values()))
