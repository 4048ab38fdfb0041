"""A double of GitHub over real HTTP, with real git repositories behind it."""

from tests.hub.accounts import Account, Token
from tests.hub.hub import Hub
from tests.hub.repository import Repository
from tests.hub.schema import load_schema
from tests.hub.striking import Fault, Kind
from tests.hub.wire import Recorded

__all__ = ["Account", "Fault", "Hub", "Kind", "Recorded", "Repository", "Token", "load_schema"]
