"""The log."""

import json
import resource
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from memory_sync.config import logs
from memory_sync.config.logs import for_people, open_log
from memory_sync.errors import FileUnwritableError
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

    log = open_log(file, "info", console=False, paths=True)
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


def test_paths_are_left_out_unless_asked_for(file: Path) -> None:
    """Names of memory files stand in the log only if the person wants them there."""
    open_log(file, "info", console=False).info("x", path="MEMORY.md", paths=["a"], n=1)
    open_log(file, "info", console=False, paths=True).info("x", path="MEMORY.md")
    first, second = lines(file)
    assert set(first) == {"ts", "level", "event", "n"}
    assert second["path"] == "MEMORY.md"


def test_files_rotate_and_are_private(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are never more than five files, none over its size, each for its owner only."""
    monkeypatch.setattr(logs, "FILE_SIZE", 1000)
    log = open_log(file, "info", console=False)
    for number in range(200):
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
    assert (logs.FILES, logs.FILE_SIZE) == (5, 5 * 1024 * 1024)


def test_an_old_log_that_is_open_to_all_is_closed(file: Path) -> None:
    """A log file that others could read is made private."""
    file.parent.mkdir()
    file.touch(0o644)
    open_log(file, "info", console=False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


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


def test_a_log_that_cannot_be_opened(tmp_path: Path) -> None:
    """A log in an impossible place is an error with a name."""
    (tmp_path / "file").touch()
    with pytest.raises(FileUnwritableError):
        open_log(tmp_path / "file" / "daemon.log", "info", console=False)


def test_the_console(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal a person reads a line, masked as in the file, which gets its line too."""
    log = open_log(file, "info", console=True)
    log.info("pushed", vault="notes", note=f"a {TOKENS[0]}")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith(' info    pushed vault=notes note="a [secret]"\n')
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
