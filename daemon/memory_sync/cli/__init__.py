"""The command `memory-sync`: parses, calls, renders. Knows the terminal."""
