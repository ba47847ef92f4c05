"""Of a folder's TensorFlow checkpoints the right one is found, or the choice is left to the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.checkpoints.bundle_files import find_bundle
from bertkit.checkpoints.weight_files import find_weights
from bertkit.errors import BadCheckpoint
from tests.checkpoints import tensorflow_files
from tests.checkpoints.tensorflow_files import unpack


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f"{name}.index").touch()
        (folder / f"{name}.data-00000-of-00001").touch()
        (folder / f"{name}.meta").touch()


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["bert_model.ckpt"], "bert_model.ckpt"),
        (["model.ckpt-1234"], "model.ckpt-1234"),
        (["electra_small"], "electra_small"),
        (["model.ckpt-[best]"], "model.ckpt-[best]"),
        (["model.ckpt-900", "model.ckpt-1000", "model.ckpt-99"], "model.ckpt-1000"),
    ],
)
def test_the_newest_is_chosen(tmp_path: Path, names: list[str], chosen: str) -> None:
    fill(tmp_path, *names)
    expected = (tmp_path / f"{chosen}.index", tmp_path / f"{chosen}.data-00000-of-00001")
    assert find_bundle(tmp_path) == expected
    assert find_weights(tmp_path).files == expected
    assert find_weights(tmp_path).bundle_index == expected[0]


def test_all_data_files_come_in_order(tmp_path: Path) -> None:
    unpack(tensorflow_files.TWO, tmp_path)
    names = ["two.ckpt.index", "two.ckpt.data-00000-of-00002", "two.ckpt.data-00001-of-00002"]
    assert [file.name for file in find_bundle(tmp_path)] == names


@pytest.mark.parametrize("names", [["bert_model.ckpt", "model.ckpt-1"], ["a-1", "b-2"], ["a", "b"]])
def test_several_that_are_not_steps_of_one_are_named(tmp_path: Path, names: list[str]) -> None:
    fill(tmp_path, *names)
    with pytest.raises(BadCheckpoint, match=f"several TensorFlow checkpoints: {', '.join(names)}"):
        find_weights(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_the_hubs_files_come_first(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "a", "b")
    (tmp_path / name).touch()
    assert find_weights(tmp_path).files == (tmp_path / name,)


def test_a_missing_index_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "bert_model.ckpt")
    (tmp_path / "bert_model.ckpt.index").unlink()
    with pytest.raises(BadCheckpoint, match=r"bert_model\.ckpt\.index: missing, bert_model\.ckpt\.data-00000"):
        find_weights(tmp_path)


def test_the_format_of_2015_is_named(tmp_path: Path) -> None:
    unpack(tensorflow_files.V1, tmp_path)
    with pytest.raises(BadCheckpoint, match=r"v1\.ckpt: a TensorFlow checkpoint of the one-file V1 format"):
        find_weights(tmp_path)


def test_another_programs_ckpt_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "epoch=3.ckpt").write_bytes(b"PK\3\4" * 30)
    (tmp_path / "a.ckpt").touch()
    (tmp_path / "b.ckpt").mkdir()
    with pytest.raises(BadCheckpoint, match=r"no weights in this folder .*\*\.index of TensorFlow"):
        find_weights(tmp_path)
