"""What must hold after a round, judged from outside the engine: disk, git, age, SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.reader import age, read_vault
from tests.torture.history import History, fsck, numbers, read_history
from tests.torture.ledger import LOGS, Ledger
from tests.torture.machines import VAULT, Machine, Vault


@dataclass(frozen=True)
class Found:
    """All that lies about after a round, read once."""

    ledger: Ledger
    files: dict[str, dict[str, bytes]]
    """By device the files of its root."""
    copies: dict[str, dict[str, bytes]]
    """By device its conflict copies, by the path that they are copies of and their own name."""
    trashed: dict[str, list[bytes]]
    history: History

    @property
    def lines(self) -> dict[str, set[bytes]]:
        """By device the lines of all files and conflict copies."""
        return {
            device: _lines([*files.values(), *self.copies[device].values()])
            for device, files in self.files.items()
        }


def _lines(contents: list[bytes]) -> set[bytes]:
    return {line for content in contents for line in content.split(b"\n")}


def judge(
    machines: list[Machine], vault: Vault, ledger: Ledger, heads: list[str]
) -> tuple[list[str], History]:
    """Return everything that is wrong, and the history that was read for it."""
    key = machines[0].top.parent / "key.txt"
    secret = key.read_text().split()[-1]
    found = Found(
        ledger,
        {machine.name: machine.files() for machine in machines},
        {machine.name: machine.copies() for machine in machines},
        {machine.name: machine.trashed() for machine in machines},
        read_history(vault.repository, secret, key),
    )
    wrong = [*ledger.wrong, *same(found), *whole(found), *lost(found)]
    wrong += chain(found.history, vault.repository, secret, heads)
    wrong += vault_is_sound(found, vault.repository, secret, key)
    for machine in machines:
        wrong += machine_is_sound(machine)
    return wrong, found.history


def same(found: Found) -> list[str]:
    """Look for files and conflict copies that are not the same on all devices."""
    wrong: list[str] = []
    for trees in (found.files, found.copies):
        first, *others = trees.items()
        for name, tree in others:
            differ = {path for path in tree | first[1] if tree.get(path) != first[1].get(path)}
            wrong += [f"{path} differs between {first[0]} and {name}" for path in sorted(differ)]
    return wrong


def whole(found: Found) -> list[str]:
    """Look for files that are not, byte by byte, what somebody wrote."""
    wrong: list[str] = []
    for device, files in found.files.items():
        for path, content in files.items():
            doubt = found.ledger.doubt(path, content, live=False)
            if doubt:
                wrong.append(f"at the end {path} on {device}: {doubt}")
            if path in LOGS:
                lines = content.split(b"\n")
                twice = {line for line in lines if lines.count(line) > 1}
                wrong += [f"twice in {path} on {device}: {line[:20]!r}" for line in twice]
    for device, copies in found.copies.items():
        for path, content in copies.items():
            doubt = found.ledger.doubt(original(path), content, live=False)
            if doubt:
                wrong.append(f"at the end the conflict copy {path} on {device}: {doubt}")
    return wrong


def original(copy: str) -> str:
    """Return the path in the root that a conflict copy is named after."""
    return copy.partition("/")[2].rpartition("/")[0]


def lost(found: Found) -> list[str]:
    """Look for what an agent wrote and its own device did not take away."""
    wrong: list[str] = []
    ledger, lines = found.ledger, found.lines
    everywhere = set.intersection(*lines.values())
    ever = _lines(found.history.contents())
    for line, (device, path) in ledger.appended.items():
        if line not in everywhere:
            wrong.append(f"lost: {line[:20]!r}, appended to {path} by {device}")
    for line, device in ledger.raced.items():
        if line not in everywhere and line not in _lines(found.trashed[device]):
            wrong.append(f"lost: {line[:20]!r}, appended by {device} to a file just replaced")
    for line, device in ledger.pooled.items():
        if line not in everywhere and line not in ever:
            wrong.append(f"lost: {line[:20]!r}, put into the pool by {device}")
    for path, digest in ledger.own.current.items():
        content = ledger.own.versions[path][digest]
        for device, files in found.files.items():
            if files.get(path) != content and content not in found.copies[device].values():
                wrong.append(f"lost: the last version of {path}, on {device}")
    return wrong


def demoted(found_files: dict[str, bytes], ledger: Ledger) -> list[str]:
    """Name the files whose only writer finds an older version of them in their place."""
    own = ledger.own
    return [
        path
        for path, digest in own.current.items()
        if found_files.get(path) != own.versions[path][digest]
    ]


def chain(history: History, repository: Path, secret: str, heads: list[str]) -> list[str]:
    """Look for commits that were seen and are gone, for gaps, and for what was sent twice."""
    wrong = history.repeated()
    known = {commit.id for commit in history.commits}
    wrong += [f"commit {head[:8]} was the head and is gone" for head in heads if head not in known]
    found = numbers(history, repository, secret)
    if found != list(range(1, len(found) + 1)):
        wrong.append(f"the seals are numbered {found}")
    complaint = fsck(repository)
    return [*wrong, f"git fsck: {complaint}"] if complaint else wrong


def vault_is_sound(found: Found, repository: Path, secret: str, key: Path) -> list[str]:
    """Let the second reader look for faults, and for what is not as on the disks."""
    vault = read_vault(repository, secret, key)
    there = {path: file.content for path, file in vault.files.items()}
    device, files = next(iter(found.files.items()))
    here = {f"memory/{path}": content for path, content in files.items()}
    here |= {f".conflicts/{path}": content for path, content in found.copies[device].items()}
    differ = sorted(path for path in here | there if here.get(path) != there.get(path))
    return [f"{path} is not in the vault as on {device}" for path in differ]


def machine_is_sound(machine: Machine) -> list[str]:
    """Look for damage in the state, the keys, the log and the output of one machine."""
    wrong = [f"left on {machine.name}: {name}" for name in leftovers(machine)]
    with closing(sqlite3.connect(machine.state / "state.db")) as database:
        answer = database.execute("PRAGMA integrity_check").fetchone()[0]
    if answer != "ok":
        wrong.append(f"the state of {machine.name}: {answer}")
    names = [place.stem for place in (machine.top / "keys").glob("age1*.txt")]
    texts = [place.read_text() for place in (machine.top / "keys").glob("age1*.txt")]
    if len(names) != 1 or names != [age.recipient_of(text.split()[-1]) for text in texts]:
        wrong.append(f"the keys of {machine.name}: {names}")
    if not (machine.top / "keys" / f"{VAULT}.trust.json").exists():
        wrong.append(f"{machine.name} has forgotten whom it trusts")
    bad = (event for event in machine.events() if event.get("level") == "error")
    wrong += [f"in the log of {machine.name}: {event}" for event in bad]
    output = machine.output.read_text()
    if "Traceback" in output:
        wrong.append(f"printed on {machine.name}: {output[-2000:]}")
    return wrong


def leftovers(machine: Machine) -> list[str]:
    """Name the temporary files beside memory files, and databases that were set aside."""
    beside = [place.name for place in machine.root.rglob("*.tmp*")]
    return beside + [place.name for place in machine.state.glob("*.corrupt-*")]
