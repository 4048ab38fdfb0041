"""How the tests say that a vault is refused."""

import pytest

from tests.reader import FormatError, read_vault
from tests.reader.writer import Key, Repository, Tree


def refused(repository: Repository, key: Key, tree: Tree, match: str) -> None:
    """Hold that a sealed vault of this tree is refused for the reason."""
    repository.sealed(key, 1, tree)
    with pytest.raises(FormatError, match=match):
        read_vault(repository.path, key.secret, key.file)
