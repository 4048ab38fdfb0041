"""Signs of life of the GitHub adapter: one for each piece of what is downloaded."""

from __future__ import annotations

import random
from contextlib import closing

from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.pulse import Pulse
from memory_sync.ports.token import Token
from tests.remotes.case import object_name
from tests.remotes.desk import NAME, Desk

COUNT = 320
"""So many files that they come as an archive."""
PIECES = 5
"""Those of 640 kB, at the least."""


def test_each_piece_of_an_archive_is_a_sign_of_life(desk: Desk) -> None:
    """Besides those of the requests: a large archive takes minutes, and is two requests."""
    vault = desk.begin()
    # What is encrypted does not get smaller in an archive.
    chance = random.Random(0)
    files = {object_name(number): chance.randbytes(2000) for number in range(COUNT)}
    vault.head = desk.repo.change(files, "many")
    vault.catch_up()
    ids = sorted({entry.id for entry in vault.tree.values()})
    pulse, token = Pulse(), Token(desk.token, "a test")
    made = GitHubRemote(NAME, token, desk.hub.base_url, timeout=10.0, beat=pulse.beat)
    with closing(made) as remote:
        remote.condition()
        remote.announce(vault.head, ids, len(vault.tree))
        before = pulse.count
        asked = desk.asked(lambda: dict(remote.blobs(ids)))
    assert asked[-1] == "codeload"
    assert pulse.count - before >= len(asked) + PIECES
