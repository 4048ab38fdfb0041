"""A tiny writer of vaults for the reader's own tests, also from the specification alone.

It shares nothing with the reader, and writes whatever it is told to, wrong things too.
"""

import gzip
import hashlib
import hmac
import itertools
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

VAULT_ID = "00112233445566778899aabbccddeeff"
README = """\
# A vault

    git clone <repository> vault && cd vault && mkdir -p ../recovered
    for f in objects/*/*.age; do
      for part in "$f"*; do age -d -i ../key.txt "$part"; done | tar -xz -C ../recovered
    done
"""

Tree = dict[str, bytes]


@dataclass(frozen=True)
class Key:
    """One age identity and the file that holds it."""

    secret: str
    public: str
    file: Path


def keygen(file: Path) -> Key:
    """Make a new identity."""
    subprocess.run(["age-keygen", "-o", str(file)], check=True, capture_output=True)
    public, secret = file.read_text().splitlines()[1:]
    return Key(secret, public.removeprefix("# public key: "), file)


def mac(secret: str, purpose: str, message: str, vault_id: str = VAULT_ID) -> str:
    """Return the MAC of a message under one of the vault's two keys."""
    prk = hmac.new(bytes.fromhex(vault_id), secret.encode(), hashlib.sha256).digest()
    info = f"memory-sync/1/{purpose}".encode() + b"\x01"
    key = hmac.new(prk, info, hashlib.sha256).digest()
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


def name_of(key: Key, path: str) -> str:
    """Return the name of the object that holds `path`."""
    digits = mac(key.secret, "names", path)
    return f"objects/{digits[:2]}/{digits[2:32]}.age"


def member(path: str, size: int, device: str = "laptop") -> tarfile.TarInfo:
    """Return an ordinary tar header, to be spoilt by a test."""
    info = tarfile.TarInfo(path)
    info.size, info.mode, info.mtime = size, 0o640, 1700000000
    info.pax_headers = {"comment": device, "mtime": "1700000000.123456789"}
    return info


def blocks(info: tarfile.TarInfo, content: bytes, *, gnu: bool = False) -> bytes:
    """Return one member of an archive."""
    header = info.tobuf(tarfile.GNU_FORMAT) if gnu else info.tobuf(tarfile.PAX_FORMAT)
    return header + content + bytes(-len(content) % 512)


def pieces(info: tarfile.TarInfo, content: bytes) -> list[bytes]:
    """Return the archive of one member, cut as the format wants it."""
    whole = blocks(info, content) + bytes(1024)
    if len(content) <= 32768:
        return [whole]
    start = len(info.tobuf(tarfile.PAX_FORMAT))
    cuts = [0, *range(start, len(whole), 32768), len(whole)]
    return [whole[at:end] for at, end in itertools.pairwise(cuts)]


def lock(data: bytes, *recipients: str, armour: bool = True) -> bytes:
    """Return data encrypted with the real age."""
    words = ["age", "-e", *(["-a"] if armour else [])]
    words += [word for one in recipients for word in ("-r", one)]
    return subprocess.run(words, input=data, capture_output=True, check=True).stdout


def part(data: bytes, *recipients: str) -> bytes:
    """Return one part as it lies in the repository."""
    return lock(gzip.compress(data, mtime=0), *recipients)


def parts(name: str, cut: list[bytes], *recipients: str) -> Tree:
    """Return the parts of one object under their names."""
    names = [name, *(f"{name}.{number:04}" for number in range(1, len(cut)))]
    return {one: part(data, *recipients) for one, data in zip(names, cut, strict=True)}


def file(key: Key, path: str, content: bytes, *recipients: str) -> Tree:
    """Return the object of one file."""
    cut = pieces(member(path, len(content)), content)
    return parts(name_of(key, path), cut, key.public, *recipients)


def plain(key: Key, *recipients: str) -> Tree:
    """Return what lies in every vault."""
    about = {"format": 1, "id": VAULT_ID, "recipients": [key.public, *recipients]}
    return {"README.md": README.encode(), "vault.json": json.dumps(about).encode()}


@dataclass(frozen=True)
class Repository:
    """A bare repository, written with git's own plumbing."""

    path: Path

    def tree(self, tree: Tree) -> str:
        """Store a tree and return its id."""
        lines = [f"100644 {self._blob(data)}\t{name}\0" for name, data in tree.items()]
        index = {"GIT_INDEX_FILE": str(self.path / f"index-{os.urandom(4).hex()}")}
        self.git("update-index", "-z", "--index-info", given="".join(lines).encode(), env=index)
        return self.git("write-tree", env=index)

    def commit(self, tree: str, message: str, *parents: str) -> str:
        """Store a commit, make it the head and return its id."""
        words = [word for parent in parents for word in ("-p", parent)]
        commit = self.git("commit-tree", tree, *words, given=message.encode())
        self.git("update-ref", "refs/heads/main", commit)
        return commit

    def sealed(self, key: Key, n: int, tree: Tree, *parents: str) -> str:
        """Commit a tree with a seal that counts."""
        one = self.tree(tree)
        return self.commit(one, message(key, n, one, *parents), *parents)

    def git(self, *words: str, given: bytes = b"", env: dict[str, str] | None = None) -> str:
        """Run git and return what it says."""
        who = {
            f"GIT_{role}_{what}": "x"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", "-C", str(self.path), *words],
            input=given,
            check=True,
            capture_output=True,
            env=os.environ | who | (env or {}),
        )
        return done.stdout.decode().strip()

    def _blob(self, data: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=data)


def message(key: Key, n: int, tree: str, *parents: str) -> str:
    """Return the message of a sealed commit."""
    parent = parents[0] if parents else "0" * 40
    text = f"memory-sync seal 1\n{n}\n{VAULT_ID}\n{parent}\n{tree}\n"
    return f"sync\n\nMemory-Sync-Seal: 1 {n} {mac(key.secret, 'seal', text)}\n"
