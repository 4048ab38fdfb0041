"""Ctrl-C ends the command that waits, and not the daemon's work."""

from __future__ import annotations

import signal
import time

import pytest

from tests.cli.person import Person, until
from tests.cli.terminal import terminal
from tests.hub import Hub, faults
from tests.hub.faults import Fault

REMOTE = "github:ada/notes"
SLOW = "[daemon]\ndebounce = 3000\nmax_delay = 3600\npoll = 3600\n"
FILES = 250
COMMANDS = ("now", "push", "pull", "init")


@pytest.fixture
def online(ada: Person, hub: Hub) -> Person:
    """Return a machine with a vault on the hub, whose daemon does nothing unasked."""
    ada.configure(f'{SLOW}[github]\nbase_url = "{hub.base_url}"\n')
    ada.env["GITHUB_TOKEN"] = hub.add_user("ada")
    assert ada.types("init", str(ada.agent), "--remote", REMOTE, "--yes").status == 0
    return ada


def _idle(person: Person) -> bool:
    rows = person.types("status", "--json").answer["data"]["vaults"]
    return bool(rows) and all(
        row["state"] == "idle" and not row["pending"] and not row["progress"] for row in rows
    )


@pytest.fixture
def other(online: Person, bob: Person, hub: Hub) -> Person:
    """Return a second machine with the same vault."""
    online.key_to(bob)
    bob.configure(f'{SLOW}[github]\nbase_url = "{hub.base_url}"\n')
    bob.env["GITHUB_TOKEN"] = online.env["GITHUB_TOKEN"]
    assert bob.types("init", str(bob.agent), "--remote", REMOTE, "--yes").status == 0
    return bob


def _words(online: Person, other: Person, hub: Hub, command: str) -> list[str]:
    """Put something slow before a command, and return what to type."""
    words = [command]
    if command == "init":
        # A further root, with files that the daemon has to send.
        further = other.home.parent / "further"
        (further / "memory").mkdir(parents=True)
        for number in range(FILES):
            (further / "memory" / f"{number}.md").write_text(f"further {number}\n")
        words = ["init", str(further), "--remote", REMOTE, "--name", "further", "--yes"]
    else:
        writer = other if command == "pull" else online
        for number in range(FILES):
            writer.write(f"memory/{number}.md", f"{number}\n")
        if command == "pull":
            assert other.types("push").status == 0
    hub.faults.add(Fault("/graphql", faults.delay(1.2), times=None))
    return words


def _way(command: str) -> str:
    return f"of {FILES} files {'down' if command == 'pull' else 'up'}"


@pytest.mark.parametrize(
    ("command", "number"),
    [*((command, signal.SIGINT) for command in COMMANDS), ("now", signal.SIGTERM)],
)
def test_an_interrupt_ends_the_command_and_not_the_work(
    online: Person, other: Person, hub: Hub, command: str, number: signal.Signals
) -> None:
    """Status 130 at once; the daemon goes on, `status` shows it, and all is there in the end."""
    with online.daemon():
        until(lambda: _idle(online))
        with online.opens(*_words(online, other, hub, command)) as process:
            until(lambda: _way(command) in online.types("status").out)
            assert process.poll() is None
            process.send_signal(number)
            began = time.monotonic()
            out, err = process.communicate(timeout=20)
            assert time.monotonic() - began < 2
        assert (process.returncode, out) == (130, "")
        assert err.endswith("error: Interrupted.\n")
        assert "Traceback" not in err
        assert _way(command) in online.types("status").out
        hub.faults.clear()
        until(lambda: _idle(online))
        assert "nothing to do" in online.types("now").out
    if command == "pull":
        assert online.read(f"memory/{FILES - 1}.md") == f"{FILES - 1}\n"


@pytest.mark.parametrize("command", ["push", "pull", "init"])
def test_each_command_shows_the_daemons_progress(
    online: Person, other: Person, hub: Hub, command: str
) -> None:
    """On a terminal: how many of how many, through the socket; test_progress.py has `now`."""
    with online.daemon():
        until(lambda: _idle(online))
        words = _words(online, other, hub, command)
        with terminal(*words, env=online.env) as screen:
            screen.expect(_way(command))
            hub.faults.clear()
            assert screen.ends() == 0


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        (("rotate-key",), "Give the vault a new key? [y/N] "),
        (("import-key",), "Key (the line that begins with AGE-SECRET-KEY-1): "),
    ],
    ids=["a question", "a secret"],
)
def test_ctrl_d_at_a_question_is_said(ada: Person, words: tuple[str, ...], prompt: str) -> None:
    """The end of the input is no answer: a line says so, and nothing is done."""
    assert ada.init().status == 0
    with terminal(*words, env={**ada.env, "NO_COLOR": "1"}) as screen:
        screen.expect(prompt)
        screen.end_input()
        assert screen.ends() == 2
    _, _, after = screen.shown.replace("\r", "").partition(prompt)
    question = prompt.removesuffix(": ").removesuffix(" [y/N] ")
    assert f"\nerror: The input ended before this was answered: {question}\n" in f"\n{after}"
    assert "no terminal" not in after
