"""The presets: each file is whole, and a wrong one is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from memory_sync.config.presets import Preset, load_preset, parse_preset, preset_names
from memory_sync.errors import AgentUnknownError

TOP = Path(__file__).parents[2]
NAMES = ("claude-code", "codex", "gemini-cli", "hermes", "openclaw")
HOME = {"HOME": "/h"}
WHOLE = """
title = "Some agent"
[[place]]
env = "SOME_HOME"
[[place]]
path = "~/.some"
[[root]]
name = "some"
include = ["*.md"]
"""


def test_each_agent_has_a_file_that_can_be_read() -> None:
    """Every preset is there, as data of the package, and is what the models take."""
    assert preset_names() == NAMES
    for name in NAMES:
        assert load_preset(name).title


@pytest.mark.parametrize("name", ["", "nobody", "../presets/codex", "codex.toml"])
def test_an_agent_without_a_preset_is_refused(name: str) -> None:
    """The error lists those that there are."""
    with pytest.raises(AgentUnknownError, match="claude-code, codex"):
        load_preset(name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "Some agent"', ""),
        ('title = "Some agent"', 'title = "Some agent"\ncolour = "red"'),
        ('[[place]]\npath = "~/.some"', ""),
        ('path = "~/.some"', 'path = "/etc"'),
        ('path = "~/.some"', 'path = "~/{value}"'),
        ('env = "SOME_HOME"', 'env = "SOME_HOME"\npath = "~/.some"'),
        ('env = "SOME_HOME"', 'env = "some home"'),
        ('name = "some"', 'name = "some root"'),
        ('name = "some"', 'name = "some-{host}"'),
        ('name = "some"', 'name = "some-{agent}"'),
        ('name = "some"', 'name = "some"\nbeside = true'),
        ('name = "some"', 'name = "some"\nfolder = "../up"'),
        ('name = "some"', 'name = "some"\nfolder = "/etc"'),
        ('name = "some"', 'name = "some"\ndirection = "push"'),
        ('name = "some"', 'name = "some"\ndirection = "sideways"'),
        ('name = "some"', 'name = "some"\nmerge_cap = { "a.md" = 0 }'),
        ('include = ["*.md"]', "include = []"),
        ('include = ["*.md"]', 'include = ["/etc/*"]'),
        ('include = ["*.md"]', 'include = ["*.md"]\n[[root]]\nname = "SOME"\ninclude = ["a"]'),
        ('include = ["*.md"]', 'include = ["*.md"]\n[[projects]]\nfolder = "p"\nagent = "x"'),
    ],
)
def test_a_wrong_preset_is_refused(old: str, new: str) -> None:
    """A slip in a file of data is found by its models, and not by a person's files."""
    parse_preset(WHOLE)
    with pytest.raises(ValidationError):
        parse_preset(WHOLE.replace(old, new))


def _places(name: str, env: dict[str, str]) -> list[str]:
    return [str(path) for path in load_preset(name).places({**HOME, **env})]


@pytest.mark.parametrize(
    ("name", "env", "places"),
    [
        ("openclaw", {}, ["/h/.openclaw/workspace"]),
        ("openclaw", {"OPENCLAW_PROFILE": "default"}, ["/h/.openclaw/workspace"]),
        (
            "openclaw",
            {"OPENCLAW_PROFILE": "work", "OPENCLAW_STATE_DIR": "/s"},
            ["/h/.openclaw-work/workspace", "/h/.openclaw/workspace-work"],
        ),
        ("openclaw", {"OPENCLAW_STATE_DIR": "~/s"}, ["/h/s/workspace"]),
        (
            "openclaw",
            {"OPENCLAW_WORKSPACE_DIR": "/w/", "OPENCLAW_PROFILE": "a", "OPENCLAW_STATE_DIR": "/s"},
            ["/w"],
        ),
        ("openclaw", {"OPENCLAW_WORKSPACE_DIR": " "}, ["/h/.openclaw/workspace"]),
        ("claude-code", {}, ["/h/.claude"]),
        ("claude-code", {"CLAUDE_CONFIG_DIR": "/c"}, ["/c"]),
        ("codex", {}, ["/h/.codex"]),
        ("codex", {"CODEX_HOME": "/c"}, ["/c"]),
        ("gemini-cli", {}, ["/h/.gemini"]),
        ("gemini-cli", {"GEMINI_CLI_HOME": "/g"}, ["/g/.gemini"]),
        ("hermes", {}, ["/h/.hermes"]),
        ("hermes", {"HERMES_HOME": "/m"}, ["/m"]),
    ],
)
def test_the_first_variable_that_is_set_decides(
    name: str, env: dict[str, str], places: list[str]
) -> None:
    """As the agent itself looks for its place; an empty variable counts as none."""
    assert _places(name, env) == places


def test_the_page_says_what_the_presets_do() -> None:
    """docs/agents.md has every root, pattern, exclude and variable of every preset."""
    page = " ".join((TOP / "docs" / "agents.md").read_text("utf-8").split())
    for name in NAMES:
        preset = load_preset(name)
        assert f"`{name}`" in page
        for text in _told(preset):
            assert f"`{text}`" in page, (name, text)
    assert not re.search(r"`[A-Z]+_[A-Z_]+`", _without_variables(page))


def _told(preset: Preset) -> set[str]:
    roots = {re.sub(r"\{(\w+)\}", _worded, root.name) for root in preset.root}
    variables = {place.env for place in preset.place if place.env}
    patterns = {pattern for root in preset.root for pattern in root.include}
    return roots | variables | patterns


def _worded(found: re.Match[str]) -> str:
    return {"agent": "<agentId>", "device": "<device>"}[found[1]]


def _without_variables(page: str) -> str:
    for name in NAMES:
        for place in load_preset(name).place:
            page = page.replace(f"`{place.env}`", "")
    return page
