from __future__ import annotations

import pytest
import torch

from bertkit.model.out_of_memory import ran_out_of_memory

TORCH = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB",
    "HIP out of memory. Tried to allocate 768.00 MiB (GPU 0; 15.98 GiB total capacity)",
    "MPS backend out of memory (MPS allocated: 17.82 GB, other allocations: 384.00 KB, max allowed: 18.13 GB).",
    "XPU out of memory. Tried to allocate 4.00 GiB",
    "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "1099511627776 bytes. Error code 12 (Cannot allocate memory)",
    "[enforce fail at CPUAllocator.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate 8.",
    "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call",
    "CUDA driver error: out of memory",
    "HIP error: out of memory",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    "CUDA error: HIPBLAS_STATUS_ALLOC_FAILED when calling `hipblasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`",
    "CUDA error: CUSPARSE_STATUS_ALLOC_FAILED when calling `cusparseCreate(handle)`",
    "miopenStatusAllocFailed",
    "rocblas_status_memory_error",
    "std::bad_alloc",
    "unable to mmap 4096 bytes from file </torch_1>: Cannot allocate memory (12)",
)
OTHERS = (
    "CUDA error: an illegal memory access was encountered",
    "CUDA error: device-side assert triggered",
    "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`",
    "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)",
    "Expected all tensors to be on the same device",
    "NCCL error: unhandled system error",
)


@pytest.mark.parametrize("saying", TORCH)
def test_what_libraries_say(saying: str) -> None:
    assert ran_out_of_memory(RuntimeError(saying))


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("no"), OSError(12, "Cannot allocate memory")])
def test_kinds_of_errors(error: Exception) -> None:
    assert ran_out_of_memory(error)


@pytest.mark.parametrize("saying", OTHERS)
def test_what_is_something_else(saying: str) -> None:
    assert not ran_out_of_memory(RuntimeError(saying))
    assert not ran_out_of_memory(KeyError("out of memory"))


def test_what_this_machine_says() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**55, dtype=torch.uint8)
    assert ran_out_of_memory(raised.value)
