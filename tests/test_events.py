"""The events of the log: the table, the page and the calls in the code say the same."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import memory_sync
from memory_sync.config.lines import LEVELS
from memory_sync.daemon.events import EVENTS, Event
from tests.test_docs import page, rows, section

PACKAGE = Path(memory_sync.__file__).parent
OF_TOLD = {"code", "message"}
OF_NAMED = {"paths"}
SPREAD = {"told": OF_TOLD, "what": OF_TOLD, "_named": OF_NAMED}
"""What a call can spread: a function's name, or that of a variable, and the fields in it."""
TYPES = {"text", "integer", "number", "list", "number or null"}


def calls() -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """Find all calls that write an event: where, its level, its name, its fields."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if name.strip("_") in {"log", "logger"} and node.func.attr in {*LEVELS, "exception"}:
                where = f"{file.relative_to(PACKAGE)}:{node.lineno}"
                yield from ((where, node.func.attr, event, _fields(node)) for event in _names(node))


def _names(call: ast.Call) -> list[str]:
    """Return the events that a call can write: its first word, or those that a loop gives it."""
    first = call.args[0]
    if isinstance(first, ast.Constant):
        return [str(first.value)]
    assert isinstance(first, ast.Name), ast.dump(first)
    assert first.id == "event", "a name that is no constant is called event"
    return ["batch.up", "batch.down"]


def _fields(call: ast.Call) -> frozenset[str]:
    found: set[str] = set()
    for keyword in call.keywords:
        value = keyword.value
        if keyword.arg:
            found.add("exception" if keyword.arg == "exc_info" else keyword.arg)
        elif isinstance(value, ast.Name):
            found |= SPREAD[value.id]
        else:
            assert isinstance(value, ast.Call)
            name = value.func.attr if isinstance(value.func, ast.Attribute) else value.func
            assert isinstance(name, str)
            found |= SPREAD[name]
    return frozenset(found)


def test_each_call_is_an_event_of_the_table() -> None:
    """Each call has the name, level and fields of the table, and no event is without a call."""
    found = list(calls())
    for where, level, name, fields in found:
        assert name in EVENTS, where
        event = EVENTS[name]
        assert level == event.level, where
        assert set(event.fields) <= fields <= {*event.fields, *event.optional}, where
    assert {name for _, _, name, _ in found} == set(EVENTS)


def test_the_search_sees_the_calls() -> None:
    """Every module that is given a log is among those in which calls were found."""
    users = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if re.search(
            r"log(?:ger)?\.(?:debug|info|warning|error|exception)\(", file.read_text("utf-8")
        )
    }
    assert users == {where.partition(":")[0] for where, *_ in calls()}


def test_the_types_are_those_of_json() -> None:
    """No type of a field is misspelt, and no level."""
    for event in EVENTS.values():
        assert {*event.fields.values(), *event.optional.values()} <= TYPES
        assert event.level in LEVELS


def _documented(level: str, cell: str) -> Event:
    found = re.findall(r"(\[?)`?(\w+)` \(([a-z ]+)\)", cell)
    fields = {name: kind for bracket, name, kind in found if not bracket}
    return Event(level, fields, {name: kind for bracket, name, kind in found if bracket})


def test_the_page_lists_exactly_these_events() -> None:
    """docs/logs.md has a row for each event, with its level, fields and their types."""
    table = rows(section(page("docs/logs.md"), "## Events"))
    assert {row[0]: _documented(row[1], row[2]) for row in table} == EVENTS
    assert len(table) == len(EVENTS)
    assert all(row[3].strip("| ") for row in table)
