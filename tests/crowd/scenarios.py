"""The scenarios: what people's devices do in an hour."""

from __future__ import annotations

from graphql import GraphQLSchema

from memory_sync.ports.pace import Pace
from tests.crowd.device import Device
from tests.crowd.play import HOUR, JOINED, Figures, Play
from tests.crowd.stage import Clock

MINUTE = 60.0
LOG = "memory/log.md"
BURST = 10.0
EACH = 120.0
"""Seconds between two edits of one busy device."""


def quiet(schema: GraphQLSchema, seed: int, devices: int, seconds: float = HOUR) -> Figures:
    """Nobody writes."""
    with Play(schema, seed) as play:
        _around_one(play, devices)
        return play.act(seconds)


def usual(schema: GraphQLSchema, seed: int, devices: int, seconds: float = HOUR) -> Figures:
    """Each minute somebody writes: mostly into some file, every fifth time into the log of all."""
    with Play(schema, seed) as play:
        present, random = _around_one(play, devices), play.random
        for number in range(int((seconds - JOINED) // MINUTE)):
            path = LOG if number % 5 == 4 else f"memory/topic-{random.randrange(devices)}.md"
            play.at((number + random.random()) * MINUTE, random.choice(present), path)
        return play.act(seconds)


def busy(
    schema: GraphQLSchema,
    seed: int,
    devices: int,
    seconds: float = HOUR,
    *,
    allowed: int = 5000,
) -> Figures:
    """Everybody writes every two minutes, into a file of their own.

    `allowed` are the REST requests an hour that GitHub lets them have together.
    """
    with Play(schema, seed) as play:
        play.hub.limits.allowed["core"] = allowed
        for device in _around_one(play, devices):
            for number in range(int((seconds - JOINED) // EACH)):
                when = (number + play.random.random()) * EACH
                play.at(when, device, f"memory/{device.name}.md")
        return play.act(seconds)


def burst(
    schema: GraphQLSchema, seed: int, devices: int, seconds: float = HOUR, *, log: bool = False
) -> Figures:
    """All write within ten seconds: each into a file of their own, or all into one log."""
    with Play(schema, seed) as play:
        for device in _around_one(play, devices):
            path = LOG if log else f"memory/{device.name}.md"
            play.at(play.random.random() * BURST, device, path)
        return play.act(seconds)


def vaults(
    schema: GraphQLSchema, seed: int, count: int, files: int, seconds: float = HOUR
) -> Figures:
    """Two machines, each one daemon with all vaults, write into each vault every two minutes.

    In the first vault one of them begins, after a minute, to upload so many small files.
    """
    with Play(schema, seed) as play:
        random, there = play.random, list[tuple[Device, Device]]()
        paces = {name: Pace(Clock(play.stage, random)) for name in ("desk", "laptop")}
        for number in range(count):
            desk, laptop = (
                play.join(name, f"vault-{number}", pace) for name, pace in paces.items()
            )
            there.append((desk, laptop))
        for pair in there:
            for number in range(int((seconds - JOINED) // EACH)):
                play.at((number + random.random()) * EACH, random.choice(pair), "memory/notes.md")
        if files:
            play.stage.at(JOINED + MINUTE, lambda: _upload(play, there[0][0], files))
        return play.act(seconds)


def _upload(play: Play, device: Device, files: int) -> None:
    """Let many files be there all at once, the last of them with a line that is looked for."""
    save: list[str | bytes] = []
    for number in range(files - 1):
        save += [f"memory/import/{number % 100:02}/{number:06}.md", b"# Note %d\n" % number * 20]
    device.save(*save)
    device.edit("memory/import/~last.md")
    play.uploads.append(play.edits.made[-1])


def _around_one(play: Play, devices: int) -> list[Device]:
    """Let so many machines share one vault, all of them started at the same moment."""
    return [play.join(f"device-{number:02}", "vault") for number in range(devices)]
