"""A checkpoint as Google shipped it, from the command line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertForPreTraining

import bertkit
from bertkit.checkpoints.tensor_bundle import read_bundle
from bertkit.cli.main import main
from tests.checkpoints import tensorflow_files
from tests.checkpoints.tensorflow_files import unpack
from tests.parity.bert_peer import Sizes, make_peer

TEXT = "all work and no play makes jack a dull boy"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: object) -> tuple[int, str, str]:
        return (main([str(argument) for argument in arguments]), *capsys.readouterr())

    return run


@pytest.fixture
def published(test_data: Path) -> Path:
    """A tiny random BERT that Google's program saved, training state included."""
    return test_data / "checkpoints/keras_bert_tiny_random_tf1"


@pytest.fixture
def google(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A small random BERT in Google's layout."""
    make_peer(Sizes(), tmp_path / "peer")
    assert main(["convert", str(tmp_path / "peer"), str(tmp_path / "google"), "--format", "tf"]) == 0
    capsys.readouterr()
    return tmp_path / "google"


@pytest.mark.data
def test_info(run: Callable[..., tuple[int, str, str]], published: Path) -> None:
    code, out, _ = run("info", published, "--json")
    record = json.loads(out)
    assert code == 0
    assert (record["layers"], record["width"], record["attention_heads"], record["vocab_size"]) == (2, 4, 4, 15)
    assert record["tasks"][:2] == ["fill-mask", "next-sentence-prediction"]
    assert list(record["sha256"]) == ["bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001"]
    assert (record["unused_tensors"], record["unread_keys"]) == ([], [])
    assert "\n  bert_model.ckpt.index  " in run("info", published)[1]


@pytest.mark.data
def test_predictions_are_those_of_the_library(
    run: Callable[..., tuple[int, str, str]], published: Path, tmp_path: Path
) -> None:
    """transformers opens the converted folder; the folder as it was shipped gives its numbers."""
    code, out, _ = run("convert", published, tmp_path / "hub", "--json")
    assert code == 0
    assert json.loads(out)["files"].keys() == {path.name for path in (tmp_path / "hub").iterdir()}
    peer, report = BertForPreTraining.from_pretrained(tmp_path / "hub", output_loading_info=True)
    assert not any(report.values())
    tensors = read_bundle(published / "bert_model.ckpt.index")
    query = peer.state_dict()["bert.encoder.layer.1.attention.self.query.weight"]
    assert torch.equal(query, tensors["bert/encoder/layer_1/attention/self/query/kernel"].T)
    ids = torch.tensor([[2, *range(5, 15), 3]])
    with torch.inference_mode():
        expected = peer.eval().bert(ids).last_hidden_state[0].numpy()
    for folder in (published, tmp_path / "hub"):
        code, out, _ = run(
            "predict", "-m", folder, "--task", "feature-extraction", TEXT, "--dtype", "float32", "--json"
        )
        assert code == 0
        np.testing.assert_allclose(json.loads(out)["vectors"], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.data
def test_back_it_is_the_same_checkpoint(
    run: Callable[..., tuple[int, str, str]], published: Path, tmp_path: Path
) -> None:
    assert run("convert", published, tmp_path / "hub")[0] == 0
    assert run("convert", tmp_path / "hub", tmp_path / "tf", "--format", "tf")[0] == 0
    before, after = (read_bundle(folder / "bert_model.ckpt.index") for folder in (published, tmp_path / "tf"))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert json.loads((tmp_path / "tf/bert_config.json").read_bytes()) == json.loads(
        (published / "bert_config.json").read_bytes()
    )
    assert (tmp_path / "tf/vocab.txt").read_text().split() == (published / "vocab.txt").read_text().split()


def test_sentence_embeddings(run: Callable[..., tuple[int, str, str]], google: Path, tmp_path: Path) -> None:
    options = ("--format", "sentence-transformers", "--pooling", "cls", "--normalize", "--max-length", 9)
    assert run("convert", google, tmp_path / "st", *options)[0] == 0
    (result,) = bertkit.load(tmp_path / "st", dtype="float32").predict(["paris is a city"])
    assert np.linalg.norm(result.embedding) == pytest.approx(1)  # type: ignore[attr-defined]
    assert bertkit.load(tmp_path / "st").max_length == 9


def drop(ending: str) -> Callable[[Path], None]:
    return lambda folder: (folder / f"bert_model.ckpt.{ending}").unlink()


def flip(ending: str, place: int) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / f"bert_model.ckpt.{ending}"
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)

    return damage


def cut(ending: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / f"bert_model.ckpt.{ending}"
        path.write_bytes(path.read_bytes()[:-5])

    return damage


def use(files: dict[str, str]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for path in folder.glob("bert_model.ckpt.*"):
            path.unlink()
        unpack(files, folder)

    return damage


def add_another(folder: Path) -> None:
    for path in folder.glob("bert_model.ckpt.*"):
        shutil.copy(path, path.with_name(path.name.replace("bert_model.ckpt", "model.ckpt-5")))


DATA = "data-00000-of-00001"
DAMAGED = rf"bert_model\.ckpt\.{DATA}: damaged"
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no data file": (drop(DATA), rf"bert_model\.ckpt\.{DATA}: missing"),
    "no index": (drop("index"), r"bert_model\.ckpt\.index: missing"),
    "damaged data": (flip(DATA, 5), rf"{DAMAGED}: .* tensor 'bert/embeddings/LayerNorm/beta'"),
    "damaged index": (flip("index", 20), r"bert_model\.ckpt\.index: the checksum of the block at byte 0"),
    "cut data": (cut(DATA), rf"{DATA}: truncated: tensor 'cls/seq_relationship/output_weights' ends at byte"),
    "cut index": (cut("index"), r"bert_model\.ckpt\.index: not a TensorFlow checkpoint's index, or truncated"),
    "slices": (use(tensorflow_files.SLICED), r"sliced\.ckpt\.index: tensor 'bert/w': it is stored in slices"),
    "strings": (use(tensorflow_files.STRINGS), r"strings\.ckpt\.index: tensor 'names': .* type number 7"),
    "objects": (use(tensorflow_files.OBJECTS), r"obj\.index: a checkpoint of TensorFlow 2 objects"),
    "one file": (use(tensorflow_files.V1), r"v1\.ckpt: a TensorFlow checkpoint of the one-file V1 format"),
    "two": (add_another, r"several TensorFlow checkpoints: bert_model\.ckpt, model\.ckpt-5"),
}


@pytest.mark.parametrize(("damage", "what"), BAD.values(), ids=BAD)
def test_bad_checkpoints(
    run: Callable[..., tuple[int, str, str]], google: Path, tmp_path: Path, damage: Callable[[Path], None], what: str
) -> None:
    damage(google)
    commands = [["info", google], ["convert", google, tmp_path / "new"]]
    for command in commands[what.startswith(DAMAGED) :]:  # info reads what the index says of tensors, and no tensor
        code, out, err = run(*command)
        error, remedy = err.splitlines()
        assert (code, out) == (2, "")
        assert re.search(what, error), error
        assert remedy.startswith("  → ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["google", "peer"]


def test_a_place_that_is_taken(run: Callable[..., tuple[int, str, str]], google: Path) -> None:
    code, out, err = run("convert", google, google)
    assert (code, out) == (1, "")
    assert "is there already and not empty" in err
