"""What `init` does, step by step; nothing is changed before the person has agreed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from memory_sync.app import setup
from memory_sync.app.agents import Agent
from memory_sync.app.context import Context, load_context
from memory_sync.app.sync import Wish
from memory_sync.cli import credentials
from memory_sync.cli.agents import agents_of
from memory_sync.cli.agreeing import Agreed, Bring, Comparisons, Scans, agree, describe
from memory_sync.cli.ask import say
from memory_sync.cli.ending import ended_by_signals
from memory_sync.cli.render import waiting
from memory_sync.cli.result import Line, Result
from memory_sync.cli.secrets import Secrets
from memory_sync.cli.serving import renewed, with_service
from memory_sync.cli.syncing import report, sync_patiently
from memory_sync.cli.where import (
    DEFAULT_REPOSITORY,
    Aim,
    Options,
    aim_at,
    checked_name,
    command_of,
    known_vault,
)
from memory_sync.cli.words import export_command
from memory_sync.config.settings import RootSettings
from memory_sync.config.writing import set_allow_public, set_device
from memory_sync.daemon.client import Client, find_socket
from memory_sync.errors import DaemonError
from memory_sync.model import Problem
from memory_sync.ports.files import Scan
from memory_sync.ports.spool import Spool
from memory_sync.ports.token import Token
from memory_sync.vault.judge import Trust

PICK_UP = 5.0
"""Seconds in which a running daemon takes up a changed configuration."""


def set_up(options: Options, bring: Bring | None = None) -> Result:
    """Set up a vault for a folder or for agents, or join one that exists.

    With `bring` a vault is only joined, and its key is brought here first.
    """
    context = _with_device(load_context(os.environ), options)
    options, agents = agents_of(context, options)
    with credentials.tried_again(context, command_of(options)):
        options, token = _with_remote(context, options, agents)
    aim = aim_at(context, options, known_vault(context, options, agents), agents)
    scans = _looked_at(context, aim, agents)
    again = command_of(options)
    if aim.vault.remote.startswith("github:") and token is None:
        with credentials.tried_again(context, again, aim):
            token = credentials.token_for(context, aim.vault, aim.vault.remote)
    passing = token if token and credentials.is_passing(token) else None
    if passing:
        context = credentials.with_token(context, passing, aim.vault)
    # What the comparison fetches is kept for the sync.
    spool = Spool(context.directories.vault_state(aim.vault.name))
    least = credentials.least_permission(context.settings.github_of(aim.vault), aim, again)
    with credentials.tried_again(context, again, aim), least:
        agreed = agree(context, aim, scans, spool, again, yes=options.yes, bring=bring)
    if agreed is None:
        return _declined(options)
    if passing:
        credentials.offer_to_store(context, passing, aim.vault, yes=options.yes)
    credentials.offer_identity(context, agreed.trust.recipient, yes=options.yes)
    context = _configure(context, aim, options, agreed.trust)
    troubles = renewed(context)
    done = _first_sync(context, aim, scans, agreed, spool)
    done = done._replace(
        errors=(*troubles, *done.errors), status=done.status or int(bool(troubles))
    )
    served = bool(done.data["served"])
    return with_service(context, done, wanted=options.service, served=served)


def _declined(options: Options) -> Result:
    joins = options.command == "join"
    changed = "Nothing else was changed." if joins else "Nothing was changed."
    problem = Problem("declined", changed, f"memory-sync {options.command} --help")
    return Result(errors=(problem,), status=1)


def _with_device(context: Context, options: Options) -> Context:
    if options.device is None:
        return context
    name = checked_name(options.device, "device")
    return replace(context, settings=context.settings.model_copy(update={"device": name}))


def _with_remote(
    context: Context, options: Options, agents: tuple[Agent, ...]
) -> tuple[Options, Token | None]:
    """Fill in the remote where none was given and none is configured: one of the token's owner."""
    if options.remote or known_vault(context, options, agents):
        return options, None
    settings = context.settings.github
    token = credentials.token_for(context, None, f"github:OWNER/{DEFAULT_REPOSITORY}")
    with waiting("Asking GitHub"):
        login = credentials.login_of(token, settings)
    return replace(options, remote=f"github:{login}/{DEFAULT_REPOSITORY}"), token


