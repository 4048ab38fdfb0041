"""One cycle: scan, fetch, plan, apply, commit, record."""
