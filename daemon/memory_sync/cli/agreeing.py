"""What `init` shows and asks before it founds a vault or joins one."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from memory_sync.app import setup
from memory_sync.app.context import Context
from memory_sync.app.setup import Comparison
from memory_sync.app.standing import remembered_files
from memory_sync.cli.agents import held_by
from memory_sync.cli.ask import confirm, say
from memory_sync.cli.render import waiting
from memory_sync.cli.where import Aim, keeps
from memory_sync.cli.words import edit_command, many
from memory_sync.config.settings import RootSettings
from memory_sync.engine.found import Finding
from memory_sync.errors import (
    BusyError,
    KeyMissingError,
    MarkerForeignError,
    NotAVaultError,
    UsageError,
)
from memory_sync.ports.files import Scan
from memory_sync.ports.remote import Condition, Remote
from memory_sync.ports.spool import Spool
from memory_sync.vault.judge import Trust

Bring = Callable[[Context, Aim, Remote, Finding, str], None]
"""Brings the key of the vault that was found; the text is the command, for hints."""
Scans = Mapping[str, Scan]
"""What each root holds, by the root's name."""
Comparisons = Mapping[str, Comparison]
"""How each root compares with the vault, by the root's name."""
OTHER_NAME = "--device NAME"
SHOWN = 4
"""How many file names are shown."""
BRING_THE_KEY = (
    "This vault exists, and its key is not on this machine. With one that has it at hand, run here",
    "    {join}",
    "and memory-sync pair there: the key comes through the vault. Else run there",
    "    memory-sync export-key KEY-FILE",
    "bring that file here by a safe way, and run here",
    "    memory-sync import-key KEY-FILE",
    "and then this command again.",
)


class Agreed(NamedTuple):
    """What was agreed upon: whom to trust, whether it was founded just now, what was compared."""

    trust: Trust
    founded: bool
    compared: Comparisons


def describe(root: RootSettings, scan: Scan) -> None:
    """Say what will be synced."""
    names = sorted(scan.files)
    if not names:
        patterns = ", ".join(root.include)
        say(f"{root.path} holds {held_by(scan)}; {patterns} will be synced.")
    else:
        more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        say(f"{root.path} holds {held_by(scan)}:")
        say(f"    {', '.join(names[:SHOWN])}{more}")
    for error in (*scan.held.values(), *scan.notes):
        say(f"    not synced: {error.message}")


def say_outer(context: Context, root: RootSettings) -> None:
    """Say of a folder that lies in another root what becomes of that one."""
    for outer in setup.outer_roots(context, root.path):
        say(
            f"{root.path} lies in root {outer}: on this machine its files belong to root"
            f" {root.name} from then on, and not to that one."
        )


def agree(
    context: Context,
    aim: Aim,
    scans: Scans,
    spool: Spool,
    again: str,
    *,
    yes: bool,
    bring: Bring | None,
) -> Agreed | None:
    """Found the vault or join it, if the person agrees; None if not.

    `again` is the command that was given, for the hint where nobody is there to be asked.
    """
    for root in aim.roots:
        if root.name not in aim.present:
            say_outer(context, root)
    trust = context.keystore.trust(aim.vault.name)
    fresh = trust is None
    if bring or not (trust and aim.known):
        opened = _open(context, aim, scans, trust, again, yes=yes, bring=bring)
        if opened is None:
            return None
        trust, founded = opened
        if founded:
            return Agreed(trust, True, {})
    try:
        agreed = _joined(context, aim, trust, spool, again, yes=yes)
    except BaseException:
        # Also where nobody can be asked, and with Ctrl-C: nothing was agreed upon.
        if fresh:
            setup.forget(context, aim.vault.name)
        raise
    if agreed is None and fresh:
        setup.forget(context, aim.vault.name)
    return agreed


def _joined(
    context: Context, aim: Aim, trust: Trust, spool: Spool, again: str, *, yes: bool
) -> Agreed | None:
    """Compare what is to be set up with a vault, and ask; None where the answer is no."""
    roots = [
        root for root in aim.roots if root.name not in aim.present or setup.marked(root) is None
    ]
    places = [part.path for part in aim.projects if not keeps(aim.vault, part.path)]
    compared = _compare(context, aim, roots, spool, again, yes=yes) if roots else {}
    for root in roots:
        if (
            root.direction == "push"
            and root.name in compared
            and compared[root.name].roots.get(root.name)
        ):
            _only_one_sends(root, again, yes=yes)
    question = _joining(aim, roots, compared, places)
    if not (roots or places) or confirm(question, command=again, yes=yes):
        return Agreed(trust, False, compared)
    return None


def _only_one_sends(root: RootSettings, again: str, *, yes: bool) -> None:
    """Ask where a root that one device alone sends into is there already.

    It is this device's own if that was set up before; else two would overrule each other for ever.
    """
    say(f"The vault has a root {root.name} already, and only one device may send into it.")
    question = f"Was it this machine that sent it? (If not, another name is needed: {OTHER_NAME})"
    if yes or not confirm(question, command=again, yes=False, usual=False):
        detail = f"The vault has a root {root.name} of another device."
        raise UsageError(detail=detail, hint=f"memory-sync {again} {OTHER_NAME}")


