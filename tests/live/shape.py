"""What of an answer can be compared between two servers: no ids, times, hosts or names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.live.talk import Reply

Shape: TypeAlias = Mapping[str, str]
"""From a place in an answer (`status`, `header etag`, `body.commit.sha`) to what is there."""

TOLD = {
    "content-type",
    "etag",
    "link",
    "location",
    "retry-after",
    "x-accepted-github-permissions",
    "x-accepted-oauth-scopes",
    "x-github-media-type",
    "x-ratelimit-resource",
}
PRESENT = {
    "date",
    "last-modified",
    "x-github-request-id",
    "x-oauth-scopes",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-used",
}
"""Headers that matter: those whose text is compared, and those that only need to be there."""
WORDS = {
    "code", "default_branch", "encoding", "field", "isBinary", "isTruncated", "message", "mode",
    "private", "resource", "state", "status", "truncated", "type", "visibility",
}  # fmt: skip
"""Keys of JSON whose values are compared; of all others it is the type."""
MASKS = [
    (r"https?://[^\s\"'<>),]+", "URL"),
    (r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,64}\b", "ID"),
    (r"\b\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)", r"TIME\1"),
]
NUMBER = r"(?<![-\w])\d+\b"


@dataclass(frozen=True)
class Masks:
    """What is taken out of texts: names of a run, and what no two answers have in common."""

    names: Mapping[str, str]
    """From a name to what stands in its place."""

    def text(self, text: str) -> str:
        """Return a text in which only what matters is left."""
        for pattern, word in MASKS:
            text = re.sub(pattern, word, text)
        for name, word in self.names.items():
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", word, text, flags=re.IGNORECASE)
        return text

    def prose(self, text: str) -> str:
        """Return a text that also has no numbers, as in a sentence about a user or a limit."""
        return re.sub(NUMBER, "N", self.text(text))


def shape_of(reply: Reply, masks: Masks) -> Shape:
    """Reduce an answer to its shape."""
    found: dict[str, set[str]] = {"status": {str(reply.status)}}
    for name in TOLD & reply.headers.keys():
        found[f"header {name}"] = {masks.prose(reply.headers[name])}
    for name in PRESENT & reply.headers.keys():
        found[f"header {name}"] = {"there"}
    data = reply.data
    places = [("body", _bytes(reply.body))] if data is None else _walk("body", data, masks, "")
    for place, what in places:
        found.setdefault(place, set()).add(what)
    return {place: " or ".join(sorted(what)) for place, what in found.items()}


def _walk(place: str, data: Any, masks: Masks, key: str) -> Iterator[tuple[str, str]]:
    """Tell what lies where in a JSON value; the items of a list share one place."""
    if isinstance(data, dict):
        yield place, "object"
        for name, below in data.items():
            yield from _walk(f"{place}.{name}", below, masks, name)
    elif isinstance(data, list):
        yield place, "list" if data else "empty list"
        for below in data:
            yield from _walk(f"{place}[]", below, masks, key)
    else:
        yield place, _leaf(data, masks, key)


def _leaf(data: Any, masks: Masks, key: str) -> str:
    told = key in WORDS
    match data:
        case None:
            return "null"
        case bool():
            return str(data).lower() if told else "boolean"
        case int() | float():
            return "number"
    text = masks.text(data)
    if told:
        return repr(masks.prose(data) if key == "message" else text)
    # What is nothing but an id, a time or a URL is told as such.
    return text if text in {"", "URL", "ID"} or text.startswith("TIME") else "text"


def _bytes(body: bytes) -> str:
    if re.fullmatch(rb"[0-9a-f]{40}\s*", body):
        return "ID"
    return "gzip" if body.startswith(b"\x1f\x8b") else "bytes" if body else "nothing"
