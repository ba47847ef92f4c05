"""`python -m bertkit`: the same program as `bertkit` (torchrun starts it this way)."""

from __future__ import annotations

import os
import sys

from bertkit.cli.main import main

if __name__ == "__main__":
    code = main()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # torch's caches keep a group's threads alive. One that is still at work while Python ends aborts the process,
        # and torchrun calls a run failed that has been written whole.
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # it was closed
                stream.flush()
        os._exit(code)
    sys.exit(code)
