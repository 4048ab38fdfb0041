"""Real daemons as processes, over a vault in a folder."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.daemon.homes import DEBOUNCE, POLL, Home, edits_to_and_fro, wait

Pair = tuple[Home, Home]


def _commits(home: Home) -> int:
    words = ["git", "-C", str(home.top.parents[1] / "vault.git"), "rev-list", "--count", "HEAD"]
    return int(subprocess.run(words, capture_output=True, check=True).stdout)


def test_an_edit_is_on_the_other_device_within_debounce_poll_and_a_second(pair: Pair) -> None:
    """From a save here to the file there; the middle one of five, as machines stall."""
    for home in pair:
        home.start()
        home.idle()
    assert sorted(edits_to_and_fro(*pair))[2] < DEBOUNCE + POLL + 1.0


def test_deletes_and_concurrent_appends_travel(pair: Pair) -> None:
    """What people do with two machines, without a command."""
    one, two = pair
    one.write("memory/log.md", "start\n")
    one.write("memory/old.md", "old\n")
    for home in pair:
        home.start()
    wait(lambda: two.read("memory/old.md") and two.read("memory/log.md"), "both files are there")
    one.write("memory/log.md", "start\none\n")
    two.write("memory/log.md", "start\ntwo\n")
    (one.root / "memory/old.md").unlink()
    wait(lambda: two.read("memory/old.md") is None, "the delete is there")
    wait(lambda: one.read("memory/log.md") == two.read("memory/log.md"), "both are the same")
    text = one.read("memory/log.md") or ""
    assert sorted(text.splitlines()) == ["one", "start", "two"]


def test_i59_a_daemon_that_writes_a_remote_change_makes_no_commit(pair: Pair) -> None:
    """Both idle after an edit: one commit in all, and none while nothing happens."""
    one, two = pair
    for home in pair:
        home.start()
        home.idle()
    before = _commits(one)
    one.write("MEMORY.md", "# memory\nmore\n")
    wait(lambda: two.read("MEMORY.md") == "# memory\nmore\n", "the edit is there")
    time.sleep(2.0)
    assert _commits(one) == before + 1


def test_i61_changes_made_while_nothing_ran_are_found(pair: Pair) -> None:
    """An edit of the same size and with its old time, made before the start, travels."""
    one, two = pair
    one.start()
    one.idle()
    one.stop()
    place = one.root / "MEMORY.md"
    times = place.stat().st_atime_ns, place.stat().st_mtime_ns
    place.write_text("# mEmOrY\n")
    os.utime(place, ns=times)
    for home in pair:
        home.start()
    wait(lambda: two.read("MEMORY.md") == "# mEmOrY\n", "the edit is there")


def test_now_goes_through_the_daemon(pair: Pair) -> None:
    """The command asks the process that holds the vault, and gets its outcome."""
    one, two = pair
    one.configure(poll=3600, debounce=20, max_delay=30)
    one.start()
    one.idle()
    one.write("memory/new.md", "new\n")
    answer = one.json("now")
    assert answer["ok"]
    assert answer["data"]["vaults"][0]["up"] == ["memory/memory/new.md"]
    assert two.json("pull")["data"]["vaults"][0]["down"] == ["memory/memory/new.md"]


def test_i38_one_daemon_for_one_home(pair: Pair) -> None:
    """A second one says that one runs, with its process, and ends; a dead one's lock is free."""
    one, _ = pair
    one.start()
    text = one.run("daemon", status=8)
    assert one.daemon
    assert str(one.daemon.pid) in text
    one.stop(signal.SIGKILL)
    one.start()


def test_i72_sigterm_ends_it_cleanly_and_soon(pair: Pair) -> None:
    """Status 0, nothing on the terminal but the log, the socket gone, the end in the log."""
    one, _ = pair
    one.start()
    socket_path = one.top / "run" / "control.sock"
    assert stat.S_IMODE(socket_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket_path.parent.stat().st_mode) == 0o700
    began = time.monotonic()
    code, out = one.stop()
    assert (code, "Traceback" in out) == (0, False)
    assert time.monotonic() - began < 10
    assert not socket_path.exists()
    assert one.log()[-1]["event"] == "daemon.stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_closed_terminal_or_ctrl_c_ends_it_too(pair: Pair, number: int) -> None:
    """As cleanly as SIGTERM does."""
    one, _ = pair
    one.start()
    assert one.stop(number)[0] == 0
    assert one.log()[-1]["event"] == "daemon.stopped"


def test_nohup_keeps_it_running(pair: Pair) -> None:
    """A signal that it was started to ignore ends nothing."""
    one, _ = pair
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        one.start()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert one.daemon
    one.daemon.send_signal(signal.SIGHUP)
    time.sleep(1.5)
    assert one.status()["daemon"]["running"]


