"""Encrypted parts, opened with the real `age`."""

import base64
import binascii
import functools
import subprocess
from pathlib import Path

from tests.reader.errors import FormatError

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
END = b"-----END AGE ENCRYPTED FILE-----"
VERSION = b"age-encryption.org/v1"


@functools.cache
def recipient_of(identity: str) -> str:
    """Return the public half of an identity."""
    done = subprocess.run(
        ["age-keygen", "-y"], input=identity, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def decrypt(name: str, data: bytes, identity_file: Path, recipients: int) -> bytes:
    """Return the plaintext of an armoured age file for so many recipients."""
    written_for = len(_stanzas(_unarmour(name, data)))
    if written_for != recipients:
        raise FormatError(f"{name}: encrypted to {written_for} recipients, not {recipients}")
    done = subprocess.run(
        ["age", "-d", "-i", str(identity_file)], input=data, capture_output=True, check=False
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().split("\n")[0]
        raise FormatError(f"{name}: age cannot open it: {reason}")
    return done.stdout


def _unarmour(name: str, data: bytes) -> bytes:
    lines = data.removesuffix(b"\n").replace(b"\r\n", b"\n").removesuffix(b"\r").split(b"\n")
    if lines[0] != BEGIN or lines[-1] != END:
        raise FormatError(f"{name}: not an ASCII-armoured age file")
    try:
        inside = base64.b64decode(b"".join(lines[1:-1]), validate=True)
    except binascii.Error as error:
        raise FormatError(f"{name}: the armour does not hold base64") from error
    if inside.split(b"\n", 1)[0] != VERSION:
        raise FormatError(f"{name}: not an age v1 file")
    return inside


def _stanzas(inside: bytes) -> list[bytes]:
    header = inside.partition(b"\n---")[0]
    kinds = [line.split(b" ")[1] for line in header.split(b"\n") if line.startswith(b"-> ")]
    # An age writer may add a stanza for nobody, so that readers stay used to unknown ones.
    return [kind for kind in kinds if not kind.endswith(b"-grease")]
