"""Made-up homes of agents, and the ways in which agents save."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

from tests.cli.person import Person, Ran

HALF = "MEMORY.md.tmp.4711.0a1b2c3d"
"""What Claude Code leaves where it is killed while it saves."""


def moved_in(person: Person) -> Path:
    """Give a person a home folder of their own, and return it."""
    home = person.agent.parent / "me"
    home.mkdir()
    person.env["HOME"] = str(home)
    return home


def put(home: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for path, text in files.items():
        place = home / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def save(file: Path, text: str) -> None:
    """Save as Claude Code does: into a file beside, which is then renamed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.tmp.{os.getpid()}.{secrets.token_hex(4)}")
    fresh.write_text(text)
    fresh.rename(file)


def commit(folder: Path) -> None:
    """Commit all there is, as Codex does in its memories; a branch is called like a note."""
    git = ["git", "-c", "user.name=C", "-c", "user.email=c@localhost", "-C", str(folder)]
    if not (folder / ".git").exists():
        subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "generated"], check=True)
    subprocess.run([*git, "branch", "-f", "notes.md"], check=True)


def agents(person: Person, *names: str, more: tuple[str, ...] = ()) -> Ran:
    """Set up agents by name, from nowhere in particular."""
    given = [word for name in names for word in ("--agent", name)]
    words = ("--remote", person.remote, "--device", person.name, "--yes", "--json")
    return person.types("init", *given, *words, *more)


def below(folder: Path) -> dict[str, str]:
    """Return all files below a folder, but for markers and repositories."""
    return {
        place.relative_to(folder).as_posix(): place.read_text()
        for place in sorted(folder.rglob("*"))
        if place.is_file() and place.name != ".memory-sync" and ".git" not in place.parts
    }
