"""The right files of a folder are found, and an index that does not fit its shards is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.checkpoints.weight_files import find_weights
from bertkit.errors import BadCheckpoint

SAFE, BIN = "model.safetensors", "pytorch_model.bin"


def write_index(folder: Path, weight_map: dict[str, object], stem: str = SAFE) -> Path:
    index = folder / f"{stem}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return index


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        ([SAFE], SAFE),
        ([BIN], BIN),
        ([BIN, SAFE], SAFE),
        ([BIN, "tf_model.h5", "model.onnx"], BIN),
    ],
)
def test_one_file_is_chosen_safetensors_first(tmp_path: Path, present: list[str], chosen: str) -> None:
    for name in present:
        (tmp_path / name).touch()
    weights = find_weights(tmp_path)
    assert weights.files == (tmp_path / chosen,)
    assert weights.tensors_of is None


@pytest.mark.parametrize("stem", [SAFE, BIN])
def test_shards_come_in_order_with_what_each_must_hold(tmp_path: Path, stem: str) -> None:
    name, ending = stem.split(".")
    first, second = (tmp_path / f"{name}-0000{n}-of-00002.{ending}" for n in (1, 2))
    first.touch()
    second.touch()
    write_index(tmp_path, {"z": second.name, "a": first.name, "b": second.name}, stem)
    weights = find_weights(tmp_path)
    assert weights.files == (first, second)
    assert weights.tensors_of == {first: {"a"}, second: {"b", "z"}}


def test_shards_of_safetensors_come_before_a_single_bin(tmp_path: Path) -> None:
    (tmp_path / BIN).touch()
    (tmp_path / "part.safetensors").touch()
    write_index(tmp_path, {"a": "part.safetensors"})
    assert find_weights(tmp_path).files == (tmp_path / "part.safetensors",)


def test_folder_without_weights_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "tf_model.h5").touch()
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(BadCheckpoint) as caught:
        find_weights(tmp_path)
    for name in (str(tmp_path), SAFE, f"{SAFE}.index.json", BIN, f"{BIN}.index.json"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("weight_map", "says"),
    [
        ({"a": "model-00001-of-00002.safetensors"}, "names no tensor of shard 2 of 2"),
        ({"a": "absent.safetensors"}, "absent.safetensors: missing, model.safetensors.index.json names it"),
        ({"a": "../model.safetensors"}, "'../model.safetensors' is not the name of a file beside it"),
        ({"a": "/etc/passwd"}, "'/etc/passwd' is not the name of a file beside it"),
        ({"a": ""}, "missing"),
        ({"a": 3}, "weight_map gives 'a' no file name"),
        ({}, "no weight_map"),
    ],
)
def test_bad_index_is_refused(tmp_path: Path, weight_map: dict[str, object], says: str) -> None:
    write_index(tmp_path, weight_map)
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors\.index\.json|absent") as caught:
        find_weights(tmp_path)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "not JSON"), (b'{"weight_map": {', "not JSON"), (b"\xff", "not JSON"), (b"[]", "no weight_map")],
)
def test_damaged_index_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    index = tmp_path / f"{SAFE}.index.json"
    index.write_bytes(content)
    with pytest.raises(BadCheckpoint) as caught:
        find_weights(tmp_path)
    assert str(caught.value) == f"{index}: {says}"


def test_unreadable_index_is_named(tmp_path: Path) -> None:
    unreadable = Path("/proc/self/mem")  # a regular file by its kind, and nobody can read its beginning
    if not unreadable.exists():
        pytest.skip("needs /proc/self/mem")
    (tmp_path / f"{SAFE}.index.json").symlink_to(unreadable)
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors\.index\.json: cannot be read: "):
        find_weights(tmp_path)
