"""Signs of life: whatever takes long gives one for each of its steps."""

import sys
from collections import Counter
from pathlib import Path

from memory_sync.app.context import load_context
from memory_sync.app.vaults import open_vault
from tests.daemon.homes import Home, share_vault
from tests.hub import Hub

FILES = 120


def _beats(home: Home) -> Counter[str]:
    """Run a cycle in this process; return how many beats each module gave: none for another."""
    beats: Counter[str] = Counter()

    def beat() -> None:
        beats[sys._getframe(1).f_globals["__name__"].removeprefix("memory_sync.")] += 1

    context = load_context(home.env)
    with open_vault(context, context.vaults()[0], beat=beat) as engine:
        engine.cycle()
    return beats


def test_each_file_is_a_sign_of_life(tmp_path: Path) -> None:
    """When it is read, encrypted, flushed and sent, and when it is fetched and written."""
    one, two = Home(tmp_path, "one"), Home(tmp_path, "two")
    share_vault(one, two, f"file://{tmp_path}/vault.git")
    for number in range(FILES):
        one.write(f"memory/{number}.md", f"note {number}\n")
    up, down = _beats(one), _beats(two)
    assert up["ports.look"] > FILES
    assert up["engine.push"] == up["ports.disk"] == FILES
    assert down["engine.fetch"] >= FILES
    assert down["engine.apply"] == FILES
    assert two.read("memory/7.md") == "note 7\n"


def test_each_request_is_a_sign_of_life(tmp_path: Path, hub: Hub) -> None:
    """A first upload over GitHub may take an hour; nothing in it is silent for long."""
    home = Home(tmp_path, "one")
    home.top.mkdir(parents=True)
    token = home.top / "token"
    token.touch(0o600)
    token.write_text(hub.add_user("ada"))
    settings = f'[github]\nbase_url = "{hub.base_url}"\ntoken_file = "{token}"\n'
    (home.top / "config.toml").write_text(settings)
    home.write("MEMORY.md", "# memory\n")
    home.run("init", str(home.root), "--remote", "github:ada/vault", "--yes")
    for number in range(FILES):
        home.write(f"memory/{number}.md", f"note {number}\n")
    before = len(hub.requests)
    beats = _beats(home)
    asked = len(hub.requests) - before
    assert beats["ports.github.wire"] == asked >= 3
    assert beats["engine.push"] == FILES
