"""No bit of a row depends on the rows beside it: every product of every family and head is of so many rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.kernels import linear_kind
from bertkit.families.foreign_config import read_config
from bertkit.model.attend import attend
from bertkit.model.build import build_encoder
from bertkit.model.device import processor
from bertkit.model.encoder import Encoder
from bertkit.model.fixed_rows import ROWS, by_numbers, by_rows, fixed_rows, linear, rows_are_fixed, unfixed
from bertkit.model.linear import convert_linears, make_linear
from bertkit.model.mlp import MLP, GatedMLP
from bertkit.model.vector_steps import Dense
from tests.parity.test_families import CASES, Case, sequences_of

PACKS = linear_kind(processor(torch.device("cpu")), "float32", learns=False) == "packed"
PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "matmul", "linear", "_linear_pointwise", "addmv", "mv", "dot")


class Rows(TorchDispatchMode):
    """Keeps how many rows each matrix product is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket.__name__.rpartition("::")[2].rpartition(".")[2] in PRODUCTS:
            self.seen += [x.shape[0] for x in args if isinstance(x, Tensor) and x.ndim == 2 and not x.is_mkldnn][:1]
        return func(*args, **(kwargs or {}))


@contextmanager
def counted() -> Iterator[list[int]]:
    with Rows() as rows:
        yield rows.seen


def test_more_rows_are_computed_in_turn_and_fewer_filled_up() -> None:
    x_RI = torch.randn(2 * ROWS + 5, 3)
    weight_OI, bias_O = torch.randn(4, 3), torch.randn(4)
    given: list[int] = []

    def product(block_RI: Tensor) -> Tensor:
        given.append(len(block_RI))
        return block_RI @ weight_OI.T + bias_O

    with fixed_rows():
        found_RO = by_rows(product, x_RI)
        assert given == [ROWS] * 3
        torch.testing.assert_close(found_RO, linear(x_RI, weight_OI, bias_O))
        assert len(by_rows(product, x_RI[:0])) == 0
        with fixed_rows(False):
            assert not rows_are_fixed()
            by_rows(product, x_RI)
    assert given[3:] == [0, len(x_RI)]
    assert not rows_are_fixed()
    torch.testing.assert_close(found_RO, nn.functional.linear(x_RI, weight_OI, bias_O))


@pytest.mark.skipif(not PACKS, reason="this processor's kernels take no packed weights")
@pytest.mark.parametrize("name", CASES)
@torch.inference_mode()
def test_every_product_of_every_family(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    encoder = ready(case, tmp_path)
    sequences = sequences_of(case)
    whole = TokenBatch.pack(sequences.ids, sequences.segments)
    with fixed_rows(), counted() as rows:
        together_TW = encoder(whole)
    assert rows
    assert set(rows) == {ROWS}
    for place, (ids, segments) in enumerate(zip(sequences.ids, sequences.segments, strict=True)):
        with fixed_rows():
            alone_TW = encoder(TokenBatch.pack([ids], [segments]))
        assert torch.equal(alone_TW, together_TW[whole.layout.tokens_of(place)])
    torch.testing.assert_close(together_TW, encoder(whole), atol=1e-5, rtol=1e-5)


def ready(case: Case, folder: Path) -> Encoder:
    getattr(transformers, f"{case.prefix}Config")(**case.config).save_pretrained(folder)
    encoder = build_encoder(read_config(folder).encoder).eval()
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.2)
    assert unfixed(encoder) is not None
    convert_linears(encoder, "packed", torch.float32)
    assert unfixed(encoder) is None
    return encoder


def test_a_function_gives_a_number_the_same_bits_wherever_it_stands() -> None:
    """Without care it does not: the last few of a thread's share are computed by other code."""
    x_TF = torch.randn(77, 13)
    gelu = by_numbers(nn.functional.gelu)
    for x in (x_TF, x_TF[:, 1:]):
        with fixed_rows():
            together = gelu(x)
            assert torch.equal(together, torch.cat([gelu(row[None]) for row in x]))
        torch.testing.assert_close(together, nn.functional.gelu(x))
        assert together.shape == x.shape
        assert torch.equal(gelu(x), nn.functional.gelu(x))
    with fixed_rows():
        assert gelu(x_TF[:0]).shape == (0, 13)


def test_dense_layers_after_pooling() -> None:
    step = Dense(torch.randn(3, 3), torch.randn(3), "tanh", residual=True, residual_OW=torch.randn(3, 3))
    with fixed_rows(), counted() as rows:
        step(torch.randn(5, 3))
    assert rows == [ROWS, ROWS]


def test_a_compiled_layer_stays_in_one_piece() -> None:
    """What is asked about rows must be no question for the compiler, which would cut the program there."""
    x_TW = torch.randn(4, 8)
    for layer in (
        MLP(nn.Linear(8, 16), nn.Linear(16, 8), "gelu"),
        GatedMLP(nn.Linear(8, 32), nn.Linear(16, 8), "silu"),
        make_linear(8, 2, last=True),
    ):
        compiled = torch.compile(layer, backend="eager", fullgraph=True)
        assert torch.equal(compiled(x_TW), layer(x_TW))


def test_attention_in_half_precision_is_a_sequence_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same kernel on more of them at once torch may choose another layout of keys."""
    from bertkit.batching.layout import PackedLayout

    counts: list[int] = []
    kernel = nn.functional.scaled_dot_product_attention

    def seen(q: Tensor, *rest: Any, **options: Any) -> Tensor:
        counts.append(len(q))
        return kernel(q, *rest, **options)

    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", seen)
    q_TNH = torch.randn(22, 2, 8).bfloat16()
    layout = PackedLayout.of([5, 5, 5, 7])
    plain = attend(q_TNH, q_TNH, q_TNH, layout)
    with fixed_rows():
        alone = attend(q_TNH, q_TNH, q_TNH, layout)
    assert counts == [3, 1, 1, 1, 1, 1]
    torch.testing.assert_close(alone, plain)
