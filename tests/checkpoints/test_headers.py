"""Every way in which a safetensors file can lie is told apart, and the file is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from bertkit.checkpoints.headers import LARGEST_HEADER_BYTES, TensorHeader, read_header
from bertkit.checkpoints.tensors import read_tensors
from bertkit.errors import BadCheckpoint


def entry(begin: int, end: int, shape: object = (4,), dtype: object = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": list(shape) if isinstance(shape, tuple) else shape, "data_offsets": [begin, end]}


def with_header(folder: Path, header: object, data_bytes: int) -> Path:
    """A file of that header (JSON made of it, or the very bytes) and that many bytes of data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    file = folder / "model.safetensors"
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(data_bytes))
    return file


def test_header_gives_names_shapes_and_torch_dtypes(tmp_path: Path) -> None:
    tensors = {
        "a": torch.zeros(3, 5),
        "b": torch.zeros(2, dtype=torch.bfloat16),
        "scalar": torch.tensor(1, dtype=torch.int64),
        "none": torch.zeros(0, 7, dtype=torch.bool),
    }
    file = tmp_path / "model.safetensors"
    file.write_bytes(save(tensors, {"format": "pt"}))
    assert read_header(file) == {
        "a": TensorHeader((3, 5), "float32"),
        "b": TensorHeader((2,), "bfloat16"),
        "scalar": TensorHeader((), "int64"),
        "none": TensorHeader((0, 7), "bool"),
    }
    assert [read_header(file)[name].elements for name in ("a", "b", "scalar", "none")] == [15, 2, 1, 0]


@pytest.mark.parametrize(
    ("header", "data_bytes", "says"),
    [
        ({"a": entry(0, 16)}, 10, "half-written, or the header is wrong: tensor 'a' ends at byte 16 of the data, the"),
        ({"a": entry(0, 16)}, 20, "4 bytes at the end belong to no tensor"),
        ({"a": entry(0, 16), "b": entry(8, 24)}, 24, "tensor 'b' overlaps the tensor before it"),
        ({"a": entry(0, 16), "b": entry(0, 16)}, 16, "tensor 'b' overlaps the tensor before it"),
        ({"a": entry(0, 16), "b": entry(20, 36)}, 36, "tensor 'b' leaves a gap before it"),
        ({"a": entry(4, 20)}, 20, "tensor 'a' leaves a gap before it"),
        ({"a": entry(0, 12)}, 12, "tensor 'a' of shape [4] and dtype F32 needs 16 bytes, the header gives it 12"),
        ({"a": entry(16, 0)}, 16, "needs 16 bytes, the header gives it -16"),
        ({"a": entry(0, 16, (10**30, 10**30))}, 16, "the header gives it 16"),
        ({"a": entry(0, 16, (2, -2))}, 16, "tensor 'a' has shape [2, -2]"),
        ({"a": entry(0, 16, (4.0,))}, 16, "tensor 'a' has shape [4.0]"),
        ({"a": entry(0, 16, (True, 4))}, 16, "tensor 'a' has shape [True, 4]"),
        ({"a": entry(0, 16, "4")}, 16, "tensor 'a' has shape 4"),
        ({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 8, 16]}}, 16, "data_offsets [0, 8, 16]"),
        ({"a": {"dtype": "F32", "shape": [4]}}, 16, "tensor 'a' has no dtype, shape and data_offsets"),
        ({"a": 7}, 16, "tensor 'a' has no dtype, shape and data_offsets"),
        ({"a": entry(0, 2, (4,), "F4")}, 2, "tensor 'a' has the unsupported dtype F4"),
        ({"a": entry(0, 16, (4,), ["F32"])}, 16, "tensor 'a' has the unsupported dtype ['F32']"),
        (b'{"a":{},"a":{}}', 0, "the header has 'a' twice"),
        (b'{"a":{"dtype":"F32","dtype":"F32"}}', 0, "the header has 'dtype' twice"),
        (b'{"a":', 0, "the header is not JSON"),
        (b"\xff\xfe\x00", 0, "the header is not JSON"),
        (b"[" * 100_000, 0, "the header is not JSON"),
        (b"[1]", 0, "the header is not a JSON object"),
        (b"", 0, "the header is not JSON"),
    ],
)
def test_lying_header_is_refused_in_words(tmp_path: Path, header: object, data_bytes: int, says: str) -> None:
    file = with_header(tmp_path, header, data_bytes)
    with pytest.raises(BadCheckpoint) as caught:
        read_header(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x10\x00", "only 2 bytes long"),
        ((50).to_bytes(8, "little") + b"{}", "half-written: the header is 50 bytes long, the whole file 10"),
        ((LARGEST_HEADER_BYTES + 1).to_bytes(8, "little"), "claim a header of 100000001 bytes"),
        (b"\xff" * 8 + b"{}", "not a safetensors file"),
        (b"<!DOCTYPE html><html>", "not a safetensors file"),
    ],
)
def test_file_without_a_header_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors") as caught:
        read_header(file)
    assert says in str(caught.value)


def test_pointer_of_git_lfs_is_called_that(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:53aa\nsize 90868376\n")
    with pytest.raises(BadCheckpoint, match="a Git LFS pointer") as caught:
        read_header(file)
    assert "git lfs pull" in caught.value.remedy


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=r"absent\.safetensors: cannot be read: No such file"):
        read_header(tmp_path / "absent.safetensors")


def test_every_cut_of_a_file_is_noticed(tmp_path: Path) -> None:
    whole = save({"a": torch.ones(3), "b": torch.ones(2, 2)})
    file = tmp_path / "model.safetensors"
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(BadCheckpoint, match=r"model\.safetensors"):
            read_header(file)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_damaged_byte_never_does_worse_than_bad_checkpoint(tmp_path: Path, position: int, byte: int) -> None:
    whole = bytearray(save({"a": torch.ones(3), "b": torch.ones(2, 2)}, {"format": "pt"}))
    whole[position % len(whole)] = byte
    (tmp_path / "model.safetensors").write_bytes(whole)
    try:
        tensors = read_tensors(tmp_path)
    except BadCheckpoint:
        return
    assert sum(tensor.nbytes for tensor in tensors.values()) == 28


def test_a_header_does_not_read_the_data(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [2**38], "data_offsets": [0, 2**40]}}).encode()
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        try:
            file.truncate(8 + len(header) + 2**40)  # 1 TB that is a hole on disk
        except OSError:
            pytest.skip("this file system has no sparse files of 1 TB")
    assert read_header(tmp_path / "model.safetensors") == {"a": TensorHeader((2**38,), "float32")}
