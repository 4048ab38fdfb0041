"""The two keys of a vault, and what is made with them."""

import hashlib
import hmac
import re

SECRET = re.compile(r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}")
NO_PARENT = "0" * 40


def hkdf(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Return `length` bytes of HKDF-SHA256, as in RFC 5869."""
    prk = _mac(salt, ikm)
    block = output = b""
    counter = 1
    while len(output) < length:
        block = _mac(prk, block + info + bytes([counter]))
        output += block
        counter += 1
    return output[:length]


def derive(identity: str, vault_id: str, purpose: str) -> bytes:
    """Return the vault's key for `names` or `seal`."""
    if not SECRET.fullmatch(identity):
        raise ValueError("an identity is one AGE-SECRET-KEY-1… string in upper case")
    info = f"memory-sync/1/{purpose}".encode()
    return hkdf(identity.encode("ascii"), bytes.fromhex(vault_id), info, 32)


def object_name(identity: str, vault_id: str, path: str) -> str:
    """Return the name in the repository under which the file at `path` lies."""
    digits = _mac(derive(identity, vault_id, "names"), path.encode()).hex()[:32]
    return f"objects/{digits[:2]}/{digits[2:]}.age"


def seal(identity: str, vault_id: str, n: int, parent: str | None, tree: str) -> str:
    """Return the hex digits that seal the commit number `n` of `tree` on `parent`."""
    lines = ["memory-sync seal 1", str(n), vault_id, parent or NO_PARENT, tree]
    return _seal_lines(identity, vault_id, lines)


def rotation(
    identity: str, vault_id: str, n: int, parent: str | None, tree: str, recipient: str
) -> str:
    """Return the hex digits with which the old `identity` names the new `recipient`."""
    lines = ["memory-sync rotation 1", str(n), vault_id, parent or NO_PARENT, tree, recipient]
    return _seal_lines(identity, vault_id, lines)


def _seal_lines(identity: str, vault_id: str, lines: list[str]) -> str:
    text = "".join(f"{line}\n" for line in lines)
    return _mac(derive(identity, vault_id, "seal"), text.encode()).hex()


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)
