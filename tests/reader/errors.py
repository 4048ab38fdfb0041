"""What the reader raises.

FormatError
└── NotSealedError
"""


class FormatError(Exception):
    """The vault breaks a rule of the format."""


class NotSealedError(FormatError):
    """The commit does not even claim a seal."""
