"""Restoring from the vault's past: what will be done, the question, and what was done."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memory_sync.app.context import Context
from memory_sync.app.past import (
    Back,
    Plan,
    content_of,
    meanings,
    meant,
    open_past,
    plan,
    write_back,
)
from memory_sync.cli.ask import confirm, say
from memory_sync.cli.newfile import write_new
from memory_sync.cli.render import waiting
from memory_sync.cli.result import Line, Result, problem_of, worst
from memory_sync.cli.spans import read_span
from memory_sync.cli.words import TURNED, many, moment, size
from memory_sync.engine.history import Held, Past
from memory_sync.errors import FileExistsHereError, FileUnwritableError, UsageError

SHORT = 12
NAMED = 10
"""Files that are named one by one."""


def read_when(text: str, now: float) -> float:
    """Read a time: a date, a date and time (of this machine's zone if it says none), or `3d` ago.

    Raises UsageError.
    """
    if span := read_span(text):
        return now - span
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        detail = f"{text!r} is no time such as 2h, 3d, 2026-01-31 or 2026-01-31T13:45."
        raise UsageError(detail=detail) from None


def restore(
    context: Context,
    vault: str | None,
    path: str,
    *,
    revision: str | None,
    when: str | None,
    to: str | None,
    yes: bool,
) -> Result:
    """Show what an older state has of a path, ask, and bring it back."""
    limit = read_when(when, context.clock.now()) if when else None
    found = meanings(context, vault, path, "restore")
    settings = found[0][0]
    with open_past(context, settings) as past:
        if past.turned:
            say(TURNED)
        with waiting("Reading the history"):
            held = past.revision(revision) if revision else past.by_time(limit or 0, f"{when}")
            paths = [one for owner, one in found if owner is settings]
            first = meant(past, settings, found)
            paths.sort(key=lambda one: one != first)
            planned = plan(context, settings, past, held, paths, live=to is None)
        data = {"vault": settings.name, **_told(held)}
        at = held.point.commit.id[:SHORT]
        words = shlex.join(["restore", path, "--at", at, "--vault", settings.name])
        if to is not None:
            place = Path(os.path.abspath(os.path.expanduser(to)))
            return _elsewhere(past, planned, place, data, words)
        return _back(past, planned, data, words, yes=yes)


def _told(held: Held) -> dict[str, Any]:
    commit = held.point.commit
    when = datetime.fromtimestamp(commit.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"revision": commit.id, "time": when}


def _back(past: Past, planned: Plan, data: dict[str, Any], words: str, *, yes: bool) -> Result:
    """Show, ask, and write into the roots."""
    state = _state(planned)
    if not planned.back:
        text = f"All of it is just as it was at {state}."
        return Result({**data, "files": [], "written": False}, (Line(text),))
    if not yes:
        _show(planned)
    if not confirm("Restore it?", command=words, yes=yes):
        files = [_file(back, written=False) for back in planned.back]
        data = {**data, "files": files, "written": False}
        return Result(data, (Line("Nothing was changed."),))
    done, failed = write_back(past, planned)
    errors = tuple(map(problem_of, failed))
    files = [_file(back, written=back in done) for back in planned.back]
    data = {**data, "files": files, "written": bool(done)}
    lines = [Line(f"{many(len(done), 'file')} as at {state}.")]
    if done:
        lines.append(Line("A daemon that runs sends it by itself; without one: memory-sync now."))
    return Result(data, tuple(lines), errors, worst(error.status for error in errors))


def _state(planned: Plan) -> str:
    commit = planned.held.point.commit
    return f"{commit.id[:SHORT]} ({moment(commit.time)})"


def _show(planned: Plan) -> None:
    say(f"As at {_state(planned)}, this will be written:")
    for back in planned.back[:NAMED]:
        now = f", now {size(back.size_now)}" if back.size_now is not None else ", is not there now"
        say(f"    {back.place} ({size(back.size)}{now})")
    if len(planned.back) > NAMED:
        say(f"    and {many(len(planned.back) - NAMED, 'file')} more")
    if any(back.size_now is not None for back in planned.back):
        say("What is there now goes to the trash.")
    if planned.later:
        say(f"What has come since stays as it is: {many(len(planned.later), 'file')}.")


def _file(back: Back, *, written: bool) -> dict[str, Any]:
    return {
        "path": back.path,
        "file": back.place,
        "size": back.size,
        "size_now": back.size_now,
        "written": written,
    }


def _elsewhere(past: Past, planned: Plan, place: Path, data: dict[str, Any], words: str) -> Result:
    """Write one file to a new file, or many into a new folder."""
    other = f"memory-sync {words} --to {shlex.quote(f'{place}.new')}"
    places = _places(planned.back, place)
    if places[0][1] != place:
        _make_folder(place, other)
    for back, there in places:
        if there != place:
            _make_parents(there)
        write_new(there, content_of(past, back), other=other)
    files = [{"path": back.path, "file": str(there), "written": True} for back, there in places]
    text = f"{many(len(places), 'file')} as at {_state(planned)} in {place}."
    return Result({**data, "files": files, "written": True}, (Line(text),))


def _places(backs: Sequence[Back], place: Path) -> list[tuple[Back, Path]]:
    """Say where each file goes: a single one that was named to the place itself."""
    if len(backs) == 1 and backs[0].named:
        return [(backs[0], place)]
    return [(back, place / back.path) for back in backs]


def _make_folder(place: Path, other: str) -> None:
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        raise FileExistsHereError(path=place, hint=other) from None
    except OSError as error:
        raise FileUnwritableError(path=place, detail=error.strerror) from None


def _make_parents(place: Path) -> None:
    """Make the folders of a file in a new folder, one by one: each of them is private."""
    for folder in reversed(place.parents):
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise FileUnwritableError(path=place, detail=error.strerror) from None
