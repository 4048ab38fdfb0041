"""Pure functions over trees: plan, merge, guards, patterns. No I/O, no clock, no randomness."""
