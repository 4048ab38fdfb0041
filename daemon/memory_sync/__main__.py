"""The command `memory-sync`, also as `python -m memory_sync`.

Nothing is imported before there is somebody to heed Ctrl-C, which may come while modules load.
"""

import sys


def main() -> int:
    """Run the command line, and return its exit status."""
    try:
        from memory_sync.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("error: Interrupted.\n")
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
