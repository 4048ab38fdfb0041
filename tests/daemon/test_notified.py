"""What a person is shown by a real daemon, through the program that the desktop has for it."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.homes import Home, wait

PROGRAM = f"""#!{sys.executable}
import sys
with open({{log!r}}, "a") as file:
    file.write(sys.argv[-2] + " | " + sys.argv[-1].replace(chr(10), " | ") + chr(10))
"""
NAME = "osascript" if sys.platform == "darwin" else "notify-send"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Give a home whose desktop writes down what it shows."""
    desktop = tmp_path / "bin"
    desktop.mkdir()
    program = desktop / NAME
    program.write_text(PROGRAM.format(log=str(tmp_path / "shown")))
    program.chmod(0o755)
    made = Home(tmp_path, "one")
    made.env["PATH"] = f"{desktop}:{made.env['PATH']}"
    made.write("MEMORY.md", "# memory\n")
    made.run("init", str(made.root), "--remote", f"file://{tmp_path}/vault.git", "--yes")
    made.configure()
    yield made
    made.close()


def _shown(home: Home) -> list[str]:
    path = home.top.parents[1] / "shown"
    return path.read_text().splitlines() if path.exists() else []


def test_i75_a_halt_is_shown_once_whatever_happens_to_the_daemon(home: Home) -> None:
    """With its command; not again after a restart, and again when it comes back much later."""
    home.start()
    home.idle()
    shutil.move(home.root, f"{home.root}.away")
    wait(lambda: _shown(home), "it is shown")
    (line,) = _shown(home)
    assert line.startswith("memory-sync: vault | The folder ")
    assert line.endswith(" | memory-sync confirm --root memory")
    assert home.run("status", "--exit-code", status=7).startswith("halted: ")
    home.stop()
    home.start()
    wait(lambda: home.row()["state"] == "halted", "it is halted again")
    wait(lambda: len([e for e in home.log() if e["event"] == "root.halted"]) == 2, "it is noted")
    assert _shown(home) == [line]
    (shown,) = [entry for entry in home.log() if entry["event"] == "notice.shown"]
    assert (shown["vault"], shown["code"]) == ("vault", "root-gone")


def test_notifications_are_off_by_a_setting(home: Home) -> None:
    """The halt stands in `status` all the same."""
    home.configure(notifications=False)
    home.start()
    home.idle()
    shutil.move(home.root, f"{home.root}.away")
    wait(lambda: home.row()["state"] == "halted", "it is halted")
    home.configure(notifications=False, scan=3000.0)
    wait(lambda: [e for e in home.log() if e["event"] == "config.loaded"], "two seconds and more")
    assert _shown(home) == []
