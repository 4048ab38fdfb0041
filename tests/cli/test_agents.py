"""`init` and `join` for agents: found, shown, chosen, set up in one vault, and again."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.agent_homes import agents, below, moved_in, put, save
from tests.cli.person import QUICK, Person, Ran, until
from tests.cli.terminal import terminal

MARKER = ".memory-sync"
CLAUDE = {".claude/CLAUDE.md": "# All projects\n"}
PROJECT = {".claude/projects/-me-work-x/memory/MEMORY.md": "# Project x\n"}
GEMINI = {".gemini/GEMINI.md": "# Gemini\n"}
OPENCLAW = {
    ".openclaw/workspace/MEMORY.md": "# Claw\n",
    ".openclaw/workspace/memory/2026-01-01.md": "- a day\n",
}


@pytest.fixture
def home(ada: Person, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the first machine's home folder; its person stands in the agent's folder."""
    monkeypatch.chdir(ada.agent)
    return moved_in(ada)


def _vault(person: Person, number: int = 0) -> dict[str, Any]:
    vaults = tomllib.loads(person.places.config_file.read_text())["vault"]
    vault: dict[str, Any] = vaults[number]
    return vault


def _roots(person: Person, number: int = 0) -> list[str]:
    return [root.get("name", "memory") for root in _vault(person, number)["root"]]


def _plain(person: Person, *more: str, command: str = "init") -> Ran:
    return person.types(command, "--remote", person.remote, "--json", *more)


def _untouched(person: Person) -> bool:
    markers = list(person.agent.parent.rglob(MARKER))
    return not (person.places.config_file.exists() or markers)


# --- found ----------------------------------------------------------------------------------


def test_agents_are_found_and_all_taken_with_yes(ada: Person, home: Path) -> None:
    """Each is listed with its folders, counts and sizes; all of them go into one vault."""
    put(home, {**CLAUDE, **PROJECT, **GEMINI, **OPENCLAW})
    ran = _plain(ada, "--yes")
    assert ran.status == 0, ran
    assert "3 agents were found here:" in ran.err
    for line in (
        f"1.  Claude Code\n    {home}/.claude (claude-code): 1 memory file (15 bytes)\n",
        f"    {home}/.claude/projects (a root for each project): 1 memory file (12 bytes)\n",
        f"2.  Gemini CLI\n    {home}/.gemini (gemini-cli): 1 memory file (9 bytes)\n",
        f"3.  OpenClaw\n    {home}/.openclaw/workspace (openclaw): 2 memory files (15 bytes)\n",
    ):
        assert line in ran.err
    assert _roots(ada) == ["claude-code", "gemini-cli", "openclaw"]
    assert _vault(ada)["projects"] == [{"path": f"{home}/.claude/projects"}]
    data = ran.answer["data"]
    assert [root["files"] for root in data["roots"]] == [1, 1, 2]
    assert (data["files"], data["bytes"]) == (4, 39)
    assert not (ada.agent / MARKER).exists()


def test_without_a_terminal_it_wants_yes_for_the_agents_that_it_has_shown(
    ada: Person, home: Path
) -> None:
    """The hint names them, so that the same ones are meant; nothing was changed."""
    put(home, {**CLAUDE, **GEMINI})
    ran = _plain(ada)
    assert (ran.status, ran.codes) == (2, ["answer-needed"])
    hint = f"memory-sync init --agent claude-code --agent gemini-cli --remote {ada.remote} --yes"
    assert ran.answer["errors"][0]["hint"] == hint
    assert _untouched(ada)


def test_some_are_chosen_at_a_terminal(ada: Person, home: Path, tmp_path: Path) -> None:
    """A number takes that one; then all is as ever, and a no leaves everything as it was."""
    put(home, {**CLAUDE, **GEMINI})
    for answer, status in (("n", 1), ("y", 0)):
        with terminal("init", "--remote", ada.remote, "--no-service", env=ada.env) as screen:
            screen.expect("Which of them shall be synced? [Enter for all,")
            screen.type("3")
            screen.type("2")
            screen.expect("and sync this file? [Y/n]")
            screen.type(answer)
            assert screen.ends() == status
        if status:
            assert _untouched(ada)
            assert not (tmp_path / "vault.git").exists()
    assert _roots(ada) == ["gemini-cli"]


def test_an_answer_that_names_no_agent_is_said_to_be_none(ada: Person, home: Path) -> None:
    """And the question comes again."""
    put(home, CLAUDE)
    with terminal("init", "--remote", ada.remote, env=ada.env) as screen:
        for answer in ("99", "abc"):
            screen.expect("Which of them shall be synced?")
            screen.type(answer)
            screen.expect(f"'{answer}' is no answer to that: numbers from 1 to ")
        screen.end_input()
        assert screen.ends() == 2


