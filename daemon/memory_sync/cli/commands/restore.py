"""`memory-sync restore`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memory_sync.cli.options import FILES, example, json_option, vault_option, yes_option
from memory_sync.cli.result import Line, Result

if TYPE_CHECKING:
    from memory_sync.app.context import Context
    from memory_sync.app.restore import Found

REVISION = re.compile(r"head|[0-9a-f]{4,40}", re.IGNORECASE)


@click.command(
    "restore",
    epilog=example(
        "memory-sync restore --list",
        "memory-sync restore memory/MEMORY.md",
        "memory-sync restore memory/MEMORY.md --time 3d",
    ),
)
@click.argument("path", required=False, shell_complete=FILES)
@vault_option
@click.option("--list", "listing", is_flag=True, help="Show what there is; of PATH, if given.")
@click.option(
    "--at",
    metavar="REV",
    help="From the vault, as it was at a revision that `history` shows. A time, as --list has it:"
    " from the trash, the newest that had come by then.",
)
@click.option(
    "--time",
    "when",
    metavar="WHEN",
    help="From the vault, as it was then: a date, a date and time, or 2h, 3d ago.",
)
@click.option(
    "--to",
    metavar="FILE",
    help="Write it to this new file (new folder) instead.",
    shell_complete=FILES,
)
@yes_option
@json_option
def command(
    path: str | None,
    *,
    vault: str | None,
    listing: bool,
    at: str | None,
    when: str | None,
    to: str | None,
    yes: bool,
) -> Result:
    """Bring back what a sync replaced or removed, or an older state.

    PATH is a file as the vault names it, <root>/<path>, or a file in a synced folder. It comes from
    this device's trash, the newest, which needs no network. With --at REV or --time it comes from
    the vault, and PATH can be a folder or a root too; what has come since stays. What is in its
    place now goes to the trash first, so that this can be undone. The next sync sends it. What this
    machine does not sync comes back only with --to.
    """
    from memory_sync.app.context import load_context
    from memory_sync.app.restore import find, list_trash
    from memory_sync.errors import UsageError

    for option, value in (("--at", at), ("--time", when), ("--to", to)):
        if value == "":
            raise UsageError(detail=f"{option} says nothing.", hint="memory-sync restore --help")
    revision = at if at and _is_revision(at) else None
    moment = _moment(at) if at and not revision else None
    if when and (at or listing):
        raise UsageError(detail="--time goes with neither --at nor --list.")
    context = load_context(os.environ)
    if listing:
        if at or to:
            raise UsageError(detail="--list takes neither --at nor --to.")
        return _listed(list_trash(context, vault, path), several=len(context.vaults(vault)) > 1)
    if path is None:
        raise UsageError(detail="Which file? --list shows what there is.", hint=LIST)
    if revision or when:
        from memory_sync.cli.past import restore

        return restore(context, vault, path, revision=revision, when=when, to=to, yes=yes)
    found = find(context, vault, path, moment)
    if to:
        return _write_elsewhere(found, to)
    return _write_back(context, found, yes=yes)


LIST = "memory-sync restore --list"


def _is_revision(text: str) -> bool:
    """Tell a revision from a time; what can be both, as 20260131, is a time."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return bool(REVISION.fullmatch(text))
    return False


def _moment(text: str) -> float:
    """Read a time: of this machine's time zone unless it says another."""
    from memory_sync.errors import UsageError

    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        detail = f"{text!r} is no time such as 2026-01-31 13:45:00."
        raise UsageError(detail=detail, hint="memory-sync restore --help") from None


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _data(found: Found) -> dict[str, Any]:
    return {
        "vault": found.vault.name,
        "path": found.path,
        "came": datetime.fromtimestamp(found.item.came, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "size": found.item.seen.st_size,
    }


def _listed(found: Sequence[Found], *, several: bool) -> Result:
    from memory_sync.cli.words import columns, size

    rows = [
        [_shown(one.item.came), size(one.item.seen.st_size), one.path]
        + ([one.vault.name] if several else [])
        for one in found
    ]
    head = ["CAME", "SIZE", "PATH", "VAULT"]
    lines = columns([head[: 4 if several else 3], *rows]) if rows else ["Nothing is in the trash."]
    return Result({"files": [_data(one) for one in found]}, tuple(map(Line, lines)))


def _write_elsewhere(found: Found, to: str) -> Result:
    from memory_sync.cli.newfile import write_new

    place = Path(os.path.abspath(os.path.expanduser(to)))
    other = f"memory-sync restore {shlex.quote(found.path)} --to {shlex.quote(f'{place}.new')}"
    write_new(place, found.content(), other=other)
    data = {**_data(found), "file": str(place), "written": True}
    return Result(data, (Line(f"{found.path} of {_shown(found.item.came)} lies in {place}."),))


def _write_back(context: Context, found: Found, *, yes: bool) -> Result:
    """Show what will be written where, ask, and write it."""
    from memory_sync.app.restore import target
    from memory_sync.cli.ask import confirm, say
    from memory_sync.cli.words import goes_on, size

    aim, content = target(context, found), found.content()
    data = {**_data(found), "file": str(aim.place)}
    if aim.present and aim.present[0] == content:
        text = f"{aim.place} is just as it was at {_shown(found.item.came)}."
        return Result({**data, "written": False}, (Line(text),))
    if not yes:
        say(f"{found.path} as it was until {_shown(found.item.came)}, {size(len(content))},")
        say(f"will be written to {aim.place}.")
        if aim.present:
            say(f"What is there now ({size(len(aim.present[0]))}) goes to the trash.")
    words = ["restore", found.path, "--at", _data(found)["came"], "--vault", found.vault.name]
    if not confirm("Restore it?", command=shlex.join(words), yes=yes):
        return Result({**data, "written": False}, (Line("Nothing was changed."),))
    mode = aim.present[1] if aim.present else found.item.seen.st_mode
    aim.write(content, mode & 0o777)
    lines = (
        Line(f"{aim.place} is as it was until {_shown(found.item.came)}."),
        Line(goes_on(found.vault, found.path)),
    )
    return Result({**data, "written": True}, lines)
