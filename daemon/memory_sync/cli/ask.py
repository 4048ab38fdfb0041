"""Questions to the person at the terminal. They go to standard error, as answers are for pipes."""

from __future__ import annotations

import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from memory_sync.cli.render import plain
from memory_sync.errors import AnswerMissingError, AnswerNeededError, UsageError

ANSWERS = {"y": True, "yes": True, "n": False, "no": False}


def interactive() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def say(text: str = "") -> None:
    """Tell the person something that is not the command's answer."""
    print(plain(text), file=sys.stderr)


def confirm(question: str, *, command: str, yes: bool, usual: bool = True) -> bool:
    """Ask a question; to press only Enter is the `usual` answer.

    `yes` answers it beforehand. Raises AnswerNeededError without a terminal, AnswerMissingError
    where the input ends.
    """
    if yes:
        return True
    while interactive():
        print(plain(question), "[Y/n] " if usual else "[y/N] ", end="", file=sys.stderr, flush=True)
        line = _line(question, command)
        answer = usual if not line.strip() else ANSWERS.get(line.strip().lower())
        if answer is not None:
            return answer
        _not_understood(line, "y or n")
    raise AnswerNeededError(question=question, command=command)


def choose(question: str, count: int, *, none: str, command: str) -> int:
    """Ask for one of so many, numbered from 1; only Enter is 0, which is called `none`.

    Raises AnswerNeededError without a terminal, AnswerMissingError where the input ends.
    """
    while interactive():
        choices = f"[1-{count}, Enter for {none}]"
        print(plain(question), choices, end=" ", file=sys.stderr, flush=True)
        answer = _line(question, command).strip()
        if not answer:
            return 0
        if answer.isascii() and answer.isdecimal() and 1 <= int(answer[:9]) <= count:
            return int(answer[:9])
        _not_understood(answer, f"a number from 1 to {count}")
    raise AnswerNeededError(question=question, command=command)


def choose_some(question: str, count: int, *, none: str, command: str) -> tuple[int, ...]:
    """Ask for some of so many, numbered from 1; only Enter is all, 0 is none, which is `none`.

    Raises AnswerNeededError without a terminal, AnswerMissingError where the input ends.
    """
    while interactive():
        choices = f"[Enter for all, numbers such as 1 2, 0 for {none}]"
        print(plain(question), choices, end=" ", file=sys.stderr, flush=True)
        line = _line(question, command)
        words = line.replace(",", " ").lower().split()
        if words in ([], ["all"]):
            return tuple(range(1, count + 1))
        if words in (["0"], ["none"]):
            return ()
        if all(word.isascii() and word.isdecimal() for word in words):
            numbers = sorted({int(word[:9]) for word in words})
            if numbers[0] >= 1 and numbers[-1] <= count:
                return tuple(numbers)
        _not_understood(line, f"numbers from 1 to {count}")
    raise AnswerNeededError(question=question, command=command)


def _not_understood(answer: str, wanted: str) -> None:
    say(f"{answer.strip()!r} is no answer to that: {wanted}.")


def _line(question: str, command: str) -> str:
    """Return what was typed. Raises AnswerMissingError at Ctrl-D."""
    line = sys.stdin.readline()
    if not line:
        say()  # the cursor stands behind the question
        raise AnswerMissingError(question=question, command=command)
    return line


def secret(prompt: str) -> str:
    """Ask for a secret, which is not echoed; one line of standard input without a terminal.

    Raises AnswerMissingError at Ctrl-D.
    """
    return secret_line(prompt, lambda _: True)


def secret_line(prompt: str, is_it: Callable[[str], bool]) -> str:
    """Ask for a secret that may come with other lines around it.

    Raises AnswerMissingError where the input of a terminal ends before it comes.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    with _silent_terminal():
        print(f"{plain(prompt)}: ", end="", file=sys.stderr, flush=True)
        while line := sys.stdin.readline():
            if is_it(line.rstrip("\n")):
                return line.rstrip("\n")
    raise AnswerMissingError(question=prompt, command="--help")


@contextmanager
def _silent_terminal() -> Iterator[None]:
    """Turn the echo off. What was typed ahead is kept: lines may be pasted all at once."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    try:
        termios.tcsetattr(terminal, termios.TCSADRAIN, silent)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        print(file=sys.stderr)


def new_passphrase() -> str:
    """Ask for a passphrase that is to be set: twice on a terminal. Raises UsageError."""
    first = secret("Passphrase for the key file")
    if not first:
        raise UsageError(detail="An empty passphrase protects nothing.")
    if sys.stdin.isatty() and secret("The same again") != first:
        raise UsageError(detail="The two passphrases differ; nothing was written.")
    return first
