"""Every family in int8 answers nearly as in float32, and its folder is read back as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.compression.int8_form import int8_form
from bertkit.errors import UserError
from bertkit.inference.precision import make_ready
from bertkit.model.int8_parts import quantise
from bertkit.model.int8_table import Int8Table
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.saving import save_pretrained
from tests.parity.bert_peer import PIECES
from tests.parity.test_families import CASES, make_peer, sequences_of

CPU = torch.device("cpu")
FAMILIES = [name for name in CASES if "," not in name or name in ("albert, 2 groups", "eurobert, grouped heads")]


def hidden(pretrained: Pretrained, batch: TokenBatch, dtype: torch.dtype, *, on_load: bool = False) -> Tensor:
    encoder = pretrained.build_encoder(int8=dtype == torch.int8)
    if on_load:
        quantise(encoder)
    make_ready(encoder, CPU, dtype)
    with torch.inference_mode():
        out_TW: Tensor = encoder(batch)
    return out_TW


def scales_for(pretrained: Pretrained, batch: TokenBatch) -> dict[str, Tensor]:
    """Scales of what layers read in a batch: one for what the second layer of an MLP reads, else by column."""
    encoder = pretrained.build_encoder().float()
    least: dict[str, Tensor] = {}
    most: dict[str, Tensor] = {}

    def watch(name: str, module: nn.Module) -> None:
        def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            low, high = inputs[0].amin(0), inputs[0].amax(0)  # a layer may be applied several times
            least[name], most[name] = (
                torch.minimum(low, least.get(name, low)),
                torch.maximum(high, most.get(name, high)),
            )

        module.register_forward_pre_hook(look)

    for name, part in encoder.named_modules():
        if isinstance(part, nn.Linear) and name.startswith("layers."):
            watch(name, part)
    with torch.inference_mode():
        encoder(batch)
    return {f"{name}.weight": scales_of(least[name], most[name], one=name.endswith("down")) for name in least}


def scales_of(least_I: Tensor, most_I: Tensor, *, one: bool) -> Tensor:
    low, high = (least_I.min()[None], most_I.max()[None]) if one else (least_I, most_I)
    scale = (high - low).clamp(min=0.01) / 255
    return torch.stack([scale, (torch.round(low / scale) + 128) * scale])


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("calibrated", [False, True], ids=["by row", "by column"])
def test_a_family_in_int8_is_nearly_what_it_was(name: str, calibrated: bool, tmp_path: Path) -> None:
    case = CASES[name]
    make_peer(case, "ForMaskedLM", tmp_path)
    batch, plain = sequences_of(case).packed(), open_pretrained(tmp_path)
    expected_TW = hidden(plain, batch, torch.float32)
    form = int8_form(plain, scales_for(plain, batch) if calibrated else {})
    found_TW = hidden(form, batch, torch.int8)
    assert torch.cosine_similarity(found_TW, expected_TW).min() > 0.99
    assert not torch.equal(found_TW, expected_TW)
    as_float_TW = hidden(form, batch, torch.float32)
    assert torch.cosine_similarity(as_float_TW, expected_TW).min() > 0.99
    if not calibrated:
        torch.testing.assert_close(hidden(plain, batch, torch.int8, on_load=True), found_TW)


@pytest.mark.parametrize("name", ["bert", "modernbert"])
@pytest.mark.parametrize("calibrated", [False, True], ids=["by row", "by column"])
def test_a_sequence_in_a_batch_is_the_sequence_alone(name: str, calibrated: bool, tmp_path: Path) -> None:
    case = CASES[name]
    make_peer(case, "ForMaskedLM", tmp_path)
    sequences, plain = sequences_of(case), open_pretrained(tmp_path)
    form = int8_form(plain, scales_for(plain, sequences.packed()) if calibrated else {})
    together_TW = hidden(form, sequences.packed(), torch.int8)
    alone = [
        hidden(form, TokenBatch.pack([ids], [segments]), torch.int8)
        for ids, segments in zip(sequences.ids, sequences.segments, strict=True)
    ]
    torch.testing.assert_close(together_TW, torch.cat(alone), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["bert", "distilbert", "albert", "modernbert", "electra"])
def test_saved_and_opened_it_computes_the_same(name: str, tmp_path: Path) -> None:
    case, kept = CASES[name], "layers.0.mlp.down.weight"
    make_peer(case, "ForMaskedLM", tmp_path / "plain")
    pieces = PIECES + [f"w{number}" for number in range(99 - len(PIECES))]
    (tmp_path / "plain/vocab.txt").write_text("\n".join(pieces) + "\n")
    batch, plain = sequences_of(case).packed(), open_pretrained(tmp_path / "plain")
    form = int8_form(plain, scales_for(plain, batch), [kept])
    save_pretrained(form, plain.load_tokenizer(), tmp_path / "int8")
    again = open_pretrained(tmp_path / "int8")
    assert again.heads == plain.heads
    assert torch.equal(hidden(again, batch, torch.int8), hidden(form, batch, torch.int8))
    encoder = again.build_encoder(int8=True)
    assert isinstance(encoder.embeddings.token, Int8Table)
    assert isinstance(encoder.get_submodule(kept.removesuffix(".weight")), nn.Linear)


def test_what_cannot_be_made_int8_is_refused(tmp_path: Path) -> None:
    make_peer(CASES["bert"], "ForMaskedLM", tmp_path)
    form = int8_form(open_pretrained(tmp_path))
    with pytest.raises(UserError, match="is int8 already"):
        int8_form(form)
