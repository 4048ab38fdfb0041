"""The pages for people, held to the code."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_sync import errors
from memory_sync.app import sync as app_sync
from memory_sync.cli import standing
from memory_sync.cli.group import COMMANDS, EPILOG
from memory_sync.cli.result import ORDER
from memory_sync.daemon import client, control, crowd, protocol
from memory_sync.daemon.client import Client
from memory_sync.daemon.control import ControlServer
from memory_sync.daemon.mailbox import Board, Request
from memory_sync.daemon.report import VaultReport, outcome_data
from memory_sync.errors import DaemonVersionError, MemorySyncError, UsageError
from memory_sync.model import Outcome
from memory_sync.vault.manifest import README_TEXT

TOP = Path(__file__).parents[1]
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", TOP / "CHANGELOG.md"]
PAGES += sorted((TOP / "docs").glob("*.md"))
FENCED = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|[`;&(/]|&& )memory-sync ([a-z][a-z-]*)", re.MULTILINE)


def page(name: str) -> str:
    """Return a page's text."""
    return (TOP / name).read_text("utf-8")


def prose(text: str) -> str:
    """Return a page without its blocks of code."""
    return FENCED.sub("", text)


def blocks(text: str, language: str) -> list[str]:
    """Return what stands in the blocks of code in a language."""
    return [body for _, named, body in FENCED.findall(text) if named == language]


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its rank or a higher one."""
    rank = len(heading) - len(heading.lstrip("#"))
    below = text.split(f"\n{heading}\n")[1]
    return re.split(rf"^#{{1,{rank}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the rows of all tables, without headers and without the quotes of code."""
    tables = re.findall(r"(?:^\|.*\n)+", f"{text}\n", re.MULTILINE)
    lines = [line.strip("|") for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip().strip("`") for cell in line.split(" | ")] for line in lines]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


