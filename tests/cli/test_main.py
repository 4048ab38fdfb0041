"""The entry: one form for every error, whatever it is, and an exit status for each."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

import click
import pytest

from memory_sync.cli.commands import logs
from memory_sync.cli.group import COMMANDS, group
from memory_sync.cli.render import plain
from memory_sync.cli.words import age, duration, size
from tests.cli.person import Person
from tests.cli.terminal import terminal

ON_WINDOWS = (
    "import sys; sys.platform = 'win32';"
    "sys.modules.update(dict.fromkeys(('fcntl', 'pwd', 'grp', 'resource', 'termios')));"
    "from memory_sync.cli.main import main; sys.exit(main())"
)


def _command(name: str) -> click.Command:
    command = group.get_command(click.Context(group), name)
    assert command
    return command


@pytest.mark.parametrize("words", [("status",), ("init", "--json"), ()])
def test_windows_is_told_so(ada: Person, words: tuple[str, ...]) -> None:
    """No import fails there: one line says where the program runs, with exit status 2."""
    done = subprocess.run(
        [sys.executable, "-c", ON_WINDOWS, *words],
        env=ada.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    text = "memory-sync runs on Linux and macOS, not on Windows."
    if "--json" in words:
        assert json.loads(done.stdout)["errors"][0]["message"] == text
        assert done.stderr == ""
    else:
        assert done.stderr == f"error: {text}\nhint: wsl --install\n"


def test_without_a_command_there_is_help(ada: Person) -> None:
    """All commands are listed with their summaries, and none is loaded for it."""
    ran = ada.types()
    assert ran.status == 0
    width = max(map(len, COMMANDS)) + 2
    for name, summary in COMMANDS.items():
        assert f"{name:{width}}{summary}" in ran.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command(ada: Person, name: str) -> None:
    """It begins with the summary that the list has, and ends with an example that is one."""
    ran = ada.types(name, "--help")
    assert ran.status == 0
    assert COMMANDS[name] in ran.out
    (example,) = [line for line in ran.out.splitlines() if line.startswith("    ")][-1:]
    assert f"memory-sync {name}" in example
    assert (_command(name).help or "").splitlines()[0] == COMMANDS[name]


def _tree(
    found: click.Command = group, path: tuple[str, ...] = ("memory-sync",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Walk through all commands and what is below them, each with the words that lead there."""
    yield path, found
    if isinstance(found, click.Group):
        context = click.Context(found, info_name=path[-1])
        for name in found.list_commands(context):
            below = found.get_command(context, name)
            assert below
            yield from _tree(below, (*path, name))


TREE = dict(_tree())


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_the_help_is_complete(path: tuple[str, ...]) -> None:
    """A summary, a text for each option, and examples of just this command that can be typed."""
    command = TREE[path]
    summary = (command.help or "").splitlines()[0]
    assert summary.endswith(".")
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    epilog = (command.epilog or "").split("Exit status:")[0]
    examples = [words.split() for words in re.findall(r"memory-sync\b[^)|&>\n]*", epilog)]
    assert examples
    for words in examples:
        assert tuple(words[: len(path)]) == path
        _parse(words)


def _parse(words: Sequence[str]) -> None:
    """Have click read a command line as it would, and run nothing of it. Raises UsageError."""
    deepest = max(
        (path for path in TREE if tuple(words[: len(path)]) == path),
        key=len,
    )
    parent = None
    for depth in range(1, len(deepest)):
        parent = click.Context(TREE[deepest[:depth]], parent=parent, info_name=deepest[depth - 1])
    rest = list(words[len(deepest) :])
    with TREE[deepest].make_context(deepest[-1], rest, parent=parent):
        pass


def test_a_command_line_that_is_none_does_not_parse() -> None:
    """The check above sees an option that is not there, and an argument too many."""
    for words in ("now --nonsense", "conflicts show a b", "move-key shelf"):
        with pytest.raises(click.UsageError):
            _parse(["memory-sync", *words.split()])


def test_commands_that_touch_a_vault_take_its_name() -> None:
    """--vault and --json are where they belong."""
    options = {
        name: {flag for parameter in _command(name).params for flag in parameter.opts}
        for name in COMMANDS
    }
    with_vault = {name for name in COMMANDS if "--vault" in options[name]}
    assert with_vault == {
        "init",
        "now",
        "push",
        "pull",
        "status",
        "confirm",
        "history",
        "diff",
        "conflicts",
        "roots",
        "restore",
        "export-key",
        "move-remote",
        "leave",
        "join",
        "pair",
        "rotate-key",
        "ignored",
        "repair",
        "move-key",
        "doctor",
        "logs",
    }
    assert {name for name in COMMANDS if "--json" in options[name]} == {
        *with_vault,
        "import-key",
        "pause",
        "resume",
    }


def test_the_version(ada: Person) -> None:
    """One line with name and version."""
    ran = ada.types("--version")
    assert (ran.status, ran.out) == (0, "memory-sync 0.1.0\n")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("now", "--nonsense"), "memory-sync now --help"),
        (("nonsense",), "memory-sync --help"),
        (("--nonsense",), "memory-sync --help"),
        (("logs", "-n", "many"), "memory-sync logs --help"),
        (("import-key", "a", "b"), "memory-sync import-key --help"),
    ],
)
def test_a_slip_of_the_pen_is_a_usage_error(ada: Person, words: tuple[str, ...], hint: str) -> None:
    """What click refuses has the form of every other error."""
    ran = ada.types(*words)
    assert ran.status == 2
    first, second = ran.err.splitlines()
    assert first.startswith("error: ")
    assert second == f"hint: {hint}"
    assert ran.out == ""


