"""What `memory-sync status` loads while a daemon answers it: next to nothing."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from memory_sync import model
from memory_sync.cli import looking
from tests.cli.person import QUICK, Person

OUTSIDE = {"memory_sync"}
SLOW = {
    "asyncio", "concurrent", "dataclasses", "decimal", "email", "hashlib", "hmac", "http",
    "inspect", "logging", "multiprocessing", "random", "secrets", "shutil", "sqlite3", "ssl",
    "subprocess", "tempfile", "tomllib", "traceback", "unittest", "xml", "zipfile",
}  # fmt: skip
"""Of the standard library: what takes long, or does what a question does not need."""
DAEMON = {"memory_sync.daemon", *(f"memory_sync.daemon.{name}" for name in (
    "client", "lines", "peer", "protocol"))}  # fmt: skip
LAYERS = ("app", "engine", "ports", "vault", "sync")


def test_status_loads_no_more_than_json_and_socket(ada: Person) -> None:
    """Nothing of others; of the slow modules none; of ours only what asks and shows."""
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


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "--json"),
        ("status", "--exit-code", "--json"),
        ("status", "--vault", "vault", "--exit-code"),
        ("status", "--json", "--vault", "nobody"),
    ],
)
def test_the_quick_way_answers_what_the_other_one_does(
    ada: Person, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where click reads the words, the same is said, with the same status."""
    ada.init()
    quick = ada.types(*words)
    monkeypatch.setattr(looking, "quick", lambda _: None)
    slow = ada.types(*words)
    assert (slow.status, slow.err) == (quick.status, quick.err)
    assert re.sub(r"\d+ (s|min) ago", "", slow.out) == re.sub(r"\d+ (s|min) ago", "", quick.out)


@pytest.mark.parametrize(
    "words",
    [("status", "--help"), ("status", "--vault"), ("status", "more"), ("--version", "status")],
)
def test_the_quick_way_leaves_to_click_what_is_unusual(words: tuple[str, ...]) -> None:
    """Help, mistakes and what else there is are read in one place."""
    assert looking.quick(words) is None