# --- all pages ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_link_leads_somewhere(path: Path) -> None:
    """A relative link names a file of the project, and a heading that this file has."""
    for link in LINK.findall(prose(path.read_text("utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_command_that_is_named_exists(path: Path) -> None:
    """`memory-sync X` stands in a page only if there is a command X."""
    text = path.read_text("utf-8")
    spans = re.findall(r"`[^`\n]+`", prose(text))
    shell = [line.strip() for body in blocks(text, "sh") for line in body.splitlines()]
    named = {name for piece in (*spans, *shell) for name in COMMAND.findall(piece)}
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_key_is_decrypted_into_a_private_file(path: Path) -> None:
    """Whoever types what a page shows leaves no key that others can read."""
    text = path.read_text("utf-8")
    assert text.count("age -d -o key") == text.count("umask 077; age -d -o key")


def test_commands_are_found_in_pages() -> None:
    """The search above sees what it is to see."""
    assert COMMAND.findall("cd ~/agent && memory-sync init # or `memory-sync export-key F`") == [
        "init",
        "export-key",
    ]
    assert COMMAND.findall("memory-sync/1/names") == []


# --- README ---------------------------------------------------------------------------------


def test_the_readme_lists_every_command() -> None:
    """The table of commands has exactly those of the program, in the order of its help."""
    table = rows(section(page("README.md"), "## Commands").split("| exit status |")[0])
    assert [row[0] for row in table] == list(COMMANDS)


def test_the_readme_lists_every_exit_status() -> None:
    """The table of exit statuses has those of the errors and those of the program's help."""
    table = section(page("README.md"), "## Commands").split("| exit status |")[1]
    listed = {int(row[0]) for row in rows(f"| exit status |{table}")}
    told = {int(number) for number in re.findall(r"(?:^|\s)(\d+) [a-z]", EPILOG)}
    raised = {kind.status for kind in _kinds(MemorySyncError)}
    assert listed == told
    assert raised | {0, 3, 130} == listed


def _kinds(kind: type[MemorySyncError]) -> Iterator[type[MemorySyncError]]:
    if kind.__module__.startswith(f"{errors.__name__}."):
        yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def test_the_errors_are_grouped_by_exit_status() -> None:
    """In docs/errors.md each error stands under the heading of its own status."""
    parts = re.split(r"^## (\d+): .+$", page("docs/errors.md"), flags=re.MULTILINE)[1:]
    groups = dict(zip(parts[::2], map(rows, parts[1::2]), strict=True))
    assert {title: {row[1] for row in group} - {title} for title, group in groups.items()} == {
        str(status): set() for status in (1, 2, 3, 4, 5, 6, 7, 8, 9, 130)
    }
    assert sum(map(len, groups.values())) == len(list(_kinds(MemorySyncError)))


def test_the_page_says_which_status_wins() -> None:
    """docs/errors.md has the order in which one exit status is picked from several."""
    assert re.findall(r"\d(?:, \d)+", page("docs/errors.md"))[0] == ", ".join(map(str, ORDER))


# --- the vault format -----------------------------------------------------------------------


def test_the_page_has_the_test_vectors() -> None:
    """The vectors in docs/vault-format.md are those that both implementations are held to."""
    vectors = json.loads((TOP / "tests/reader/vectors.json").read_text("utf-8"))
    body = section(page("docs/vault-format.md"), "## Test vectors")
    assert [json.loads(block) for block in blocks(body, "json")] == [vectors]


def test_the_page_has_the_readme_of_a_vault() -> None:
    """The README in docs/vault-format.md is the one that a push writes, to the byte."""
    assert README_TEXT in blocks(page("docs/vault-format.md"), "text")


@pytest.mark.parametrize("name", ["docs/vault-format.md", "docs/getting-started.md"])
def test_the_recovery_commands_are_those_of_the_vault(name: str) -> None:
    """What a page tells to type is what the vault's own README does."""
    [commands] = blocks(README_TEXT, "")
    assert commands in blocks(page(name), "sh")


def test_the_example_of_vault_json_is_that_of_the_vectors() -> None:
    """The one line in docs/vault-format.md is a `vault.json` as the program writes it."""
    vectors = json.loads((TOP / "tests/reader/vectors.json").read_text("utf-8"))
    data = {"format": 1, "id": vectors["id"], "recipients": [vectors["recipient"]]}
    body = section(page("docs/vault-format.md"), "### vault.json")
    assert blocks(body, "json") == [json.dumps(data, sort_keys=True) + "\n"]


# --- the control socket ---------------------------------------------------------------------

Socket = Callable[[str, dict[str, Any]], Any]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Socket]:
    """Return a way to ask a real server that serves one vault and whose cycles do nothing."""
    board: Board[VaultReport] = Board()
    board.put("notes", VaultReport("notes", "file:///v.git", (("memory", "/a"),)))

    def submit(_vault: str, request: Request) -> Callable[[], bool]:
        threading.Timer(0.01, lambda: request.reply.put(outcome_data(Outcome()))).start()
        return lambda: True

    server = ControlServer(tmp_path / "run" / "control.sock", board, submit)
    server.open()
    try:
        with Client(str(server.path)) as client:
            yield client.call
    finally:
        server.close()


SERVED = ControlServer(Path("socket"), Board(), lambda _, __: lambda: True)
"""A server that is never opened: its table is that of every daemon."""


def methods() -> list[str]:
    """Return the methods of docs/control.md."""
    return re.findall(r"^### `(\w+)`$", page("docs/control.md"), re.MULTILINE)


def test_the_page_lists_every_method() -> None:
    """docs/control.md has the methods of a real daemon, and no other."""
    assert sorted(methods()) == sorted(SERVED.methods)


def test_each_method_of_the_page_is_answered(ask: Socket) -> None:
    """A real server knows each method of docs/control.md, and refuses another."""
    for method in methods():
        ask(method, {})
    with pytest.raises(DaemonVersionError):
        ask("nonsense", {})


def cells_of(method: str, head: str) -> list[list[str]]:
    """Return the rows of the table with this header in a method's section."""
    body = section(page("docs/control.md"), f"### `{method}`")
    table = re.search(rf"^\| {head} .*\n(?:\|.*\n)+", body, re.MULTILINE)
    return rows(table[0]) if table else []


def table_of(method: str, head: str) -> set[str]:
    """Return the first cells of that table."""
    return {row[0] for row in cells_of(method, head)}


def test_the_page_lists_what_is_answered(ask: Socket) -> None:
    """The fields in docs/control.md are those of a real answer."""
    assert table_of("hello", "answer") == set(ask("hello", {}))
    assert table_of("status", "vault") == set(ask("status", {})["vaults"][0])
    assert table_of("sync", "outcome") == set(ask("sync", {})["notes"])


def test_the_page_lists_every_parameter(ask: Socket) -> None:
    """The parameters in docs/control.md are those of the table of methods, and are looked at."""
    for name, method in SERVED.methods.items():
        listed = table_of(name, "parameter")
        assert listed == set(method.parameters or {})
        for parameter in listed:
            with pytest.raises(UsageError):
                ask(name, {parameter: [5]})


def test_the_page_has_the_defaults() -> None:
    """What docs/control.md says of a parameter that is not given is what the server takes."""
    for name, method in SERVED.methods.items():
        said = {row[0]: row[1] for row in cells_of(name, "parameter")}
        meant = {name: json.dumps(it.default) for name, it in (method.parameters or {}).items()}
        assert said == meant


def test_the_page_has_the_limits() -> None:
    """The limits in docs/control.md are the code's."""
    said = {row[0]: row[1] for row in rows(section(page("docs/control.md"), "## Limits"))}
    begins = {
        "a request": f"{protocol.MAX_REQUEST // 1024} KiB;",
        "an answer": f"{protocol.MAX_ANSWER // 1024**2} MiB",
        "the time to the next request, until it is there whole": f"{control.REQUEST_SECONDS:.0f} s",
        "the time to take in an answer, or a notification": f"{control.TAKE_SECONDS:.0f} s",
        "connections at once": f"{crowd.CONNECTIONS},",
        "connections that wait for a `sync": f"{crowd.WAITING};",
        "a `sync": "an answer after an hour",
    }
    assert said.keys() == begins.keys()
    for what, limit in begins.items():
        assert said[what].startswith(limit)
    assert protocol.SYNC_SECONDS == 3600
    prose = " ".join(section(page("docs/control.md"), "## Limits").split())
    assert f"within the last {crowd.SILENT_SECONDS} s" in prose
    assert "has to come within 5 s" in prose
    assert f"all of it within {standing.SILENT_AFTER} s" in prose
    assert f"{app_sync.SYNC_TIMEOUT:.0f} s without a notification" in prose
    assert f"after {client.STANDSTILL / 60:.0f} minutes" in prose


def test_the_page_lists_the_codes_of_errors() -> None:
    """The numbers in docs/control.md are those that the server answers with."""
    listed = {int(row[0]) for row in rows(section(page("docs/control.md"), "## Errors"))}
    names = ("PARSE_ERROR", "INVALID_REQUEST", "METHOD_UNKNOWN", "PARAMS_INVALID", "FAULT")
    assert listed == {getattr(protocol, name) for name in (*names, "FAILED", "BUSY")}


# --- the threat model -----------------------------------------------------------------------


def test_each_promise_of_the_threat_model_names_a_test_that_is_there() -> None:
    """Every number is in the table, every row of it is used, and every test exists."""
    text = page("docs/threat-model.md")
    promises, _, table = text.partition("\n## The tests\n")
    used = {int(number) for number in re.findall(r"\[(\d+)\]", promises)}
    named = {int(number): test.partition("::") for number, test in rows(table)}
    assert used == named.keys() == set(range(1, len(named) + 1))
    for path, _, name in named.values():
        assert re.search(rf"^def {name}\(", (TOP / path).read_text("utf-8"), re.MULTILINE), name


def test_what_the_page_writes_into_a_home_works_in_a_fresh_one(tmp_path: Path) -> None:
    """A folder that a new account does not have is made first."""
    text = page("docs/getting-started.md")
    (link,) = (block for block in blocks(text, "sh") if "ln -s" in block)
    (fish,) = re.findall(r"^\| fish \| `(.+)` \|$", text, re.MULTILINE)
    lines = [line for line in link.splitlines() if line.startswith(("mkdir", "ln"))]
    program = tmp_path / "memory-sync"
    program.write_text("#!/bin/sh\necho words\n")
    program.chmod(0o755)
    env = {"HOME": str(tmp_path / "home"), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    Path(env["HOME"]).mkdir()
    subprocess.run(["/bin/sh", "-ec", "\n".join([*lines, fish])], env=env, check=True)
    written = tmp_path / "home" / ".config" / "fish" / "completions" / "memory-sync.fish"
    assert written.read_text() == "words\n"
    assert (tmp_path / "home" / ".local" / "bin" / "memory-sync").is_symlink()
