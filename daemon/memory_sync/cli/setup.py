"""What `init` does, step by step; nothing is changed before the person has agreed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from memory_sync.app import setup
from memory_sync.app.context import Context, load_context
from memory_sync.app.setup import Comparison
from memory_sync.app.standing import remembered_files
from memory_sync.app.sync import Wish, sync
from memory_sync.cli import credentials
from memory_sync.cli.ask import confirm, say
from memory_sync.cli.ending import ended_by_signals
from memory_sync.cli.render import waiting
from memory_sync.cli.result import Line, Result
from memory_sync.cli.secrets import Secrets
from memory_sync.cli.serving import renewed, with_service
from memory_sync.cli.syncing import report
from memory_sync.cli.where import (
    DEFAULT_REPOSITORY,
    Aim,
    Options,
    aim_at,
    checked_name,
    command_of,
    known_vault,
)
from memory_sync.cli.words import export_command, many, size
from memory_sync.config.writing import set_allow_public, set_device
from memory_sync.daemon.client import Client, find_socket
from memory_sync.engine.found import Finding
from memory_sync.errors import (
    BusyError,
    DaemonError,
    KeyMissingError,
    MarkerForeignError,
    NotAVaultError,
)
from memory_sync.model import Problem, Step
from memory_sync.ports.files import Scan
from memory_sync.ports.remote import Condition, Remote
from memory_sync.ports.spool import Spool
from memory_sync.ports.token import Token
from memory_sync.vault.judge import Trust

Bring = Callable[[Context, Aim, Remote, Finding, str], None]
"""Brings the key of the vault that was found; the text is the command, for hints."""
SHOWN = 4
"""How many file names are shown."""
PICK_UP = 5.0
"""Seconds in which a running daemon takes up a changed configuration."""
BUSY_TRIES = 10
BRING_THE_KEY = (
    "This vault exists, and its key is not on this machine. If a machine that has it is at hand,",
    "join instead of init brings the key through the vault. Else run on that machine",
    "    memory-sync export-key KEY-FILE",
    "bring that file here by a safe way, and run here",
    "    memory-sync import-key KEY-FILE",
    "and then this command again.",
)


def set_up(options: Options, bring: Bring | None = None) -> Result:
    """Set up a vault for a folder, or join one that exists.

    With `bring` a vault is only joined, and its key is brought here first.
    """
    context = _with_device(load_context(os.environ), options)
    options, token = _with_remote(context, options)
    aim = aim_at(context, options, known_vault(context, options))
    setup.check_name(context, aim.vault.name, aim.root)
    secrets = Secrets(aim)
    scan = setup.survey(context, aim.root, secrets.heard)
    _describe(aim, scan)
    secrets.tell()
    if aim.vault.remote.startswith("github:") and token is None:
        token = credentials.token_for(context, aim.vault, aim.vault.remote)
    passing = token if token and credentials.is_passing(token) else None
    if passing:
        context = credentials.with_token(context, passing, aim.vault)
    # What the comparison fetches is kept for the sync.
    spool = Spool(context.directories.vault_state(aim.vault.name))
    again = command_of(options)
    with credentials.least_permission(context.settings.github_of(aim.vault), aim, again):
        agreed = _agree(context, aim, scan, spool, again, yes=options.yes, bring=bring)
    if agreed is None:
        return _declined(options)
    trust, founded, compared = agreed
    if passing:
        credentials.offer_to_store(context, passing, aim.vault, yes=options.yes)
    credentials.offer_identity(context, trust.recipient, yes=options.yes)
    context = _configure(context, aim, options, trust)
    troubles = renewed(context)
    done = _first_sync(context, aim, scan, trust, spool, founded=founded, compared=compared)
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


def _with_remote(context: Context, options: Options) -> tuple[Options, Token | None]:
    """Fill in the remote where none was given and none is configured: one of the token's owner."""
    if options.remote or known_vault(context, options):
        return options, None
    settings = context.settings.github
    token = credentials.token_for(context, None, f"github:OWNER/{DEFAULT_REPOSITORY}")
    with waiting("Asking GitHub"):
        login = credentials.login_of(token, settings)
    return replace(options, remote=f"github:{login}/{DEFAULT_REPOSITORY}"), token


