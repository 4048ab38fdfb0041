"""The search for planted words finds them however they are written."""

import base64
import subprocess
from pathlib import Path

import pytest

from tests.leaks.plants import Plants, git_contents

KEY = "AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGP"


@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"xyz"])
@pytest.mark.parametrize("write", [bytes, bytes.lower, base64.b64encode])
def test_a_word_is_found_wherever_it_begins(before: bytes, write: type[bytes]) -> None:
    """As it is, in small letters, and in base64 at each place."""
    plants = Plants()
    plants.plant("key", KEY)
    content = write(before + KEY.encode() + b" and more")
    assert plants.found(content) == {"key"}
    assert plants.found(write(before + b"nothing of that kind")) == set()


def test_a_word_is_found_in_a_repository(tmp_path: Path) -> None:
    """Objects are unpacked, whether or not a branch reaches them."""
    git = ["git", f"--git-dir={tmp_path}"]
    subprocess.run([*git, "init", "-q", "--bare"], check=True)
    words = [*git, "hash-object", "-w", "--stdin"]
    subprocess.run(words, input=KEY.encode(), check=True, capture_output=True)
    plants = Plants()
    plants.plant("key", KEY)
    assert any(plants.found(content) for _, content in git_contents(tmp_path))
