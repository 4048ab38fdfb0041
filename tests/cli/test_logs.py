"""`memory-sync logs`: the end of the log, for people and for programs."""

import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from memory_sync.cli.records import read_since
from memory_sync.config.logfile import LogFile
from tests.cli.person import Person, until
from tests.cli.terminal import terminal

STAMP = "2026-01-02T03:04:05.678901Z"


def _line(number: int, level: str = "info", **fields: object) -> str:
    return json.dumps({"ts": STAMP, "level": level, "event": f"event.{number}", **fields}) + "\n"


@pytest.fixture
def logged(ada: Person) -> Person:
    """Return a machine with thirty lines in its log, one of them a warning and one an error."""
    ada.places.logs.mkdir()
    levels = {7: "warning", 21: "error"}
    text = "".join(_line(n, levels.get(n, "info")) for n in range(30))
    ada.places.log_file.write_text(text)
    return ada


def test_the_last_lines(logged: Person) -> None:
    """Twenty, unless another number is asked for."""
    assert len(logged.types("logs").out.splitlines()) == 20
    ran = logged.types("logs", "-n", "2")
    assert [line.split()[3] for line in ran.out.splitlines()] == ["event.28", "event.29"]
    assert logged.types("logs", "-n", "0").out == ""


def test_only_what_matters(logged: Person) -> None:
    """--level counts the lines of that level and above, however far back they are."""
    ran = logged.types("logs", "-n", "2", "--level", "warning")
    assert [line.split()[3] for line in ran.out.splitlines()] == ["event.7", "event.21"]


def test_programs_get_the_lines_as_they_are(logged: Person) -> None:
    """--json passes the lines through."""
    lines = logged.types("logs", "--json", "-n", "3").out.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["event.27", "event.28", "event.29"]


def test_older_files_are_read_where_the_log_is_young(ada: Person) -> None:
    """Just after a rotation the last lines are in the file that was put aside."""
    ada.places.logs.mkdir()
    ada.places.log_file.write_text(_line(3))
    ada.places.log_file.with_name("daemon.log.1").write_text(_line(1) + _line(2))
    ran = ada.types("logs", "-n", "2", "--json")
    assert [json.loads(line)["event"] for line in ran.out.splitlines()] == ["event.2", "event.3"]


def test_a_line_for_people(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local time, level, event, fields; a traceback on its own lines, and no control characters."""
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    ada.places.logs.mkdir()
    text = _line(1, files=3, name="a b", odd="\x1b[31m", exception="Traceback:\n  here")
    ada.places.log_file.write_text(text)
    ran = ada.types("logs")
    assert ran.out.splitlines() == [
        '2026-01-02 05:04:05+02:00 info    event.1 files=3 name="a b" odd="\\u001b[31m"',
        "    Traceback:",
        "      here",
    ]
    monkeypatch.undo()
    time.tzset()


def test_a_line_that_was_cut_short_is_passed_over(ada: Person) -> None:
    """A crash in the middle of a line, or what is no log line, hides no other."""
    ada.places.logs.mkdir()
    ada.places.log_file.write_text('{"event": "bro\n[]\n' + _line(1))
    assert len(ada.types("logs").out.splitlines()) == 1


GARBAGE = [
    "",
    "\0" * 100,
    "[" * 100_000,
    "3",
    '"text"',
    "NaN",
    '{"ts": ',
    '{"event": 1' + "0" * 5000 + "}",
]
ODD = [
    {"ts": None, "level": ["info"], "event": {}},
    {"ts": "9999-12-31T23:59:59-23:59", "level": "loud", "event": "\ud800\x9b"},
    {"ts": "\x1b[2J", "exception": ["a"], "\x1b": "\x1b"},
    {},
]


@pytest.mark.parametrize("words", [(), ("--json",), ("--since", "2025-01-01")])
def test_garbage_never_breaks_it(ada: Person, words: tuple[str, ...]) -> None:
    """Whatever stands in the log, the lines that are events are shown, and none is a command."""
    ada.places.logs.mkdir()
    with ada.places.log_file.open("wb") as file:
        for line in [*GARBAGE, *map(json.dumps, ODD)]:
            file.write(line.encode() + b"\n\xff\xfe\n")
        file.write(_line(1).encode())
    ran = ada.types("logs", "-n", "100", *words)
    assert (ran.status, ran.err) == (0, "")
    shown = [line for line in ran.out.splitlines() if not line.startswith("    ")]
    assert "event.1" in shown[-1]
    # An odd line has no time that could be compared.
    assert len(shown) == 1 + (0 if "--since" in words else len(ODD))
    assert "\x1b" not in ran.out
    assert "\x9b" not in ran.out


def _records(ran: str) -> list[str]:
    return [json.loads(line)["event"] for line in ran.splitlines()]


@pytest.fixture
def aged(ada: Person) -> Person:
    """Return a machine whose log has an event for each of the last six hours, in two files."""
    ada.places.logs.mkdir()
    now = datetime.now(UTC)
    lines = []
    for hours in range(6, 0, -1):
        fields = {"vault": "notes" if hours % 2 else "work"}
        stamp = (now - timedelta(hours=hours, minutes=-1)).isoformat()
        level = "warning" if hours in (2, 3, 6) else "info"
        event = {"ts": stamp, "level": level, "event": f"hour.{hours}", **fields}
        lines.append(json.dumps(event) + "\n")
    ada.places.log_file.with_name("daemon.log.1").write_text("".join(lines[:4]))
    ada.places.log_file.write_text("".join(lines[4:]))
    return ada


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        ("--since 3h", "3 2 1"),
        ("--since 180m", "3 2 1"),
        ("--since 1d", "6 5 4 3 2 1"),
        ("--since 0s", ""),
        ("--since 3h -n 1", "1"),
        ("--vault notes", "5 3 1"),
        ("--vault notes --since 4h", "3 1"),
        ("--vault work --level warning", "6 2"),
        ("--vault work --level warning --since 5h -n 5", "2"),
        ("--vault other", ""),
        ("--level error", ""),
        ("--level warning -n 2", "3 2"),
    ],
)
def test_options_go_together(aged: Person, words: str, hours: str) -> None:
    """A line is shown if it fits all that was asked for; -n counts those that fit."""
    ran = aged.types("logs", "--json", *words.split())
    assert _records(ran.out) == [f"hour.{hour}" for hour in hours.split()]


def test_since_a_time(aged: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time without a zone is the person's own; what is shown can be given back."""
    monkeypatch.setenv("TZ", "UTC-5")
    time.tzset()
    shown = aged.types("logs", "-n", "3").out.splitlines()[0]
    date, clock = shown.split()[:2]
    own = clock.partition("+")[0]
    for stamp in (f"{date} {clock}", f"{date}T{own}"):
        ran = aged.types("logs", "--json", "--since", stamp)
        assert _records(ran.out) == ["hour.3", "hour.2", "hour.1"]
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "text", ["", "soon", "3", "h", "-3h", "3 h", "1.5h", "2026-13-01", "9" * 30 + "d", "9" * 5000]
)
def test_a_bad_time_is_a_usage_error(ada: Person, text: str) -> None:
    """It says what a time can be."""
    ran = ada.types("logs", "--since", text)
    assert ran.status == 2
    assert "10m, 2h, 3d" in ran.err
    with pytest.raises(ValueError):
        read_since(text, datetime.now(UTC))


