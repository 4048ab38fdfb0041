"""One vault's keys, and small makers of commits, for the tests of the format."""

from memory_sync.model import Commit
from memory_sync.vault.keys import AgeCipher, DerivedKeys, generate_identity

IDENTITY = generate_identity()
VAULT_ID = "0123456789abcdef0123456789abcdef"
KEYS: DerivedKeys = IDENTITY.derive(VAULT_ID)
CIPHER = AgeCipher(IDENTITY, [IDENTITY.recipient])


def commit(number: int, *parents: Commit, tree: str = "", message: str = "sync\n") -> Commit:
    """Make a commit whose id and tree are told by a number."""
    return Commit(
        f"{number:040x}", tuple(parent.id for parent in parents), tree or f"{number:040x}", message
    )
