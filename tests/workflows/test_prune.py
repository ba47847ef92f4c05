from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.config.compressing import CompressConfig
from bertkit.errors import LossTooLarge
from bertkit.workflows.compress import compress
from tests.parity.bert_peer import Sizes
from tests.parity.task_peers import make_task_peer
from tests.workflows.small_jobs import labelled_texts, write_table


def job(folder: Path, **changes: object) -> CompressConfig:
    data = folder.parent / "data.tsv"
    if not data.exists():
        make_task_peer("text-classification", folder, sizes=Sizes(layers=4, segment_types=2), deviation=0.4)
        write_table(data, labelled_texts(folder, 60))
    given = {"model": str(folder), "output": str(folder.parent / "out"), "data": str(data), "drop_layers": 2, **changes}
    return CompressConfig.model_validate(given)


def test_a_model_of_fewer_layers_is_measured_and_can_be_trained_on(tmp_path: Path) -> None:
    made = compress(job(tmp_path / "model", max_loss=100.0))
    kept = made.details["layers"]
    assert isinstance(kept, list)
    assert len(kept) == 2
    assert made.loss is not None
    assert ("layers", "4", "2") in made.rows()
    after = bertkit.evaluate(made.folder, tmp_path / "data.tsv", progress=False)
    assert after.metrics["accuracy"] == pytest.approx(made.loss.after)
    card = (made.folder / "README.md").read_text()
    assert "## Compressed to fewer layers" in card
    assert f"layers {kept[0]}, {kept[1]} of 4, from 0, are left" in card
    trained = bertkit.finetune(
        tmp_path / "data.tsv",
        model=made.folder,
        task="text-classification",
        eval=tmp_path / "data.tsv",
        output=tmp_path / "run",
        epochs=1,
        progress=False,
    )
    assert len(bertkit.load(trained.folder / "model").network.encoder.layers) == 2


def test_a_loss_that_may_not_be(tmp_path: Path) -> None:
    with pytest.raises(LossTooLarge, match="from 0, are left: accuracy"):
        compress(job(tmp_path / "model", max_loss=-100.0))
    with pytest.raises(ValueError, match="chosen and measured on labelled examples"):
        job(tmp_path / "model", data=None)


def test_narrower_mlps(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    made = compress(job(folder, drop_layers=None, prune_ffn=20, max_loss=100.0))
    assert made.details == {"ffn_width": 20}
    assert any(row[0] == "numbers of an MLP" and row[2] == "20" for row in made.rows())
    assert bertkit.load(made.folder).network.encoder.config.ffn_width == 20
    with pytest.raises(ValueError, match="drop_layers and prune_ffn are both given"):
        job(folder, prune_ffn=20)
