"""Three-way merge by line (diff3; `matching` finds the equal lines with difflib).

Where both sides only insert at one place, both stay, the remote's first. What overlaps stays as the
remote has it, and the caller keeps the local version elsewhere. There are never conflict markers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memory_sync.sync.frontmatter import settle_timestamps
from memory_sync.sync.matching import matching

Lines = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged content; `conflict` says that something of the local version is not in it."""

    content: bytes
    conflict: bool


def merge(base: bytes | None, local: bytes, remote: bytes, *, cap: int | None = None) -> Merged:
    """Merge two versions that both differ from their base, which may be unknown (None).

    Content that is not UTF-8 text is not merged but a conflict, and so is a merge that would have
    more than `cap` characters.
    """
    if not (is_text(local) and is_text(remote) and is_text(base or b"")):
        return Merged(remote, conflict=True)
    ours, theirs = _lines(local), _lines(remote)
    if base is None:
        lines, clash = (ours, False) if _within(theirs, ours) else (theirs, True)
    else:
        old = _lines(base)
        ours, theirs = settle_timestamps(old, ours, theirs)
        lines, clash = _diff3(old, ours, theirs)
    end = _final_newline(base, local, remote)
    content = b"\n".join(lines) + (b"\n" if end and lines else b"")
    if cap is not None and len(content.decode()) > cap and content not in (local, remote):
        return Merged(remote, conflict=not _within(ours, theirs))
    # What is wholly in the result needs no second place (and one more merge changes nothing).
    return Merged(content, conflict=clash and not _within(ours, lines))


def both(local: bytes, remote: bytes) -> bytes | None:
    """Put all lines of two versions into one: where they differ the remote's, then the local ones.

    No base takes part, so that all devices come to the same. A timestamp in which they differ is
    the later one. None if one of them is not UTF-8 text.
    """
    if not (is_text(local) and is_text(remote)):
        return None
    ours, theirs = settle_timestamps(None, _lines(local), _lines(remote))
    lines: list[bytes] = []
    for shared, mine, other in _runs(ours, theirs):
        lines += shared or [*other, *mine]
    end = _final_newline(None, local, remote)
    return b"\n".join(lines) + (b"\n" if end and lines else b"")


def pieces(base: bytes | None, local: bytes, remote: bytes) -> list[tuple[Lines, Lines, Lines]]:
    """Cut a base and two versions into runs of lines: those where all agree, and those between.

    Without a base the runs follow from what the two have in common.
    """
    ours, theirs = _lines(local), _lines(remote)
    return list(_runs(ours, theirs) if base is None else _chunks(_lines(base), ours, theirs))


def _runs(local: Lines, remote: Lines) -> Iterator[tuple[Lines, Lines, Lines]]:
    """Cut two versions as `_chunks` cuts three; the first of each run is what both have."""
    at_local = at_remote = 0
    for here, there in [*sorted(_matches(local, remote).items()), (len(local), len(remote))]:
        if (at_local, at_remote) != (here, there):
            yield (), local[at_local:here], remote[at_remote:there]
        if here < len(local):
            yield local[here : here + 1], local[here : here + 1], remote[there : there + 1]
        at_local, at_remote = here + 1, there + 1


def is_text(content: bytes) -> bool:
    """Tell whether a content can be merged by line."""
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lines(content: bytes) -> list[bytes]:
    """Cut at line feeds only, so that a carriage return stays a part of its line."""
    lines = content.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def _final_newline(base: bytes | None, local: bytes, remote: bytes) -> bool:
    was, here, there = ((text or b"\n").endswith(b"\n") for text in (base, local, remote))
    return here if there == was else there


def _within(part: Lines, whole: Lines) -> bool:
    """Tell whether all lines of one stand in the other, in their order."""
    rest = iter(whole)
    return all(any(line == other for other in rest) for line in part)


