"""`memory-sync logs`: the end of the log, for people and for programs."""

import json
import queue
import threading
import time

import pytest

from tests.cli.person import Person, until

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
        '2026-01-02 05:04:05 info    event.1 files=3 name="a b" odd="\\u001b[31m"',
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


def test_no_log_yet(ada: Person) -> None:
    """That is said, and is no error."""
    ran = ada.types("logs")
    assert ran.status == 0
    assert str(ada.places.log_file) in ran.err


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
