"""Weights come out of a folder as they went in, mapped rather than copied, and damage is named."""

from __future__ import annotations

import json
import re
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from bertkit.checkpoints.tensors import read_tensors, write_tensors
from bertkit.errors import BadCheckpoint, OutputError

Tensors = dict[str, torch.Tensor]
MEGABYTE = 1 << 20


def anonymous_bytes() -> int:
    """The memory of this process that no file backs."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("needs /proc/self/status to measure memory")
    found = re.search(r"RssAnon:\s+(\d+) kB", status.read_text())
    assert found
    return int(found[1]) * 1024


def sample() -> Tensors:
    torch.manual_seed(1)
    return {
        "f32": torch.randn(3, 5),
        "f16": torch.randn(7).half(),
        "bf16": torch.randn(2, 2, 2).bfloat16(),
        "i64": torch.arange(6).reshape(2, 3),
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "flag": torch.tensor([True, False]),
        "scalar": torch.tensor(2.5, dtype=torch.float64),
        "none": torch.zeros(0, 4),
    }


def write_single(folder: Path, tensors: Tensors) -> None:
    save_file(tensors, folder / "model.safetensors")


def write_single_bin(folder: Path, tensors: Tensors) -> None:
    torch.save(tensors, folder / "pytorch_model.bin")


def write_shards(folder: Path, tensors: Tensors, stem: str = "model.safetensors") -> None:
    name, ending = stem.split(".")
    shards = [f"{name}-0000{n}-of-00003.{ending}" for n in (1, 2, 3)]
    weight_map = {tensor: shards[index % 3] for index, tensor in enumerate(tensors)}
    for shard in shards:
        part = {tensor: tensors[tensor] for tensor, place in weight_map.items() if place == shard}
        if ending == "bin":
            torch.save(part, folder / shard)
        else:
            save_file(part, folder / shard)
    (folder / f"{stem}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def write_bin_shards(folder: Path, tensors: Tensors) -> None:
    write_shards(folder, tensors, "pytorch_model.bin")


def assert_same(read: Tensors, expected: Tensors) -> None:
    assert read.keys() == expected.keys()
    for name, tensor in expected.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor), name


@pytest.mark.parametrize("write", [write_single, write_single_bin, write_shards, write_bin_shards])
def test_every_layout_gives_the_same_tensors(tmp_path: Path, write: Callable[[Path, Tensors], None]) -> None:
    tensors = sample()
    write(tmp_path, tensors)
    assert_same(read_tensors(tmp_path), tensors)


def test_safetensors_are_preferred_to_bin(tmp_path: Path) -> None:
    write_single_bin(tmp_path, {"a": torch.zeros(2)})
    write_single(tmp_path, {"a": torch.ones(2)})
    assert_same(read_tensors(tmp_path), {"a": torch.ones(2)})


@pytest.mark.parametrize("write", [write_single, write_single_bin, write_shards])
def test_reading_takes_no_memory_of_its_own(tmp_path: Path, write: Callable[[Path, Tensors], None]) -> None:
    write(tmp_path, {f"t{n}": torch.full((4, MEGABYTE), float(n)) for n in range(4)})  # 64 MB
    read_tensors(tmp_path)  # once before, so that what the libraries keep for themselves is not counted
    before = anonymous_bytes()
    tensors = read_tensors(tmp_path)
    total = sum(float(tensor.sum()) for tensor in tensors.values())  # touches every page
    assert anonymous_bytes() - before < 8 * MEGABYTE
    assert total == (0 + 1 + 2 + 3) * 4 * MEGABYTE


def test_writing_to_a_read_tensor_never_changes_the_file(tmp_path: Path) -> None:
    write_single(tmp_path, {"a": torch.zeros(100)})
    before = (tmp_path / "model.safetensors").read_bytes()
    read_tensors(tmp_path)["a"].fill_(7)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_header_of_any_length_is_read(tmp_path: Path) -> None:
    """Writers other than the library do not pad the header, so the data begins at any byte."""
    for spaces in range(8):
        text = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode() + b" " * spaces
        data = torch.tensor([1.5, -2.0]).numpy().tobytes()
        (tmp_path / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
        assert_same(read_tensors(tmp_path), {"a": torch.tensor([1.5, -2.0])})


def test_shard_that_lacks_a_tensor_of_the_index_is_named(tmp_path: Path) -> None:
    write_shards(tmp_path, sample())
    save_file({"f32": torch.zeros(3, 5)}, tmp_path / "model-00001-of-00003.safetensors")
    with pytest.raises(BadCheckpoint, match=r"model-00001-of-00003\.safetensors: lacks the tensor 'i64'"):
        read_tensors(tmp_path)


def test_shard_with_a_tensor_beside_the_index_is_named(tmp_path: Path) -> None:
    write_shards(tmp_path, {"a": torch.zeros(1), "b": torch.zeros(1), "c": torch.zeros(1)})
    save_file({"a": torch.zeros(1), "b": torch.zeros(1)}, tmp_path / "model-00001-of-00003.safetensors")
    with pytest.raises(BadCheckpoint, match=r"model-00001-of-00003\.safetensors: holds the tensor 'b'"):
        read_tensors(tmp_path)


def test_missing_shard_is_named(tmp_path: Path) -> None:
    write_shards(tmp_path, sample())
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match=r"model-00002-of-00003\.safetensors: missing"):
        read_tensors(tmp_path)


def test_half_written_shard_is_named(tmp_path: Path) -> None:
    write_shards(tmp_path, sample())
    shard = tmp_path / "model-00003-of-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(BadCheckpoint, match=r"model-00003-of-00003\.safetensors: half-written"):
        read_tensors(tmp_path)


def test_what_only_the_library_refuses_is_a_bad_checkpoint_too(tmp_path: Path) -> None:
    text = json.dumps({"__metadata__": {"format": 7}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors: "):
        read_tensors(tmp_path)


def test_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="no weights in this folder"):
        read_tensors(tmp_path)
    with pytest.raises(BadCheckpoint, match="no weights in this folder"):
        read_tensors(tmp_path / "absent")


def test_written_tensors_are_read_back(tmp_path: Path) -> None:
    write_tensors(tmp_path / "model.safetensors", sample())
    assert_same(read_tensors(tmp_path), sample())
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_metadata_is_written_as_given(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.safetensors", {"a": torch.ones(1)}, {"format": "pt", "step": "7"})
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt", "step": "7"}


def test_same_tensors_in_any_order_are_the_same_bytes(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", sample())
    write_tensors(tmp_path / "b", dict(reversed(sample().items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("is_zip", [True, False])
def test_tensors_that_share_memory_in_a_bin_can_be_written(tmp_path: Path, is_zip: bool) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    shared = {"embedding": base, "decoder": base, "turned": base.T, "row": base[1], "every_other": base.flatten()[::2]}
    torch.save(shared, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=is_zip)
    write_tensors(tmp_path / "model.safetensors", read_tensors(tmp_path))
    assert_same(read_tensors(tmp_path), shared)


def test_parameters_expanded_and_empty_tensors_can_be_written(tmp_path: Path) -> None:
    empty = torch.zeros(0)
    tensors = {"p": torch.nn.Parameter(torch.ones(2)), "e": torch.ones(1).expand(3), "n": empty, "m": empty}
    write_tensors(tmp_path / "model.safetensors", tensors)
    expected = {"p": torch.ones(2), "e": torch.ones(3), "n": torch.zeros(0), "m": torch.zeros(0)}
    assert_same(read_tensors(tmp_path), expected)


def test_folder_can_be_written_over_what_is_mapped_from_it(tmp_path: Path) -> None:
    write_tensors(tmp_path / "model.safetensors", {"a": torch.ones(10_000), "b": torch.zeros(10_000)})
    mapped = read_tensors(tmp_path)
    write_tensors(tmp_path / "model.safetensors", {"a": mapped["b"], "b": mapped["a"]})
    assert_same(mapped, {"a": torch.ones(10_000), "b": torch.zeros(10_000)})
    assert_same(read_tensors(tmp_path), {"a": torch.zeros(10_000), "b": torch.ones(10_000)})


def test_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", {"a": torch.ones(1)})
    (tmp_path / "plain").touch()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    write_tensors(file, {"a": torch.ones(1)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OutputError, match=r"model\.safetensors: cannot be written") as caught:
            write_tensors(file, {"a": torch.ones(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert_same(read_tensors(tmp_path), {"a": torch.ones(1)})
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.safetensors"]


def test_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"the folder .*absent does not exist"):
        write_tensors(tmp_path / "absent" / "model.safetensors", {"a": torch.ones(1)})
