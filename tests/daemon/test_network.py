"""What the system tells of its network."""

import os
import subprocess
import sys

import pytest

from memory_sync.daemon.network import NetworkWatch, open_ear
from tests.needs import needs, needs_linux

SCRIPT = """
import fcntl, queue, socket, struct
from memory_sync.daemon.network import NetworkWatch, open_ear

heard = queue.SimpleQueue()
watch = NetworkWatch(lambda: heard.put("changed"), open_ear())
watch.start()
with socket.socket() as way:
    fcntl.ioctl(way, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS: up
print(heard.get(timeout=5))
watch.close()
"""


def test_i70_a_link_that_comes_up_is_heard() -> None:
    """In a network of the test's own, whose only link is switched on."""
    needs_linux()
    needs("unshare")
    mine = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    words = ["unshare", *mine, "--net", sys.executable, "-c", SCRIPT]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "changed\n"), done.stderr


def test_where_nothing_can_be_heard_nothing_breaks() -> None:
    """A sandbox may forbid it: then the next try comes when it comes."""
    watch = NetworkWatch(lambda: pytest.fail("nothing was there to hear"), None)
    watch.start()
    watch.join(5)
    assert not watch.is_alive()
    watch.close()


def test_a_closed_ear_hears_nothing_more() -> None:
    """The daemon closes it at its end, whatever its thread does."""
    ear = open_ear()
    assert ear
    NetworkWatch(lambda: None, ear).close()
    assert ear.fileno() == -1