def _describe(aim: Aim, scan: Scan) -> None:
    """Say what will be synced."""
    names = sorted(scan.files)
    if not names:
        patterns = ", ".join(aim.root.include)
        say(f"{aim.root.path} holds no memory file yet; {patterns} will be synced.")
        return
    total = sum(version.size for version in scan.files.values())
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    say(f"{aim.root.path} holds {many(len(names), 'memory file')} ({size(total)}):")
    say(f"    {', '.join(names[:SHOWN])}{more}")
    for error in (*scan.held.values(), *scan.notes):
        say(f"    not synced: {error.message}")


def _agree(
    context: Context,
    aim: Aim,
    scan: Scan,
    spool: Spool,
    again: str,
    *,
    yes: bool,
    bring: Bring | None,
) -> tuple[Trust, bool, Comparison | None] | None:
    """Found the vault or join it, if the person agrees; None if not.

    `again` is the command that was given, for the hint where nobody is there to be asked.
    Answers with what is trusted, whether it was founded just now, and the comparison.
    """
    trust = context.keystore.trust(aim.vault.name)
    fresh = trust is None
    if bring or not (trust and aim.known):
        opened = _open(context, aim, scan, trust, again, yes=yes, bring=bring)
        if opened is None:
            return None
        trust, founded = opened
        if founded:
            return trust, True, None
    found = setup.marked(aim.root)
    if found and aim.present:
        return trust, False, None
    compared = _compare(context, aim, spool)
    if confirm(_joining(aim, compared), command=again, yes=yes):
        return trust, False, compared
    if fresh:
        setup.forget(context, aim.vault.name)
    return None


def _open(
    context: Context,
    aim: Aim,
    scan: Scan,
    trust: Trust | None,
    again: str,
    *,
    yes: bool,
    bring: Bring | None,
) -> tuple[Trust, bool] | None:
    """Look what the remote holds, and found the vault or join it; None if it is not to be founded.

    Answers with what is trusted, and whether it was founded.
    """
    with waiting(f"Looking into {aim.vault.remote}"):
        remote, condition, finding = setup.examine(context, aim.vault)
    _refuse_foreign(aim, finding, trust)
    for note in setup.vet(remote, condition, finding):
        say(note)
    if bring:
        # From here on it is about the vault that was found now, whatever is shown later.
        bring(context, aim, remote, finding, again)
    elif finding.manifest is None and not confirm(
        _founding(aim, scan, condition, finding), command=again, yes=yes
    ):
        return None
    try:
        with waiting(f"Opening {aim.vault.remote}"):
            return setup.establish(context, aim.vault, remote, condition, finding)
    except KeyMissingError:
        for line in BRING_THE_KEY:
            say(line)
        raise


def _refuse_foreign(aim: Aim, finding: Finding, trust: Trust | None) -> None:
    """Refuse a repository or a folder that is something else's, before anybody is asked."""
    if finding.manifest is None and not finding.adoptable:
        raise NotAVaultError(remote=aim.vault.remote, names=", ".join(finding.names[:5]))
    vault_id = finding.manifest.id if finding.manifest else (trust.vault_id if trust else "")
    marker = setup.marked(aim.root)
    if marker and (marker.vault, marker.root) != (vault_id, aim.root.name):
        raise MarkerForeignError(path=aim.root.path, found=str(marker))


def _founding(aim: Aim, scan: Scan, condition: Condition, finding: Finding) -> str:
    count = len(scan.files)
    files = (
        f"these {count} files" if count > 1 else "this file" if count else "what will be written"
    )
    kind = "public" if aim.vault.allow_public else "private"
    if condition.exists:
        rest = "" if finding.head is None else f", beside {', '.join(finding.names[:3])}"
        return f"Make a new vault in {aim.vault.remote}{rest}, and sync {files}?"
    if aim.vault.remote.startswith("github:"):
        return f"Create the {kind} repository {aim.vault.remote} and sync {files}?"
    return f"Create the vault {aim.vault.remote} and sync {files}?"


