"""What GitHub can answer, or lose: each of it against real processes, in one table."""