def test_none_is_the_current_folder(ada: Person, home: Path) -> None:
    """Who wants no agent gets what `init` does where there is none."""
    put(home, CLAUDE)
    with terminal("init", "--remote", ada.remote, "--no-service", env=ada.env) as screen:
        screen.expect(f"0 for none: only {ada.agent}]")
        screen.type("0")
        screen.expect("and sync these 2 files? [Y/n]")
        screen.type("y")
        assert screen.ends() == 0
    assert [root["path"] for root in _vault(ada)["root"]] == [str(ada.agent)]


@pytest.mark.parametrize("more", [("--name", "mine"), ("--include", "*.md"), (".",)])
def test_what_can_only_mean_a_folder_looks_for_no_agent(
    ada: Person, home: Path, more: tuple[str, ...]
) -> None:
    """A folder, its name or its patterns: it is about the current folder, as it was."""
    put(home, CLAUDE)
    assert _plain(ada, "--yes", *more).status == 0
    assert [root["path"] for root in _vault(ada)["root"]] == [str(ada.agent)]


def test_where_no_agent_is_it_is_the_current_folder(ada: Person, home: Path) -> None:
    """And again there, also after an agent has come: the folder is a root already."""
    assert _plain(ada, "--yes").status == 0
    put(home, CLAUDE)
    assert "nothing to do" in ada.types("init", "--yes").out
    assert [root["path"] for root in _vault(ada)["root"]] == [str(ada.agent)]


def test_an_agent_of_another_vault_is_not_offered(ada: Person, home: Path, tmp_path: Path) -> None:
    """A second vault for the current folder leaves the agents where they are."""
    put(home, CLAUDE)
    assert agents(ada, "claude-code").status == 0
    ran = ada.types("init", "--remote", f"{tmp_path}/work.git", "--yes")
    assert ran.status == 0, ran
    assert (_roots(ada), _roots(ada, 1)) == (["claude-code"], ["memory"])
    ran = ada.types(
        "init", "--agent", "claude-code", "--remote", f"{tmp_path}/work.git", "--yes", "--json"
    )
    assert (ran.status, ran.codes) == (2, ["root-overlap"])


# --- named ----------------------------------------------------------------------------------


def test_an_agent_that_is_not_there_is_an_error_that_says_where_it_was_looked_for(
    ada: Person, home: Path
) -> None:
    """Before anything is done; the hint is the way to name its folder."""
    (home / ".hermes").mkdir()
    ran = agents(ada, "hermes")
    assert (ran.status, ran.codes) == (2, ["agent-missing"])
    [error] = ran.answer["errors"]
    assert f"looked for {home}/.hermes/memories" in error["message"]
    assert error["hint"] == "memory-sync init FOLDER --agent hermes"
    assert agents(ada, "emacs").codes == ["agent-unknown"]
    assert _untouched(ada)


@pytest.mark.parametrize(
    "words",
    [
        ("--agent", "claude-code", "--name", "mine"),
        ("--agent", "claude-code", "--agent", "gemini-cli", "--include", "*.md"),
        (".", "--agent", "claude-code", "--agent", "gemini-cli"),
        ("--agent", "claude-code", "--include", "/etc/*"),
    ],
)
def test_what_contradicts_a_preset_is_refused(
    ada: Person, home: Path, words: tuple[str, ...]
) -> None:
    """A preset names its roots; a folder and patterns are for one agent."""
    put(home, {**CLAUDE, **GEMINI})
    ran = _plain(ada, "--yes", *words)
    assert (ran.status, ran.codes) == (2, ["usage"])
    assert _untouched(ada)


def test_more_patterns_are_added_to_those_of_the_preset(ada: Person, home: Path) -> None:
    """And stand in the configuration; a root that has others is left as it is."""
    put(home, {**OPENCLAW, ".openclaw/workspace/SOUL.md": "# Soul\n"})
    ran = agents(ada, "openclaw", more=("--include", "SOUL.md"))
    assert "openclaw/SOUL.md" in ran.answer["data"]["sync"]["up"]
    [root] = _vault(ada)["root"]
    assert root["include"] == ["MEMORY.md", "memory/**/*.md", "DREAMS.md", "SOUL.md"]
    assert agents(ada, "openclaw").status == 0
    assert _vault(ada)["root"] == [root]
    assert agents(ada, "openclaw", more=("--include", "USER.md")).codes == ["usage"]


def test_what_looks_like_a_credential_is_told_with_its_folder(ada: Person, home: Path) -> None:
    """Several folders have files of one name: the whole path says which it is."""
    put(home, {**CLAUDE, **PROJECT, **GEMINI})
    note = home / ".claude/projects/-me-work-x/memory/keys.md"
    note.write_text("token: ghp_" + "a1B2c3D4e5F6" * 3 + "\n")
    ran = agents(ada, "claude-code", "gemini-cli")
    assert f"    {note}: " in ran.err
    assert "ghp_a1B2" not in ran.err + ran.out