def _compare(context: Context, aim: Aim, spool: Spool) -> Comparison | None:
    """Show what the vault and the folder hold; None where nothing is known of the vault.

    Of a vault that a daemon is at work on it shows what that daemon saw last.
    """
    try:
        with waiting(f"Comparing with {aim.vault.remote}") as show:
            compared = setup.compare(context, aim.vault, aim.root, show, spool)
    except BusyError:
        there = remembered_files(context, aim.vault)
        if there is None:
            return None
        compared = setup.compare_with(context, aim.root, there)
    held = [f"{name} ({many(count, 'file')})" for name, count in compared.roots.items()]
    say(f"The vault {aim.vault.name} holds: {', '.join(held) or 'nothing yet'}.")
    say(
        f"Root {aim.root.name}: {compared.only_here} only here, {compared.only_there} only there,"
        f" {compared.different} different, {compared.same} the same."
    )
    return compared


def _joining(aim: Aim, compared: Comparison | None) -> str:
    if compared and aim.root.name not in compared.roots:
        return f"Add {aim.root.path} to the vault as its new root {aim.root.name}?"
    return (
        f"Unite {aim.root.path} with root {aim.root.name} of vault {aim.vault.name}?"
        " Nothing is deleted on either side."
    )


def _configure(context: Context, aim: Aim, options: Options, trust: Trust) -> Context:
    """Write down what was agreed upon, the folder's marker first."""
    path = context.directories.config_file
    if options.device is not None:
        set_device(path, options.device)
    if aim.known and options.allow_public:
        set_allow_public(path, aim.vault.name)
    return setup.adopt(context, aim.vault, aim.root, trust)


def _first_sync(
    context: Context,
    aim: Aim,
    scan: Scan,
    trust: Trust,
    spool: Spool,
    *,
    founded: bool,
    compared: Comparison | None,
) -> Result:
    """Sync what was set up, and say what comes next."""
    name = aim.vault.name
    with ended_by_signals(), waiting("Syncing") as show:
        served = _taken_up(context, aim)
        rows = _sync_patiently(context, name, show, spool)
    done = report(context.directories, rows)
    exported = context.keystore.was_exported(trust.recipient)
    data = {
        "vault": name,
        "remote": aim.vault.remote,
        "root": {"name": aim.root.name, "path": str(aim.root.path)},
        "device": context.settings.device,
        "founded": founded,
        "files": len(scan.files),
        "bytes": sum(version.size for version in scan.files.values()),
        "comparison": asdict(compared) if compared else None,
        "recipient": trust.recipient,
        "exported": exported,
        "served": served,
        "sync": rows[name],
    }
    several = len(context.settings.vault) > 1
    lines = [*_told(done.lines, name, served=served)]
    if not exported:
        lines += _export_now(name, several=several)
    return Result(data, tuple(lines), done.errors, done.status)


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
    """Wait until a daemon that runs serves the new root; False if none does."""
    places = context.directories
    deadline = time.monotonic() + PICK_UP
    while True:
        try:
            with Client(find_socket(places.daemon_lock, places.socket), 1.0) as client:
                rows = client.status()["vaults"]
        except DaemonError:
            return False
        if any(row["name"] == aim.vault.name and _has_root(row, aim) for row in rows):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)


def _has_root(row: Mapping[str, Any], aim: Aim) -> bool:
    wanted = {"name": aim.root.name, "path": str(aim.root.path)}
    return wanted in row["roots"]


def _sync_patiently(
    context: Context, name: str, show: Callable[[Step], None], spool: Spool
) -> dict[str, Any]:
    """Sync one vault; a daemon that is just opening it is waited for."""
    for _ in range(BUSY_TRIES):
        rows = sync(context, context.vaults(name), Wish(), show, spool)
        error = rows[name].get("error")
        if not error or error["code"] != BusyError.code:
            break
        time.sleep(0.3)
    return rows
