"""The stand-in as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.hub.fetch import MODULES
from tests.needs import needs, needs_fetched

OWNER = "ada"
SERVE = Path(__file__).with_name("serve.mjs")
TOKENS = [f"ghp_{number:036d}" for number in range(200)]
"""All of them are hers; each has 5,000 requests an hour, as on GitHub."""


@dataclass
class StandIn:
    """A GitHub with one user, who has many tokens."""

    base_url: str
    session: requests.Session
    tokens: Iterator[str] = field(default_factory=lambda: iter(TOKENS))

    def token(self) -> str:
        """Give a token that nobody has used yet."""
        return next(self.tokens)

    def ask(
        self, verb: str, path: str, token: str, body: Any = None, **headers: str
    ) -> requests.Response:
        """Send a request as another program would; `_` in a header's name stands for `-`."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.session.request(
            verb,
            self.base_url + path,
            json=body,
            headers={"Authorization": f"Bearer {token}", **named},
            timeout=10,
        )


@contextmanager
def serving() -> Iterator[StandIn]:
    """Have the stand-in run; a test that lacks Node or the package is skipped by name."""
    needs("node")
    needs_fetched("emulate")
    # Nothing of this person's settings, such as EMULATE_BASE_URL, comes in.
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    with (
        subprocess.Popen(
            ["node", str(SERVE), str(MODULES / "emulate" / "dist" / "api.js")],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
        requests.Session() as session,
    ):
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(json.dumps(_seed()) + "\n")
            process.stdin.flush()
            url = process.stdout.readline().strip()
            assert url, "the stand-in did not start"
            # It names itself localhost and listens on IPv4 alone.
            yield StandIn(url.replace("localhost", "127.0.0.1"), session)
        finally:
            process.terminate()


def _seed() -> dict[str, Any]:
    """Return what the stand-in knows at the start."""
    known = {"login": OWNER, "scopes": ["repo", "user"]}
    return {
        "tokens": dict.fromkeys(TOKENS, known),
        "github": {"users": [{"login": OWNER, "name": "Ada"}]},
    }
