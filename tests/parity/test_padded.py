"""The padded twin: every family and head gives the same over rows that are filled up, and can be exported that way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
import transformers
from torch import Tensor, nn

from bertkit.batching.layout import Layout
from bertkit.batching.token_batch import TokenBatch
from bertkit.families.catalogue import FAMILIES
from bertkit.families.contract import Family
from bertkit.families.foreign_config import read_config
from bertkit.inference.precision import make_ready
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head, MaskedLMHead, build_head, build_masked_lm_head
from bertkit.model.pooling import Pooling, pool_tokens
from tests.parity.test_families import CASES, CLASSES, Case, sequences_of

POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
# Beside BERT, one of each kind of what a layout or attention has to do with; other families are made of the same parts.
EXPORTED = ("roberta", "mpnet", "modernbert", "eurobert, grouped heads")


@dataclass(frozen=True)
class Both:
    """A case's encoder, and the same sequences packed and in rows; `wide` has more padding, of other tokens."""

    family: Family
    encoder: Encoder
    packed: TokenBatch
    padded: TokenBatch
    wide: TokenBatch

    @classmethod
    def of(cls, case: Case, folder: Path) -> Both:
        getattr(transformers, f"{case.prefix}Config")(**case.config).save_pretrained(folder)
        foreign = read_config(folder)
        encoder = fill(build_encoder(foreign.encoder))
        one = sequences_of(case)
        packed, padded = TokenBatch.pack(one.ids, one.segments), TokenBatch.pad(one.ids, one.segments)
        longest = min(foreign.encoder.max_length, max(case.lengths) + 9)
        wide = TokenBatch.pad(one.ids, one.segments, length=longest)
        wide.ids_T[~tokens(wide)] = torch.randint(99, (int((~tokens(wide)).sum()),))
        return cls(foreign.family, encoder, packed, padded, wide)

    @property
    def rows(self) -> Iterator[TokenBatch]:
        yield self.padded
        yield self.wide


def fill(module: Any) -> Any:
    """Random weights, biases and norms of deviation 0.2."""
    random = torch.Generator().manual_seed(0)
    for name, parameter in module.named_parameters():
        is_norm = "norm" in name.lower() and name.endswith("weight")
        nn.init.normal_(parameter, float(is_norm), 0.2, generator=random)
    return module.eval()


def tokens(batch: TokenBatch) -> Tensor:
    """Where there are tokens, (T,)."""
    real_T = torch.zeros(len(batch.ids_T), dtype=torch.bool)
    for sequence in range(len(batch.layout.lengths)):
        real_T[batch.layout.tokens_of(sequence)] = True
    return real_T


def heads_of(both: Both) -> Iterator[tuple[str, Head]]:
    """Every head of the family but that of masks, in each way in which its rows may be read."""
    config = both.encoder.config
    for name, shape in both.family.heads.items():
        if name != "masked-lm":
            for reads in sorted({shape.reads, *shape.reads_words.values()}):
                if reads != "pooler" or config.pooler:
                    yield f"{name}, {reads}", fill(build_head(shape, config, CLASSES.get(name, 2), reads))


@pytest.fixture(scope="module", params=CASES)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    return Both.of(CASES[request.param], tmp_path_factory.mktemp("config"))


def assert_equal(found: Tensor, expected: Tensor, what: str = "") -> None:
    assert found.shape == expected.shape
    assert ((found - expected).abs() <= 1e-5 + 1e-5 * expected.abs()).all(), what


def test_every_family_is_tried() -> None:
    assert {getattr(transformers, f"{case.prefix}Config").model_type for case in CASES.values()} == set(FAMILIES)


@torch.inference_mode()
def test_hidden_states(both: Both) -> None:
    expected_TW = both.encoder(both.packed)
    for batch in both.rows:
        hidden_TW = both.encoder(batch)
        assert hidden_TW.isfinite().all()
        assert_equal(hidden_TW[tokens(batch)], expected_TW)
        alone = both.encoder.hidden(batch, batch.layout.first_B)
        assert_equal(alone[batch.layout.first_B], expected_TW[both.packed.layout.first_B])
        assert alone.isnan().any(dim=1).sum() == len(alone) - len(both.packed.layout.lengths)


@torch.inference_mode()
def test_every_head_and_pooling(both: Both) -> None:
    def read(batch: TokenBatch, hidden_TW: Tensor) -> dict[str, Tensor]:
        real_T, found = tokens(batch), {}
        for name, head in heads_of(both):
            rows = both.encoder.hidden(batch, head.output_indices(batch.layout))
            for kind, read_TW in (("all", hidden_TW), ("wanted", rows)):
                logits_RC = head(read_TW, batch.layout, both.encoder)
                found[f"{name}, {kind}"] = logits_RC[real_T] if head.reads == "tokens" else logits_RC
        for skip in (0, 2, 99):
            for pooling in POOLINGS:
                found[f"{pooling}, {skip}"] = pool_tokens(hidden_TW, batch.layout, (pooling,), skip)
        masks = fill(build_masked_lm_head(both.family.heads["masked-lm"], both.encoder.config))
        assert isinstance(masks, MaskedLMHead)
        found["masked-lm"] = masks(hidden_TW[real_T], both.encoder)
        return found

    expected = read(both.packed, both.encoder(both.packed))
    assert len(expected) > 20
    for batch in both.rows:
        for name, found in read(batch, both.encoder(batch)).items():
            assert_equal(found, expected[name], name)