def _diff3(base: Lines, local: Lines, remote: Lines) -> tuple[list[bytes], bool]:
    merged: list[bytes] = []
    clash = False
    for old, ours, theirs in _chunks(base, local, remote):
        if ours == old:
            merged += theirs
        elif theirs in (old, ours):
            merged += ours
        elif old:
            lines, agreed = _settled(old, ours, theirs)
            merged += lines
            clash = clash or not agreed
        else:
            merged += _both(ours, theirs)
    return merged, clash


def _settled(old: Lines, ours: Lines, theirs: Lines) -> tuple[Lines, bool]:
    """Tell what stays of lines that both sides changed, and whether nothing of ours is lost by it.

    What both begin or end with is agreed upon; it is no overlap if between that only one of them
    differs from the old lines.
    """
    head = _common(ours, theirs)
    tail = _common(ours[head:][::-1], theirs[head:][::-1])
    if ours[head : len(ours) - tail] == old:
        return theirs, True
    return (ours, True) if theirs[head : len(theirs) - tail] == old else (theirs, False)


def _both(ours: Lines, theirs: Lines) -> list[bytes]:
    """Keep two insertions at one place, the remote's first; what they share, once.

    An insertion that holds the other one already stands for both: so a merge that was written
    on one side only, because of a crash, is not added to itself.
    """
    if _within(ours, theirs):
        return list(theirs)
    if _within(theirs, ours):
        return list(ours)
    head = _common(ours, theirs)
    tail = _common(ours[head:][::-1], theirs[head:][::-1])
    mine, other = ours[head : len(ours) - tail], theirs[head : len(theirs) - tail]
    middle = _woven(mine, other)
    return [*theirs[:head], *middle, *theirs[len(theirs) - tail :]]


def _woven(ours: Lines, theirs: Lines) -> list[bytes]:
    """Put one insertion after the other, or into it where they are two versions of one text.

    They are if they share half of the shorter one's lines; empty lines tell nothing.
    """
    pairs = matching(ours, theirs)
    shared = sum(bool(ours[mine].strip()) for mine, _ in pairs)
    shorter = min(sum(bool(line.strip()) for line in lines) for lines in (ours, theirs))
    if not shared or 2 * shared < shorter:
        return [*theirs, *ours]
    woven: list[bytes] = []
    at_ours = at_theirs = 0
    for mine, other in [*pairs, (len(ours), len(theirs))]:
        woven += _both(ours[at_ours:mine], theirs[at_theirs:other])
        woven += ours[mine : mine + 1]
        at_ours, at_theirs = mine + 1, other + 1
    return woven


def _common(one: Lines, other: Lines) -> int:
    """Count the lines that both begin with."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _chunks(base: Lines, local: Lines, remote: Lines) -> Iterator[tuple[Lines, Lines, Lines]]:
    """Cut the three into runs: those where all agree, and those between them."""
    at_base = at_local = at_remote = 0
    to_local, to_remote = _matches(base, local), _matches(base, remote)
    for line in range(len(base)):
        if line not in to_local or line not in to_remote:
            continue
        here, there = to_local[line], to_remote[line]
        if (at_base, at_local, at_remote) != (line, here, there):
            yield base[at_base:line], local[at_local:here], remote[at_remote:there]
        yield base[line : line + 1], local[here : here + 1], remote[there : there + 1]
        at_base, at_local, at_remote = line + 1, here + 1, there + 1
    if (at_base, at_local, at_remote) != (len(base), len(local), len(remote)):
        yield base[at_base:], local[at_local:], remote[at_remote:]


def _matches(base: Lines, other: Lines) -> dict[int, int]:
    """Map lines of the base to the equal lines of another version, in order.

    The common beginning and end are set aside first: the usual change is an append to a long log.
    """
    head = _common(base, other)
    pairs = {line: line for line in range(head)}
    tail = _common(base[head:][::-1], other[head:][::-1])
    for back in range(1, tail + 1):
        pairs[len(base) - back] = len(other) - back
    old, new = base[head : len(base) - tail], other[head : len(other) - tail]
    return pairs | {head + first: head + second for first, second in matching(old, new)}
