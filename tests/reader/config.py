"""What `vault.json` says."""

import json
import re
from dataclasses import dataclass

from tests.reader.errors import FormatError

FORMAT = 1
ID = re.compile(r"[0-9a-f]{32}")
RECIPIENT = re.compile(r"age1[!-~]+|ssh-ed25519 [A-Za-z0-9+/=]+")
NATIVE = re.compile(r"age1[02-9ac-hj-np-z]{58}")


@dataclass(frozen=True)
class Config:
    """The vault's own description, of whatever format it says it is."""

    format: object
    id: str
    recipients: tuple[str, ...]
    keys: tuple[str, ...]


def parse(data: bytes | None) -> Config:
    """Return what `vault.json` says, enough of it to judge a seal."""
    if data is None:
        raise FormatError("vault.json is missing")
    line = data.removesuffix(b"\n")
    if b"\n" in line or b"\r" in line:
        raise FormatError("vault.json is not one line")
    try:
        pairs = json.loads(line, object_pairs_hook=list)
    except ValueError as error:
        raise FormatError(f"vault.json is not JSON: {error}") from error
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise FormatError("vault.json has the wrong shape: not an object")
    keys = tuple(key for key, _ in pairs)
    if list(keys) != sorted(set(keys)):
        raise FormatError("vault.json has keys that are not sorted")
    values = dict(pairs)
    return Config(
        values.get("format"), _id(values.get("id")), _recipients(values.get("recipients")), keys
    )


def check_format(config: Config) -> None:
    """Stop at a format that is unknown, and only then judge the rest of its shape."""
    if type(config.format) is not int:
        raise FormatError("vault.json has the wrong shape: format is not a number")
    if config.format != FORMAT:
        raise FormatError(f"vault.json: format {config.format} is unknown")
    if config.keys != ("format", "id", "recipients"):
        raise FormatError(f"vault.json has the wrong shape: its keys are {', '.join(config.keys)}")


def _id(value: object) -> str:
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise FormatError("vault.json has the wrong shape: id is not 32 hex digits")
    return value


def _recipients(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise FormatError("vault.json has the wrong shape: recipients is not a list with entries")
    if not all(isinstance(one, str) and RECIPIENT.fullmatch(one) for one in value):
        raise FormatError("vault.json has the wrong shape: a recipient is no public key of age's")
    if not NATIVE.fullmatch(value[0]):
        raise FormatError("vault.json has the wrong shape: recipients[0] is not an X25519 key")
    return tuple(value)
