"""The log."""

import importlib
import json
import resource
import stat
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from memory_sync.config import logs
from memory_sync.config.lines import for_people
from memory_sync.config.logfile import FILES
from memory_sync.config.logs import open_log, without
from memory_sync.vault.keys import generate_identity

TOKENS = [
    "ghp_" + "aB3" * 12,
    "gho_" + "aB3" * 12,
    "ghu_" + "aB3" * 12,
    "ghs_" + "aB3" * 12,
    "ghr_" + "aB3" * 12,
    "ghs_123_eyJhbGciOi.eyJpc3MiOi.c2ln-bmF0_dXJl",
    "github_pat_" + "11AA_bb" * 11,
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "logs" / "daemon.log"


def lines(file: Path) -> list[dict[str, Any]]:
    """Read the log."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line(file: Path) -> None:
    """An event is one line of JSON: time in UTC, level, what, then the fields."""
    before = datetime.now(UTC)
    open_log(file, "info", console=False).info("pushed", vault="notes", files=3)
    (line,) = lines(file)
    assert list(line) == ["ts", "level", "event", "vault", "files"]
    assert (line["level"], line["event"], line["files"]) == ("info", "pushed", 3)
    assert line["ts"].endswith("Z")
    assert before <= datetime.fromisoformat(line["ts"]) <= datetime.now(UTC)


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("error", 1)])
def test_levels(file: Path, level: str, count: int) -> None:
    """What is below the level is not written."""
    log = open_log(file, level, console=False)
    for say in (log.debug, log.info, log.warning, log.error):
        say("x")
    assert len(file.read_text().splitlines()) == count


def test_bound_fields(file: Path) -> None:
    """A field that is bound to a logger stands in each of its lines."""
    log = open_log(file, "info", console=False).bind(vault="notes")
    log.info("a")
    log.info("b")
    assert [line["vault"] for line in lines(file)] == ["notes", "notes"]


def test_an_age_key_is_masked(file: Path) -> None:
    """A real age secret key does not reach the log, in either case of letters."""
    secret = generate_identity().secrets[-1]
    text = str(secret)
    assert text.startswith("AGE-SECRET-KEY-1")
    open_log(file, "info", console=False).info(f"read {text}", low=text.lower())
    assert text[16:].lower() not in file.read_text().lower()
    assert lines(file)[0]["event"] == "read [secret]"


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_masked_everywhere(file: Path, token: str) -> None:
    """No token reaches the log: in text, keys, lists, tables, bytes, objects or exceptions."""

    class Holder:
        def __str__(self) -> str:
            return f"holder of {token}"

    log = open_log(file, "info", console=False)
    url = f"https://x:{token}@github.com/a/b"
    log.info("one", a=token, b=[url, (token, {"k": {token}})], c={token: 1, "n": {"d": token}})
    two = f"two {token}\nnext"
    log.info(two, **{token: 1}, d=token.encode(), e=Holder(), path=Path(token))
    try:
        int(token)
    except ValueError:
        log.exception("three")
    text = file.read_text()
    assert token not in text
    assert not any(part in text for part in token.split("_")[1:] if len(part) > 8)
    assert text.count("[secret]") >= 10
    assert [line["event"] for line in lines(file)] == ["one", "two [secret]\nnext", "three"]


def test_what_is_no_secret_stays(file: Path) -> None:
    """Recipients, commit ids and ordinary words are not masked."""
    facts = {"commit": "a" * 40, "to": "age1" + "q" * 58, "word": "highs_and_lows"}
    open_log(file, "info", console=False).info("x", **facts)
    assert facts.items() <= lines(file)[0].items()


def test_i53_an_exception_shows_where_it_came_from_and_not_what_it_says(file: Path) -> None:
    """Names and text of memory files, which an exception can repeat, stay out of its traceback."""
    log = open_log(file, "info", console=False)
    secret = "dia" + "ry"
    with pytest.raises(OSError) as caught:
        (file.parent / secret).read_text()
    log.error("one", exc_info=caught.value)
    try:
        int(secret)
    except ValueError:
        log.exception("two")
    assert secret not in file.read_text()
    one, two = (line["exception"] for line in lines(file))
    assert one.endswith("FileNotFoundError (No such file or directory)")
    assert two.endswith("ValueError")
    assert "in read_text" in one
    assert "in test_i53" in two


def test_a_giant_event_is_cut(file: Path) -> None:
    """An event that is too long keeps the beginning of each value, and says that it was cut."""
    log = open_log(file, "info", console=False)
    log.info("x", n=3, text="y" * logs.LONGEST, paths=["z" * 200] * 1000, table={"k": "v"})
    log.info("x", text="y" * (logs.LONGEST // 2))
    first, second = lines(file)
    assert (first["n"], first["cut"], first["table"]) == (3, True, "…")
    assert (len(first["text"]), len(first["paths"])) == (1000, 50)
    assert len(second["text"]) == logs.LONGEST // 2
    assert "cut" not in second


def test_files_rotate_and_are_private(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are never more than five files, none over its size, each private, over restarts too."""
    monkeypatch.setattr(logs, "FILE_SIZE", 1000)
    for start in range(0, 200, 20):
        log = open_log(file, "info", console=False)
        for number in range(start, start + 20):
            log.info("event", number=number)
    found = sorted(file.parent.iterdir())
    assert [path.name for path in found] == ["daemon.log"] + [
        f"daemon.log.{n}" for n in range(1, 5)
    ]
    assert all(path.stat().st_size <= 1000 for path in found)
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}
    assert lines(file)[-1]["number"] == 199


