"""Each preset on a made-up home of its agent, which saves as that agent does; two machines."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.agent_homes import HALF, agents, below, commit, moved_in, put, save
from tests.cli.person import Person

SECRET = "sk-live-0000"
KEPT = {
    "openclaw": {
        ".openclaw/workspace/MEMORY.md": "# Long term\n",
        ".openclaw/workspace/memory/2026-01-01.md": "- a day\n",
        ".openclaw/workspace/memory/projects/house/plan.md": "- a plan\n",
        ".openclaw/workspace/DREAMS.md": "# Dreams\n",
        ".openclaw/workspace-writer/MEMORY.md": "# The writer's\n",
    },
    "claude-code": {".claude/CLAUDE.md": "# For all projects\n"},
    "codex": {
        ".codex/AGENTS.md": "# Agents\n",
        ".codex/memories/MEMORY.md": "# Generated\n",
        ".codex/memories/rollouts/one.md": "- one\n",
    },
    "gemini-cli": {".gemini/GEMINI.md": "# Gemini\n"},
    "hermes": {
        ".hermes/memories/MEMORY.md": "first entry\n§\nsecond entry\n",
        ".hermes/memories/USER.md": "likes short answers\n",
    },
}
LEFT = {
    "openclaw": {
        ".openclaw/openclaw.json": SECRET,
        ".openclaw/credentials/oauth.json": SECRET,
        ".openclaw/agents/main/agent/auth.json": SECRET,
        ".openclaw/workspace/SOUL.md": "# Of this machine\n",
        ".openclaw/workspace/openclaw.json": SECRET,
        ".openclaw/workspace/credentials/whatsapp/creds.md": SECRET,
        ".openclaw/workspace/memory/main.sqlite": SECRET,
        ".openclaw/workspace/memory/main.sqlite-wal": SECRET,
    },
    "claude-code": {
        ".claude/.credentials.json": SECRET,
        ".claude/.credentials.json.bak.1": SECRET,
        ".claude/settings.json": "{}",
        ".claude/CLAUDE.md.tmp.99.ab12cd34": "# half",
        f".claude/{HALF}": "# half",
        ".claude/projects/-home-a-x/session.jsonl": SECRET,
    },
    "codex": {
        ".codex/auth.json": SECRET,
        ".codex/config.toml": SECRET,
        ".codex/state_5.sqlite": SECRET,
        ".codex/sessions/2026/rollout.md": SECRET,
    },
    "gemini-cli": {
        ".gemini/oauth_creds.json": SECRET,
        ".gemini/.env": SECRET,
        ".gemini/settings.json": "{}",
        ".gemini/tmp/0a1b/memory/MEMORY.md": "# Second-hand\n",
    },
    "hermes": {".hermes/.env": SECRET, ".hermes/SOUL.md": "# Soul\n", ".hermes/state.db": SECRET},
}
NEVER = {
    "openclaw": ("openclaw.json", "creds.md", "sqlite"),
    "claude-code": (".credentials.json", ".tmp.", "projects"),
    "codex": ("auth.json", "sqlite", ".git/"),
    "gemini-cli": ("oauth_creds.json", ".env"),
}
"""What does not even travel where a person includes everything."""
PLACES = {
    "openclaw": (".openclaw/workspace", ".openclaw/workspace-writer"),
    "claude-code": (".claude",),
    "codex": (".codex",),
    "gemini-cli": (".gemini",),
    "hermes": (".hermes/memories",),
}
HERMES = "entry of the first day\n§\n"


@pytest.fixture
def homes(ada: Person, bob: Person) -> tuple[Path, Path]:
    """Return the home folders of both machines."""
    return moved_in(ada), moved_in(bob)


def _sent(data: dict[str, Any]) -> set[str]:
    return {path.partition("/")[2] for path in data["sync"]["up"]}


def _relative(name: str, files: dict[str, str]) -> set[str]:
    """Return the paths of files as the agent's roots have them."""
    return {
        path.removeprefix(f"{place}/")
        for path in files
        for place in PLACES[name]
        if path.startswith(f"{place}/")
    }


@pytest.mark.parametrize("name", sorted(KEPT))
def test_i55_a_preset_sends_the_memory_and_nothing_else(
    ada: Person, bob: Person, homes: tuple[Path, Path], name: str
) -> None:
    """The other machine gets every memory file to the byte; credentials and databases stay."""
    here, there = homes
    put(here, {**KEPT[name], **LEFT[name]})
    for place in PLACES[name]:
        (there / place).mkdir(parents=True)
    if name == "codex":
        commit(here / ".codex/memories")
    data = agents(ada, name).answer["data"]
    assert _sent(data) == _relative(name, KEPT[name])
    ada.key_to(bob)
    ran = agents(bob, name)
    assert ran.status == 0, ran
    # What Codex makes is only kept, for each device by itself.
    assert below(there) == ({} if name == "codex" else KEPT[name])
    assert {place.relative_to(here).as_posix() for place in here.rglob(".memory-sync")} == {
        f"{place}/.memory-sync" for place in PLACES[name]
    }


