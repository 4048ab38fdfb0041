"""`memory-sync export-key --qr`: the key on a screen, for a phone's password manager."""

from __future__ import annotations

import fcntl
import re
import struct
import termios
from pathlib import Path

import pytest
import segno

from memory_sync.cli.qr import BORDER, HALVES
from memory_sync.vault.keys import Identity, parse_identity
from tests.cli.person import Person
from tests.cli.terminal import Terminal, terminal

MODULES = {shown: pair for pair, shown in HALVES.items()}
CODE = re.compile(r"\x1b\[38;5;16;48;5;231m(.*?)\x1b\[0m")


@pytest.fixture
def owner(ada: Person) -> Person:
    """Return the machine that has founded the vault."""
    assert ada.init().status == 0
    return ada


def identity_of(person: Person) -> Identity:
    """Return the vault's key, read from its file."""
    (file,) = person.places.keys.glob("age1*.txt")
    return parse_identity(file.read_text())


def exported(person: Person) -> bool:
    """Tell whether the reminder to export the key has ended."""
    return any(person.places.keys.glob("*.exported"))


def size(screen: Terminal, lines: int, columns: int) -> None:
    """Make a terminal so large."""
    fcntl.ioctl(screen._slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def matrix(shown: str) -> list[list[int]]:
    """Read the modules of a code back from what a terminal was sent; 1 is dark."""
    rows: list[list[int]] = []
    for line in CODE.findall(shown):
        pairs = [MODULES[char] for char in line]
        rows += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    return rows


@pytest.mark.parametrize(("answer", "saved"), [("y", True), ("n", False), ("", False)])
def test_the_code_on_the_screen_is_the_key(owner: Person, answer: str, saved: bool) -> None:
    """Its modules are those of the line AGE-SECRET-KEY-…; it counts as exported once saved."""
    with terminal("export-key", "--qr", env=owner.env) as screen:
        size(screen, 24, 80)
        screen.expect("Is it saved?")
        told = screen.shown
        screen.type(answer)
        assert screen.ends() == 0
    rows = matrix(told)
    code = segno.make_qr(identity_of(owner).secrets[0], error="l", boost_error=False)
    expected = [list(row) for row in code.matrix_iter(border=BORDER)]
    assert rows[: len(expected)] == expected
    assert not any(map(any, rows[len(expected) :]))
    assert "memory-sync import-key" in told
    assert exported(owner) == saved


def test_nothing_is_left_on_the_screen(owner: Person) -> None:
    """The code lies on the terminal's second screen, which is left at the end, and at Ctrl-C."""
    for leave in (lambda screen: screen.type("y"), Terminal.interrupt):
        with terminal("export-key", "--qr", env=owner.env) as screen:
            size(screen, 24, 80)
            screen.expect("Is it saved?")
            leave(screen)
            screen.ends()
        before, _, rest = screen.shown.partition("\x1b[?1049h")
        inside, back, after = rest.partition("\x1b[?1049l")
        assert CODE.search(inside)
        assert back
        assert not CODE.search(before + after)
        assert "AGE-SECRET-KEY" not in screen.shown


def test_a_terminal_that_is_too_small(owner: Person) -> None:
    """A code that would be cut off is not shown; the command writes a file instead."""
    for lines, columns in ((24, 30), (12, 80)):
        with terminal("export-key", "--qr", env=owner.env) as screen:
            size(screen, lines, columns)
            assert screen.ends() == 2
        assert "too small" in screen.shown.replace("\r\n", " ")
        assert not CODE.search(screen.shown)


def test_a_pipe_is_no_screen(owner: Person) -> None:
    """What is piped could be kept anywhere: the error names the file instead."""
    ran = owner.types("export-key", "--qr")
    assert ran.status == 2
    assert "hint: memory-sync export-key ~/memory-sync-key.txt" in ran.err
    assert ran.out == ""
    assert not exported(owner)


@pytest.mark.parametrize("more", [("key.txt",), ("--passphrase",), ("--json",), ("-",)])
def test_a_code_is_nothing_else(owner: Person, tmp_path: Path, more: tuple[str, ...]) -> None:
    """With a file, a passphrase or JSON it would not be told what is meant: nothing is written."""
    ran = owner.types("export-key", "--qr", *more)
    assert ran.status == 2
    assert "AGE-SECRET-KEY" not in ran.out + ran.err
    assert not Path("key.txt").exists()


def test_a_file_has_to_be_named(owner: Person) -> None:
    """Without one, nothing is written by accident; the example is shown."""
    ran = owner.types("export-key")
    assert ran.status == 2
    assert "hint: memory-sync export-key ~/memory-sync-key.txt" in ran.err
