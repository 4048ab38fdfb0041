"""A second reader of the vault format, written from the specification alone.

It shares no line with the program: `git` and `age` are the real ones, all else is Python's own
library. What both agree on is the format; where they differ, one of the two is wrong.
"""

from tests.reader.errors import FormatError, NotSealedError
from tests.reader.keys import object_name, rotation, seal
from tests.reader.objects import File
from tests.reader.seals import Sealed, judge_rotation, judge_seal
from tests.reader.vault import Vault, read_vault

__all__ = [
    "File",
    "FormatError",
    "NotSealedError",
    "Sealed",
    "Vault",
    "judge_rotation",
    "judge_seal",
    "object_name",
    "read_vault",
    "rotation",
    "seal",
]
