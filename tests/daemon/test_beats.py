"""Signs of life: whatever takes long gives one for each of its steps."""

from pathlib import Path

from memory_sync.app.context import load_context
from memory_sync.app.vaults import open_vault
from memory_sync.ports.pulse import Pulse
from tests.daemon.homes import Home, share_vault
from tests.hub import Hub

FILES = 120


def _beats(home: Home) -> int:
    """Run a cycle in this process; return how many beats it gave."""
    context = load_context(home.env)
    pulse = Pulse()
    with open_vault(context, context.vaults()[0], beat=pulse.beat) as engine:
        engine.cycle()
    return pulse.count


def test_each_file_is_a_sign_of_life(tmp_path: Path) -> None:
    """When it is read, when it is encrypted and sent, and when it is fetched and written."""
    one, two = Home(tmp_path, "one"), Home(tmp_path, "two")
    share_vault(one, two, f"file://{tmp_path}/vault.git")
    for number in range(FILES):
        one.write(f"memory/{number}.md", f"note {number}\n")
    assert _beats(one) >= 2 * FILES
    assert _beats(two) >= 2 * FILES
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
    assert asked >= 3
    assert beats >= 2 * FILES + asked
