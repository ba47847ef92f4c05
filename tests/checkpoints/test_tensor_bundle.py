"""TensorFlow's checkpoints are read as TensorFlow wrote them, written so that others read them, and damage is named."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bertkit.checkpoints.tensor_bundle import read_bundle, write_bundle
from bertkit.checkpoints.tensors import read_tensors
from bertkit.errors import BadCheckpoint, OutputError
from tests.checkpoints import tensorflow_files
from tests.checkpoints.plain_bundle import read_plain_bundle
from tests.checkpoints.tensorflow_files import unpack
from tests.checkpoints.test_tensors import MEGABYTE, Tensors, anonymous_bytes, assert_same, sample


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """The index of a checkpoint of two data files; one tensor lies at an odd byte."""
    return unpack(tensorflow_files.TWO, tmp_path)


@pytest.mark.filterwarnings("error")
def test_two_data_files_that_tensorflow_wrote(two: Path) -> None:
    assert_same(read_bundle(two), tensorflow_files.TWO_TENSORS)
    assert_same(read_tensors(two.parent), tensorflow_files.TWO_TENSORS)


def test_the_state_of_optimisers_is_left(tmp_path: Path) -> None:
    states = """
    w/adam_m w/adam_v w/Adam w/Adam_1 w/AdamWeightDecayOptimizer w/AdamWeightDecayOptimizer_1 w/LAMB w/lamb_m w/lamb_v
    w/LAMBOptimizer_1 w/Momentum w/ExponentialMovingAverage global_step beta1_power beta2_power w/a/beta1_power
    current_loss_scale good_steps
    """.split()
    kept = ["adam_m/w", "w/LAMBADA", "step", "w/global_steps", "w/beta"]
    write_bundle(tmp_path / "a.index", {name: torch.ones(1) for name in (*states, *kept)})
    assert set(read_bundle(tmp_path / "a.index")) == set(kept)
    assert len(read_plain_bundle(tmp_path / "a.index")) == len(states) + len(kept)


def test_another_reader_reads_what_is_written(tmp_path: Path) -> None:
    tensors = sample() | {"turned": torch.arange(6.0).reshape(2, 3).T, "i32": torch.ones(2, dtype=torch.int32)}
    tensors["p"] = torch.nn.Parameter(torch.ones(2))
    write_bundle(tmp_path / "model.ckpt-7.index", tensors)
    assert_same(read_plain_bundle(tmp_path / "model.ckpt-7.index"), tensors)
    assert_same(read_bundle(tmp_path / "model.ckpt-7.index"), tensors)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "model.ckpt-7.data-00000-of-00001",
        "model.ckpt-7.index",
    ]


def test_only_empty_tensors(tmp_path: Path) -> None:
    write_bundle(tmp_path / "a.index", {"none": torch.zeros(0, 4)})
    assert_same(read_bundle(tmp_path / "a.index"), {"none": torch.zeros(0, 4)})


@pytest.mark.data
def test_the_published_checkpoint_comes_out_as_it_went_in(test_data: Path, tmp_path: Path) -> None:
    index = test_data / "checkpoints/keras_bert_tiny_random_tf1/bert_model.ckpt.index"
    everything = read_plain_bundle(index)
    ours = read_bundle(index)
    assert len(everything) == 139
    assert_same(ours, {name: everything[name] for name in ours})
    assert {name.rsplit("/", 1)[-1] for name in everything.keys() - ours} == {"adam_m", "adam_v", "global_step"}
    write_bundle(tmp_path / "copy.index", everything)
    for ending in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"copy{ending}").read_bytes() == index.with_suffix(ending).read_bytes()


def test_reading_takes_no_memory_of_its_own(tmp_path: Path) -> None:
    index = tmp_path / "a.index"
    write_bundle(index, {f"t{n}": torch.full((4, MEGABYTE), float(n)) for n in range(4)})  # 64 MB
    read_bundle(index)
    before = anonymous_bytes()
    tensors = read_bundle(index)
    total = sum(float(tensor.sum()) for tensor in tensors.values())
    assert anonymous_bytes() - before < 8 * MEGABYTE
    assert total == (0 + 1 + 2 + 3) * 4 * MEGABYTE


def test_writing_to_a_read_tensor_never_changes_the_file(two: Path) -> None:
    read_bundle(two)["bert/embeddings/word_embeddings"].fill_(7)
    assert_same(read_bundle(two), tensorflow_files.TWO_TENSORS)


def change(ending: str, content: Callable[[bytes], bytes | None]) -> Callable[[Path], None]:
    def damage(index: Path) -> None:
        path = index.with_suffix(ending)
        changed = content(path.read_bytes())
        path.unlink() if changed is None else path.write_bytes(changed)

    return damage


FIRST, SECOND = ".data-00000-of-00002", ".data-00001-of-00002"
BAD = {
    "missing": (change(SECOND, lambda data: None), SECOND, "missing, two.ckpt.index needs it"),
    "truncated": (
        change(FIRST, lambda data: data[:30]),
        FIRST,
        "truncated: tensor 'bert/embeddings/word_embeddings' ends at byte 48, the file has 30",
    ),
    "empty": (
        change(SECOND, lambda data: b""),
        SECOND,
        "truncated: tensor 'bert/pooler/dense/bias' ends at byte 3, the file has 0",
    ),
    "damaged": (
        change(SECOND, lambda data: data[:26] + b"?" + data[27:]),
        SECOND,
        "damaged: the checksum of tensor 'bert/pooler/dense/kernel' does not match",
    ),
    "a git pointer": (
        change(FIRST, lambda data: b"version https://git"),
        FIRST,
        "a Git LFS pointer, not the file itself",
    ),
    "damaged index": (
        change(".index", lambda data: data[:40] + b"?" + data[41:]),
        ".index",
        "the checksum of the block at byte 0 does not match",
    ),
    "truncated index": (
        change(".index", lambda data: data[:-9]),
        ".index",
        "not a TensorFlow checkpoint's index, or truncated: it does not end as a table",
    ),
}


@pytest.mark.parametrize(("damage", "ending", "says"), BAD.values(), ids=BAD)
def test_damage_is_named(two: Path, damage: Callable[[Path], None], ending: str, says: str) -> None:
    damage(two)
    with pytest.raises(BadCheckpoint) as caught:
        read_bundle(two)
    assert str(caught.value) == f"{two.with_suffix(ending)}: {says}"


def test_a_data_file_that_is_a_folder(two: Path) -> None:
    two.with_suffix(FIRST).unlink()
    two.with_suffix(FIRST).mkdir()
    with pytest.raises(BadCheckpoint, match="data-00000-of-00002: cannot be read: Is a directory"):
        read_bundle(two)


def test_damage_to_what_is_not_read_does_not_matter(two: Path) -> None:
    change(FIRST, lambda data: data[:-1] + b"\x99")(two)  # in global_step
    assert_same(read_bundle(two), tensorflow_files.TWO_TENSORS)


def test_full_disk_leaves_the_old_files_and_nothing_else(tmp_path: Path) -> None:
    index = tmp_path / "a.index"
    old: Tensors = {"a": torch.ones(1)}
    write_bundle(index, old)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            write_bundle(index, {"a": torch.ones(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_same(read_bundle(index), old)
    assert len(list(tmp_path.iterdir())) == 2
