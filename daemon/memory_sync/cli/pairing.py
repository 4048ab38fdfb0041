"""What `join` and `pair` show and ask. The words are always compared; `--yes` is not about them."""

from __future__ import annotations

import sys
from contextlib import suppress

from memory_sync.app.context import Context
from memory_sync.app.pairing import make_joiner, open_host
from memory_sync.cli.ask import choose, confirm, interactive, say
from memory_sync.cli.ending import ended_by_signals
from memory_sync.cli.render import waiting
from memory_sync.cli.result import Line, Result, problem_of
from memory_sync.cli.where import Aim
from memory_sync.config.settings import VaultSettings
from memory_sync.engine.found import Finding
from memory_sync.engine.pairing import Host, Joiner, Visitor
from memory_sync.errors import (
    AnswerNeededError,
    MemorySyncError,
    NothingToJoinError,
    UsageError,
    WordsDifferError,
)
from memory_sync.ports.remote import Remote
from memory_sync.vault.pairing import same_words

STDIN = "-"
SAME = "Does the other machine show the same words?"


def bring_key(
    context: Context, aim: Aim, remote: Remote, finding: Finding, again: str, *, piped: bool
) -> None:
    """Bring the key of the vault that was found here, from a machine that has it.

    It is the key of that very finding: nothing that the repository shows later counts. `piped`
    tells that the words of the other machine come on standard input; `again` is the command.
    """
    manifest, url = finding.manifest, aim.vault.remote
    if manifest is None:
        raise NothingToJoinError(remote=url)
    trust = context.keystore.trust(aim.vault.name)
    if trust and trust.commit and trust.vault_id != manifest.id:
        name = aim.vault.name
        raise UsageError(detail=f"The name {name} stands for another vault on this machine.")
    if context.keystore.find(manifest.recipients[0]):
        say("The key of this vault is on this machine already.")
        return
    if not (piped or interactive()):
        hint = f"memory-sync {again} --words -"
        raise AnswerNeededError(question=SAME, command=again, hint=hint)
    with waiting("Computing six words"):
        joiner = make_joiner(context, aim.vault, remote, manifest)
    with ended_by_signals():
        try:
            with waiting(f"Asking in {url}"):
                joiner.ask(context.settings.device)
            _compare(joiner, url, again, piped=piped)
            with waiting("Waiting for the other machine"):
                identity = joiner.wait()
            context.keystore.add(identity)
            # It came from outside: there is another place that has it.
            context.keystore.mark_exported(identity.recipient)
        finally:
            with suppress(MemorySyncError):
                joiner.withdraw()
    say("The key has come.")


def _compare(joiner: Joiner, url: str, again: str, *, piped: bool) -> None:
    """Show the words, and have them compared. Raises WordsDifferError."""
    say("The key of this vault is not on this machine. On a machine that has it, run")
    say("    memory-sync pair")
    say("It shows six words, and gives the key if they are the same as here:")
    say(f"    {joiner.words}")
    if piped:
        same = same_words(sys.stdin.readline(), joiner.words)
    else:
        same = confirm(SAME, command=again, yes=False, usual=False)
    if not same:
        hint = f"memory-sync join --remote {url}"
        raise WordsDifferError(done="taken over", remote=url, hint=hint)


def clear(context: Context, vault: VaultSettings) -> Result:
    """Take all requests out of a vault."""
    with open_host(context, vault) as host, ended_by_signals(), waiting("Clearing"):
        count = host.clear()
    data = {**_data(vault, ()), "cleared": count}
    return Result(data, (Line(f"{vault.name}: {count} of its requests and answers are gone."),))


def let_in(context: Context, vault: VaultSettings, words: str | None) -> Result:
    """Show who asks to join a vault, and give the key to whom the person names."""
    with open_host(context, vault) as host:
        with waiting("Looking who asks to join"):
            visitors = host.visitors()
        if not visitors:
            said = (
                Line(f"No machine asks to join the vault {vault.name}. On the new machine, run"),
                Line(f"    memory-sync join --remote {vault.remote}", "bold"),
                Line("and then this command again."),
            )
            return Result(_data(vault, ()), said)
        try:
            chosen = _chosen(vault, visitors, words)
            if chosen is None:
                if words is None:
                    host.refuse(visitors)
                raise WordsDifferError(done="given", remote=vault.remote)
            return _given(host, vault, visitors, chosen)
        except AnswerNeededError as error:
            problem = problem_of(error)
            lines = tuple(Line(f"{_name(one)}: {one.words}") for one in visitors)
            return Result(_data(vault, visitors), lines, (problem,), problem.status)


def _chosen(vault: VaultSettings, visitors: list[Visitor], words: str | None) -> Visitor | None:
    """Return whose words are those of the machine that is to join; None if nobody's are."""
    if words is not None:
        return next((one for one in visitors if same_words(one.words, words)), None)
    again = f"memory-sync pair --vault {vault.name} --words 'SIX WORDS'"
    if len(visitors) == 1:
        [visitor] = visitors
        question = "Does that machine show the same words?"
        if not interactive():
            raise AnswerNeededError(question=question, command="pair", hint=again)
        say(f"{_name(visitor)} asks for the key of the vault {vault.name}, with these words:")
        say(f"    {visitor.words}")
        say("Whoever gets the key reads and writes everything in the vault.")
        return visitor if confirm(question, command="pair", yes=False, usual=False) else None
    question = "Which words does the machine show that is to join?"
    if not interactive():
        raise AnswerNeededError(question=question, command="pair", hint=again)
    say(f"{len(visitors)} machines ask for the key of the vault {vault.name}:")
    for number, visitor in enumerate(visitors, 1):
        say(f"{number}.  {visitor.words}    {_name(visitor)}")
    say("Whoever gets the key reads and writes everything in the vault.")
    number = choose(question, len(visitors), none="none: refuse all", command="pair")
    return visitors[number - 1] if number else None


def _given(host: Host, vault: VaultSettings, visitors: list[Visitor], chosen: Visitor) -> Result:
    with waiting("Sending the key"):
        host.answer(chosen)
    data = {**_data(vault, visitors), "answered": chosen.request.device}
    lines = [Line(f"The key of {vault.name} waits for {_name(chosen)}, encrypted to it alone.")]
    if len(visitors) > 1:
        lines.append(Line("The others still wait; this command again shows them."))
    return Result(data, tuple(lines))


def _name(visitor: Visitor) -> str:
    return f"'{visitor.request.device}'" if visitor.request.device else "A machine without a name"


def _data(vault: VaultSettings, visitors: tuple[Visitor, ...] | list[Visitor]) -> dict[str, object]:
    requests = [{"device": one.request.device, "words": one.words} for one in visitors]
    return {"vault": vault.name, "requests": requests, "answered": None, "cleared": 0}
