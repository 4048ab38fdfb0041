"""Real daemons, and a program that never closes the file that it appends to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.daemon.homes import Home, wait

AGENT = """
import sys
with open(sys.argv[1], "ab", buffering=0) as stream:
    for line in sys.stdin.buffer:
        stream.write(line)
"""


@contextmanager
def agent(home: Home, path: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that has a file open, and appends to it what it is told."""
    process = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(home.root / path)], stdin=subprocess.PIPE, bufsize=0
    )
    try:
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(10)


def test_i19_every_line_of_a_program_that_goes_on_appending_arrives(
    pair: tuple[Home, Home],
) -> None:
    """While pulls replace its file again and again, and once remove it, no line is lost."""
    one, two = pair
    one.write("memory/log.md", "start\n")
    for home in pair:
        home.start()
    wait(lambda: two.read("memory/log.md"), "the log is there")
    with agent(one, "memory/log.md") as program:
        assert program.stdin
        for number in range(4):
            if number == 2:
                wait(lambda: two.row()["state"] == "idle", "it is idle")
                (two.root / "memory/log.md").unlink()
                wait(lambda: one.read("memory/log.md") is None, "the delete is there")
            else:
                text = two.read("memory/log.md") or ""
                two.write("memory/log.md", f"two {number}\n{text}")
                wait(partial(_has, one, f"two {number}"), "the pull is there")
            program.stdin.write(f"late {number}\n".encode())
            wait(partial(_has, two, f"late {number}"), "the late line is there")
    lines = (two.read("memory/log.md") or "").splitlines()
    assert [line for line in lines if line.startswith("late")] == [f"late {n}" for n in range(4)]
    wait(lambda: one.read("memory/log.md") == two.read("memory/log.md"), "both are the same")
    assert one.row()["conflicts"] == 0


def _has(home: Home, line: str) -> bool:
    return line in (home.read("memory/log.md") or "").splitlines()
