"""`memory-sync rotate-key`."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from memory_sync.cli.options import example, json_option, vault_option, yes_option
from memory_sync.cli.result import Line, Result, as_problem, worst

if TYPE_CHECKING:
    from memory_sync.app.context import Context
    from memory_sync.app.sync import Wish
    from memory_sync.config.settings import VaultSettings


@click.command("rotate-key", epilog=example("memory-sync rotate-key"))
@vault_option
@click.option(
    "--recovery-only",
    is_flag=True,
    help="Keep the key; only put the recovery_recipients of the configuration into force.",
)
@yes_option
@json_option
def command(vault: str | None, *, recovery_only: bool, yes: bool) -> Result:
    """Give a vault a new key; the old one opens the past alone.

    Every file is encrypted anew and sent, as one commit. Whoever had the old key keeps the past:
    what the vault held until now stays readable with it. Take their token and their access to the
    repository away first. Afterwards each other device needs the new key.
    """
    from memory_sync.app.context import load_context
    from memory_sync.app.sync import Wish
    from memory_sync.errors import UsageError

    context = load_context(os.environ)
    words = "rotate-key --recovery-only" if recovery_only else "rotate-key"
    settings = context.one_vault(vault, words)
    if recovery_only and settings.recovery_recipients is None:
        hint = "memory-sync rotate-key --help"
        raise UsageError(detail="recovery_recipients is not set for this vault.", hint=hint)
    wish = Wish(rekey="recovery" if recovery_only else "rotate")
    survey = _ask(context, settings, wish, dry_run=True)
    if "error" in survey:
        return _failed(context, survey)
    if recovery_only and set(survey["recovery"]) == set(survey["present"]):
        text = f"The vault {settings.name} has these recovery keys already; nothing was changed."
        return Result({"vault": settings.name, "changed": False}, (Line(text),))
    if not _agreed(settings, survey, wish, f"{words} --vault {settings.name}", yes=yes):
        data = {"vault": settings.name, "changed": False}
        return Result(data, (Line("Nothing was changed."),))
    row = _ask(context, settings, wish)
    return _failed(context, row) if "error" in row else _done(context, settings, survey, row, wish)


def _ask(
    context: Context, settings: VaultSettings, wish: Wish, *, dry_run: bool = False
) -> dict[str, Any]:
    """Have it done, or looked at, by the daemon or in this process; return the vault's row."""
    from dataclasses import replace

    from memory_sync.app.sync import sync_once
    from memory_sync.cli.ending import ended_by_signals
    from memory_sync.cli.render import waiting

    with ended_by_signals(), waiting("Looking" if dry_run else "Encrypting anew") as show:
        return sync_once(context, settings, replace(wish, dry_run=dry_run), show)


def _failed(context: Context, row: dict[str, Any]) -> Result:
    """Say why not; a recovery key that is none is mended in the configuration."""
    from memory_sync.errors import RecoveryInvalidError

    problem = as_problem(row["error"])
    if problem.code == RecoveryInvalidError.code:
        config = context.directories.config_file
        problem = problem._replace(hint=f"${{EDITOR:-vi}} {shlex.quote(str(config))}")
    return Result({}, (), (problem,), worst([problem.status]))


def _agreed(
    settings: VaultSettings, survey: dict[str, Any], wish: Wish, words: str, *, yes: bool
) -> bool:
    """Say what will happen and what this does not undo, and ask."""
    from memory_sync.cli.ask import confirm, say
    from memory_sync.cli.words import many, size

    recovery = ", ".join(survey["recovery"]) or "none"
    if not yes:
        say(f"The vault {settings.name} holds {many(survey['files'], 'file')},")
        say(f"{size(survey['size'])}. All are encrypted anew and sent, as one commit.")
        say(f"Recovery keys that can read it then: {recovery}.")
        say()
        say("This does not undo the past: who had a key that could read the vault can still read")
        say("all that it held until now, in its history or in a copy.")
    if wish.rekey == "recovery":
        return confirm("Encrypt it anew?", command=words, yes=yes, usual=False)
    if not yes:
        say("Is somebody to be kept out? Then first revoke their token, and their access to")
        say(f"{settings.remote}: with it and the old key they could do this as well.")
        say("Afterwards every other device stops until it gets the new key.")
    return confirm("Give the vault a new key?", command=words, yes=yes, usual=False)


def _done(
    context: Context,
    settings: VaultSettings,
    survey: dict[str, Any],
    row: dict[str, Any],
    wish: Wish,
) -> Result:
    """Say what was done, and what is to be done on this and the other devices."""
    from memory_sync.ports.ring import IDENTITY

    trust = context.keystore.trust(settings.name)
    recipient = trust.recipient if trust else ""
    data = {
        "vault": settings.name,
        "changed": True,
        "recipient": recipient,
        "recovery": survey["recovery"],
        "files": survey["files"],
        "sent": row["sent"],
        "head": row["head"],
    }
    if wish.rekey == "recovery":
        count = len(survey["recovery"])
        text = f"The vault {settings.name} can be read with its key and {count} recovery key(s)."
        return Result(data, (Line(text),))
    lines = [
        Line(f"The vault {settings.name} has a new key ({recipient})."),
        Line("Export it now, and keep the file where you keep passwords: the one of before opens"),
        Line("only the past."),
        Line(f"    memory-sync export-key KEY-FILE --vault {settings.name}", "bold"),
        Line("Then on each other device:"),
        Line("    memory-sync import-key KEY-FILE", "bold"),
        Line(
            "or, without carrying the file: memory-sync join in the agent's folder there, and"
            " memory-sync pair here."
        ),
    ]
    if context.env.get(IDENTITY):
        lines.append(Line(f"{IDENTITY} has the old key: put the new one there too."))
    return Result(data, tuple(lines))
