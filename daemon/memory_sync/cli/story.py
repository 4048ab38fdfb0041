"""The demo's story: one memory on two machines, and what lies in the vault between them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from memory_sync.cli.machines import Machine, until
from memory_sync.cli.words import many, size
from memory_sync.errors import MemorySyncError
from memory_sync.ports.folder import FolderRemote

VAULT = "vault"
MEMORY = "MEMORY.md"
SECRET = "The spare key lies under the third flower pot."  # noqa: S105 - a sentence to look for
FIRST = f"# Memory\n\n- Prefers tea.\n- {SECRET}\n"
OLD = "memory/2026-01-01.md"


class Story:
    """What happens on the two machines, told as it happens."""

    def __init__(self, laptop: Machine, desktop: Machine, top: Path) -> None:
        self._laptop = laptop
        self._desktop = desktop
        self._top = top
        self._remote = f"file://{top}/{VAULT}.git"
        self._today = f"memory/{datetime.now(UTC):%Y-%m-%d}.md"
        self._began = time.monotonic()

    def tell(self) -> None:
        """Run it from the beginning to the end. Raises MemorySyncError where something fails."""
        print("One memory, two machines. Each runs the real memory-sync with a home of its own;")
        print(f"the vault between them is a git repository: {self._remote}")
        print()
        self._set_up()
        self._travel()
        self._at_once()
        print()
        self._look_into_the_vault()

    def _say(self, who: str, what: str) -> None:
        print(f"{time.monotonic() - self._began:5.1f} s  {who:19}  {what}", flush=True)

    def _set_up(self) -> None:
        laptop, desktop = self._laptop, self._desktop
        laptop.write(MEMORY, FIRST)
        laptop.write(OLD, "# 1 January\n\n- Learned to sync.\n")
        laptop.write(self._today, "# Today\n")
        desktop.write("memory/desktop.md", "# Desktop\n\n- Has the big screen.\n")
        made = laptop.command(*self._init(laptop))
        self._say("laptop", f"init: {many(made['files'], 'file')} encrypted into a new vault")
        key = str(self._top / "key.txt")
        laptop.command("export-key", key)
        desktop.command("import-key", key)
        self._say("laptop > desktop", "export-key, import-key: the key goes by hand, never by git")
        joined = desktop.command(*self._init(desktop))["comparison"]
        found = f"{joined['only_here']} only here, {joined['only_there']} only there"
        self._say("desktop", f"init: joins the vault ({found})")
        laptop.start()
        desktop.start()
        until("both daemons run", lambda: laptop.is_idle() and desktop.is_idle())
        self._say("laptop, desktop", f"daemon: processes {laptop.pid} and {desktop.pid}")

    def _init(self, machine: Machine) -> tuple[str, ...]:
        named = ("--remote", self._remote, "--device", machine.name, "--yes")
        return ("init", str(machine.agent), *named)

    def _travel(self) -> None:
        """Let an append, a new file and a delete travel."""
        laptop, desktop = self._laptop, self._desktop
        until("what only desktop had", lambda: bool(laptop.read("memory/desktop.md")))
        self._say("desktop > laptop", "memory/desktop.md came with the joining")
        line = "- Met Ada; she wants the report on Friday."
        laptop.append(self._today, f"{line}\n")
        took = until("an append", lambda: line in desktop.read(self._today))
        self._say("laptop > desktop", f"{self._today}: a line was appended ({took:.1f} s)")
        desktop.write("memory/people/ada.md", "# Ada\n\n- Likes short reports.\n")
        took = until("a new file", lambda: "short" in laptop.read("memory/people/ada.md"))
        self._say("desktop > laptop", f"memory/people/ada.md: a new file ({took:.1f} s)")
        (laptop.agent / OLD).unlink()
        took = until("a delete", lambda: not (desktop.agent / OLD).exists())
        self._say("laptop > desktop", f"{OLD}: deleted ({took:.1f} s)")

    def _at_once(self) -> None:
        """Let both machines write at the same time: first a merge, then a conflict."""
        both = (self._laptop, self._desktop)
        lines = [f"- Written on the {machine.name} at the same moment." for machine in both]
        for machine, line in zip(both, lines, strict=True):
            machine.append(self._today, f"{line}\n")
        took = until(
            "a merge",
            lambda: all(line in machine.read(self._today) for line in lines for machine in both),
        )
        self._say("laptop + desktop", f"{self._today}: both append, both lines kept ({took:.1f} s)")
        drinks = {"laptop": "Prefers coffee.", "desktop": "Prefers water."}
        for machine in both:
            machine.write(MEMORY, FIRST.replace("Prefers tea.", drinks[machine.name]))
        took = until("a conflict copy", lambda: all(map(self._has_conflict, both)))
        until("one content", lambda: self._laptop.read(MEMORY) == self._desktop.read(MEMORY))
        live = self._laptop.read(MEMORY)
        kept = next((name for name, drink in drinks.items() if drink in live), "")
        copy = self._laptop.conflicts(VAULT)[0]
        lost = next((name for name, drink in drinks.items() if drink in copy.read_text()), "")
        if {kept, lost} != set(drinks):
            raise MemorySyncError(detail="one side of a conflict was lost")
        self._say("laptop + desktop", f"{MEMORY}: both change one line: a conflict ({took:.1f} s)")
        self._say("", f"{kept}'s stays in the file, {lost}'s is kept in .conflicts on both")

    def _has_conflict(self, machine: Machine) -> bool:
        return len(machine.conflicts(VAULT)) == 1

    def _look_into_the_vault(self) -> None:
        """Show what somebody without the key sees, and that no sentence of the memory is in it."""
        remote = FolderRemote(self._remote)
        head = remote.head() or ""
        commits = list(remote.history(head))
        listing = remote.listing(commits[0])
        names = sorted(listing)
        print(
            f"In the vault: {many(len(commits), 'commit')}, {many(len(names), 'file')} at its head"
        )
        for name in names:
            print(f"    {name}")
        objects = {entry.id for commit in commits for entry in remote.listing(commit).values()}
        contents = dict(remote.blobs(objects))
        sealed = next(name for name in names if name.endswith(".age"))
        sample = contents[listing[sealed].id]
        print(f"{sealed} ({size(len(sample))}) begins:")
        for line in sample.decode("ascii", "replace").splitlines()[:2]:
            print(f"    {line}")
        texts = [*contents.values(), *(f"{commit.message}".encode() for commit in commits)]
        found = sum(SECRET.encode() in text for text in (*texts, *map(str.encode, names)))
        print(f"Searched {len(contents)} objects of all commits for a sentence of the memory:")
        print(f"    {SECRET!r}: {'found' if found else 'not found'}")
        if found:
            raise MemorySyncError(detail="a sentence of the memory lies readable in the vault")
