"""GitHub's GraphQL schema, from GitHub's own description."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema, build_ast_schema, parse

if TYPE_CHECKING:
    from pathlib import Path


def load_schema(path: Path) -> GraphQLSchema:
    """Build the schema, with the scalars checked that a client is likely to get wrong.

    It takes about a second, nearly all of it parsing; a cache would save only half of that.
    """
    document = parse(path.read_text(encoding="utf-8"), no_location=True)
    schema = build_ast_schema(document, assume_valid=True)
    for name, check in {"GitObjectID": _object_id, "Base64String": _base64}.items():
        scalar = schema.type_map[name]
        if isinstance(scalar, GraphQLScalarType):
            # The one is read by graphql-core since 3.3, the other before.
            scalar.coerce_input_value = check
            scalar.parse_value = check  # type: ignore[method-assign]
    return schema


def _object_id(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{40}", value):
        raise GraphQLError(f"{value!r} is not a valid GitObjectID")
    return value


def _base64(value: object) -> str:
    """Check what is standard base64 with its padding, as the schema demands."""
    try:
        b64decode(str(value), validate=True)
    except ValueError:
        raise GraphQLError("is not valid Base64") from None
    return str(value)
