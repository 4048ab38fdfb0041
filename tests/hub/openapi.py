"""GitHub's OpenAPI description: what each operation takes, and what it may answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

from tests.hub.wire import Json

JOINED = ("allOf", "anyOf", "oneOf")
NULL: Json = {"type": "null"}
PLAIN = {
    "$ref", "type", "enum", "format", "pattern", "required", "additionalProperties",
    "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
    "minProperties", "maxProperties",
}  # fmt: skip


@cache
def load_description(path: Path) -> Description:
    """Read the description, once for all tests; it takes a quarter of a second."""
    whole: Json = json.loads(path.read_text(encoding="utf-8"))
    return Description(whole["paths"], whole["components"])


def shape_of(template: str) -> str:
    """Write a path's template without the names of its parameters."""
    return re.sub(r"(heads/)?\{[^}]*\}", "{}", template)


@dataclass(frozen=True)
class Description:
    """The operations by method and path; each is read when it is first asked for."""

    paths: Json = field(repr=False)
    components: Json = field(repr=False)
    _known: dict[tuple[str, str], Operation | None] = field(default_factory=dict, repr=False)

    @cached_property
    def _shapes(self) -> dict[str, str]:
        return {shape_of(template): template for template in self.paths}

    def operation(self, method: str, template: str) -> Operation | None:
        """Find an operation, None if there is none."""
        key = (method, shape_of(template))
        if key not in self._known:
            path = self.paths[self._shapes[key[1]]] if key[1] in self._shapes else {}
            found = path.get(method.lower())
            self._known[key] = found and Operation(self, f"{method} {template}", found)
        return self._known[key]

    def resolve(self, part: Json) -> Json:
        """Follow a reference, if this is one."""
        while "$ref" in part:
            *_, kind, name = part["$ref"].split("/")
            part = self.components[kind][name]
        return part

    def validator(self, schema: Json, *, closed: bool) -> Draft202012Validator:
        """Make the check of a schema; if `closed`, no object may have more than it names."""
        root = translated(schema, closed=closed)
        schemas: Json = {}
        waiting = list(_references(root))
        while waiting:
            name = waiting.pop()
            if name not in schemas:
                plain = self.components["schemas"][name]
                # What refers to it is closed, and so it can be a part of several.
                schemas[name] = translated(plain, closed=closed, whole=False)
                waiting += _references(schemas[name])
        root["components"] = {"schemas": schemas}
        return Draft202012Validator(root, validate_formats=True)


@dataclass
class Operation:
    """One operation."""

    description: Description
    name: str
    raw: Json
    _checks: dict[tuple[str, str], Draft202012Validator | None] = field(default_factory=dict)

    @cached_property
    def query(self) -> dict[str, Json]:
        """The schemas of the parameters that may stand in the query."""
        parameters = map(self.description.resolve, self.raw.get("parameters", []))
        return {found["name"]: found["schema"] for found in parameters if found["in"] == "query"}

    @cached_property
    def body(self) -> Draft202012Validator | None:
        """The check of what is sent, None if nothing is to be sent."""
        if "requestBody" not in self.raw:
            return None
        content = self.description.resolve(self.raw["requestBody"])["content"]
        return self.description.validator(content["application/json"]["schema"], closed=True)

    def media(self, status: int) -> Mapping[str, Any] | None:
        """Give the types of an answer with this status, None if there is no such answer."""
        found = self.raw["responses"].get(str(status))
        return None if found is None else self.description.resolve(found).get("content", {})

    def answer(self, status: int, media: str) -> Draft202012Validator | None:
        """Give the check of an answer's body, None if its type says all."""
        key = (str(status), media)
        if key not in self._checks:
            schema = (self.media(status) or {})[media].get("schema")
            check = schema and self.description.validator(schema, closed=status < 300)
            self._checks[key] = check or None
        return self._checks[key]


def translated(schema: Json, *, closed: bool, whole: bool = True) -> Json:
    """Write a schema of OpenAPI 3.0 as JSON Schema 2020-12.

    With `closed` each object in it is shut to what no part of it names; the outermost one only if
    the schema is `whole`, that is, no part of another.
    """
    made: Json = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {name: translated(inner, closed=closed) for name, inner in value.items()}
        elif key in {"items", "additionalProperties"} and isinstance(value, dict):
            made[key] = translated(value, closed=closed)
        elif key in JOINED:
            parts = [translated(inner, closed=closed, whole=False) for inner in value]
            # GitHub's alternatives overlap, so that one of them is never the only one.
            made["anyOf" if key == "oneOf" else key] = parts
        elif key in PLAIN:
            made[key] = value
    if closed and whole and made.keys() & {"properties", "$ref", *JOINED}:
        made["unevaluatedProperties"] = False
    return {"anyOf": [made, NULL]} if schema.get("nullable") else made


def _references(schema: Any) -> Iterator[str]:
    """List the names of the schemas that a schema refers to."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)
