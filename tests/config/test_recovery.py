"""`recovery_recipients`: public keys in the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_sync.config.loading import load
from memory_sync.errors import ConfigBrokenError

VAULT = '[[vault]]\nname = "v"\nremote = "file:///v.git"\n'


def _load(tmp_path: Path, line: str) -> tuple[str, ...] | None:
    config = tmp_path / "config.toml"
    config.write_text(f"{VAULT}{line}\n")
    return load(config, {}).vault[0].recovery_recipients


def test_none_and_an_empty_list_are_two_things(tmp_path: Path) -> None:
    """Without the setting the vault's list stays; an empty one takes all out."""
    assert _load(tmp_path, "") is None
    assert _load(tmp_path, "recovery_recipients = []") == ()


def test_i53_the_comment_of_an_ssh_key_does_not_go_into_the_vault(tmp_path: Path) -> None:
    """It names a person and a machine, and vault.json is plain text."""
    line = 'recovery_recipients = [" ssh-ed25519  AAAAC3Nz ada@home", "age1xyz"]'
    assert _load(tmp_path, line) == ("ssh-ed25519 AAAAC3Nz", "age1xyz")


@pytest.mark.parametrize(
    "text",
    ["", "ssh-rsa AAAA", "ssh-ed25519", "AGE-SECRET-KEY-1QQQ", "age1x age1y", "age1x\\u0000"],
)
def test_what_is_no_public_key_is_refused(tmp_path: Path, text: str) -> None:
    """A secret key that was pasted there is refused without being shown."""
    with pytest.raises(ConfigBrokenError) as caught:
        _load(tmp_path, f'recovery_recipients = ["{text}"]')
    assert "public key" in caught.value.message
    assert "SECRET" not in caught.value.message
