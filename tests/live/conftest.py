"""What the tests of the live suite work with: a double in the place of GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from memory_sync.ports.token import Token
from tests.hub import Hub
from tests.live.front import Front
from tests.live.talk import Talk
from tests.live.throwaway import Throwaways, enter
from tests.needs import needs


@pytest.fixture
def token(hub: Hub) -> Token:
    """Return the token of a user of the double."""
    return Token(hub.add_user("ada"), "a test")


@pytest.fixture
def front(hub: Hub) -> Iterator[Front]:
    """Serve the double together with its repositories for git."""
    needs("git")
    with Front(hub) as running:
        yield running


@pytest.fixture
def talk(front: Front, token: Token) -> Iterator[Talk]:
    """Return the user's way to the double."""
    with closing(Talk(front.base_url, token)) as made:
        yield made


@pytest.fixture
def throwaways(talk: Talk) -> Throwaways:
    """Return the user's throwaway repositories, of which there are none yet."""
    return enter(talk)
