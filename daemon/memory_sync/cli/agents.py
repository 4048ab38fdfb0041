"""Which agents `init` sets up: those that were named, or those that are found and chosen."""

from __future__ import annotations

from dataclasses import replace

from memory_sync.app import setup
from memory_sync.app.agents import Agent, find_agent, find_agents
from memory_sync.app.context import Context
from memory_sync.cli.ask import choose_some, say
from memory_sync.cli.render import waiting
from memory_sync.cli.where import Options, command_of, keeps, same
from memory_sync.cli.words import many, size
from memory_sync.config.settings import RootSettings, VaultSettings
from memory_sync.errors import MemorySyncError, UsageError
from memory_sync.ports.files import Scan

WHICH = "Which of them shall be synced?"


def agents_of(context: Context, options: Options) -> tuple[Options, tuple[Agent, ...]]:
    """Return the agents that are to be set up, and the options with their names.

    None is a folder by itself. Raises UsageError, AgentUnknownError, AgentMissingError.
    """
    if options.agent:
        options = replace(options, agent=tuple(dict.fromkeys(options.agent)))
        _refuse_contradictions(options)
        place = None if options.here else options.root
        return options, tuple(find_agent(context, name, place) for name in options.agent)
    if not options.here or options.name or options.include or _is_root(context, options):
        return options, ()
    with waiting("Looking for agents"):
        found = tuple(agent for agent in find_agents(context) if _offered(context, options, agent))
    chosen = _chosen(context, options, found) if found else ()
    return replace(options, agent=tuple(agent.name for agent in chosen)), chosen


def _refuse_contradictions(options: Options) -> None:
    """Refuse what an agent has of its own, or what can only be meant for one."""
    if options.name:
        raise UsageError(detail="--name is for a folder: an agent's preset names its roots itself.")
    if len(options.agent) > 1 and not options.here:
        raise UsageError(detail="ROOT is the folder of one agent: give --agent once with it.")
    if len(options.agent) > 1 and options.include:
        raise UsageError(detail="--include is for one agent: give --agent once with it.")


def _is_root(context: Context, options: Options) -> bool:
    return any(keeps(vault, options.root) for vault in context.settings.vault)


def _offered(context: Context, options: Options, agent: Agent) -> bool:
    """Tell whether an agent can go into the vault that was named: no other one keeps it."""
    return not any(
        keeps(vault, folder)
        for vault in context.settings.vault
        if not _can_be_meant(vault, options)
        for folder in agent.folders
    )


def _can_be_meant(vault: VaultSettings, options: Options) -> bool:
    if options.vault:
        return vault.name.casefold() == options.vault.casefold()
    return options.remote is None or same(vault.remote, options.remote)


def _chosen(context: Context, options: Options, found: tuple[Agent, ...]) -> tuple[Agent, ...]:
    """Show the agents, and ask which are meant; all where it is answered beforehand."""
    say(f"{many(len(found), 'agent')} {'were' if len(found) > 1 else 'was'} found here:")
    for number, agent in enumerate(found, 1):
        say(f"{number}.  {agent.title}")
        for part in agent.roots:
            say(f"    {_row(context, part, part.name)}")
        for projects in agent.projects:
            say(f"    {_row(context, setup.watched(projects), 'a root for each project')}")
        for reason in agent.left:
            say(f"    left out: {reason}")
    if options.yes:
        return found
    all_of_them = replace(options, agent=tuple(agent.name for agent in found))
    none = f"none: only {options.root}"
    numbers = choose_some(WHICH, len(found), none=none, command=command_of(all_of_them))
    return tuple(found[number - 1] for number in numbers)


def _row(context: Context, root: RootSettings, name: str) -> str:
    """Say what a root is and how much it holds; what hinders it is said when it is set up."""
    way = {"push": ", only sent", "pull": ", only fetched"}.get(root.direction, "")
    try:
        held = held_by(setup.survey(context, root))
    except MemorySyncError as error:
        held = error.message
    return f"{root.path} ({name}{way}): {held}"


def held_by(scan: Scan) -> str:
    """Return how many files there are and how large they are together."""
    if not scan.files:
        return "no memory file yet"
    total = sum(version.size for version in scan.files.values())
    return f"{many(len(scan.files), 'memory file')} ({size(total)})"