@pytest.mark.parametrize("name", sorted(NEVER))
def test_i55_what_a_preset_leaves_out_stays_whatever_else_is_included(
    ada: Person, homes: tuple[Path, Path], name: str
) -> None:
    """No credential, database or repository: not with a pattern for all, nor with the rules off."""
    here, _ = homes
    put(here, {**KEPT[name], **LEFT[name]})
    put(here, {f"{place}/.memorysyncignore": "!*\n" for place in PLACES[name]})
    if name == "codex":
        commit(here / ".codex/memories")
    sent = _sent(agents(ada, name, more=("--include", "**/*")).answer["data"])
    assert sent > _relative(name, KEPT[name])
    assert not [path for path in sent for part in NEVER[name] if part in path]


def test_codex_is_a_backup_of_each_device(
    ada: Person, bob: Person, homes: tuple[Path, Path]
) -> None:
    """One root for each device, which carries its name and is only sent."""
    for person, home in zip((ada, bob), homes, strict=True):
        put(home, {".codex/memories/MEMORY.md": f"# Of {person.name}\n"})
        commit(home / ".codex/memories")
    assert agents(ada, "codex").status == 0
    ada.key_to(bob)
    ran = agents(bob, "codex")
    assert "codex-laptop (1 file)" in ran.err
    for person in (ada, bob):
        [root] = _configured(person)["root"]
        assert (root["name"], root["direction"]) == (f"codex-{person.name}", "push")
    assert (homes[1] / ".codex/memories/MEMORY.md").read_text() == "# Of desktop\n"
    assert ada.types("init", "--agent", "codex", "--device", "desk", "--yes").status == 0
    assert [root["name"] for root in _configured(ada)["root"]] == ["codex-laptop"]


