from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertForSequenceClassification

import bertkit
from bertkit.config.compressing import CompressConfig
from bertkit.errors import LossTooLarge, OutputError, UserError
from bertkit.model.int8_machine import int8_kernels
from bertkit.workflows.compress import compress, doubled
from bertkit.workflows.observer import Silent
from tests.compression.planted import PLANTED, plant_outlier
from tests.parity.bert_peer import Sizes, make_peer
from tests.workflows.small_jobs import labelled_texts, small_classifier, write_table

pytestmark = pytest.mark.skipif(not int8_kernels().bits, reason="no exact int8 products on this machine")


class Listening(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


def job(folder: Path, **changes: object) -> CompressConfig:
    data = folder.parent / "data.tsv"
    if not data.exists():
        write_table(data, labelled_texts(folder, 150))
    given = {"model": str(folder), "output": str(folder.parent / "out"), "data": str(data), **changes}
    return CompressConfig.model_validate(given)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small_classifier(tmp_path_factory.mktemp("planted") / "model")
    plant_outlier(folder)
    return folder


def test_a_model_becomes_int8_within_the_bound(tmp_path: Path) -> None:
    folder = small_classifier(tmp_path / "model")
    made = compress(job(folder, max_loss=5.0))
    assert made.loss is not None
    assert made.loss.metric == "accuracy"
    assert made.loss.low is not None
    assert (made.kept, made.by_rows) == ((), ())
    model = bertkit.load(made.folder)
    assert model.dtype == "int8"
    after = bertkit.evaluate(made.folder, tmp_path / "data.tsv", progress=False)
    assert after.metrics["accuracy"] == pytest.approx(made.loss.after)
    stored = load_file(made.folder / "model.safetensors")
    assert sum(tensor.nbytes for tensor in stored.values()) == made.bytes_after < made.bytes_before
    assert "## Compressed to int8" in (made.folder / "README.md").read_text()
    json.dumps(made.record(), allow_nan=False)


def test_the_product_to_blame_is_kept(planted: Path, tmp_path: Path) -> None:
    observer = Listening()
    made = compress(job(planted, max_loss=2.0, output=str(tmp_path / "out")), observer)
    assert made.kept == (PLANTED,)
    assert made.loss is not None
    assert made.loss.points <= 2.0
    assert [line.split(":")[0] for line in observer.said] == ["all in int8", "without the 1 worst"]
    assert PLANTED in (made.folder / "README.md").read_text()
    assert load_file(made.folder / "model.safetensors")["bert.encoder.layer.1.output.dense.weight"].is_floating_point()


def test_an_impossible_bound_is_refused(planted: Path, tmp_path: Path) -> None:
    with pytest.raises(LossTooLarge, match=r"loss .* points .*, more than -100") as refused:
        compress(job(planted, max_loss=-100.0, output=str(tmp_path / "out")))
    assert refused.value.exit_code == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("to", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
@pytest.mark.parametrize("measured", [True, False])
def test_half_of_the_bytes_is_what_transformers_opens(
    to: str, dtype: torch.dtype, measured: bool, tmp_path: Path
) -> None:
    folder = small_classifier(tmp_path / "model")
    made = compress(job(folder, to=to, max_loss=5.0, **({} if measured else {"data": None})))
    assert (made.loss is not None) == measured
    assert made.bytes_after < 0.6 * made.bytes_before
    peer = BertForSequenceClassification.from_pretrained(made.folder, dtype="auto")
    assert peer.dtype == dtype


def test_masks_are_calibrated_and_measured_too(tmp_path: Path) -> None:
    make_peer(Sizes(segment_types=2), tmp_path / "model")
    lines = [f"paris is a city w{number} w{number + 7} w{number % 5}" for number in range(30)]
    (tmp_path / "data.txt").write_text("\n".join(lines) + "\n")
    given = {"model": str(tmp_path / "model"), "output": str(tmp_path / "out"), "data": str(tmp_path / "data.txt")}
    made = compress(CompressConfig(**given, task="fill-mask", max_loss=50.0))
    assert made.loss is not None
    assert made.loss.low is None
    assert made.paces == ()
    assert bertkit.load(made.folder, task="fill-mask").predict("paris is a [MASK]").record()["dtype"] == "int8"


def test_what_cannot_be_is_said_before_the_work(tmp_path: Path) -> None:
    folder = small_classifier(tmp_path / "model")
    with pytest.raises(OutputError, match="not empty"):
        compress(job(folder, output=str(folder)))
    made = compress(job(folder, max_loss=5.0))
    with pytest.raises(UserError, match="is int8 already"):
        compress(job(made.folder, output=str(tmp_path / "again")))


def test_products_are_kept_twice_as_many_at_a_time() -> None:
    assert [doubled(most) for most in (0, 1, 2, 3, 8, 9)] == [[], [1], [1, 2], [1, 2, 3], [1, 2, 4, 8], [1, 2, 4, 8, 9]]
