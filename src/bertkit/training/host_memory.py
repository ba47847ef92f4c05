"""What a process keeps from one step to the next when it trains on a CPU.

Steps ask for the same memory again and again. glibc gives most of it back to the system when a step ends, and each
page is then cleared anew at its first use: a tenth of a step on short texts. oneDNN, the other way round, keeps the
last 1,024 products that it compiled, in bfloat16 some 0.6 MB each; a step has about 15 for each number of rows, of
which there are few (`bertkit.model.shape_buckets`).
"""

from __future__ import annotations

import ctypes
import os
import platform

KERNELS = "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256"

# glibc's numbers for what may be set (malloc.h), and to what. Blocks from the second size on are given back at once, as
# before: it is the largest that may be set. Of the rest as much is kept as there ever was at a time.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES, GIVEN_BACK_BYTES = 2**31 - 1, 32 * 2**20


def keep_between_steps() -> None:
    """Sets both for this process, before its first product; what the user has set in the environment stays."""
    os.environ.setdefault(*KERNELS)
    chosen = any(name.startswith("MALLOC_") for name in os.environ) or "malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if platform.libc_ver()[0] == "glibc" and not chosen:
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, GIVEN_BACK_BYTES)  # once one is set, glibc adapts neither
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