def test_choices_stand_in_one_line(ada: Person) -> None:
    """What is missing is named with what it can be, without the breaks that click puts in."""
    ran = ada.types("move-key")
    assert ran.status == 2
    assert "Choose from: keyring, file\n" in ran.err
    assert "\\" not in ran.err


def test_a_slip_of_the_pen_for_programs(ada: Person) -> None:
    """With --json it is an answer like any other."""
    ran = ada.types("now", "--nonsense", "--json")
    assert ran.status == 2
    assert ran.err == ""
    assert ran.codes == ["usage"]
    assert ran.answer["schema"] == 1
    assert ran.answer["command"] == "now"
    assert not ran.answer["ok"]


def test_without_a_vault_there_is_nothing_to_sync(ada: Person) -> None:
    """The first thing a newcomer may type names the first thing to do."""
    ran = ada.types("now")
    assert ran.status == 2
    assert ran.err.splitlines()[1] == "hint: memory-sync init"


def test_a_home_that_is_a_file_is_no_traceback(ada: Person) -> None:
    """An odd place ends with an error that names it."""
    for command in ("now", "status", "logs", "daemon"):
        ran = ada.starts(command, env={"MEMORY_SYNC_HOME": "/dev/null/x"})
        assert "Traceback" not in ran.err
        assert "/dev/null/x" in ran.out + ran.err


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `logs` have a fault."""

    def fail(*_: object) -> None:
        raise RuntimeError("ghp_0123456789abcdef0123456789abcdef0123")

    monkeypatch.setattr(logs, "Tail", fail)


@pytest.mark.usefixtures("faulty")
def test_a_fault_is_no_traceback(ada: Person) -> None:
    """The person learns its kind; where it was stands in the log, without what may be secret."""
    ran = ada.types("logs")
    assert ran.status == 1
    assert ran.err.startswith("error: Something failed that should not be able to: RuntimeError.\n")
    assert ran.err.endswith("hint: memory-sync logs -n 50\n")
    log = ada.places.log_file.read_text()
    assert "Traceback" in log
    assert "test_main.py" in log
    assert "ghp_0" not in log + ran.err


@pytest.mark.usefixtures("faulty")
def test_a_fault_shows_itself_to_those_who_want_it(ada: Person) -> None:
    """MEMORY_SYNC_DEBUG=1 shows the traceback."""
    assert "Traceback" in ada.types("logs", env={"MEMORY_SYNC_DEBUG": "1"}).err


def test_ctrl_c_ends_with_one_line(ada: Person) -> None:
    """Exit status 130, and no traceback."""
    ada.places.logs.mkdir()
    ada.places.log_file.write_text('{"level": "info", "event": "here"}\n' * 100_000)
    process = ada.opens("logs", "-n", "100000")
    assert process.stdout
    # The pipe takes no more: it is in the middle of its work.
    assert "here" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "error: Interrupted.\n")


def test_nobody_who_reads_is_no_error(ada: Person) -> None:
    """`memory-sync logs | head` says nothing about the pipe that broke."""
    ada.places.logs.mkdir()
    ada.places.log_file.write_text('{"level": "info", "event": "here"}\n' * 20000)
    process = ada.opens("logs", "-n", "20000")
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(20)


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_only_where_they_are_wanted(
    ada: Person, env: dict[str, str], coloured: bool
) -> None:
    """A terminal has them unless NO_COLOR is set; a pipe never has."""
    with terminal("status", env={**ada.env, **env}) as screen:
        assert screen.ends() == 0
    assert ("\x1b[" in screen.shown) == coloured
    assert "\x1b" not in ada.types("status").out


def test_a_name_cannot_command_the_terminal() -> None:
    """Control characters and halves of characters are shown as numbers."""
    assert plain("a\x1b[31mb\udc80\n") == "a\\x1b[31mb\\udc80\\n"
    assert plain("naïve 記憶") == "naïve 記憶"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 KB"), (4249, "4.2 KB"), (5_000_000, "5.0 MB"),
     (7_000_000_000_000, "7000.0 GB")],
)  # fmt: skip
def test_sizes_in_words(count: int, text: str) -> None:
    """A person reads a size at a glance."""
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (12, "12 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (90000, "25 h"),
     (200000, "2 days")],
)  # fmt: skip
def test_time_spans_in_words(seconds: float, text: str) -> None:
    """A person reads an age at a glance; one that a wrong clock makes negative is none."""
    assert duration(seconds) == text
    assert age(1000.0, 1000.0 + seconds) == f"{text} ago"


def test_no_success_yet() -> None:
    """Zero is no moment."""
    assert age(0.0, 1e9) == "never"


def test_ctrl_c_while_modules_load_is_no_traceback() -> None:
    """However early it comes: one line, and 130."""
    code = (
        "import sys\n"
        "class Early:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'memory_sync.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Early())\n"
        "from memory_sync.__main__ import main\n"
        "sys.exit(main())\n"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "error: Interrupted.\n")
