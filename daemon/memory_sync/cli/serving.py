"""Installing the service, for `service install` and `init`, and saying how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from memory_sync.app import service
from memory_sync.app.context import Context
from memory_sync.cli.ask import confirm, interactive
from memory_sync.cli.render import waiting
from memory_sync.cli.result import Line, Result, failed, problem_of, worst
from memory_sync.config.directories import HOME
from memory_sync.errors import ServiceError, ServiceManagerMissingError
from memory_sync.model import Problem
from memory_sync_service import Standing, left_behind, start_command
from memory_sync_service.linger import COMMAND, enable

LINGER = "Let it run from boot on, and go on after you log out? It is a setting of your user."
STATES = {
    True: Line("running", "good"),
    False: Line("not running", "bad"),
    None: Line("installed; whether it runs is not known", "warning"),
}
OFFER = "Keep syncing by itself from now on? This installs a service of your user."


def installed(
    context: Context, *, linger: bool | None = None, sandbox: bool = True, yes: bool = False
) -> Result:
    """Install the service, and offer to let it linger."""
    with waiting("Starting the service"):
        changed = service.install(context, sandbox=sandbox)
    here = service.service_here(context)
    standing = here.standing()
    lines = [Line("The service runs." if changed else "The service runs already.", "good")]
    errors: list[Problem] = []
    if standing.linger is False:
        try:
            if _wants_linger(linger, yes=yes):
                enable(context.env)
        except ServiceError as error:
            errors.append(problem_of(error))
        standing = here.standing()
    lines += list(_remarks(standing, sandbox=sandbox))
    for name in left_behind(context.env):
        text = f"{name} is set here, and the service will not have it: write it to config.toml."
        lines.append(Line(text, "warning"))
    data = {"changed": changed, **asdict(standing)}
    return Result(data, tuple(lines), tuple(errors), errors[0].status if errors else 0)


def _wants_linger(linger: bool | None, *, yes: bool) -> bool:
    """Return what was asked for on the command line, else what is answered at a terminal."""
    if linger is not None:
        return linger
    return (yes or interactive()) and confirm(LINGER, command="service install", yes=yes)


def _remarks(standing: Standing, *, sandbox: bool = True) -> Iterator[Line]:
    if standing.linger is False:
        yield Line(
            f"It ends when you log out, and starts when you log in. To change that: {COMMAND}"
        )
    if standing.manager == "systemd" and sandbox and not standing.sandboxed:
        yield Line("It is not confined to its folders: this machine allows no user namespaces.")


def told(standing: Standing) -> Iterator[Line]:
    """Say how the service stands, for people: what it is first, then what mends it."""
    if not standing.installed:
        yield Line("not installed", "warning")
        yield Line("hint: memory-sync service install", "dim")
        return
    yield STATES[standing.active]
    if standing.detail:
        yield Line(standing.detail)
    if standing.current is False:
        yield Line("Its files are not what would be written now.", "warning")
    if standing.hint:
        yield Line(f"hint: {standing.hint}", "dim")
    elif standing.current is False or not standing.enabled:
        yield Line("hint: memory-sync service install", "dim")
    elif not standing.active:
        yield Line("hint: memory-sync service start", "dim")
    start = "from boot on" if standing.linger else "with your login"
    yield Line(f"starts: {start if standing.enabled else 'not by itself'}")
    if standing.manager == "systemd":
        yield Line(f"confined to its folders: {'yes' if standing.sandboxed else 'no'}")
    yield Line(f"file: {standing.path}")


def renewed(context: Context) -> tuple[Problem, ...]:
    """Let a service that is installed know about a new root; return what went wrong with it."""
    try:
        with waiting("Restarting the service"):
            service.renew(context)
    except ServiceManagerMissingError:
        return ()
    except ServiceError as error:
        return (problem_of(error),)
    return ()


def with_service(context: Context, done: Result, *, wanted: bool | None, served: bool) -> Result:
    """Install the service after `init`, if that was asked for or is wanted at a terminal.

    Else say how to keep syncing, unless a daemon does. What fails is said: the vault is set up all
    the same.
    """
    if wanted is None:
        wanted = not served and _offer(context)
    if not wanted:
        lines = _advice(context) if not served else []
        return done._replace(lines=(*done.lines, *lines))
    try:
        result = installed(context)
    except ServiceError as error:
        result = failed(error)
    return done._replace(
        lines=(*done.lines, *result.lines),
        errors=(*done.errors, *result.errors),
        status=worst((done.status, result.status)),
    )


def _advice(context: Context) -> list[Line]:
    return [Line("To keep syncing:"), Line(f"    {start_command(context.env)}", "bold")]


def _offer(context: Context) -> bool:
    """Ask, where there is a terminal and something that can run a service.

    Not for a home of its own: that is a trial, or one of several, and has its service by command.
    """
    if context.env.get(HOME) or not interactive():
        return False
    try:
        service.service_here(context)
    except ServiceError:
        return False
    return confirm(OFFER, command="init", yes=False)
