"""A key as a QR code, on a screen that is gone afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

BORDER = 2
"""Light modules around the code: fewer than on paper, as the screen around it is dark or light."""
HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
"""Two modules, one above the other, in one character; 1 is dark."""
COLOURS, PLAIN = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
"""Black on white, whatever the terminal's own colours are."""
OTHER_SCREEN, BACK = "\x1b[?1049h\x1b[2J\x1b[H", "\x1b[?1049l"
"""A terminal's second screen, which leaves nothing to scroll back to."""
AROUND = 6
"""Lines that the text around the code takes."""


def check_screen() -> None:
    """Raise UsageError unless a person sits at a terminal that can show it."""
    from memory_sync.cli.ask import interactive
    from memory_sync.errors import UsageError

    hint = "memory-sync export-key ~/memory-sync-key.txt"
    if not (sys.stdout.isatty() and interactive()):
        raise UsageError(detail="A QR code is shown on a terminal only.", hint=hint)
    if "utf" not in sys.stdout.encoding.lower():
        raise UsageError(detail="This terminal cannot show a QR code: it has no UTF-8.", hint=hint)


def code_of(text: str) -> list[str]:
    """Return the lines of a QR code, without colours; 29 modules wide for an age identity."""
    import segno

    # A screen is neither torn nor stained: the lowest level of correction makes larger modules.
    code = segno.make_qr(text, error="l", boost_error=False)
    rows: list[Sequence[int]] = [tuple(row) for row in code.matrix_iter(border=BORDER)]
    blank = (0,) * len(rows[0])
    pairs = zip_longest(rows[::2], rows[1::2], fillvalue=blank)
    return ["".join(HALVES[pair] for pair in zip(*pair, strict=True)) for pair in pairs]


@contextmanager
def shown(text: str, before: Sequence[str], after: Sequence[str]) -> Iterator[None]:
    """Show a QR code between some lines until the block ends. Raises UsageError if it is too large.

    What is shown goes past everything that keeps what a command has written.
    """
    from memory_sync.errors import UsageError

    lines = code_of(text)
    width, height = os.get_terminal_size(sys.stdout.fileno())
    if width < len(lines[0]) or height < len(lines) + AROUND:
        size = f"{len(lines[0])} columns and {len(lines) + AROUND} lines"
        raise UsageError(
            detail=f"The terminal is too small for a QR code: it takes {size}.",
            hint="memory-sync export-key ~/memory-sync-key.txt",
        )
    code = [f"{COLOURS}{line}{PLAIN}" for line in lines]
    try:
        sys.stdout.write(OTHER_SCREEN + "".join(f"{line}\n" for line in (*before, *code, *after)))
        sys.stdout.flush()
        yield
    finally:
        sys.stdout.write(BACK)
        sys.stdout.flush()
