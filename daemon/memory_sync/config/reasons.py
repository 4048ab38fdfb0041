"""What pydantic found wrong, in plain words and without the value, which might be a secret."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from memory_sync.config.settings import SECTIONS, Settings
from memory_sync.vault.paths import ROOT_NAME

Location = tuple[int | str, ...]

UNKNOWN = "extra_forbidden"
NUMBER = "must be a number"
WHOLE = "must be a whole number"
SWITCH = "must be true or false"
TABLE = "must be a table"
LIST = "must be a list"
SIZE = 'must be a size: bytes, or text like "10MiB"'
WORDS = {
    "missing": "is missing",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "too_short": "must not be empty",
    "literal_error": "must be {expected}",
    "finite_number": NUMBER,
    "float_parsing": NUMBER,
    "float_type": NUMBER,
    "int_parsing": WHOLE,
    "int_type": WHOLE,
    "int_from_float": WHOLE,
    "bool_parsing": SWITCH,
    "bool_type": SWITCH,
    "string_type": "must be text",
    "path_type": "must be a path",
    "tuple_type": LIST,
    "model_type": TABLE,
    "model_attributes_type": TABLE,
    "mapping_type": TABLE,
    "dict_type": TABLE,
    "byte_size": SIZE,
    "byte_size_unit": SIZE,
}


def first_error(error: ValidationError) -> ErrorDetails:
    """Return the first thing that is wrong."""
    return error.errors(include_url=False, include_input=False)[0]


def reason(details: ErrorDetails) -> str:
    """Say why a value cannot be: the rest of a sentence that begins with the setting."""
    context = details.get("ctx", {})
    if details["type"] == "value_error":
        return str(context["error"])
    return WORDS.get(details["type"], "is not what this setting takes").format(**context)


def dotted(location: Location, data: object) -> str:
    """Name a setting: `vault[notes].root[memory].max_size`.

    What has no usable name is counted from 1.
    """
    text, here = "", data
    for part in location:
        if isinstance(part, int):
            here = here[part] if isinstance(here, (list, tuple)) and part < len(here) else None
            name = here.get("name") if isinstance(here, Mapping) else None
            known = isinstance(name, str) and ROOT_NAME.match(name)
            text += f"[{name if known else part + 1}]"
        elif part != "[key]":  # pydantic's mark for the name before it, not its value
            here = here.get(part) if isinstance(here, Mapping) else None
            word = part if part.isprintable() else ascii(part)
            text += f".{word}" if text else word
    return text


def with_nearest(text: str, location: Location) -> str:
    """Add to a text about an unknown setting the known one that is most like it, if one is."""
    names = [part for part in location if isinstance(part, str)]
    model = SECTIONS.get(names[-2]) if len(names) > 1 else Settings
    known = get_close_matches(names[-1], model.model_fields if model else (), 1)
    return f"{text} (did you mean {known[0]}?)" if known else text
