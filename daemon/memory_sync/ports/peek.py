"""Reading a state database without leaving a trace: nothing is made, changed or kept locked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

WAIT = 0.1
"""Seconds to wait for somebody else's lock: `status` is to answer within one."""


@contextmanager
def peek(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that another process may be using. Raises sqlite3.Error.

    Beside one that nobody uses lies no log; reading it in the usual way would make one, and leave
    it there. It is taken for a file that nobody writes then.
    """
    in_use = path.with_name(f"{path.name}-wal").exists()
    mode = "mode=ro" if in_use else "immutable=1"
    with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, timeout=WAIT)) as database:
        yield database
