"""Ranges are found on any texts, kept in the model's folder, and go with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.config.evaluation import CalibrateConfig
from bertkit.errors import ConfigError, InputError, UserError
from bertkit.workflows.vector_ranges import asks_for_ranges, find_ranges
from tests.parity.bert_peer import Sizes, make_peer

TEXTS = [f"w{one} w{two}" for one in range(12) for two in range(10)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    make_peer(Sizes(), tmp_path / "model")
    return tmp_path / "model"


def config(folder: Path, data: Path, **more: object) -> CalibrateConfig:
    return CalibrateConfig(model=str(folder), data=str(data), task="sentence-embedding", dtype="float32", **more)  # type: ignore[arg-type]


def test_the_least_and_the_greatest_of_all_texts_of_lines_and_of_pairs(folder: Path, tmp_path: Path) -> None:
    lines, pairs = tmp_path / "texts.txt", tmp_path / "pairs.jsonl"
    lines.write_text("\n".join(TEXTS))
    both = [{"text": one, "text_pair": two} for one, two in zip(TEXTS[::2], TEXTS[1::2], strict=True)]
    pairs.write_text("\n".join(map(json.dumps, both)))
    vectors_NW = bertkit.load(folder, task="sentence-embedding", dtype="float32").encode(TEXTS)
    assert asks_for_ranges(config(folder, lines))
    for data in (lines, pairs):
        found = find_ranges(config(folder, data))
        assert (found.kept.texts, found.path.parent) == (120, folder)
        np.testing.assert_allclose(found.kept.low, vectors_NW.min(axis=0), atol=1e-6)
        np.testing.assert_allclose(found.kept.high, vectors_NW.max(axis=0), atol=1e-6)
    assert "120 texts" in repr(found)
    assert "120" in found._repr_html_()
    assert "kept in" in list(found.lines())[1]
    assert found.record()["texts"] == 120


def test_they_go_with_a_copy_and_damage_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS))
    find_ranges(config(folder, tmp_path / "texts.txt"))
    bertkit.load(folder, task="sentence-embedding").save(tmp_path / "copy")
    model = bertkit.load(tmp_path / "copy", task="sentence-embedding", precision="int8", dtype="float32")
    assert model.encode("w1").dtype == np.int8
    file = tmp_path / "copy/bertkit_vector_ranges.json"
    for content, says in (("[]", "not a JSON object"), ('{"low": [1.0], "high": [0.0], "texts": 3}', "low and high")):
        file.write_text(content)
        with pytest.raises(ConfigError, match=says):
            bertkit.load(tmp_path / "copy", task="sentence-embedding", precision="int8", dtype="float32")


def test_few_texts_are_told_and_one_is_refused(folder: Path, tmp_path: Path) -> None:
    class Hears:
        said: list[str] = []  # noqa: RUF012

        def say(self, line: str) -> None:
            self.said.append(line)

    few = tmp_path / "few.txt"
    few.write_text("w1\nw2\n")
    from bertkit.workflows.observer import Silent

    observer = type("Both", (Hears, Silent), {})()
    find_ranges(config(folder, few), observer)
    assert "2 texts are few" in observer.said[0]
    few.write_text("w1\n")
    with pytest.raises(InputError, match="1 texts, which have no ranges"):
        find_ranges(config(folder, few))


@pytest.mark.parametrize("name", ["abstain_at_precision", "against", "report", "precision"])
def test_options_for_labels_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    value = {"abstain_at_precision": 0.5, "precision": "int8"}.get(name, "x")
    with pytest.raises(UserError, match=name.replace("_", "-")):
        find_ranges(config(folder, tmp_path / "texts.txt", **{name: value}))


def test_the_embedded_model_is_not_changed(tmp_path: Path) -> None:
    from bertkit.checkpoints.embedded import embedded_folder

    with pytest.raises(UserError, match="which is not changed"):
        find_ranges(config(embedded_folder(), tmp_path / "texts.txt"))
