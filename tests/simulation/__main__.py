"""`python -m tests.simulation`: many schedules, or one again."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.runner import run_seed, shrink

SHOWN = 5
"""Failures that are made short and shown."""


def main() -> int:
    """Run what was asked for; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (1)")
    parser.add_argument("--seed", type=int, help="only this one, with all that happens")
    parser.add_argument("--steps", help="only these steps of it: 3,5,9")
    parser.add_argument("--quick", action="store_true", help="do not make failures short")
    asked = parser.parse_args()
    if asked.seed is not None:
        return _one(asked.seed, asked.steps)
    return _many(asked.first, asked.seeds, quick=asked.quick)


def _one(seed: int, steps: str | None) -> int:
    only = [int(number) for number in steps.split(",") if number] if steps is not None else None
    ran = run_seed(seed, only)
    print(ran.failure or "\n".join([*ran.log, "nothing failed"]))
    return int(ran.failure is not None)


def _many(first: int, count: int, *, quick: bool) -> int:
    began = time.monotonic()
    failed: list[int] = []
    counts: Counter[str] = Counter()
    for seed in range(first, first + count):
        ran = run_seed(seed)
        counts += ran.counts
        if ran.failure:
            failed.append(seed)
            if len(failed) <= SHOWN:
                print(ran.failure if quick else shrink(ran.failure), flush=True)
        if (seed - first + 1) % 1000 == 0:
            spent = time.monotonic() - began
            print(f"{seed - first + 1} schedules, {len(failed)} failed, {spent:.0f} s", flush=True)
    _summary(count, failed, counts, time.monotonic() - began)
    return int(bool(failed))


def _summary(count: int, failed: list[int], counts: Counter[str], spent: float) -> None:
    print(f"{count} schedules in {spent:.0f} s ({1000 * spent / max(1, count):.0f} ms each):")
    print("; ".join(f"{name} {number}" for name, number in sorted(counts.items())))
    print(f"{len(failed)} failed{': ' if failed else ''}{' '.join(map(str, failed[:50]))}")


if __name__ == "__main__":
    sys.exit(main())
