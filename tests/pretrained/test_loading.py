from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from bertkit.errors import BertkitError, UserError
from bertkit.pretrained.loading import find_folder, load_encoder, open_pretrained
from tests.parity.bert_peer import make_peer
from tests.pretrained.small_folder import SIZES, hidden, rewrite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_peer(SIZES, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize(("arguments", "said"), [((5,), "model is 5"), ((None, "main"), "revision is given, and no")])
def test_what_is_no_model_is_refused(arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(UserError, match=said):
        find_folder(*arguments)


def test_a_bin_file_is_read(folder: Path) -> None:
    expected = hidden(folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert torch.equal(hidden(folder), expected)


def test_half_precision_is_kept_until_it_is_asked_for(folder: Path) -> None:
    rewrite(folder, lambda tensors: {name: tensor.half() for name, tensor in tensors.items()})
    assert open_pretrained(folder).build_encoder().layers[0].mlp.up.weight.dtype == torch.float16
    assert load_encoder(folder).layers[0].mlp.up.weight.dtype == torch.float32


def test_a_half_written_checkpoint(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BertkitError, match=r"model\.safetensors"):
        open_pretrained(folder)
