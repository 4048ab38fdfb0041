"""`python -m tests.crowd`: the scenarios at full size, and the table of docs/performance.md."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from graphql import GraphQLSchema

from tests.crowd import scenarios
from tests.crowd.play import Figures
from tests.crowd.report import table
from tests.hub import load_schema
from tests.hub.fetch import SCHEMA

Run = Callable[[GraphQLSchema, int, argparse.Namespace], Figures]

SCENARIOS: dict[str, Run] = {
    "quiet": lambda schema, seed, of: scenarios.quiet(schema, seed, of.devices),
    "usual": lambda schema, seed, of: scenarios.usual(schema, seed, of.devices),
    "busy": lambda schema, seed, of: scenarios.busy(schema, seed, of.devices),
    "burst": lambda schema, seed, of: scenarios.burst(schema, seed, of.devices),
    "log": lambda schema, seed, of: scenarios.burst(schema, seed, of.devices, log=True),
    "vaults": lambda schema, seed, of: scenarios.vaults(schema, seed, of.vaults, of.files),
}


def main() -> int:
    """Run what was asked for and print its table."""
    parser = argparse.ArgumentParser(prog="scripts/crowd", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--seed", type=int, default=1, help="of all chance (1)")
    parser.add_argument("--devices", type=int, default=50, help="that share one vault (50)")
    parser.add_argument("--vaults", type=int, default=10, help="of one daemon (10)")
    parser.add_argument("--files", type=int, default=10_000, help="of the upload (10000)")
    asked = parser.parse_args()
    if unknown := set(asked.names) - SCENARIOS.keys():
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    schema = load_schema(SCHEMA)
    columns = {}
    for name in asked.names or SCENARIOS:
        began = time.monotonic()
        columns[name] = SCENARIOS[name](schema, asked.seed, asked)
        spent, told = time.monotonic() - began, dict(columns[name].others)
        print(f"{name}: {spent:.0f} s; {told}", file=sys.stderr, flush=True)
    print(table(columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
