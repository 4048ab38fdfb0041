"""Deliberate faults: one for each statement of docs/invariants.md, and the test that notices it."""
