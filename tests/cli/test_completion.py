"""Completion in real shells: words are typed, and Tab finishes them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.person import Person
from tests.cli.terminal import Terminal
from tests.needs import needs

HEAVY = {"memory_sync.app", "memory_sync.cli.commands", "pydantic", "structlog", "rich", "asyncio"}
CONTROLLING = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Makes the terminal one from which jobs are controlled, as fish wants it."""
SHELLS = {
    "bash": (("--norc", "--noprofile", "-i"), 'eval "$(memory-sync completion bash)"'),
    "zsh": (
        ("-f", "-i"),
        'autoload -U compinit; compinit -u -D; eval "$(memory-sync completion zsh)"',
    ),
    "fish": (("--no-config", "-i"), "memory-sync completion fish | source"),
}


@pytest.fixture
def person(ada: Person) -> Person:
    """Return a machine with two vaults, on which the command is found."""
    assert ada.init().status == 0
    words = ("init", f"{ada.agent}-2", "--remote", f"{ada.remote[:-9]}notebook.git", "--yes")
    Path(f"{ada.agent}-2").mkdir()
    assert ada.types(*words).status == 0
    ada.env["PATH"] = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return ada


@contextmanager
def _shell(name: str, person: Person) -> Iterator[Terminal]:
    """Have a shell with the completion, in the agent's folder, at a terminal that it controls."""
    needs(name)
    options, setup = SHELLS[name]
    command = [sys.executable, "-c", CONTROLLING, name, *options]
    screen = Terminal(command, {**person.env, "PS1": "$ ", "INPUTRC": "/dev/null"})
    try:
        screen.type(f"cd {person.agent}; {setup}; echo re''ady")
        screen.expect("ready")
        yield screen
    finally:
        screen.close()


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_finishes_a_word(person: Person, shell: str) -> None:
    """A command, an option, a choice, a vault's name, a file: what comes out is what is run."""
    status = "$?" if shell == "bash" else "$status"
    with _shell(shell, person) as screen:
        for typed, shown in (
            ("memory-sync stat\t --vault note\t", "notebook  stopped"),
            (f'memory-sync status --exit\t; echo "<{status}>"', "<6>"),
            (f'memory-sync logs --lev\t err\t; echo "<{status}>"', "<0>"),
            ("memory-sync import-key MEM\t", "MEMORY.md"),
        ):
            screen.shown = ""
            screen.type(typed)
            screen.expect(shown)


def _ask(person: Person, words: str, count: int) -> list[str]:
    """Ask as bash does, and return the words."""
    env = {"_MEMORY_SYNC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    ran = person.starts(env=env)
    assert (ran.status, ran.err) == (0, "")
    return [line.partition(",")[2] for line in ran.out.splitlines() if line]


def test_vaults_come_from_the_configuration(person: Person) -> None:
    """Those that begin so; none of a broken file, and none where there is no file."""
    assert _ask(person, "memory-sync now --vault ", 3) == ["vault", "notebook"]
    assert _ask(person, "memory-sync now --vault n", 3) == ["notebook"]
    person.configure("this is no toml\n")
    assert _ask(person, "memory-sync now --vault n", 3) == []
    person.places.config_file.unlink()
    assert _ask(person, "memory-sync now --vault n", 3) == []


def test_every_command_is_offered_and_nothing_heavy_is_loaded(person: Person) -> None:
    """The names come from the table alone, so that Tab is quick."""
    from memory_sync.cli.group import COMMANDS

    assert _ask(person, "memory-sync ", 1) == list(COMMANDS)
    code = (
        "import sys; from memory_sync.cli.main import main; main();"
        "print(*sys.modules, file=sys.stderr)"
    )
    env = {
        **person.env,
        "_MEMORY_SYNC_COMPLETE": "bash_complete",
        "COMP_WORDS": "memory-sync ",
        "COMP_CWORD": "1",
    }
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    loaded = done.stderr.split()
    assert "click" in loaded
    assert {name for name in loaded if name in HEAVY} == set()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_can_read(person: Person, shell: str) -> None:
    """Each shell finds no fault in its syntax."""
    needs(shell)
    ran = person.starts("completion", shell)
    assert (ran.status, ran.err) == (0, "")
    done = subprocess.run(
        [shell, "-n"], input=ran.out, capture_output=True, text=True, env=person.env, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_shell_that_is_not_known_is_a_usage_error(ada: Person) -> None:
    """Those that are known are named."""
    ran = ada.types("completion", "tcsh")
    assert ran.status == 2
    assert "'bash', 'zsh', 'fish'" in ran.err
