"""A checkpoint of somebody else: its index is read, and nothing that it asks for is done."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch.distributed.checkpoint.filesystem import FileSystemReader, _StorageInfo
from torch.distributed.checkpoint.metadata import Metadata, MetadataIndex

from bertkit.errors import BadCheckpoint, UnsafeCheckpoint
from bertkit.training.checkpoint_reader import INDEX, read_index
from bertkit.training.checkpoints import STATE, Checkpoints, Tensors
from bertkit.training.ranks import Ranks, joined
from tests.training.in_process import CPU

KINDS = (torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool)


@pytest.fixture(scope="module")
def ranks() -> Iterator[Ranks]:
    with joined(CPU) as group:
        yield group


def tensors() -> Tensors:
    shapes = ((), (3,), (2, 3))
    return {f"{kind}/{len(shape)}": torch.ones(shape, dtype=kind) for kind in KINDS for shape in shapes}


@pytest.fixture
def checkpoints(ranks: Ranks, tmp_path: Path) -> Iterator[Checkpoints]:
    opened = Checkpoints(tmp_path, ranks, 2, lambda line: None)
    opened.save(5, tensors(), {}, 1.0)
    opened.settle()
    yield opened
    opened.close()


def plant(checkpoints: Checkpoints, content: bytes) -> Path:
    """Another index, for which the checkpoint vouches."""
    folder = checkpoints.folder / "step-00000005"
    (folder / INDEX).write_bytes(content)
    values = json.loads((folder / STATE).read_bytes())
    values["files"][INDEX] = hashlib.sha256(content).hexdigest()
    (folder / STATE).write_text(json.dumps(values))
    return folder / INDEX


class Calls:
    """What unpickling makes of this is a call."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.called = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.called


def test_the_index_is_what_torch_reads_in_it(checkpoints: Checkpoints) -> None:
    folder = checkpoints.folder / "step-00000005"
    ours, theirs = read_index(folder / INDEX, os.listdir(folder)), FileSystemReader(folder).read_metadata()
    assert ours.state_dict_metadata == theirs.state_dict_metadata
    assert ours.storage_data == theirs.storage_data
    found = {name: torch.zeros_like(tensor) for name, tensor in tensors().items()}
    assert checkpoints.newest(found) is not None
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors().items())


@pytest.mark.parametrize("read", [Checkpoints.newest, Checkpoints.best])
@pytest.mark.parametrize("shell", [os.system, eval, exec, getattr, io.open, torch.load])
def test_nothing_is_called(
    shell: Callable[..., object], read: Callable[[Checkpoints, Tensors], object], checkpoints: Checkpoints
) -> None:
    trace = checkpoints.folder / "trace"
    index = plant(checkpoints, pickle.dumps(Calls(shell, f"touch {trace}")))
    with pytest.raises(UnsafeCheckpoint, match=r"\.metadata: not read, because reading it would call") as raised:
        read(checkpoints, tensors())
    assert str(index) in raised.value.what
    assert not trace.exists()


def test_nothing_is_called_inside_an_index(checkpoints: Checkpoints) -> None:
    trace = checkpoints.folder / "trace"
    index = Metadata({"a": Calls(Path.touch, trace)}, planner_data=Calls(os.system, f"touch {trace}"))  # type: ignore[dict-item]
    plant(checkpoints, pickle.dumps(index))
    with pytest.raises(UnsafeCheckpoint):
        checkpoints.newest(tensors())
    assert not trace.exists()


def test_names_with_dots_lead_nowhere(checkpoints: Checkpoints) -> None:
    """From protocol 4 on `torch` and `serialization.os.system` would be a name."""
    for name in (b"serialization.os.system", b"Size.__class__", b"load"):
        content = b"\x80\x04\x8c\x05torch\x8c" + bytes([len(name)]) + name + b"\x93."
        plant(checkpoints, content)
        with pytest.raises(UnsafeCheckpoint, match=r"would call torch\."):
            checkpoints.newest(tensors())


@pytest.mark.parametrize("place", ["../elsewhere", "/etc/passwd", "state.jsonl"])
def test_no_file_elsewhere_is_read(place: str, checkpoints: Checkpoints) -> None:
    index = Metadata({}, storage_data={MetadataIndex("a"): _StorageInfo(place, 0, 1)})
    plant(checkpoints, pickle.dumps(index))
    with pytest.raises(UnsafeCheckpoint, match="no file of this checkpoint"):
        checkpoints.newest(tensors())


@pytest.mark.parametrize("content", [b"", b"junk", pickle.dumps({}), pickle.dumps(Metadata({}))])
def test_what_is_no_index(content: bytes, checkpoints: Checkpoints) -> None:
    plant(checkpoints, content)
    with pytest.raises(BadCheckpoint, match="not the index of a checkpoint"):
        checkpoints.newest(tensors())


@pytest.mark.parametrize("other", [{"another": torch.ones(2)}, {"torch.float32/1": torch.ones(5)}])
def test_a_checkpoint_of_another_model(other: Tensors, checkpoints: Checkpoints) -> None:
    with pytest.raises(BadCheckpoint, match="step-00000005: does not fit this run"):
        checkpoints.newest(tensors() | other)