def _looked_at(context: Context, aim: Aim, agents: tuple[Agent, ...]) -> Scans:
    """Look what there is to sync, and say it: also what looks like a credential."""
    for root in aim.roots:
        setup.check_name(context, aim.vault.name, root)
    for reason in (reason for agent in agents for reason in agent.left):
        say(f"Left out: {reason}.")
    secrets = Secrets(aim)
    scans = {}
    for root in aim.roots:
        scans[root.name] = setup.survey(context, root, secrets.heard_in(root))
        describe(root, scans[root.name])
    for projects in aim.projects:
        root = setup.watched(projects)
        describe(root, setup.survey(context, root, secrets.heard_in(root)))
        say("    Each project there is a root by itself.")
    secrets.tell()
    return scans


def _configure(context: Context, aim: Aim, options: Options, trust: Trust) -> Context:
    """Write down what was agreed upon, the folders' markers first."""
    path = context.directories.config_file
    if options.device is not None:
        set_device(path, options.device)
    if aim.known and options.allow_public:
        set_allow_public(path, aim.vault.name)
    return setup.adopt(context, aim.vault, aim.roots, aim.projects, trust)


def _first_sync(context: Context, aim: Aim, scans: Scans, agreed: Agreed, spool: Spool) -> Result:
    """Sync what was set up, and say what comes next."""
    name, recipient = aim.vault.name, agreed.trust.recipient
    with ended_by_signals(), waiting("Syncing") as show:
        served = _taken_up(context, aim)
        rows = sync_patiently(context, name, Wish(), show, spool)
    done = report(context.directories, rows)
    exported = context.keystore.was_exported(recipient)
    roots = [_root_data(root, scans[root.name], agreed.compared) for root in aim.roots]
    data = {
        "vault": name,
        "remote": aim.vault.remote,
        "root": {key: roots[0][key] for key in ("name", "path")},
        "roots": roots,
        "projects": [str(projects.path) for projects in aim.projects],
        "device": context.settings.device,
        "founded": agreed.founded,
        "files": sum(root["files"] for root in roots),
        "bytes": sum(root["bytes"] for root in roots),
        "comparison": roots[0]["comparison"],
        "recipient": recipient,
        "exported": exported,
        "served": served,
        "sync": rows[name],
    }
    several = len(context.settings.vault) > 1
    lines = [*_told(done.lines, name, served=served)]
    if not exported:
        lines += _export_now(name, several=several)
    return Result(data, tuple(lines), done.errors, done.status)


def _root_data(root: RootSettings, scan: Scan, compared: Comparisons) -> dict[str, Any]:
    one = compared.get(root.name)
    return {
        "name": root.name,
        "path": str(root.path),
        "files": len(scan.files),
        "bytes": sum(version.size for version in scan.files.values()),
        "comparison": asdict(one) if one else None,
    }


def _told(lines: tuple[Line, ...], vault: str, *, served: bool) -> Iterator[Line]:
    """Say of a sync that found nothing to do that the daemon was quicker."""
    for line in lines:
        quicker = served and line.text == f"{vault}: nothing to do"
        yield Line(f"{vault}: the daemon has synced it already") if quicker else line


def _export_now(vault: str, *, several: bool) -> list[Line]:
    return [
        Line("Without its key nobody can read the vault, you included. Export it now:"),
        Line(f"    {export_command(vault, several=several)}", "bold"),
    ]


def _taken_up(context: Context, aim: Aim) -> bool:
    """Wait until a daemon that runs serves the new roots; False if none does."""
    places = context.directories
    deadline = time.monotonic() + PICK_UP
    while True:
        try:
            with Client(find_socket(places.daemon_lock, places.socket), 1.0) as client:
                rows = client.status()["vaults"]
        except DaemonError:
            return False
        if any(row["name"] == aim.vault.name and _has_roots(row, aim) for row in rows):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)


def _has_roots(row: Mapping[str, Any], aim: Aim) -> bool:
    wanted = [{"name": root.name, "path": str(root.path)} for root in aim.roots]
    return all(root in row["roots"] for root in wanted)
