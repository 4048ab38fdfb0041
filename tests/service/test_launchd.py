"""The agent for launchd: its property list, and the calls of launchctl, held to a table."""

from __future__ import annotations

import os
import plistlib
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from memory_sync.errors import ServiceError, ServiceMissingError, ServiceUnreachableError
from memory_sync_service.launchd import Launchd

KEYS: Mapping[str, type] = {
    "Label": str,
    "ProgramArguments": list,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ProcessType": str,
    "LowPriorityIO": bool,
    "Umask": int,
    "StandardOutPath": str,
    "StandardErrorPath": str,
    "EnvironmentVariables": dict,
}
"""What launchd.plist(5) has, of what is used here."""

FAKE = """#!/bin/sh
# A launchctl that keeps what it was asked, and what that would lead to.
folder=$(dirname "$0")
echo "$*" >> "$folder/calls"
[ ! -e "$folder/refuses-$1" ] || { echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; }
case $1 in
print)
    case $2 in
    gui/*/*) ;;
    *) [ ! -e "$folder/no-screen" ] || exit 113; exit 0 ;;
    esac
    if [ -e "$folder/leaving" ]; then rm "$folder/leaving" "$folder/loaded"; echo "	state = exited"
    elif [ ! -e "$folder/loaded" ]; then echo "Could not find service" >&2; exit 113
    elif [ -e "$folder/running" ]; then echo "	state = running"
    else echo "	state = not running"; fi ;;
bootstrap) touch "$folder/loaded" "$folder/running" ;;
bootout) rm -f "$folder/running"; touch "$folder/leaving" ;;
kickstart) touch "$folder/running" ;;
kill) rm -f "$folder/running" ;;
esac
"""
ME = f"gui/{os.getuid()}"
AGENT = f"{ME}/memory-sync"


class Mac:
    """A home folder with a launchctl that records its calls."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.tools = top / "tools"
        self.tools.mkdir()
        (self.tools / "launchctl").write_text(FAKE)
        (self.tools / "launchctl").chmod(0o755)
        self.env = {"HOME": str(top), "PATH": f"{self.tools}:{os.environ['PATH']}"}
        self.service = Launchd(self.env, pause=0.0)
        self.plist = top / "Library" / "LaunchAgents" / "memory-sync.plist"

    def calls(self) -> Iterator[str]:
        """Return what launchctl was asked to do since the last time, but for looking."""
        path = self.tools / "calls"
        for line in path.read_text().splitlines() if path.exists() else ():
            if not line.startswith("print "):
                yield line
        path.unlink(missing_ok=True)


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mac:
    """Return a machine with a launchctl."""
    monkeypatch.setattr("memory_sync_service.command.PASSING", ())
    return Mac(tmp_path)


def _plist(env: Mapping[str, str]) -> dict[str, Any]:
    [text] = Launchd(env).texts().values()
    found: dict[str, Any] = plistlib.loads(text.encode())
    return found


def test_the_property_list_has_known_keys_of_the_right_type(mac: Mac) -> None:
    """A wrong type is passed over in silence by launchd; a bool is no int."""
    found = _plist(mac.env)
    assert {key: type(value) for key, value in found.items()} == KEYS
    assert found["KeepAlive"] == {"SuccessfulExit": False}
    assert found["KeepAlive"]["SuccessfulExit"] is False
    assert found["Umask"] == 0o077
    assert all(type(word) is str for word in found["ProgramArguments"])
    assert all(type(value) is str for value in found["EnvironmentVariables"].values())
    assert found["EnvironmentVariables"]["PYTHONUTF8"] == "1"


def test_the_property_list_has_whole_paths(mac: Mac) -> None:
    """There `~` and variables mean nothing; the file is named after its label."""
    [(path, text)] = mac.service.texts().items()
    found = _plist(mac.env)
    paths = (found["ProgramArguments"][0], found["StandardOutPath"], found["StandardErrorPath"])
    assert all(os.path.isabs(place) for place in paths)
    values = text.partition("<dict>")[2]
    assert "~" not in values
    assert "$HOME" not in values
    assert path == mac.plist
    assert path.stem == found["Label"]


def test_a_home_with_strange_letters_is_itself(mac: Mac) -> None:
    """What XML gives a meaning to is escaped; another home is another agent."""
    home = f"{mac.top}/a <b> & \"c\" 'd' @EXEC@"
    found = _plist({**mac.env, "MEMORY_SYNC_HOME": home})
    assert found["EnvironmentVariables"]["MEMORY_SYNC_HOME"] == home
    assert found["Label"].startswith("memory-sync-")


def test_install_loads_it_once(mac: Mac) -> None:
    """The first time it is enabled and loaded, the second time nothing is done."""
    assert mac.service.install()
    assert list(mac.calls()) == [f"enable {AGENT}", f"bootstrap {ME} {mac.plist}"]
    assert stat.S_IMODE((mac.top / "Library" / "Logs" / "memory-sync").stat().st_mode) == 0o700
    assert not mac.service.install()
    assert list(mac.calls()) == []


def test_a_changed_property_list_is_loaded_anew(mac: Mac) -> None:
    """The old one is unloaded first, and its end is waited for."""
    mac.service.install()
    mac.plist.write_text("old")
    assert not mac.service.standing().current
    list(mac.calls())
    assert mac.service.install()
    assert list(mac.calls()) == [
        f"bootout {AGENT}",
        f"enable {AGENT}",
        f"bootstrap {ME} {mac.plist}",
    ]


def test_start_stop_and_restart(mac: Mac) -> None:
    """A stop lets it stay loaded, so that the next login starts it."""
    with pytest.raises(ServiceMissingError):
        mac.service.start()
    mac.service.install()
    list(mac.calls())
    mac.service.stop()
    assert list(mac.calls()) == [f"kill SIGTERM {AGENT}"]
    assert not mac.service.standing().active
    mac.service.start()
    assert list(mac.calls()) == [f"kickstart {AGENT}"]
    mac.service.restart()
    assert list(mac.calls()) == [f"kickstart -k {AGENT}"]
    assert mac.service.standing().active


def test_uninstall_leaves_nothing(mac: Mac) -> None:
    """It is unloaded, and its file is gone."""
    mac.service.install()
    list(mac.calls())
    assert mac.service.uninstall()
    assert list(mac.calls()) == [f"bootout {AGENT}"]
    assert not mac.plist.exists()
    assert not mac.service.standing().installed
    assert not mac.service.uninstall()


def test_without_a_login_at_the_screen_it_says_so(mac: Mac) -> None:
    """Over ssh there may be no domain to load it into; nothing is written then."""
    (mac.tools / "no-screen").touch()
    with pytest.raises(ServiceUnreachableError, match="logged in at the screen"):
        mac.service.install()
    assert not mac.plist.exists()


def test_a_refusal_is_told_in_launchctls_words(mac: Mac) -> None:
    """What launchctl complains of is in the message."""
    (mac.tools / "refuses-bootstrap").touch()
    with pytest.raises(ServiceError, match="Input/output error"):
        mac.service.install()
