from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bertkit.batching.layout import PackedLayout, PaddedLayout
from bertkit.model.attend import attend, attend_reference

LAYOUTS = {"one": (1,), "equal": (7,) * 13, "mixed": (5, 23, 5, 1, 16, 2, 2), "long": (129, 64, 64)}
RULES = {"all": {}, "window": {"window": 4}, "bias": {"bias": True}, "window and bias": {"window": 4, "bias": True}}


def random_qkv(tokens: int, heads: int, width: int, groups: int | None = None, device: str = "cpu") -> list[Tensor]:
    counts = [heads, groups or heads, groups or heads]
    qkv = torch.randn(tokens, sum(counts), width, generator=torch.Generator().manual_seed(tokens))
    return list(qkv.to(device).split(counts, dim=1))


def options(rule: dict[str, int], heads: int, longest: int) -> dict[str, object]:
    found: dict[str, object] = {name: value for name, value in rule.items() if name != "bias"}
    if "bias" in rule:
        found["bias_NLL"] = torch.randn(heads, longest, longest, generator=torch.Generator().manual_seed(1))
    return found


@pytest.mark.parametrize("lengths", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(("heads", "groups", "width"), [(1, 1, 8), (6, 2, 11), (12, 12, 32)])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_fast_path_agrees_with_the_reference(
    lengths: tuple[int, ...], heads: int, groups: int, width: int, rule: dict[str, int]
) -> None:
    layout = PackedLayout.of(lengths)
    q, k, v = random_qkv(sum(lengths), heads, width, groups)
    how = options(rule, heads, max(lengths))
    expected = attend_reference(q, k, v, layout, **how)  # type: ignore[arg-type]
    assert (attend(q, k, v, layout, **how).double() - expected).abs().max() < 1e-5  # type: ignore[arg-type]
    rounded = [x.bfloat16() for x in (q, k, v)]
    half = attend(*rounded, layout, **how)  # type: ignore[arg-type]
    assert half.dtype == torch.bfloat16
    assert (half.double() - attend_reference(*rounded, layout, **how)).abs().max() < 0.05  # type: ignore[arg-type]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_any_window_over_any_lengths(lengths: list[int], window: int) -> None:
    layout = PackedLayout.of(lengths)
    q, k, v = random_qkv(sum(lengths), 2, 4)
    out = attend(q, k, v, layout, window=window)
    assert not out.isnan().any()
    assert (out.double() - attend_reference(q, k, v, layout, window=window)).abs().max() < 1e-5


@pytest.mark.parametrize("length", [9, 40])
@pytest.mark.parametrize("distance", [3, 4, 5])
def test_the_edge_of_the_window(length: int, distance: int) -> None:
    """With a window of 4, what lies 3 or 4 tokens away is seen and what lies 5 away is not."""
    q, k, v = random_qkv(length, 1, 8)
    layout = PackedLayout.of((length,))
    before = attend(q, k, v, layout, window=4)
    v[distance] += 1.0
    assert torch.equal(attend(q, k, v, layout, window=4)[0], before[0]) == (distance > 4)


def test_local_attention_takes_memory_for_its_window_only() -> None:
    """8,192 tokens all to all would be 256 MB of scores a head; autograd keeps what the kernel was given."""
    q, k, v = (x.requires_grad_() for x in random_qkv(8192, 1, 16))
    kept = 0

    def note(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        attend(q, k, v, PackedLayout.of((8192,)), window=64)
    assert kept < 40e6


def test_a_sequence_never_sees_its_neighbours() -> None:
    layout = PackedLayout.of((3, 4))
    q, k, v = random_qkv(7, 2, 8)
    before = attend(q, k, v, layout)[:3]
    k[3:], v[3:] = 1e30, float("nan")
    assert torch.equal(attend(q, k, v, layout)[:3], before)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("window", [None, 1, 2])
def test_a_query_that_is_not_finite_is_never_an_answer(window: int | None, dtype: torch.dtype, number: float) -> None:
    for length in range(1, 36):  # kernels treat fewer keys than fit a register in their own way
        q, k, v = (torch.randn(length, 2, 8, dtype=dtype) for _ in range(3))
        q[length // 2, 1, 3] = number
        out_TNH = attend(q, k, v, PackedLayout.of([length], "cpu"), window=window)
        lost_TN = ~out_TNH.isfinite().all(-1)
        assert lost_TN.nonzero().tolist() == [[length // 2, 1]]


def test_dropout_drops_weights() -> None:
    q, k, v = random_qkv(64, 1, 8)
    v[:] = 1.0
    torch.manual_seed(0)
    out = attend(q, k, v, PackedLayout.of((64,)), dropout=0.5)
    assert out.std() > 0.01
    assert abs(out.mean().item() - 1.0) < 0.1


@pytest.mark.parametrize("lengths", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(("heads", "groups", "width"), [(1, 1, 8), (6, 2, 11)])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_padded_rows_agree_with_the_reference(
    lengths: tuple[int, ...], heads: int, groups: int, width: int, rule: dict[str, int]
) -> None:
    """Padding is finite, too: it is the key of later layers, where NaN would be NaN however little it weighs."""
    longest = max(lengths) + 17  # farther away from any token than the window reaches
    layout = PaddedLayout.of(torch.arange(longest) < torch.tensor(lengths)[:, None])
    q, k, v = random_qkv(len(lengths) * longest, heads, width, groups)
    how = options(rule, heads, longest)
    out, expected = (function(q, k, v, layout, **how) for function in (attend, attend_reference))  # type: ignore[arg-type]
    is_token = layout.mask_BL.flatten()
    assert out.isfinite().all()
    assert (out.double() - expected)[is_token].abs().max() < 1e-5
    assert expected[~is_token].isnan().all()
    k[~is_token], v[~is_token] = 1e3, 1e9  # scores beyond all that networks compute
    assert torch.equal(attend(q, k, v, layout, **how)[is_token], out[is_token])  # type: ignore[arg-type]
    rounded = [x.bfloat16() for x in random_qkv(len(lengths) * longest, heads, width, groups)]
    half = attend(*rounded, layout, **how)  # type: ignore[arg-type]
    errors = (half.double() - attend_reference(*rounded, layout, **how))[is_token]  # type: ignore[arg-type]
    assert half.dtype == torch.bfloat16
    assert errors.abs().max() < 0.05


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_masks_are_finite(rule: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """In float16 too, where exported programs may compute; torch's CPU kernel alone knows what infinities mean."""
    masks: list[Tensor] = []
    kernel = torch.nn.functional.scaled_dot_product_attention

    def noted(*qkv: Tensor, attn_mask: Tensor, **how: object) -> Tensor:
        masks.append(attn_mask)
        return kernel(*qkv, attn_mask=attn_mask, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", noted)
    layout = PaddedLayout.of(torch.arange(40) < torch.tensor([[3], [1], [40]]))
    attend(*random_qkv(120, 2, 8), layout, **options(rule, 2, 40))  # type: ignore[arg-type]
    (mask,) = masks
    assert mask.dtype == torch.float32
    assert (2 * mask).half().isfinite().all()


def test_a_row_without_a_token_is_finite() -> None:
    layout = PaddedLayout.of(torch.tensor([[0, 0, 0, 0], [1, 1, 0, 0]]))
    q, k, v = random_qkv(8, 2, 8)
    for window in (None, 1):
        assert attend(q, k, v, layout, window=window).isfinite().all()


def test_dropout_of_padded_rows_drops_weights() -> None:
    layout = PaddedLayout.of(torch.arange(80) < torch.tensor([[64], [33]]))
    q, k, v = random_qkv(160, 1, 8)
    v[:] = 1.0
    torch.manual_seed(0)
    out = attend(q, k, v, layout, dropout=0.5)[layout.mask_BL.flatten()]
    assert out.std() > 0.01
    assert abs(out.mean().item() - 1.0) < 0.1


@pytest.fixture
def gpu() -> str:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    return "cuda"


@pytest.mark.gpu
@pytest.mark.parametrize("lengths", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize(("groups", "width"), [(12, 64), (3, 64), (12, 12)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_the_kernels_of_a_gpu_agree_with_the_reference(
    lengths: tuple[int, ...], window: int | None, groups: int, width: int, dtype: torch.dtype, gpu: str
) -> None:
    """Outputs and gradients; a head of 12 numbers is none of the variable-length kernel's."""
    layout = PackedLayout.of(lengths, gpu)
    inputs = [x.to(dtype) for x in random_qkv(sum(lengths), 12, width, groups, gpu)]
    weights = torch.randn(sum(lengths), 12, width, device=gpu)

    def output_and_gradients(function: Callable[..., Tensor], inputs: list[Tensor]) -> list[Tensor]:
        leaves = [x.detach().requires_grad_() for x in inputs]
        out = function(*leaves, layout, window=window)
        return [out, *torch.autograd.grad((out.double() * weights).sum(), leaves)]

    expected = output_and_gradients(attend_reference, [x.double() for x in inputs])
    for ours, theirs in zip(output_and_gradients(attend, inputs), expected, strict=True):
        error = (ours.double() - theirs).norm()  # a sequence of one token has no gradient but its values'
        assert error <= (1e-5 if dtype == torch.float32 else 1e-2) * max(theirs.norm(), expected[0].norm())


@pytest.mark.gpu
def test_dropout_on_a_gpu(gpu: str) -> None:
    """Weights are dropped and the rest made larger, by the seed; the gradient is that of the weights that were left."""
    lengths = (5, 300, 64, 1, 128)
    layout = PackedLayout.of(lengths, gpu)
    q, k, v = (x.bfloat16() for x in random_qkv(sum(lengths), 12, 64, device=gpu))

    def dropped(values: Tensor) -> Tensor:
        torch.manual_seed(5)
        return attend(q, k, values, layout, dropout=0.25)

    ones = dropped(torch.ones_like(v)).float()
    assert abs(ones.mean().item() - 1.0) < 0.02
    assert ones.std() > 0.03
    assert torch.equal(dropped(v), dropped(v))
    assert (dropped(v) - attend(q, k, v, layout)).abs().max() > 0.1
    v.requires_grad_()
    out = dropped(v)
    weights = torch.randn_like(out)
    (gradient,) = torch.autograd.grad((out * weights).float().sum(), v)
    # The output is linear in the values: a gradient by other weights than were used would not give it back.
    given, taken = (out * weights).float().sum(), (gradient * v).float().sum()
    assert abs(given - taken) < 0.01 * (out * weights).float().norm()


@pytest.mark.gpu
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_padded_rows_on_a_gpu(rule: dict[str, int], dtype: torch.dtype, gpu: str) -> None:
    layout = PaddedLayout.of(torch.arange(80, device=gpu) < torch.tensor([[5], [64], [1]], device=gpu))
    q, k, v = (x.to(dtype) for x in random_qkv(240, 12, 64, 3, gpu))
    how = {name: value.to(gpu) if isinstance(value, Tensor) else value for name, value in options(rule, 12, 80).items()}
    out, expected = (function(q, k, v, layout, **how) for function in (attend, attend_reference))  # type: ignore[arg-type]
    errors = (out.double() - expected)[layout.mask_BL.flatten()].abs()
    assert out.isfinite().all()
    assert errors.max() < (1e-5 if dtype == torch.float32 else 0.05)