def _open(
    context: Context,
    aim: Aim,
    scans: Scans,
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
    elif finding.manifest is None:
        usual = not _waits(context, aim, trust)
        question = _founding(aim, scans, condition, finding)
        if not confirm(question, command=again, yes=yes, usual=usual):
            return None
    try:
        with waiting(f"Opening {aim.vault.remote}"):
            return setup.establish(context, aim.vault, remote, condition, finding)
    except KeyMissingError:
        for line in BRING_THE_KEY:
            say(line.format(join=join_command(again, aim.vault.remote)))
        raise


def join_command(again: str, remote: str) -> str:
    """Return the command that joins a vault instead of `init`, with all else that was given."""
    same = again.startswith("init ") and " --remote " in again
    return f"memory-sync join {again.removeprefix('init ') if same else f'--remote {remote}'}"


def _refuse_foreign(aim: Aim, finding: Finding, trust: Trust | None) -> None:
    """Refuse a repository or a folder that is something else's, before anybody is asked."""
    if finding.manifest is None and not finding.adoptable:
        raise NotAVaultError(remote=aim.vault.remote, names=", ".join(finding.names[:5]))
    vault_id = finding.manifest.id if finding.manifest else (trust.vault_id if trust else "")
    for root in aim.roots:
        marker = setup.marked(root)
        if marker and (marker.vault, marker.root) != (vault_id, root.name):
            raise MarkerForeignError(path=root.path, found=str(marker))


def _founding(aim: Aim, scans: Scans, condition: Condition, finding: Finding) -> str:
    count = sum(len(scan.files) for scan in scans.values())
    files = (
        f"these {count} files" if count > 1 else "this file" if count else "what will be written"
    )
    if aim.projects:
        files = "this"  # which of the projects have an origin is found out later
    kind = "public" if aim.vault.allow_public else "private"
    if condition.exists:
        rest = "" if finding.head is None else f", beside {', '.join(finding.names[:3])}"
        return f"Make a new vault in {aim.vault.remote}{rest}, and sync {files}?"
    if aim.vault.remote.startswith("github:"):
        return f"Create the {kind} repository {aim.vault.remote} and sync {files}?"
    return f"Create the vault {aim.vault.remote} and sync {files}?"


def _waits(context: Context, aim: Aim, trust: Trust | None) -> bool:
    """Tell, and say, whether a key is here that has no vault yet: one that was imported."""
    keys = context.keystore.recipients()
    if context.settings.vault or trust or not keys:
        return False
    say(f"There is no vault in {aim.vault.remote}, and a key is here that waits for another one")
    say(f"({', '.join(keys)}). Is the remote right? A new vault gets a key of its own.")
    return True


def _compare(
    context: Context, aim: Aim, roots: list[RootSettings], spool: Spool, again: str, *, yes: bool
) -> Comparisons:
    """Show what the vault and the folders hold; nothing where nothing is known of the vault.

    Of a vault that a daemon is at work on it shows what that daemon saw last.
    """
    try:
        with waiting(f"Comparing with {aim.vault.remote}") as show:
            there = setup.files_there(context, aim.vault, show, spool)
    except BusyError:
        remembered = remembered_files(context, aim.vault)
        if remembered is None:
            return {}
        there = remembered
    compared = {root.name: setup.compare(context, root, there) for root in roots}
    held = next(iter(compared.values())).roots
    told = [f"{name} ({many(count, 'file')})" for name, count in held.items()]
    say(f"The vault {aim.vault.name} holds: {', '.join(told) or 'nothing yet'}.")
    for root in roots:
        say_compared(root.name, compared[root.name])
        _say_unnamed(context, aim, root, compared[root.name], "" if yes else again)
    return compared


def _say_unnamed(
    context: Context, aim: Aim, root: RootSettings, one: Comparison, again: str
) -> None:
    """Say which of the files there do not come, and how they would; `again` may still be typed."""
    if not one.not_named or root.direction == "push":
        return
    left = many(one.not_named, "file there is", "files there are")
    say(f"{left} not named by {', '.join(root.include)}, and will not come.")
    if again and len(aim.roots) == 1 and root.name not in aim.present:
        words = [word for pattern in one.naming for word in ("--include", pattern)]
        say(f"With --include they do: memory-sync {again} {shlex.join(words)}")
    else:
        listed = ", ".join(f'"{pattern}"' for pattern in one.naming)
        edit = edit_command(context.directories.config_file)
        say(f"With include = [{listed}] in the root's configuration they do: {edit}")


def say_compared(name: str, one: Comparison) -> None:
    """Say how a folder compares with a root of the vault."""
    say(
        f"Root {name}: {one.only_here} only here, {one.only_there} only there,"
        f" {one.different} different, {one.same} the same."
    )


def _joining(aim: Aim, roots: list[RootSettings], compared: Comparisons, places: list[Path]) -> str:
    """Ask about the roots that are to be set up: those that the vault has, and new ones.

    `places` are the folders of projects that are to be set up too.
    """
    held = next(iter(compared.values())).roots if compared else {}
    fresh = [root for root in roots if compared and root.name not in held]
    shared = [root for root in roots if root not in fresh]
    asked = []
    if len(shared) == 1:
        asked.append(f"unite {shared[0].path} with root {shared[0].name} of vault {aim.vault.name}")
    elif shared:
        asked.append(f"unite these folders with roots {_names(shared)} of vault {aim.vault.name}")
    if len(fresh) == 1:
        asked.append(f"add {fresh[0].path} to the vault as its new root {fresh[0].name}")
    elif fresh:
        asked.append(f"add these folders to the vault as its new roots {_names(fresh)}")
    asked += [f"keep the memory of each project in {place}" for place in places]
    question = f"{', and '.join(asked)}?"
    end = " Nothing is deleted on either side." if shared or places else ""
    return f"{question[:1].upper()}{question[1:]}{end}"


def _names(roots: list[RootSettings]) -> str:
    return ", ".join(root.name for root in roots)
