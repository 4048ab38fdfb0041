"""What is held of each row's record."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from tests.answers.place import DEVICES, LOG, POLL
from tests.answers.row import Said
from tests.answers.stage import Record, Shown

REFUSED = (403, 429, 503)
UNDER_WAY = 0.5
"""Seconds in which a request of another vault may still come that had been sent already."""


def code_of(row: dict[str, Any]) -> str:
    """Return the code of a sync that failed, "" for one that did not."""
    return str(row["error"]["code"]) if "error" in row else ""


def allowed(record: Record) -> set[str]:
    """Return the codes that may be seen of a row."""
    row = record.row
    later = {row.later.code} if row.later else set()
    passes = {""} if row.passing or row.quiet else set()
    return {row.said.code, *row.maybe, *later} | passes


def first_said(record: Record) -> Shown:
    """Return what the daemon said when it first said what it should."""
    said = [s for s in record.said if s.code == record.row.said.code and s.state != "syncing"]
    assert said, f"it was never said; seen: { {(s.state, s.code) for s in record.said} }"
    return said[0]


def says(record: Record) -> None:
    """Check what the daemon says of it, and when the next try is."""
    row = record.row
    assert {shown.code for shown in record.said} <= allowed(record) | {""}
    first = first_said(record)
    assert first.state == row.said.state
    assert row.words in first.message
    if row.silence and not row.token_of:
        next_try = first.when + first.next - _refused(record)
        assert row.silence - 1.5 <= next_try <= row.next.most + UNDER_WAY
    else:
        assert row.next.least <= first.next <= row.next.most
    status = record.status
    assert status["next_poll"] > 0
    if not row.passing and not row.brief and not row.later:
        assert status["state"] in {row.said.state, "syncing"}
        _hints(record, row.said, status["reason"])
    if row.later:
        assert record.late["state"] in {row.later.state, "syncing"}
        _hints(record, row.later, record.late["reason"])


def _hints(record: Record, said: Said, reason: dict[str, Any]) -> None:
    assert reason["code"] == said.code
    hint = said.hint.format(remote=record.place.remote, commit="")
    assert reason["hint"].startswith(hint)


def answers(record: Record) -> None:
    """Check how the commands end: a process of its own, and one that asks the daemon."""
    row, typed = record.row, record.typed
    codes = [error["code"] for error in typed.errors]
    if row.quiet:
        assert typed.status == 0 or codes[0] in row.maybe
    else:
        assert (codes, typed.status) == ([row.said.code], row.said.status)
        assert row.words in typed.errors[0]["message"]
        _hints(record, row.said, typed.errors[0])
    assert code_of(record.asked) in allowed(record)
    if row.brief:
        return
    well = {""} if row.pulls or row.quiet else allowed(record)
    assert code_of(record.pulled) in well | set(row.maybe)
    assert code_of(record.pushed) in allowed(record)


def goes_on(record: Record) -> None:
    """Check that it went on, by itself or with the command that was named."""
    row = record.row
    assert record.arrived or not (row.quiet or row.passing or row.pulls or row.seen_first)
    assert all(ran.status == 0 for ran in record.mended)
    assert bool(record.mended) == bool(row.mend)
    assert record.went_on, f"not within {record.expected:.0f} s and some; {record.shown[-1]}"
    assert not any(map(code_of, record.after.values())), record.after


def nothing_lost(record: Record) -> None:
    """Check that every edit is on every machine, once, and that nothing else has come of it."""
    one, two, three = (record.files[device] for device in DEVICES)
    assert one == two == three
    lines = sorted(one[LOG].splitlines())
    assert lines == sorted(["# log", *(f"- {device} was here" for device in DEVICES)])
    for device in DEVICES:
        assert one[f"memory/{device}.md"] == f"from {device}\n"
    assert one["MEMORY.md"] == "# memory\n"
    assert not any(record.conflicts)
    trees = [tree for _, tree in record.commits]
    assert all(new != old for new, old in pairwise(trees))


def is_patient(record: Record) -> None:
    """Check that few requests were sent, and none for as long as GitHub asked."""
    row = record.row
    times = [when for when in record.place.asked_by("one", record.began) if when <= record.ended]
    seconds = record.ended - record.began
    most = row.each * (row.next.tries(seconds) + 1)
    if row.quiet or row.passing:
        most = 6 * row.each + 1.3 * seconds / POLL
    assert len(times) <= most, (len(times), most)
    if row.silence:
        refused = _refused(record)
        early = [
            when - refused
            for when in times
            if refused + UNDER_WAY < when < refused + row.silence - 1.5
        ]
        assert not early


def _refused(record: Record) -> float:
    """Return when the daemon was first told to wait."""
    for when, done in record.place.hub.times:
        mine = done.token_login == "one" and when >= record.began
        if mine and (done.status in REFUSED or done.kind == "mutation"):
            return when
    raise AssertionError("it was never told to wait")


def holds(record: Record) -> None:
    """Check everything."""
    if not record.row.quiet:
        says(record)
    elif not record.row.maybe:
        assert {shown.code for shown in record.said} <= {""}
    answers(record)
    goes_on(record)
    nothing_lost(record)
    is_patient(record)
    assert not record.place.hub.violations
