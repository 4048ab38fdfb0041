"""The command `memory-sync`, also as `python -m memory_sync`.

Nothing is imported before there is somebody to heed Ctrl-C, which may come while modules load.
"""

import gc
import os
import sys
from contextlib import suppress


def main() -> int:
    """Run the command line, and return its exit status."""
    # What modules are made of is no rubbish: to look for it there takes a tenth of a quick command.
    # It is looked for again once the command is loaded.
    gc.disable()
    try:
        from memory_sync.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("error: Interrupted.\n")
        return 130
    status = run()
    if "memory_sync.app" not in sys.modules:
        # A command that has only asked holds nothing that wants an orderly end, and the interpreter
        # takes longer over its own than the command over its answer.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