def test_two_machines_of_one_name_do_not_share_a_backup(
    ada: Person, bob: Person, homes: tuple[Path, Path]
) -> None:
    """They would overrule each other without end: another name is asked for."""
    for person, home in zip((ada, bob), homes, strict=True):
        put(home, {".codex/memories/MEMORY.md": f"# Of {person.name}\n"})
    assert agents(ada, "codex").status == 0
    ada.key_to(bob)
    remote = ("--remote", ada.remote, "--no-service")
    ran = bob.types("init", "--agent", "codex", "--device", ada.name, *remote, "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["usage"])
    assert ran.answer["errors"][0]["hint"].endswith("--device NAME")
    assert not bob.places.config_file.exists()
    assert agents(bob, "codex").status == 0


def _configured(person: Person) -> dict[str, Any]:
    vaults = tomllib.loads(person.places.config_file.read_text())["vault"]
    vault: dict[str, Any] = vaults[0]
    return vault


@pytest.fixture
def claudes(
    ada: Person, bob: Person, homes: tuple[Path, Path]
) -> tuple[tuple[Person, Path], tuple[Person, Path]]:
    """Return two machines with Claude Code and one CLAUDE.md, each with its file."""
    (here, there) = (home / ".claude/CLAUDE.md" for home in homes)
    save(here, _stamped("2026-01-01T10:00:00Z"))
    there.parent.mkdir()
    assert agents(ada, "claude-code").status == 0
    ada.key_to(bob)
    assert agents(bob, "claude-code").status == 0
    return (ada, here), (bob, there)


def _stamped(when: str, first: str = "one", last: str = "nine") -> str:
    lines = "\n".join(f"- {word}" for word in (first, "two", "three", "four", "five", last))
    return f"---\nname: notes\nmodified: {when}\n---\n{lines}\n"


def test_a_stamp_that_both_changed_takes_the_later(
    claudes: tuple[tuple[Person, Path], tuple[Person, Path]],
) -> None:
    """Claude Code writes `modified:` with every save; edits beside it merge without a conflict."""
    (ada, here), (bob, there) = claudes
    save(here, _stamped("2026-01-03T10:00:00Z", first="ONE"))
    save(there, _stamped("2026-01-02T10:00:00Z", last="NINE"))
    for person in (ada, bob, ada):
        assert person.types("now").status == 0
    wanted = _stamped("2026-01-03T10:00:00Z", first="ONE", last="NINE")
    assert (here.read_text(), there.read_text()) == (wanted, wanted)


def test_i56_saves_by_rename_are_one_upload_of_the_final_bytes(
    claudes: tuple[tuple[Person, Path], tuple[Person, Path]],
) -> None:
    """Twenty saves in a row send one file, and no temporary one."""
    (ada, here), (bob, there) = claudes
    for number in range(20):
        save(here, _stamped(f"2026-01-03T10:00:{number:02}Z"))
    (here.parent / "CLAUDE.md.tmp.99.ab12cd34").write_text("# half")
    [row] = ada.types("now", "--json").answer["data"]["vaults"]
    assert row["up"] == ["claude-code/CLAUDE.md"]
    assert bob.types("now").status == 0
    assert there.read_text() == here.read_text()
    assert sorted(below(there.parent)) == ["CLAUDE.md"]


def test_many_files_of_openclaw_come_over_and_join_what_is_there(
    ada: Person, bob: Person, homes: tuple[Path, Path]
) -> None:
    """Logs of years, on both sides: the union, and appends of one day on both are kept."""
    days = {
        f"memory/20{year:02}/{month:02}-{day:02}.md": "- a day\n"
        for year in range(20, 26) for month in range(1, 13) for day in (1, 15, 28)
    }  # fmt: skip
    here, there = (home / ".openclaw/workspace" for home in homes)
    put(here, days)
    put(there, {"memory/2026/01-01.md": "- only there\n"})
    assert agents(ada, "openclaw").answer["data"]["files"] == len(days)
    ada.key_to(bob)
    ran = agents(bob, "openclaw")
    assert "Root openclaw: 1 only here, 216 only there, 0 different, 0 the same." in ran.err
    day = "memory/2025/12-28.md"
    for workspace, text in ((here, "- from here\n"), (there, "- from there\n")):
        with (workspace / day).open("a") as file:
            file.write(text)
    for person in (ada, bob, ada):
        assert person.types("now").status == 0
    assert below(here) == below(there)
    assert set(below(here)) == {*days, "memory/2026/01-01.md"}
    assert sorted((here / day).read_text().splitlines()) == [
        "- a day",
        "- from here",
        "- from there",
    ]


@pytest.fixture
def hermes(ada: Person, bob: Person, homes: tuple[Path, Path]) -> tuple[Path, Path]:
    """Return the memory of Hermes on two machines: 1,750 characters on both."""
    here, there = (home / ".hermes/memories/MEMORY.md" for home in homes)
    for file in (here, there):
        file.parent.mkdir(parents=True)
        file.write_text(HERMES * 70)
    assert agents(ada, "hermes").status == 0
    ada.key_to(bob)
    assert agents(bob, "hermes").status == 0
    return here, there


def _add(file: Path, entry: str) -> None:
    with file.open("a") as opened:
        opened.write(f"{entry}\n§\n")


def test_entries_of_hermes_that_fit_are_both_kept(
    ada: Person, bob: Person, hermes: tuple[Path, Path]
) -> None:
    """Two machines add an entry each, below the cap: the file has both."""
    for file, letter in zip(hermes, "ab", strict=True):
        _add(file, letter * 100)
    for person in (ada, bob, ada):
        assert person.types("now").status == 0
    here, there = (file.read_text() for file in hermes)
    assert here == there
    assert "a" * 100 in here
    assert "b" * 100 in here


def test_a_merge_over_the_cap_of_hermes_is_a_conflict(
    ada: Person, bob: Person, hermes: tuple[Path, Path]
) -> None:
    """Both entries together are more than 2,200 characters: one stays, the other is kept beside."""
    here, there = hermes
    assert len(HERMES) * 70 == 1750
    for file, letter in zip(hermes, "ab", strict=True):
        _add(file, letter * 300)
    assert ada.types("now").status == 0
    assert bob.types("now").status == 3
    assert ada.types("now").status == 3
    assert here.read_text() == there.read_text()
    assert len(here.read_text()) <= 2200
    copies = bob.types("conflicts", "--json").answer["data"]
    assert "hermes/MEMORY.md" in str(copies)


def test_one_agent_at_another_place_is_one_root(
    ada: Person, bob: Person, homes: tuple[Path, Path]
) -> None:
    """Variables and a folder that was given lead to the same logical root."""
    here, there = homes
    put(here, {".claude/CLAUDE.md": "# For all\n"})
    put(there, {"settings/claude/settings.json": "{}", "claw/MEMORY.md": "# Claw\n"})
    bob.env["CLAUDE_CONFIG_DIR"] = str(there / "settings/claude")
    assert agents(ada, "claude-code").status == 0
    ada.key_to(bob)
    assert agents(bob, "claude-code").status == 0
    assert (there / "settings/claude/CLAUDE.md").read_text() == "# For all\n"
    ran = bob.types("init", str(there / "claw"), "--agent", "openclaw", "--yes")
    assert ran.status == 0, ran
    (here / ".openclaw/workspace").mkdir(parents=True)
    assert agents(ada, "openclaw").status == 0
    assert (here / ".openclaw/workspace/MEMORY.md").read_text() == "# Claw\n"
