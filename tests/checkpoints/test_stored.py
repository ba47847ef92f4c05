"""Names, shapes and precisions are known before a tensor is read, and without torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from bertkit.checkpoints.headers import TensorHeader
from bertkit.checkpoints.stored import StoredTensors, open_tensors
from bertkit.checkpoints.tensors import read_tensors
from bertkit.errors import BadCheckpoint
from tests.checkpoints import tensorflow_files
from tests.checkpoints.tensorflow_files import unpack
from tests.checkpoints.test_tensors import (
    Tensors,
    assert_same,
    sample,
    write_shards,
    write_single,
    write_single_bin,
)


def headers_of(tensors: Mapping[str, torch.Tensor]) -> dict[str, TensorHeader]:
    return {
        name: TensorHeader(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in tensors.items()
    }


@pytest.mark.parametrize("write", [write_single, write_shards, write_single_bin])
def test_what_is_known_is_what_is_read(tmp_path: Path, write: Callable[[Path, Tensors], None]) -> None:
    write(tmp_path, sample())
    stored = open_tensors(tmp_path)
    assert dict(stored.headers) == headers_of(sample())
    assert "f32" in stored
    assert "f33" not in stored
    assert_same(dict(stored), read_tensors(tmp_path))
    for name, tensor in sample().items():
        np.testing.assert_array_equal(stored.numbers(name), tensor.float().numpy())
        assert stored.numbers(name).dtype == np.float32


def test_tensorflow(tmp_path: Path) -> None:
    index = unpack(tensorflow_files.TWO, tmp_path)
    stored = open_tensors(tmp_path)
    assert dict(stored.headers) == headers_of(tensorflow_files.TWO_TENSORS)
    assert_same(dict(stored), tensorflow_files.TWO_TENSORS)
    second = index.with_suffix(".data-00001-of-00002")
    second.write_bytes(second.read_bytes()[:1])
    with pytest.raises(BadCheckpoint, match=rf"^{re.escape(str(second))}: truncated: tensor '\S+' ends at byte"):
        open_tensors(tmp_path)
    second.unlink()
    with pytest.raises(BadCheckpoint, match=r"missing, two\.ckpt\.index needs it"):
        open_tensors(tmp_path)


def test_nothing_is_read_before_it_is_asked_for() -> None:
    asked = []

    def read() -> Tensors:
        asked.append(1)
        return {"a": torch.ones(2, 3), "b": torch.ones(3)}

    stored = StoredTensors(headers_of({"a": torch.ones(2, 3), "b": torch.ones(3)}), read)
    renamed = stored.renamed({"c": "a", "d": "a"}, ["d"])
    assert list(renamed) == ["c", "d"]
    assert [header.shape for header in renamed.headers.values()] == [(2, 3), (3, 2)]
    assert asked == []
    assert renamed["d"].shape == renamed.numbers("d").shape == (3, 2)
    assert renamed["d"].data_ptr() == renamed["c"].data_ptr()
    assert stored["b"].shape == (3,)
    assert asked == [1]


def test_shards_that_disagree_with_their_index(tmp_path: Path) -> None:
    write_shards(tmp_path, sample())
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(index.read_text().replace('"f32"', '"f31"'))
    with pytest.raises(BadCheckpoint, match="lacks the tensor 'f31'"):
        open_tensors(tmp_path)