def test_a_root_name_that_stands_for_another_folder_is_refused(ada: Person, home: Path) -> None:
    """Where the agent's place has moved, nothing is done, and the hint names the new folder."""
    put(home, CLAUDE)
    put(home, {"new/CLAUDE.md": "# New\n"})
    assert agents(ada, "claude-code").status == 0
    ran = ada.types("init", str(home / "new"), "--agent", "claude-code", "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["root-name-taken"])
    hint = f"memory-sync init {home}/new --name OTHER-NAME"
    assert ran.answer["errors"][0]["hint"] == hint
    assert _roots(ada) == ["claude-code"]


# --- together -------------------------------------------------------------------------------


def test_the_second_machine_unites_with_the_same_roots(
    ada: Person, bob: Person, home: Path
) -> None:
    """How each root compares is shown; both sides have all of it afterwards."""
    put(home, {**CLAUDE, **OPENCLAW})
    there = moved_in(bob)
    put(there, {".claude/CLAUDE.md": "# All projects\n", ".openclaw/workspace/memory/b.md": "b\n"})
    put(there, GEMINI)
    assert agents(ada, "claude-code", "openclaw").status == 0
    ada.key_to(bob)
    ran = agents(bob, "claude-code", "openclaw", "gemini-cli")
    assert ran.status == 0, ran
    assert "The vault vault holds: claude-code (1 file), openclaw (2 files)." in ran.err
    assert "Root claude-code: 0 only here, 0 only there, 0 different, 1 the same." in ran.err
    assert "Root openclaw: 1 only here, 2 only there, 0 different, 0 the same." in ran.err
    assert ada.types("now").status == 0
    workspaces = [below(top / ".openclaw/workspace") for top in (home, there)]
    assert workspaces[0] == workspaces[1]
    assert len(workspaces[0]) == 3


def test_again_is_harmless_and_adds_what_is_missing(ada: Person, home: Path) -> None:
    """Roots that are set up stay as a person has changed them; a new agent beside is added."""
    put(home, OPENCLAW)
    assert agents(ada, "openclaw").status == 0
    config = ada.places.config_file
    config.write_text(config.read_text().replace('name = "openclaw"', 'name = "claw"', 1))
    (home / ".openclaw/workspace" / MARKER).unlink()
    before = config.read_text()
    assert agents(ada, "openclaw").status == 0
    assert config.read_text() == before
    put(home, {".openclaw/workspace-writer/MEMORY.md": "# Writer\n"})
    assert agents(ada, "openclaw").status == 0
    assert _roots(ada) == ["claw", "openclaw-writer"]
    assert config.read_text().startswith(before.rstrip())


def test_a_folder_that_cannot_be_a_root_is_left_out_and_named(ada: Person, home: Path) -> None:
    """An agent's name with other letters than a root may have hinders no other."""
    put(home, OPENCLAW)
    put(home, {".openclaw/workspace-my writer/MEMORY.md": "# Writer\n"})
    ran = agents(ada, "openclaw")
    assert ran.status == 0
    assert "Left out: " in ran.err
    assert "workspace-my writer cannot be a root by its name" in ran.err
    assert _roots(ada) == ["openclaw"]


def test_projects_alone_are_asked_about_too(ada: Person, home: Path) -> None:
    """Where the root is set up and the folder of projects comes later: not without a yes."""
    put(home, CLAUDE)
    assert agents(ada, "claude-code").status == 0
    put(home, PROJECT)
    ran = ada.types("init", "--agent", "claude-code", "--json")
    assert ran.codes == ["answer-needed"]
    assert "Keep the memory of each project in" in ran.answer["errors"][0]["message"]
    assert "projects" not in _vault(ada)
    assert agents(ada, "claude-code").status == 0
    assert [part["path"] for part in _vault(ada)["projects"]] == [f"{home}/.claude/projects"]
    before = ada.places.config_file.read_text()
    assert agents(ada, "claude-code").status == 0
    assert ada.places.config_file.read_text() == before


KILLS = {
    "a marker": "setup.root_files = killing(setup.root_files)",
    "the first root": "setup.add_root = killing(setup.add_root)",
    "the projects": "setup.add_projects = killing(setup.add_projects, at=1)",
}
CODE = """
import os, sys
from memory_sync.app import setup
from memory_sync.cli.main import main
def killing(step, at=2):
    calls = []
    def call(*given):
        calls.append(given)
        if len(calls) == at:
            os._exit(137)
        return step(*given)
    return call
{kill}
main(sys.argv[1:])
"""


@pytest.mark.parametrize("kill", sorted(KILLS))
def test_i33_cut_short_between_two_roots_it_is_completed_by_doing_it_again(
    ada: Person, home: Path, kill: str
) -> None:
    """Killed between two folders or two edits: the same command sets up the rest."""
    assert ada.init().status == 0
    put(home, {**CLAUDE, **PROJECT, **OPENCLAW})
    words = ["init", "--agent", "claude-code", "--agent", "openclaw", "--yes"]
    killed = subprocess.run(
        [sys.executable, "-c", CODE.format(kill=KILLS[kill]), *words],
        env=ada.env, capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == 137, killed.stderr
    assert ada.types("now").status == 0
    ran = ada.types(*words)
    assert ran.status == 0, ran
    assert _roots(ada) == ["memory", "claude-code", "openclaw"]
    assert len(_vault(ada)["projects"]) == 1
    assert "nothing to do" in ada.types("now").out


# --- joining --------------------------------------------------------------------------------


def test_a_vault_that_was_looked_at_is_forgotten_where_nobody_can_be_asked(
    ada: Person, bob: Person
) -> None:
    """Without a terminal and without --yes no trust stays behind, and the way stays open."""
    ada.init()
    ada.key_to(bob)
    ran = bob.types("init", str(bob.agent), "--remote", bob.remote, "--json")
    assert ran.codes == ["answer-needed"]
    assert not list(bob.places.keys.glob("*.trust.json"))
    assert not bob.places.vault_state("vault").exists()
    assert bob.init().status == 0


def test_a_vault_that_was_looked_at_is_forgotten_with_ctrl_c(ada: Person, bob: Person) -> None:
    """Who ends the question has not agreed."""
    ada.init()
    ada.key_to(bob)
    with terminal("init", str(bob.agent), "--remote", bob.remote, env=bob.env) as screen:
        screen.expect("Nothing is deleted on either side. [Y/n]")
        screen.interrupt()
        assert screen.ends() == 130
    assert not list(bob.places.keys.glob("*.trust.json"))
    assert not bob.places.vault_state("vault").exists()


def test_a_known_vault_stays_trusted_where_nobody_can_be_asked(ada: Person, home: Path) -> None:
    """What was agreed upon before is not undone by a later question without an answer."""
    assert ada.init().status == 0
    put(home, CLAUDE)
    ran = ada.types("init", "--agent", "claude-code", "--json")
    assert ran.codes == ["answer-needed"]
    assert list(ada.places.keys.glob("*.trust.json"))
    assert "nothing to do" in ada.types("now").out


@pytest.mark.parametrize("command", ["init", "join"])
def test_several_vaults_are_told_apart_by_the_command_that_was_given(
    ada: Person, home: Path, tmp_path: Path, command: str
) -> None:
    """The hint is what was typed, with the vault that it lacks."""
    second = tmp_path / "second"
    second.mkdir()
    assert ada.init().status == 0
    assert ada.types("init", str(second), "--remote", f"{tmp_path}/two.git", "--yes").status == 0
    put(home, CLAUDE)
    ran = ada.types(command, "--agent", "claude-code", "--yes", "--json")
    assert ran.codes == ["vault-ambiguous"]
    [error] = ran.answer["errors"]
    assert error["hint"] == f"memory-sync {command} --agent claude-code --vault vault"


def test_join_takes_agents_as_init_does(ada: Person, bob: Person, home: Path) -> None:
    """With the key at hand `join` sets up the agents that are found."""
    put(home, {**CLAUDE, **GEMINI})
    assert agents(ada, "claude-code", "gemini-cli").status == 0
    ada.key_to(bob)
    there = moved_in(bob)
    (there / ".claude").mkdir()
    (there / ".gemini").mkdir()
    ran = _plain(bob, "--yes", command="join")
    assert ran.status == 0, ran
    assert below(there) == {**CLAUDE, **GEMINI}


def test_daemons_take_up_agents_and_carry_what_they_save(
    ada: Person, bob: Person, home: Path
) -> None:
    """A daemon that runs serves all new roots at once; a save by rename comes over by itself."""
    there = moved_in(bob)
    for top in (home, there):
        put(top, CLAUDE)
        (top / ".hermes/memories").mkdir(parents=True)
    assert ada.init().status == 0
    ada.key_to(bob)
    for person in (ada, bob):
        person.configure(QUICK)
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        ran = agents(ada, "claude-code", "hermes")
        assert ran.status == 0, ran
        assert ran.answer["data"]["served"]
        assert agents(bob, "claude-code", "hermes").status == 0
        with bob.daemon():
            until(lambda: bob.state() == "idle")
            save(home / ".claude/CLAUDE.md", "# Changed\n")
            save(there / ".hermes/memories/USER.md", "likes tea\n")
            until((home / ".hermes/memories/USER.md").exists)
            until(lambda: (there / ".claude/CLAUDE.md").read_text() == "# Changed\n")