def test_no_log_yet(ada: Person) -> None:
    """That is said, and is no error."""
    ran = ada.types("logs")
    assert ran.status == 0
    assert str(ada.places.log_file) in ran.err


@contextmanager
def _follows(person: Person, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Follow the log in a process of its own, whose streams are closed at the end."""
    process = person.opens("logs", "-f", *words)
    # So that no line that does not come is waited for without end.
    patience = threading.Timer(60, process.kill)
    patience.start()
    try:
        yield process
    finally:
        patience.cancel()
        process.kill()
        process.wait(20)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def test_following_ends_silently_with_ctrl_c(logged: Person) -> None:
    """Status 130, and nothing is said."""
    with _follows(logged, "-n", "1", "--json") as process:
        assert process.stdout
        assert process.stderr
        assert "event.29" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stdout.read() + process.stderr.read() == ""


def test_following_ends_when_nobody_reads(logged: Person) -> None:
    """A pipe that is closed ends it, also when no further line comes."""
    with _follows(logged, "-n", "1") as process:
        assert process.stdout
        assert process.stderr
        assert "event.29" in process.stdout.readline()
        process.stdout.close()
        process.wait(20)
        assert process.stderr.read() == ""


def test_following_on_a_terminal(logged: Person) -> None:
    """A terminal is no pipe that was closed: it goes on until Ctrl-C."""
    with terminal("logs", "-f", env=logged.env) as screen:
        screen.expect("event.29")
        with logged.places.log_file.open("a") as file:
            file.write(_line(30))
        screen.expect("event.30")
        screen._process.send_signal(signal.SIGINT)
        assert screen.ends() == 130
        assert "rror" not in screen.shown.replace("error   event.21", "")


def test_following_a_writer_that_is_quick(ada: Person) -> None:
    """Only what was asked for, each line once, while file after file is put aside."""
    writer = LogFile(ada.places.log_file, 40_000, 5)
    with _follows(ada, "-n", "9999", "--json", "--level", "warning", "--vault", "a") as process:
        assert process.stdout
        found: list[str] = []
        for burst in range(4):
            for number in range(burst * 1000, burst * 1000 + 1000):
                level = "warning" if number % 2 else "info"
                writer.write(_line(number, level, vault="ab"[number % 3 == 0]).strip())
            wanted = [f"event.{n}" for n in range(burst * 1000 + 1000) if n % 2 and n % 3]
            while len(found) < len(wanted):
                found.append(json.loads(process.stdout.readline())["event"])
            assert found == wanted
    writer.close()


def test_following_goes_on_over_a_rotation(logged: Person) -> None:
    """Lines that come appear, also those in the file that takes the place of the old one."""
    process = logged.opens("logs", "-f", "-n", "1", "--json")
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            lines.put(json.loads(line)["event"])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert lines.get(timeout=20) == "event.29"
        log = logged.places.log_file
        with log.open("a") as file:
            file.write(_line(30)[:20])
            file.flush()
            file.write(_line(30)[20:])
        assert lines.get(timeout=20) == "event.30"
        with log.open("a") as file:
            file.write(_line(31))
        log.rename(log.with_name("daemon.log.1"))
        log.write_text(_line(32))
        assert lines.get(timeout=20) == "event.31"
        assert lines.get(timeout=20) == "event.32"
    finally:
        process.terminate()
        process.wait(20)
        reader.join(20)
        process.stdout.close()
        if process.stderr:
            process.stderr.close()


def test_the_daemons_own_log(ada: Person) -> None:
    """What a daemon writes can be read back."""
    ada.init()
    with ada.daemon():
        until(lambda: ada.state() == "idle")
    events = [line.split()[3] for line in ada.types("logs").out.splitlines()]
    assert "daemon.started" in events
    assert "daemon.stopped" in events
