"""Made-up prose: words of a Zipf-like vocabulary, so that it compresses as notes do."""

from __future__ import annotations

import random
import string

VOCABULARY = 4000


class Writer:
    """Writes the same text for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        letters = string.ascii_lowercase
        self._words = [
            "".join(self._chance.choices(letters, k=self._chance.randint(2, 9)))
            for _ in range(VOCABULARY)
        ]
        self._weights = [1 / rank for rank in range(1, VOCABULARY + 1)]

    def lines(self, size: int) -> str:
        """Return whole lines of at least `size` characters in all."""
        text: list[str] = []
        length = 0
        while length < size:
            words = self._chance.choices(self._words, self._weights, k=self._chance.randint(6, 18))
            text.append(f"- {' '.join(words).capitalize()}.\n")
            length += len(text[-1])
        return "".join(text)
