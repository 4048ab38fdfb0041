"""Real daemons on machines that sleep, and whose network goes and comes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.homes import Home, share_vault, wait
from tests.needs import needs, needs_fetched, needs_linux

SELDOM = 3600.0
ASLEEP = 7.0
"""Seconds for which a process stands still: to it, its machine has slept."""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    """Give two homes that share a vault in a folder; the first one polls once an hour."""
    one, two = (Home(tmp_path, name) for name in ("one", "two"))
    share_vault(one, two, f"file://{tmp_path}/vault.git")
    one.configure(poll=SELDOM)
    yield one, two
    for home in (one, two):
        home.close()


def test_i70_a_machine_that_wakes_asks_at_once_what_it_has_missed(pair: tuple[Home, Home]) -> None:
    """Another device wrote meanwhile; the next poll would be an hour away."""
    one, two = pair
    one.start()
    one.idle()
    assert one.daemon
    one.daemon.send_signal(signal.SIGSTOP)
    two.write("memory/new.md", "written meanwhile\n")
    two.run("now")
    time.sleep(ASLEEP)
    one.daemon.send_signal(signal.SIGCONT)
    wait(lambda: one.read("memory/new.md") == "written meanwhile\n", "it has come")
    (woke,) = [line for line in one.log() if line["event"] == "daemon.woke"]
    assert woke["reason"] == "sleep"
    assert woke["seconds"] == pytest.approx(ASLEEP, abs=4)


def test_i70_a_network_that_comes_back_is_used_at_once(tmp_path: Path) -> None:
    """Offline for so long that the next try is far off; seconds after the link is up, it syncs."""
    needs_linux()
    needs("unshare")
    needs_fetched("@octokit/graphql-schema")
    mine = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    words = ["unshare", *mine, "--net", sys.executable, "-m", "tests.daemon.islands"]
    done = subprocess.run(
        [*words, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(done.stdout.split()[-1]) < 5.0