def test_gradients(both: Both) -> None:
    weights_TW = torch.randn(len(both.packed.ids_T), both.encoder.config.width)
    found = []
    for batch in (both.packed, both.wide):
        (both.encoder(batch)[tokens(batch)] * weights_TW).sum().backward()
        found.append({name: p.grad.clone() for name, p in both.encoder.named_parameters() if p.grad is not None})
        both.encoder.zero_grad()
    packed, padded = found
    assert packed.keys() == padded.keys()
    largest = max(float(gradient.abs().max()) for gradient in packed.values())
    for name, gradient in packed.items():
        assert (padded[name] - gradient).abs().max() <= 1e-4 * gradient.abs().max() + 1e-6 * largest, name


class Answers(nn.Module):
    """Logits of a head that reads the first token of each text, from a last layer that computes no other."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program

    def forward(self, ids_BL: Tensor, segments_BL: Tensor, mask_BL: Tensor) -> Tensor:
        batch, encoder, head = TokenBatch.of_rows(ids_BL, segments_BL, mask_BL), self.program.encoder, self.program.head
        logits_BC: Tensor = head(encoder.hidden(batch, head.output_indices(batch.layout)), batch.layout, encoder)
        return logits_BC


class Program(nn.Module):
    """What other programs take: ids, segments and a mask in rows to hidden states, logits and vectors."""

    def __init__(self, encoder: Encoder, head: Head) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, ids_BL: Tensor, segments_BL: Tensor, mask_BL: Tensor) -> tuple[Tensor, ...]:
        batch = TokenBatch.of_rows(ids_BL, segments_BL, mask_BL)
        layout: Layout = batch.layout
        hidden_TW = self.encoder(batch)
        vectors_BW = pool_tokens(hidden_TW, layout, POOLINGS)
        return hidden_TW.unflatten(0, ids_BL.shape), self.head(hidden_TW, layout, self.encoder), vectors_BW


def inputs(rows: int, longest: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(rows * longest)
    lengths_B1 = torch.randint(1, longest + 1, (rows, 1), generator=random)
    ids_BL = torch.randint(99, (rows, longest), generator=random)
    return ids_BL, torch.zeros_like(ids_BL), (torch.arange(longest) < lengths_B1).long()


def assert_runs_at_other_sizes(exported: Any, program: Program) -> None:
    for rows, longest in ((3, 11), (1, 5), (5, 2), (1, 23)):
        given = inputs(rows, longest)
        ids_BL, _, mask_BL = given
        ids = [row[mask.bool()].tolist() for row, mask in zip(ids_BL, mask_BL, strict=True)]
        packed = TokenBatch.pack(ids, [[0] * len(one) for one in ids])
        found, expected = exported(*given), program(*given)
        for ours, theirs in zip(found[1:], expected[1:], strict=True):
            assert_equal(ours, theirs)
        assert_equal(found[0][mask_BL.bool()], program.encoder(packed))
        assert_equal(found[2], pool_tokens(program.encoder(packed), packed.layout, POOLINGS))


@pytest.fixture(
    scope="module", params=[EXPORTED[0], *(pytest.param(one, marks=pytest.mark.slow) for one in EXPORTED[1:])]
)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    both = Both.of(CASES[request.param], tmp_path_factory.mktemp("config"))
    heads = dict(heads_of(both))
    name = next(name for name in heads if name.startswith("text-classification"))
    return Program(both.encoder, heads[name]).eval().requires_grad_(False)


def exported(module: nn.Module) -> Any:
    any_size = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    return torch.export.export(module, inputs(2, 8), dynamic_shapes=(any_size, any_size, any_size)).module()


def test_it_is_exported_for_any_size(program: Program) -> None:
    assert_runs_at_other_sizes(exported(program), program)


def test_what_reads_few_tokens_is_exported_computing_few(program: Program) -> None:
    answers = exported(Answers(program))
    for rows, longest in ((3, 11), (1, 5)):
        given = inputs(rows, longest)
        assert_equal(answers(*given), program(*given)[1])


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore:.*torch.jit.*:DeprecationWarning")
def test_it_is_traced_for_any_size(program: Program) -> None:
    assert_runs_at_other_sizes(torch.jit.trace(program, inputs(2, 8), check_trace=False), program)


@torch.inference_mode()
def test_packed_weights_read_rows_too(tmp_path: Path) -> None:
    both = Both.of(CASES["bert"], tmp_path)
    expected_TW = both.encoder(both.packed)
    make_ready(both.encoder, torch.device("cpu"), torch.float32)
    for batch in both.rows:
        assert_equal(both.encoder(batch)[tokens(batch)], expected_TW)


@torch.inference_mode()
def test_half_precision_leaves_rows_as_they_are(tmp_path: Path) -> None:
    """Packed batches are filled up to few sizes on a CPU; rows have the size that their user chose."""
    both = Both.of(CASES["bert"], tmp_path)
    expected_TW = both.encoder(both.packed)
    both.encoder.bfloat16()
    for batch in both.rows:
        hidden_TW = both.encoder(batch)
        assert len(hidden_TW) == len(batch.ids_T)
        error_TW = (hidden_TW[tokens(batch)].float() - expected_TW).abs()
        assert error_TW.mean() < 0.1
