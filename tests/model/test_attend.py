from __future__ import annotations

import pytest
import torch

from bertkit.batching.token_batch import Layout
from bertkit.model.attend import attend, attend_reference

LAYOUTS = {"one": (1,), "equal": (7,) * 13, "mixed": (5, 23, 5, 1, 16, 2, 2), "long": (129, 64)}


def random_qkv(tokens: int, heads: int, width: int, device: str = "cpu") -> list[torch.Tensor]:
    qkv = torch.randn(tokens, 3, heads, width, generator=torch.Generator().manual_seed(tokens))
    return list(qkv.to(device).unbind(1))


@pytest.mark.parametrize("lengths", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(("heads", "width"), [(1, 8), (3, 11), (12, 32)])
def test_the_fast_path_agrees_with_the_reference(lengths: tuple[int, ...], heads: int, width: int) -> None:
    layout = Layout.of(lengths)
    q, k, v = random_qkv(sum(lengths), heads, width)
    expected = attend_reference(q, k, v, layout)
    assert (attend(q, k, v, layout).double() - expected).abs().max() < 1e-5
    rounded = attend_reference(*(x.bfloat16() for x in (q, k, v)), layout)
    half = attend(*(x.bfloat16() for x in (q, k, v)), layout)
    assert half.dtype == torch.bfloat16
    assert (half.double() - rounded).abs().max() < 0.03


def test_a_sequence_never_sees_its_neighbours() -> None:
    layout = Layout.of((3, 4))
    q, k, v = random_qkv(7, 2, 8)
    before = attend(q, k, v, layout)[:3]
    k[3:], v[3:] = 1e30, float("nan")
    assert torch.equal(attend(q, k, v, layout)[:3], before)


def test_dropout_drops_weights() -> None:
    q, k, v = random_qkv(64, 1, 8)
    v[:] = 1.0
    torch.manual_seed(0)
    out = attend(q, k, v, Layout.of((64,)), dropout=0.5)
    assert out.std() > 0.01
    assert abs(out.mean().item() - 1.0) < 0.1


@pytest.mark.gpu
@pytest.mark.parametrize("lengths", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_the_kernels_of_a_gpu_agree_with_the_reference(lengths: tuple[int, ...], dtype: torch.dtype) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    layout = Layout.of(lengths, "cuda")
    q, k, v = (x.to(dtype) for x in random_qkv(sum(lengths), 12, 64, "cuda"))
    expected = attend_reference(q, k, v, layout)
    error = (attend(q, k, v, layout).double() - expected).abs().max()
    assert error < (1e-5 if dtype == torch.float32 else 0.03)
