from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bertkit.compression.blame import Blamed
from bertkit.compression.candidate import Int8Plan, fixed_scales, half_form, parts_of
from bertkit.compression.observing import Extremes
from bertkit.errors import NotFinite
from bertkit.pretrained.loading import open_pretrained
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.test_families import CASES
from tests.parity.test_families import make_peer as make_family


def seen_by(folder: Path) -> dict[str, Extremes]:
    parts = parts_of(open_pretrained(folder))[1]
    widths = {name: part.in_features for name, part in parts.items() if isinstance(part, torch.nn.Linear)}
    return {name: Extremes(-torch.ones(width), torch.ones(width)) for name, width in widths.items()}


def test_what_is_blamed_is_read_by_rows_or_kept(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    source = open_pretrained(tmp_path)
    whole = Int8Plan(fixed_scales(source, seen_by(tmp_path)))
    up, down = "layers.0.mlp.up.weight", "layers.0.mlp.down.weight"
    found = whole.without([Blamed(up, 0.5, 0.45), Blamed(down, 0.5, 0.1)])
    assert (found.by_rows, found.kept) == ((up,), (down,))
    encoder = found.of(source).build_encoder(int8=True)
    assert encoder.get_submodule("layers.0.mlp.up").weight_inputs is None
    assert isinstance(encoder.get_submodule("layers.0.mlp.down"), torch.nn.Linear)
    assert encoder.get_submodule("layers.1.mlp.up").weight_inputs.shape == (2, 33)


@pytest.mark.parametrize(("name", "scales"), [("bert", 1), ("modernbert", 37)])
def test_the_second_layer_of_an_mlp_has_one_scale_where_bytes_are_handed_on(
    name: str, scales: int, tmp_path: Path
) -> None:
    make_family(CASES[name], "ForMaskedLM", tmp_path)
    found = fixed_scales(open_pretrained(tmp_path), seen_by(tmp_path))
    assert found["layers.0.mlp.down.weight"].shape == (2, scales)
    assert found["layers.0.attention.qkv.weight"].shape == (2, 36)


@pytest.mark.parametrize(("to", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
def test_sixteen_bits(to: str, dtype: torch.dtype, tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    form = half_form(open_pretrained(tmp_path), to)
    assert {tensor.dtype for tensor in form.tensors.values()} == {dtype}


def test_a_number_that_float16_has_not_is_refused(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    tensors = {name: tensor.clone() for name, tensor in load_file(tmp_path / "model.safetensors").items()}
    tensors["bert.pooler.dense.bias"][0] = 1e6
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(NotFinite, match=r"pooler\.dense\.bias holds a number that is too large for fp16"):
        half_form(open_pretrained(tmp_path), "fp16")
    half_form(open_pretrained(tmp_path), "bf16")
