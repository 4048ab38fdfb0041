"""What `memory-sync status` loads while a daemon answers it: next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from memory_sync import model
from tests.cli.person import QUICK, Person

OUTSIDE = {"click", "memory_sync"}
SLOW = {
    "asyncio", "concurrent", "decimal", "email", "hashlib", "hmac", "http", "logging",
    "multiprocessing", "random", "secrets", "shutil", "sqlite3", "ssl", "subprocess",
    "tempfile", "tomllib", "traceback", "unittest", "xml", "zipfile",
}  # fmt: skip
"""Of the standard library: what takes long, or does what a question does not need."""
DAEMON = {"memory_sync.daemon", *(f"memory_sync.daemon.{name}" for name in (
    "client", "lines", "peer", "protocol"))}  # fmt: skip
LAYERS = ("app", "engine", "ports", "vault", "sync")


def test_status_loads_no_more_than_click_json_and_socket(ada: Person) -> None:
    """Of others only click; of the slow modules none; of ours only what asks and shows."""
    ada.configure(QUICK)
    assert ada.init().status == 0
    with ada.daemon():
        code = (
            "import sys; before = set(sys.modules); from memory_sync.cli.main import main;"
            "status = main(['status']); print(*set(sys.modules) - before, file=sys.stderr);"
            "sys.exit(status)"
        )
        words = [sys.executable, "-c", code]
        done = subprocess.run(words, env=ada.env, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    tops = {name.partition(".")[0] for name in loaded}
    assert done.stdout.split(":")[0] in {"idle", "syncing"}
    assert tops - set(sys.stdlib_module_names) == OUTSIDE
    assert tops & SLOW == set()
    assert {name for name in loaded if name.startswith("memory_sync.daemon")} == DAEMON
    ours = {name.split(".")[1] for name in loaded if name.startswith("memory_sync.")}
    assert ours & set(LAYERS) == set()


def test_each_name_of_the_model_is_found_where_it_is_asked_for() -> None:
    """The model loads its modules by and by; no name is missing, and no other one is there."""
    assert {name for name in model.__all__ if not hasattr(model, name)} == set()
    with pytest.raises(AttributeError, match="nonsense"):
        model.nonsense  # noqa: B018 - looking is what is tested
