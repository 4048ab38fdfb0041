"""Projects of a person, and what Claude Code keeps of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from memory_sync.config.origins import normalised, root_name
from memory_sync.ports.projects import encoded
from tests.cli.person import Person

ORIGIN = "git@github.com:Ada/Widget.git"
WIDGET = root_name("claude-code", normalised(ORIGIN) or "")


def kept(top: Path) -> Path:
    """Return the folder in which the agent keeps something of each project."""
    return top / ".claude" / "projects"


def memory_of(top: Path, project: Path) -> Path:
    """Return where the agent keeps a project's memory; nothing is made."""
    return kept(top) / encoded(str(project)) / "memory"


def make_project(project: Path, origin: str | None = ORIGIN) -> Path:
    """Make a project, in a git repository if it has an origin."""
    project.mkdir(parents=True, exist_ok=True)
    if origin is not None:
        (project / ".git").mkdir(exist_ok=True)
        (project / ".git" / "config").write_text(f'[remote "origin"]\n\turl = {origin}\n')
    return project


def remember(top: Path, project: Path, **files: str) -> Path:
    """Let the agent write into a project's memory, as it does; return the memory's folder."""
    memory = memory_of(top, project)
    memory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        fresh = memory / f"{name}.md.tmp.1.abc"
        fresh.write_text(text)
        fresh.rename(memory / f"{name}.md")
    return memory


def settings(top: Path) -> str:
    """Return what the configuration says of a person's projects."""
    return f"\n[[vault.projects]]\npath = {json.dumps(str(kept(top)))}\n"


def top(person: Person) -> Path:
    """Return the folder of all that is a person's."""
    return person.home.parent


def listed(person: Person) -> dict[str, Any]:
    """Return what `roots` says."""
    ran = person.types("roots", "--json")
    assert ran.status == 0, ran
    data: dict[str, Any] = ran.answer["data"]
    return data


def reasons(person: Person) -> dict[str, str]:
    """Return why the projects are not synced, by the last part of their folders."""
    return {row["folder"].rpartition("-")[2]: row["reason"] for row in listed(person)["projects"]}


def syncs(*people: Person) -> None:
    """Let each sync."""
    for person in people:
        ran = person.types("now")
        assert ran.status == 0, ran
