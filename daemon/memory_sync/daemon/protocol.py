"""The words on the control socket: JSON-RPC 2.0, one message a line. Imports nothing heavy.

Methods: `hello` (versions), `status` (all vaults), `sync` (a cycle now). docs/control.md has them.
"""

from __future__ import annotations

import json
from typing import Any

PROTOCOL = 1
MAX_LINE = 1024 * 1024
"""Bytes that a message may have, either way."""
MAX_REQUEST = 64 * 1024
"""Bytes that a request may have."""
BEAT = 1.0
"""Seconds between notifications while a request is being carried out."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_UNKNOWN = -32601
PARAMS_INVALID = -32602
FAILED = -32000


class ProtocolError(Exception):
    """A line that is no message of the protocol; `number` is JSON-RPC's."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


def dump(message: dict[str, Any]) -> bytes:
    """Write one message as a line."""
    return json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n"


def load(line: bytes) -> dict[str, Any]:
    """Read one message.

    Raises ProtocolError.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise ProtocolError(PARSE_ERROR, "this is no JSON") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, "this is no JSON-RPC 2.0 message")
    return message


def load_request(line: bytes) -> tuple[str, dict[str, Any], Any]:
    """Read a request: its method, its parameters by name, its id.

    Raises ProtocolError.
    """
    message = load(line)
    method, params = message.get("method"), message.get("params", {})
    if not isinstance(method, str) or "id" not in message:
        raise ProtocolError(INVALID_REQUEST, "this is no request")
    if not isinstance(params, dict):
        raise ProtocolError(PARAMS_INVALID, "parameters go by name")
    return method, params, message["id"]


def result(request_id: Any, value: Any) -> bytes:
    """Write an answer."""
    return dump({"id": request_id, "result": value})


def failure(request_id: Any, number: int, text: str, data: Any = None) -> bytes:
    """Write an answer that says what was wrong with the request."""
    error: dict[str, Any] = {"code": number, "message": text}
    if data is not None:
        error["data"] = data
    return dump({"id": request_id, "error": error})
