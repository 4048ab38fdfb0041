"""The words on the control socket: JSON-RPC 2.0, one message a line. Imports nothing heavy.

The methods are in `methods`; docs/control.md has all of it.
"""

from __future__ import annotations

import json
import math
from typing import Any

PROTOCOL = 1
MAX_ANSWER = 16 * 1024 * 1024
"""Bytes that an answer may have."""
MAX_REQUEST = 64 * 1024
"""Bytes that a request may have."""
BEAT = 1.0
"""Seconds between notifications while a request is being carried out."""
SYNC_SECONDS = 3600.0
"""Seconds after which a caller gets no answer any more; the work itself goes on."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_UNKNOWN = -32601
PARAMS_INVALID = -32602
FAULT = -32603
FAILED = -32000
BUSY = -32001

UNKNOWN = "unknown"
"""The `data` of an error: the daemon does not know the method, or a parameter of it."""


class ProtocolError(Exception):
    """A line that is no message of the protocol, or a request that cannot be carried out.

    `number` is JSON-RPC's, `data` a word for programs, `request_id` that of the request if it is
    known.
    """

    def __init__(
        self, number: int, text: str, data: str | None = None, request_id: Any = None
    ) -> None:
        super().__init__(text)
        self.number = number
        self.data = data
        self.request_id = request_id


def dump(message: dict[str, Any]) -> bytes:
    """Write one message as a line. Raises ValueError for what JSON has no word for."""
    whole = {"jsonrpc": "2.0", **message}
    return json.dumps(whole, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def load(line: bytes) -> dict[str, Any]:
    """Read one message.

    Raises ProtocolError.
    """
    try:
        message = json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProtocolError(PARSE_ERROR, "this is no JSON") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, "this is no JSON-RPC 2.0 message")
    return message


def load_request(line: bytes) -> tuple[str, dict[str, Any], Any] | None:
    """Read a request: its method, its parameters by name, its id. A notification is None.

    Raises ProtocolError.
    """
    message = load(line)
    method, params = message.get("method"), message.get("params", {})
    request_id = message.get("id")
    if not isinstance(method, str) or not _is_id(request_id):
        raise ProtocolError(INVALID_REQUEST, "this is no request")
    if "id" not in message:
        return None
    if not isinstance(params, dict):
        raise ProtocolError(PARAMS_INVALID, "parameters go by name", request_id=request_id)
    return method, params, request_id


def _is_id(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _refuse(constant: str) -> None:
    """Refuse what Python reads as a number and JSON does not know: NaN, Infinity."""
    raise ValueError(constant)


def result(request_id: Any, value: Any) -> bytes:
    """Write an answer. Raises ValueError as `dump` does."""
    return dump({"id": request_id, "result": value})


def failure(request_id: Any, number: int, text: str, data: Any = None) -> bytes:
    """Write an answer that says what was wrong with the request."""
    error: dict[str, Any] = {"code": number, "message": text}
    if data is not None:
        error["data"] = data
    return dump({"id": request_id, "error": error})
