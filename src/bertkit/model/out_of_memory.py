"""Recognises errors that mean "out of memory": every library below torch words them in its own way."""

from __future__ import annotations

import re

SAYINGS = re.compile(
    r"""
    out\ of\ memory                         # CUDA, HIP, MPS and XPU, their drivers, and torch's allocators of them
    | OutOfMemory | bad_alloc | bad\ allocation
    | DefaultCPUAllocator | (can't|cannot)\ allocate\ memory | not\ enough\ memory
    | [A-Z]+_STATUS_[A-Z_]*ALLOC[A-Z]*_FAILED    # cuBLAS, cuDNN, cuSOLVER, cuSPARSE, hipBLAS, MIOpen
    | (CU|HIP)BLAS_STATUS_NOT_INITIALIZED        # what creating a handle says when there is no room for its workspace
    | rocblas_status_memory_error | miopenStatusAllocFailed
    """,
    re.VERBOSE | re.IGNORECASE,
)


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was no memory, on an accelerator or on the host."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, which it need not name
        return True
    return isinstance(error, RuntimeError | OSError) and SAYINGS.search(str(error)) is not None
