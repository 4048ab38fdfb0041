"""`memory-sync doctor`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from memory_sync.cli.options import JSON_HELP, example, vault_option
from memory_sync.cli.result import Line, Result, worst
from memory_sync.cli.words import many
from memory_sync.model import Problem

if TYPE_CHECKING:
    from memory_sync.app.doctor.finding import Finding

SECONDS = 20.0
"""What all checks may take together."""
MARKS = {"ok": "✓", "skipped": "-", "warning": "!", "error": "✗"}
PLAIN = {"ok": "ok", "skipped": "--", "warning": "!!", "error": "XX"}
STYLES = {"ok": "good", "skipped": "dim", "warning": "warning", "error": "bad"}


@click.command("doctor", epilog=example("memory-sync doctor --no-network"))
@vault_option
@click.option("--no-network", is_flag=True, help="Ask no server.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def command(vault: str | None, no_network: bool, as_json: bool) -> Result:
    """Check everything that a sync needs, and show what mends it.

    Nothing is changed, no token or key is shown, and it takes 20 seconds at the most. It tells what
    is wrong also where the configuration is broken, the daemon is dead or stuck, or nobody is
    online. The exit status is 0 without an error, else that of the worst one.
    """
    # Imported here so that --help is quick.
    from memory_sync.app.doctor.examine import examine
    from memory_sync.app.doctor.patient import Patient
    from memory_sync.cli.render import waiting

    with waiting("Checking"):
        patient = Patient(os.environ, network=not no_network, seconds=SECONDS)
        found = examine(patient, vault)
    data = {"checks": [one.data() for one in found]}
    status = worst(one.status for one in found)
    if as_json:
        # People have read all of it in the lines already.
        errors = (_problem(one) for one in found if one.status)
        return Result(data, errors=tuple(errors), status=status)
    return Result(data, _lines(found), status=status)


def _problem(found: Finding) -> Problem:
    where = f"{found.vault}: " if found.vault else ""
    return Problem(found.name, f"{where}{found.detail}", found.fix, found.status)


def _lines(found: list[Finding]) -> tuple[Line, ...]:
    marks = MARKS if _can_show("".join(MARKS.values())) else PLAIN
    several = len({one.vault for one in found if one.vault}) > 1
    lines = []
    for one in found:
        name = f"{one.name} ({one.vault})" if several and one.vault else one.name
        lines.append(Line(f"{marks[one.result]} {name}: {one.detail}", STYLES[one.result]))
        if one.fix:
            lines.append(Line(f"    {one.fix}"))
    return (*lines, _summary(found))


def _can_show(text: str) -> bool:
    """Tell whether a terminal, or whatever reads this, has these letters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _summary(found: list[Finding]) -> Line:
    counts = Counter(str(one.result) for one in found)
    told = [many(counts[word], word) for word in ("error", "warning") if counts[word]]
    text = f"{', '.join(told)}, {counts['ok']} ok" if told else f"All is well: {counts['ok']} ok"
    if counts["skipped"]:
        text += f", {counts['skipped']} skipped"
    return Line(f"{text}.", "bold")
