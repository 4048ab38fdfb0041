"""Edits of the configuration file."""

import os
import stat
from pathlib import Path

import pytest

from memory_sync.config.loading import load
from memory_sync.config.settings import RootSettings, VaultSettings
from memory_sync.config.writing import add_root, add_vault, set_device, set_token_file
from memory_sync.errors import ConfigBrokenError, RootOverlapError, VaultUnknownError

NOTES = VaultSettings(
    name="notes", remote="github:me/notes", root=(RootSettings(path=Path("/agent")),)
)
BY_HAND = """\
# mine
[daemon] # times
poll = 60   # a minute

[[vault]]
name = "old" # the first
remote = "file:///old.git"

  [[vault.root]]
  path = "/old"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where the configuration would be."""
    return tmp_path / "new" / "config.toml"


def by_hand(config: Path, text: str = BY_HAND) -> None:
    """Write a file as a person would."""
    config.parent.mkdir(exist_ok=True)
    config.write_text(text)


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_vault(config: Path) -> None:
    """A new file holds what must be and nothing that is so by default, and is private."""
    add_vault(config, NOTES)
    assert config.read_text() == (
        '[[vault]]\nname = "notes"\nremote = "github:me/notes"\n\n[[vault.root]]\npath = "/agent"\n'
    )
    assert load(config, {}).vault == (NOTES,)
    assert mode(config) == 0o600
    assert mode(config.parent) == 0o700


def test_every_setting_survives(config: Path) -> None:
    """A vault with nothing at its default is read back as it was."""
    root = RootSettings(
        path=Path('/a "b" é'),
        name="r",
        include=("*.md", "x/**"),
        exclude=("y",),
        max_size=RootSettings.model_validate({"path": "/", "max_size": "5MB"}).max_size,
        merge_cap={"MEMORY.md": 3, "a.b/*": 4},
    )
    vault = VaultSettings(
        name="v",
        remote="file:///v.git",
        allow_public=True,
        base_url="https://g.x",
        token_file=Path("/t"),
        root=(root,),
    )
    add_vault(config, vault)
    assert load(config, {}).vault == (vault,)


def test_comments_and_order_stay(config: Path) -> None:
    """Everything that a person wrote stays, in its order, and what is new comes after it."""
    by_hand(config)
    add_vault(config, NOTES)
    add_root(config, "old", RootSettings(path=Path("/second"), name="second"))
    text = config.read_text()
    lines = [line for line in BY_HAND.splitlines() if line]
    places = [text.index(line) for line in lines]
    assert places == sorted(places)
    found = load(config, {})
    assert found.daemon.poll == 60
    assert [[root.name for root in vault.root] for vault in found.vault] == [
        ["memory", "second"],
        ["memory"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        'vault = [{ name = "old", remote = "file:///old.git" }] # in one line',
        '[[vault]]\nname = "old"\nremote = "file:///old.git"\nroot = []',
        '[[vault]]\r\nname = "old"\r\nremote = "file:///old.git"\r\n',
        'github.timeout = 3\n[[vault]]\nname = "old"\nremote = "file:///old.git"\n',
        'github = { timeout = 3 }\n[[vault]]\nname = "old"\nremote = "file:///old.git"\n[daemon]',
        '[[vault]]\nname="old"\nremote="file:///o"\n[github]\n[[vault]]\nname="b"\nremote="file:///b"',
    ],
)
def test_any_way_to_write_it(config: Path, text: str) -> None:
    """Edits fit into each way in which TOML lets a person write the same."""
    by_hand(config, text)
    before = load(config, {})
    add_root(config, "old", RootSettings(path=Path("/a")))
    add_vault(config, NOTES)
    add_root(config, "notes", RootSettings(path=Path("/b"), name="b"))
    set_token_file(config, Path("/all"))
    set_token_file(config, Path("/own"), "old")
    set_device(config, "desk")
    after = load(config, {})
    assert after.device == "desk"
    assert after.github == before.github.model_copy(update={"token_file": Path("/all")})
    assert {vault.name: len(vault.root) for vault in after.vault} == {
        **{vault.name: 0 for vault in before.vault},
        "old": 1,
        "notes": 2,
    }
    assert after.vault[0].token_file == Path("/own")
    assert after.daemon == before.daemon


def test_a_vault_that_is_not_there(config: Path) -> None:
    """A root for a vault that the file does not have is an error that names those it has."""
    by_hand(config)
    with pytest.raises(VaultUnknownError, match="old"):
        add_root(config, "new", RootSettings(path=Path("/a")))
    assert config.read_text() == BY_HAND


def test_an_edit_that_would_break_the_file_is_not_written(config: Path) -> None:
    """A twin of a vault, or a folder that has a root, leaves the file as it was."""
    by_hand(config)
    with pytest.raises(ConfigBrokenError, match="same name"):
        add_vault(config, NOTES.model_copy(update={"name": "OLD"}))
    with pytest.raises(RootOverlapError):
        add_root(config, "old", RootSettings(path=Path("/old"), name="again"))
    with pytest.raises(ConfigBrokenError, match="device"):
        set_device(config, "a b")
    assert config.read_text() == BY_HAND


def test_a_broken_file_is_not_touched(config: Path) -> None:
    """A file that is broken already is left for the person to mend."""
    by_hand(config, "[daemon\n")
    with pytest.raises(ConfigBrokenError, match="line 1"):
        add_vault(config, NOTES)
    assert config.read_text() == "[daemon\n"


def test_the_mode_stays(config: Path) -> None:
    """A file that the person shares with a group goes on being shared."""
    by_hand(config)
    config.chmod(0o640)
    set_device(config, "desk")
    assert mode(config) == 0o640


def test_a_link_stays_a_link(config: Path, tmp_path: Path) -> None:
    """A configuration that lies among dotfiles is changed there, and the link to it stays."""
    by_hand(config)
    dotfile = tmp_path / "dotfiles.toml"
    os.rename(config, dotfile)
    config.symlink_to(dotfile)
    set_device(config, "desk")
    assert config.is_symlink()
    assert 'device = "desk"' in dotfile.read_text()


def test_nothing_is_left_beside_the_file(config: Path) -> None:
    """An edit leaves no temporary file behind."""
    set_device(config, "desk")
    assert os.listdir(config.parent) == ["config.toml"]
