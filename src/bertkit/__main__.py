"""`python -m bertkit`: the same program as `bertkit` (torchrun starts it this way)."""

from __future__ import annotations

import sys

from bertkit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
