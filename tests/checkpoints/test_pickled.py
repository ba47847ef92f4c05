"""torch's files are read, and none of them gets to run anything."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from bertkit.checkpoints.pickled import read_bin
from bertkit.checkpoints.tensors import read_tensors
from bertkit.errors import BadCheckpoint, UnsafeCheckpoint


class Payload:
    """Unpickled by a careless reader, this makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pytorch_model.bin"


@pytest.fixture(params=["zip", "legacy"])
def is_zip(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "zip")


def save(content: object, file: Path, is_zip: bool) -> None:
    torch.save(content, file, _use_new_zipfile_serialization=is_zip)


def test_reads_both_formats_of_torch(file: Path, is_zip: bool) -> None:
    tensors = {
        "weight": torch.randn(5, 7),
        "half": torch.randn(3).bfloat16(),
        "ids": torch.arange(4),
        "none": torch.zeros(0, 2),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    save(tensors, file, is_zip)
    read = read_bin(file)
    assert list(read) == list(tensors)
    for name, tensor in tensors.items():
        torch.testing.assert_close(read[name], tensor.detach(), rtol=0, atol=0)
        assert not read[name].requires_grad


def test_module_state_dict_with_its_metadata_is_read(file: Path, is_zip: bool) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LayerNorm(3))
    save(module.state_dict(), file, is_zip)
    assert read_bin(file).keys() == module.state_dict().keys()


def test_tied_and_overlapping_tensors_keep_their_values_and_their_bond(file: Path, is_zip: bool) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    save({"embedding": base, "decoder": base, "turned": base.T, "row": base[1], "column": base[:, 2]}, file, is_zip)
    read = read_bin(file)
    assert read["decoder"].data_ptr() == read["embedding"].data_ptr()
    torch.testing.assert_close(read["turned"], base.T)
    torch.testing.assert_close(read["row"], torch.tensor([4.0, 5, 6, 7]))
    torch.testing.assert_close(read["column"], torch.tensor([2.0, 6, 10]))


def test_repacked_compressed_archive_is_read_right(file: Path, tmp_path: Path) -> None:
    expected = torch.arange(1000.0)
    torch.save({"a": expected}, file)
    with zipfile.ZipFile(file) as plain, zipfile.ZipFile(tmp_path / "packed", "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in plain.namelist():
            packed.writestr(entry, plain.read(entry))
    (tmp_path / "packed").replace(file)
    torch.testing.assert_close(read_bin(file)["a"], expected)


def test_writing_to_a_tensor_never_changes_the_file(file: Path) -> None:
    torch.save({"a": torch.zeros(100)}, file)
    before = file.read_bytes()
    read_bin(file)["a"].fill_(7)
    assert file.read_bytes() == before


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_code_in_a_torch_file_does_not_run(file: Path, tmp_path: Path, protocol: int, is_zip: bool) -> None:
    content = {"weight": torch.ones(2), "evil": Payload(tmp_path / "ran")}
    torch.save(content, file, pickle_protocol=protocol, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(UnsafeCheckpoint, match=r"pytorch_model\.bin: not read, because") as caught:
        read_tensors(tmp_path)
    assert not (tmp_path / "ran").exists()
    assert "\n" not in str(caught.value)
    assert "\n" not in caught.value.remedy


@pytest.mark.parametrize("protocol", range(6))
def test_code_in_a_bare_pickle_does_not_run(file: Path, tmp_path: Path, protocol: int) -> None:
    file.write_bytes(pickle.dumps(Payload(tmp_path / "ran"), protocol=protocol))
    with pytest.raises(UnsafeCheckpoint):
        read_bin(file)
    assert not (tmp_path / "ran").exists()
    pickle.loads(file.read_bytes())  # a payload that could not run would prove nothing
    assert (tmp_path / "ran").is_dir()


def test_refusal_names_what_would_have_been_called(file: Path, tmp_path: Path) -> None:
    torch.save({"a": Payload(tmp_path / "ran")}, file)
    with pytest.raises(UnsafeCheckpoint, match=r"reading it would call posix\.mkdir$"):
        read_bin(file)


def test_whole_module_is_refused(file: Path, is_zip: bool) -> None:
    save(torch.nn.Linear(2, 2), file, is_zip)
    with pytest.raises(UnsafeCheckpoint, match=r"would call torch\.nn\.modules\.linear\.Linear"):
        read_bin(file)


def test_cut_file_is_refused(file: Path, is_zip: bool) -> None:
    save({"a": torch.randn(40, 7), "b": torch.arange(9)}, file, is_zip)
    whole = file.read_bytes()
    lengths = [*range(0, len(whole), 41), len(whole) - 1]
    for length in lengths:
        file.write_bytes(whole[:length])
        with pytest.raises(BadCheckpoint, match=r"pytorch_model\.bin"):
            read_bin(file)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "not a torch checkpoint"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"PK\x03\x04 and no archive", "truncated or not a torch checkpoint"),
        (bytes(3000), "truncated or not a torch checkpoint"),
        (b"\x80", "truncated or not a torch checkpoint"),
    ],
)
def test_what_is_not_a_torch_file_is_bad_but_not_called_unsafe(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)
    with pytest.raises(BadCheckpoint) as caught:
        read_bin(file)
    assert says in str(caught.value)
    assert str(file) in str(caught.value)
    assert not isinstance(caught.value, UnsafeCheckpoint)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([torch.ones(2)], "holds a list, not tensors by name"),
        ({"state_dict": {"a": torch.ones(2)}, "epoch": 3}, "holds 'state_dict' of type dict, not only tensors by name"),
        ({"a": torch.ones(2), "steps": 5}, "holds 'steps' of type int, not only tensors by name"),
        ({7: torch.ones(2)}, "holds the key 7, not only tensors by name"),
        ({"a": torch.ones(3).to_sparse()}, "tensor 'a' has the unsupported type sparse_coo"),
        ({"a": torch.ones(3, dtype=torch.complex64)}, "tensor 'a' has the unsupported type complex64"),
    ],
)
def test_other_content_than_named_dense_tensors_is_refused(file: Path, content: object, says: str) -> None:
    torch.save(content, file)
    with pytest.raises(BadCheckpoint) as caught:
        read_bin(file)
    assert str(caught.value) == f"{file}: {says}"


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=r"absent\.bin: cannot be read: No such file"):
        read_bin(tmp_path / "absent.bin")


def test_many_threads_read_pickles_and_the_filters_of_warnings_stay(file: Path) -> None:
    torch.save({"weight": torch.ones(3)}, file)
    before = [str(one) for one in warnings.filters]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read_bin, [file] * 100))
    assert [str(one) for one in warnings.filters] == before