def test_a_changed_configuration_is_taken_up_and_a_broken_one_is_shown(
    pair: Pair, tmp_path: Path
) -> None:
    """Without a restart: a new root syncs; a broken file keeps the old in force and shows."""
    one, two = pair
    one.start()
    one.idle()
    config = one.top / "config.toml"
    good = config.read_text()
    config.write_text(good + "\n[[vault]\n")
    wait(lambda: one.status()["daemon"].get("config"), "the broken file shows")
    assert "config-broken" in json.dumps(one.status()["daemon"]["config"])
    one.write("memory/still.md", "works\n")
    wait(lambda: one.row()["pending"] == 0 and one.row()["state"] == "idle", "it goes on")
    config.write_text(good)
    wait(lambda: not one.status()["daemon"].get("config"), "the notice is gone")
    other = tmp_path / "other"
    (other / "memory").mkdir(parents=True)
    (other / "MEMORY.md").write_text("another root\n")
    one.run("init", str(other), "--remote", f"file://{tmp_path}/vault.git", "--name", "other",
            "--yes")  # fmt: skip
    wait(lambda: len(one.row()["roots"]) == 2 and one.row()["state"] == "idle", "it is served")
    there = tmp_path / "there"
    there.mkdir()
    two.run("init", str(there), "--remote", f"file://{tmp_path}/vault.git", "--name", "other",
            "--yes")  # fmt: skip
    assert (there / "MEMORY.md").read_text() == "another root\n"


def test_one_daemon_serves_several_vaults(tmp_path: Path) -> None:
    """One for each agent; one whose remote is gone shows so and delays no other."""
    home = Home(tmp_path, "one")
    home.write("MEMORY.md", "first\n")
    home.run("init", str(home.root), "--remote", f"file://{tmp_path}/a.git", "--yes")
    second = tmp_path / "second"
    second.mkdir()
    (second / "MEMORY.md").write_text("second\n")
    home.run("init", str(second), "--remote", f"file://{tmp_path}/b.git", "--yes")
    home.configure()
    try:
        home.start()
        home.idle()
        (tmp_path / "b.git").rename(tmp_path / "away.git")
        wait(lambda: {row["name"]: row["state"] for row in home.status()["vaults"]}
             == {"a": "idle", "b": "offline"}, "one is offline")  # fmt: skip
        home.write("MEMORY.md", "first, edited\n")
        wait(lambda: home.log()[-1]["event"] == "batch.up", "the other goes on")
        (tmp_path / "away.git").rename(tmp_path / "b.git")
        home.run("now")
        assert {row["state"] for row in home.status()["vaults"]} == {"idle"}
    finally:
        home.close()


def test_a_root_that_goes_and_comes_back_is_served_again(pair: Pair) -> None:
    """Unmounted and mounted again: a halt in between, no delete anywhere, then events again."""
    one, two = pair
    for home in pair:
        home.start()
        home.idle()
    away = one.root.rename(one.root.with_name("away"))
    wait(lambda: one.row()["state"] == "halted", "it halts")
    assert one.row()["reason"]["code"] == "root-gone"
    one.root.mkdir()
    wait(lambda: one.row()["reason"]["code"] == "marker-missing", "an empty mount point halts")
    assert two.read("MEMORY.md") == "# memory\n"
    shutil.rmtree(one.root)
    away.rename(one.root)
    one.idle()
    one.write("MEMORY.md", "back\n")
    wait(lambda: two.read("MEMORY.md") == "back\n", "it is served again")


def test_no_log_and_no_process_shows_memory_or_key(pair: Pair, tmp_path: Path) -> None:
    """Neither text, nor a file's name, nor the key is in the log or in a command line."""
    one, two = pair
    one.write("memory/secret-name.md", "a very secret sentence\n")
    for home in pair:
        home.start()
    wait(lambda: two.read("memory/secret-name.md"), "it is there")
    key = (tmp_path / "key.txt").read_text().split()[-1]
    logs = "".join((home.top / "logs" / "daemon.log").read_text() for home in pair)
    lines = "".join(
        Path(f"/proc/{home.daemon.pid}/cmdline").read_text() for home in pair if home.daemon
    )
    for word in ("a very secret", "secret-name", key, "AGE-SECRET"):
        assert word not in logs + lines
    assert "batch.up" in logs


def test_the_socket_answers_only_what_it_knows(pair: Pair) -> None:
    """Garbage, giant lines and unknown methods get an answer, and the daemon stays well."""
    one, _ = pair
    one.start()
    path = str(one.top / "run" / "control.sock")
    for line, answer in (
        (b"garbage\n", "this is no JSON"),
        (b"[]\n", "no JSON-RPC"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "format-disk"}\n', "unknown method"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "sync", "params": []}\n', "by name"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "sync", "params": {"up": 5}}\n', "wrong"),
        (b'{"jsonrpc":"2.0","id":1,"method":"sync","params":{"vaults":["x"]}}\n', "no vault"),
        (b"x" * 70_000 + b"\n", "too long"),
        (b"[" * 60_000 + b"\n", "no JSON"),
    ):  # fmt: skip
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(5)
            peer.connect(path)
            peer.sendall(line)
            assert answer in peer.recv(10_000).decode()
    crowd = []
    for _ in range(40):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        crowd.append(peer)
    for peer in crowd:
        peer.close()
    wait(lambda: one.status()["daemon"]["version"], "it answers again")