def test_the_sizes() -> None:
    """As shipped it is five files of 5 MB."""
    assert (FILES, logs.FILE_SIZE) == (5, 5 * 1024 * 1024)


def test_an_old_log_that_is_open_to_all_is_closed(file: Path) -> None:
    """A log file that others could read is made private."""
    file.parent.mkdir()
    file.touch(0o644)
    open_log(file, "info", console=False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_bound_as_shipped(file: Path) -> None:
    """Forty megabytes of events leave twenty-five, the newest of them."""
    log = open_log(file, "info", console=False)
    for number in range(1000):
        log.info("event", number=number, text="x" * 40_000)
    sizes = [path.stat().st_size for path in file.parent.iterdir()]
    assert len(sizes) == 5
    assert max(sizes) <= 5 * 1024**2
    assert sum(sizes) > 20 * 1024**2
    assert lines(file)[-1]["number"] == 999


@pytest.mark.parametrize("rotating", [False, True])
def test_i36_a_full_disk_costs_lines_only(
    file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], rotating: bool
) -> None:
    """A log that cannot grow raises and prints nothing, and goes on when there is space again."""
    if rotating:
        monkeypatch.setattr(logs, "FILE_SIZE", 1000)
    log = open_log(file, "info", console=False)
    log.info("before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, before[1]))
    try:
        for _ in range(30):
            log.info("lost", why="x" * 100)
        log.error("lost too")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.info("after")
    assert lines(file)[-1]["event"] == "after"
    del log
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_opened(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log in an impossible place keeps nobody from work, and begins when the place is free."""
    file.parent.touch()
    log = open_log(file, "info", console=True)
    log.info("lost")
    file.parent.unlink()
    log.info("there")
    assert [line["event"] for line in lines(file)] == ["there"]
    assert "lost" in capsys.readouterr().err


def test_the_console(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal a person reads a line, masked as in the file, which gets its line too."""
    log = open_log(file, "info", console=True)
    log.info("pushed", vault="notes", note=f"a {TOKENS[0]}")
    told = capsys.readouterr()
    assert told.out == ""
    stamp, _, rest = told.err.partition(" info ")
    assert datetime.fromisoformat(stamp) <= datetime.now(UTC)
    assert rest == '   pushed vault=notes note="a [secret]"\n'
    assert len(lines(file)) == 1


def test_no_console(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a console nothing is printed."""
    open_log(file, "info", console=False).error("x")
    assert capfd.readouterr() == ("", "")


def test_a_name_cannot_command_the_terminal() -> None:
    """Control characters of a file's name or an exception are shown, not sent."""
    text = for_people({"event": "e\x1b[2J", "path": "\x9b2J\n", "exception": "one\n\x1b]0;x"})
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert len(text.splitlines()) == 3


def test_threads_do_not_mix_lines(file: Path) -> None:
    """Lines of several threads stay whole."""
    log = open_log(file, "info", console=False)
    threads = [
        threading.Thread(target=lambda: [log.info("x" * 200) for _ in range(50)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(file)) == 200


def test_structlog_itself_is_left_alone(file: Path) -> None:
    """Opening a log configures nothing for the rest of the process."""
    open_log(file, "info", console=False)
    assert not structlog.is_configured()


def test_what_is_hidden_is_back_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package can be imported again, and one that was loaded before was never hidden."""
    (tmp_path / "some_package.py").write_text("NAME = 'x'")
    monkeypatch.syspath_prepend(tmp_path)
    with without("some_package", "json"):
        assert sys.modules["json"] is json
        with pytest.raises(ImportError):
            importlib.import_module("some_package")
    assert "some_package" not in sys.modules
    assert importlib.import_module("some_package").NAME == "x"
    del sys.modules["some_package"]
