"""The root of the tree of errors."""

from __future__ import annotations

from typing import ClassVar


class MemorySyncError(Exception):
    """The root of the tree; raised itself only for what should not be able to happen."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 1
    text: ClassVar[str] = "Something failed that should not be able to: {detail}."
    hint: ClassVar[str] = "memory-sync logs -n 50"

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """What happened, in one sentence."""
        return self.text.format(**self.facts)

    @property
    def advice(self) -> str:
        """The hint with its facts put in: a command. A fact named `hint` is a better one."""
        better = self.facts.get("hint")
        return better if isinstance(better, str) else self.hint.format(**self.facts)
