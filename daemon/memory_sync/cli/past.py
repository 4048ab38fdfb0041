"""Restoring from the vault's past: what will be done, the question, and what was done."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memory_sync.app.context import Context
from memory_sync.app.older import Back, Done, Plan, content_of, one_by_one, plan, write_back
from memory_sync.app.past import meanings, meant, open_past
from memory_sync.cli.ask import confirm, say
from memory_sync.cli.newfile import write_new
from memory_sync.cli.render import waiting
from memory_sync.cli.result import Line, Result, problem_of, worst
from memory_sync.cli.spans import read_span
from memory_sync.cli.words import TURNED, goes_on, many, moment, size
from memory_sync.config.settings import VaultSettings
from memory_sync.engine.history import Held, Past
from memory_sync.errors import (
    FileExistsHereError,
    FileUnwritableError,
    MemorySyncError,
    UsageError,
)
from memory_sync.model import Problem

SHORT = 12
NAMED = 10
"""Files that are named one by one."""
INTERRUPTED = Problem("interrupted", "Interrupted.", "", 130)


def read_when(text: str, now: float) -> float:
    """Read a time: a date, a date and time (of this machine's zone if it says none), or `3d` ago.

    Raises UsageError.
    """
    span = read_span(text)
    if span is not None:
        return now - span
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        detail = f"{text!r} is no time such as 2h, 3d, 2026-01-31 or 2026-01-31T13:45."
        raise UsageError(detail=detail, hint="memory-sync restore --help") from None


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
    limit = None if when is None else read_when(when, context.clock.now())
    found = meanings(context, vault, path, "restore")
    settings = found[0][0]
    with open_past(context, settings, begin=to is None) as past:
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
        return _back(settings, past, planned, data, words, yes=yes)


def _told(held: Held) -> dict[str, Any]:
    commit = held.point.commit
    when = datetime.fromtimestamp(commit.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"revision": commit.id, "time": when}


def _back(
    vault: VaultSettings, past: Past, planned: Plan, data: dict[str, Any], words: str, *, yes: bool
) -> Result:
    """Show, ask, and write into the root."""
    out = [{"path": path, "why": why} for path, why in sorted(planned.outside.items())]
    data = {**data, "files": [], "written": False, "not_synced": out}
    beside = _beside(planned, words)
    if not planned.back:
        rest = "What else there was" if planned.failed or planned.outside else "All of it"
        same = [Line(f"{rest} is just as it was at {_state(planned)}.")] if planned.same else []
        return _ended(data, [*same, *beside], planned.failed)
    if not yes:
        _show(planned)
        for line in beside:
            say(line.text)
    if not confirm("Restore it?", command=words, yes=yes):
        data["files"] = [_file(back, written=False) for back in planned.back]
        return Result(data, (Line("Nothing was changed."),))
    done = write_back(past, planned)
    data["files"] = [_file(back, written=back in done.written) for back in planned.back]
    data["written"] = bool(done.written)
    lines = []
    if done.written:
        count = _counted(len(done.written), len(planned.back) + len(planned.failed))
        lines.append(Line(f"{count} as at {_state(planned)}."))
        lines.append(Line(goes_on(vault, done.written[0].path)))
    return _ended(data, [*lines, *beside], planned.failed, done)


def _ended(
    data: dict[str, Any],
    lines: Sequence[Line],
    failed: Sequence[MemorySyncError],
    done: Done | None = None,
) -> Result:
    """Tell what was done, and all that was not."""
    errors = [problem_of(error) for error in (*failed, *(done.failed if done else ()))]
    status = worst(error.status for error in errors)
    if done and done.interrupted:
        errors, status = [*errors, INTERRUPTED], INTERRUPTED.status
    return Result(data, tuple(lines), tuple(errors), status)


def _counted(done: int, of: int) -> str:
    return many(done, "file") if done == of else f"{done} of {many(of, 'file')}"


def _beside(planned: Plan, words: str) -> list[Line]:
    """Say what of it is not synced here, and how to have it all the same."""
    if not planned.outside:
        return []
    count = many(len(planned.outside), "file")
    lines = [f"Not synced on this machine, and left as it is: {count}."]
    for path, why in sorted(planned.outside.items())[:NAMED]:
        lines.append(f"    {path}: {why}")
    if len(planned.outside) > NAMED:
        lines.append(f"    and {many(len(planned.outside) - NAMED, 'file')} more")
    lines.append(f"To have it elsewhere: memory-sync {words} --to FOLDER")
    return [Line(line) for line in lines]


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
    for error in planned.failed[:NAMED]:
        say(f"Not this: {error.message}")
    if len(planned.failed) > NAMED:
        say(f"Nor {many(len(planned.failed) - NAMED, 'file')} more.")
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
    """Write one file to a new file, or many into a new folder; what cannot be read is told."""
    other = f"memory-sync {words} --to {shlex.quote(f'{place}.new')}"
    places = _places(planned.back, place)

    def write(back: Back) -> None:
        if places[back.path] != place:
            _make_parents(place, places[back.path])
        write_new(places[back.path], content_of(past, back), other=other)

    try:
        if places and place not in places.values():
            _make_folder(place, other)
    except MemorySyncError as error:
        done = Done(failed=[error])
    else:
        done = one_by_one(planned.back, write)
    files = [
        {"path": back.path, "file": str(places[back.path]), "written": back in done.written}
        for back in planned.back
    ]
    lines = []
    if done.written:
        count = _counted(len(done.written), len(places) + len(planned.failed))
        lines.append(Line(f"{count} as at {_state(planned)} in {place}."))
    data = {**data, "files": files, "written": bool(done.written)}
    return _ended(data, lines, planned.failed, done)


def _places(backs: Sequence[Back], place: Path) -> dict[str, Path]:
    """Say where each file goes, by its path: a single one that was named to the place itself."""
    if len(backs) == 1 and backs[0].named:
        return {backs[0].path: place}
    return {back.path: place / back.path for back in backs}


def _make_folder(place: Path, other: str) -> None:
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        raise FileExistsHereError(path=place, hint=other) from None
    except OSError as error:
        raise FileUnwritableError(path=place, detail=error.strerror) from None


def _make_parents(top: Path, place: Path) -> None:
    """Make the folders of a file below a new folder, one by one: each of them is private."""
    folder = top
    for part in place.relative_to(top).parts[:-1]:
        folder /= part
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise FileUnwritableError(path=place, detail=error.strerror) from None
