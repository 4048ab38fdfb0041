"""`python -m memory_sync` is the command `memory-sync`."""

import sys

from memory_sync.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
