"""Torture for as long as wanted: `scripts/torture`."""

from __future__ import annotations

import argparse
import itertools
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hub import Hub, load_schema
from tests.hub.fetch import SCHEMA
from tests.torture.driver import BrokenPromiseError, Torture
from tests.torture.machines import FolderVault, HubVault, Vault

ROUND = 30.0
"""Seconds of deeds in one round."""


@contextmanager
def _vault(kind: str, top: Path) -> Iterator[Vault]:
    if kind == "folder":
        yield FolderVault(top)
        return
    with Hub(load_schema(SCHEMA)) as hub:
        yield HubVault(hub)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long, in all (600)")
    parser.add_argument("--seed", type=int, help="the first round's seed; the next have the next")
    parser.add_argument("--homes", type=int, choices=[2, 3], help="how many machines (in turn)")
    parser.add_argument("--vault", choices=["folder", "hub"], help="over what (in turn)")
    parser.add_argument("--rounds", type=int, help="end after so many rounds")
    return parser.parse_args()


def main() -> int:
    """Run rounds until the time is over or one fails; return the exit status."""
    options = _options()
    first = secrets.randbelow(10**6) if options.seed is None else options.seed
    homes = [options.homes] if options.homes else [2, 3]
    kinds = [options.vault] if options.vault else ["folder", "hub"]
    end = time.monotonic() + options.seconds
    turns = itertools.cycle(itertools.product(kinds, homes))
    for number, (kind, count) in enumerate(turns):
        left = end - time.monotonic()
        if left <= 0 or number == options.rounds:
            return 0
        with (
            tempfile.TemporaryDirectory(prefix="torture-") as folder,
            _vault(kind, Path(folder)) as vault,
        ):
            torture = Torture(first + number, count, vault, min(ROUND, left), Path(folder))
            try:
                print(torture.run(), flush=True)
            except BrokenPromiseError as error:
                print(error, flush=True)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
