"""`memory-sync demo`: the main job, on two machines in one folder."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.cli.person import Person

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHANCE = (
    (r"file:///.*/memory-sync-demo-\w+/", "file:///tmp/"),
    (r"^ *\d+\.\d s  ", "<time>  "),
    (r"\(\d+\.\d s\)", "(<time>)"),
    (r"processes \d+ and \d+", "processes <id> and <id>"),
    (r"memory/(?!2026-01-01)\d{4}-\d\d-\d\d\.md", "memory/<today>.md"),
    # How many batches it takes, and who was quicker.
    (r"\d+ (commits|objects)", r"<count> \1"),
    (r"(laptop|desktop)'s", "<one>'s"),
    (r"objects/[0-9a-f]{2}/[0-9a-f]{30}\.age( \([\d.]+ \w+\))?", "<object>"),
    (r"^    [A-Za-z0-9+/=]{64}$", "    <base64>"),
)
"""What differs from run to run: a pattern, and what stands for it."""


def likened(text: str) -> str:
    """Return what the demo shows without what chance and the clock decide."""
    for pattern, plain in CHANCE:
        text = re.sub(pattern, plain, text, flags=re.MULTILINE)
    return text


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the folder for what is temporary."""
    folder = tmp_path / "t"
    folder.mkdir()
    return folder


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _daemons(text: str) -> list[int]:
    """Return the processes of the daemons that the demo speaks of."""
    found = re.search(r"daemon: processes (\d+) and (\d+)", text)
    return [int(pid) for pid in found.groups()] if found else []


def test_it_shows_what_travels_and_leaves_nothing(ada: Person, place: Path) -> None:
    """Every way of travelling is told, the vault shows nothing, and all of it is gone after."""
    ran = ada.starts("demo", env={"TMPDIR": str(place)})
    assert ran.status == 0, ran
    for part in (
        "a line was appended",
        "a new file",
        "deleted",
        "both lines kept",
        "a conflict",
        "-----BEGIN AGE ENCRYPTED FILE-----",
        "not found",
    ):
        assert part in ran.out
    assert len(ran.out.splitlines()) < 40
    [shown] = [block for block in BLOCK.findall(README.read_text("utf-8")) if "One memory" in block]
    assert likened(shown) == likened(ran.out)
    assert ran.err == ""
    assert len(_daemons(ran.out)) == 2
    assert not any(map(_runs, _daemons(ran.out)))
    assert list(place.iterdir()) == []
    assert list(ada.home.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cut_short_it_leaves_nothing(ada: Person, place: Path, number: signal.Signals) -> None:
    """Ctrl-C in the middle ends the daemons and removes the folder."""
    ada.env["TMPDIR"] = str(place)
    with ada.opens("demo") as process:
        assert process.stdout
        pids = next(pids for line in process.stdout if (pids := _daemons(line)))
        assert all(map(_runs, pids))
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert not any(map(_runs, pids))
    assert list(place.iterdir()) == []
