"""Two machines and a GitHub that others wrote, without GraphQL: real commands, real daemons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

import pytest

from tests.daemon.homes import Home, edits_to_and_fro, share_vault, wait
from tests.emulate.standin import OWNER, StandIn

Pair = tuple[Home, Home]
NUMBERS = count()
LONG = "".join(f"line {number} of something that was worth keeping\n" for number in range(4000))
"""Some 190 KB, which are several parts of an object."""


LONGEST = 60.0
"""Seconds to wait for an edit: where the system gives no watches, a daemon looks every ten."""


@pytest.fixture
def pair(tmp_path: Path, stand_in: StandIn) -> Iterator[Pair]:
    """Give two homes, of which the first has founded a vault and the second has joined it."""
    token = stand_in.token()
    with ExitStack() as homes:
        one, two = (homes.enter_context(closing(Home(tmp_path, name))) for name in ("one", "two"))
        for home in (one, two):
            home.top.mkdir(parents=True)
            (home.top / "token").write_text(token)
            (home.top / "token").chmod(0o600)
            (home.top / "config.toml").write_text(
                f'[github]\nbase_url = "{stand_in.base_url}"\ntoken_file = "{home.top}/token"\n'
            )
        share_vault(one, two, f"github:{OWNER}/memories-{next(NUMBERS)}")
        yield one, two


def files(home: Home) -> dict[str, str]:
    """Return all memory files of a machine."""
    found = (path for path in home.root.rglob("*.md"))
    return {str(path.relative_to(home.root)): path.read_text() for path in found}


def test_from_the_first_init_to_edits_at_once(pair: Pair) -> None:
    """Two devices push, pull, edit at once, delete, and end the same, with every content kept."""
    one, two = pair
    assert files(two) == {"MEMORY.md": "# memory\n"}

    one.write("memory/long.md", LONG)
    one.write("memory/shared.md", "first\n\nlast\n")
    one.write("memory/gone.md", "to be deleted\n")
    one.run("push")
    two.run("pull")
    assert files(two) == files(one)
    assert len(files(two)) == 4

    # At once: the same file in two places, one place in it, and a file of each one's own.
    one.write("memory/shared.md", "first of one\n\nlast\n")
    two.write("memory/shared.md", "first\n\nlast of two\n")
    one.write("MEMORY.md", "# memory of one\n")
    two.write("MEMORY.md", "# memory of two\n")
    one.write("memory/one.md", "of one\n")
    two.write("memory/two.md", "of two\n")
    one.write("memory/long.md", LONG.replace("line 3000 ", "line 3,000 "))
    one.run("now")
    two.run("now", status=3)
    one.run("pull", status=None)
    assert files(one) == files(two)
    assert two.read("memory/shared.md") == "first of one\n\nlast of two\n"
    assert two.read("memory/long.md") == LONG.replace("line 3000 ", "line 3,000 ")
    assert two.read("MEMORY.md") == "# memory of one\n"
    (copy,) = two.top.glob("**/conflicts/memory/MEMORY.md/*-two")
    assert copy.read_text() == "# memory of two\n"
    two.write("MEMORY.md", "# memory of one\n# memory of two\n")
    copy.unlink()
    two.run("now")

    one.run("pull")
    (one.root / "memory" / "gone.md").unlink()
    (two.root / "memory" / "long.md").unlink()
    one.run("push")
    two.run("now")
    one.run("pull")
    assert files(one) == files(two)
    assert set(files(one)) == {"MEMORY.md"} | {
        f"memory/{name}.md" for name in ("one", "two", "shared")
    }
    assert one.read("MEMORY.md") == "# memory of one\n# memory of two\n"


def test_daemons_carry_edits_to_and_fro(pair: Pair) -> None:
    """With a daemon on each machine edits travel both ways, deletes too, and both become idle."""
    one, two = pair
    for home in pair:
        home.start()
        home.idle()
    edits_to_and_fro(one, two)
    one.write("memory/long.md", LONG)
    wait(lambda: two.read("memory/long.md") == LONG, "the long file is there", LONGEST)
    (two.root / "memory" / "log.md").unlink()
    wait(lambda: one.read("memory/log.md") is None, "the delete is there", LONGEST)
    for home in pair:
        home.idle()
        assert home.run("status").splitlines()[0].startswith("idle")
    assert files(one) == files(two) == {"MEMORY.md": "# memory\n", "memory/long.md": LONG}
