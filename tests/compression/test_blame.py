from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bertkit.compression.blame import Blamed, blame, distance_of, worst
from bertkit.compression.candidate import Int8Plan, fixed_scales, parts_of
from bertkit.compression.model_maker import ModelMaker
from bertkit.compression.observing import Recorder, looking
from bertkit.model.int8_linear import Int8Linear
from bertkit.model.int8_machine import int8_kernels
from bertkit.model.network import Network
from bertkit.pretrained.loading import open_pretrained
from bertkit.tokenization.windows import LongText
from tests.compression.planted import PLANTED, plant_outlier
from tests.workflows.small_jobs import small_classifier

pytestmark = pytest.mark.skipif(not int8_kernels().bits, reason="no exact int8 products on this machine")
TEXTS = [" ".join(f"w{(7 * text + 3 * word) % 60}" for word in range(1 + text % 9)) for text in range(40)]


def networks(folder: Path) -> tuple[Network, Recorder]:
    """In int8 with fixed scales, and in float32, which has answered texts."""
    source = open_pretrained(folder)
    tokenizer = source.load_tokenizer()
    answering = ModelMaker(source.build_task(None, tokenizer), tokenizer, LongText.ERROR)
    recorder = Recorder(answering.model(source, torch.float32).network)
    with looking(recorder.network, parts_of(source)[1]) as seen:
        answering.around(source, recorder, 64).predict(TEXTS)
    form = Int8Plan(fixed_scales(source, seen)).of(source)
    return answering.model(form, torch.int8).network, recorder


def test_a_planted_outlier_is_blamed(tmp_path: Path) -> None:
    folder = small_classifier(tmp_path / "model")
    plant_outlier(folder)
    int8, recorder = networks(folder)
    batches, expected = recorder.some(10_000)
    found = list(blame(int8, recorder.network, batches, expected))
    first = worst(found)[0]
    assert first.name == PLANTED
    assert first.gain > 0.9
    assert len(found) == sum(isinstance(part, Int8Linear) for part in int8.encoder.modules())


def test_the_network_is_the_same_afterwards(tmp_path: Path) -> None:
    int8, recorder = networks(small_classifier(tmp_path / "model"))
    batches, expected = recorder.some(10_000)
    run = Recorder(int8).run
    before = [run(batch) for batch in batches]
    list(blame(int8, recorder.network, batches, expected))
    assert distance_of([run(batch) for batch in batches], before) == 0.0
    assert int8.encoder.layers[0].mlp.up.writes == int8.encoder.layers[0].mlp.down.reads is not None


def test_the_worst_come_first_and_what_gains_nothing_not_at_all() -> None:
    found = [Blamed("a", 0.1, 0.0), Blamed("b", -0.1, 0.0), Blamed("c", 0.5, 0.45)]
    assert [one.name for one in worst(found)] == ["c", "a"]
    assert [one.by_rows for one in found] == [False, False, True]


def test_distance_is_a_share_of_what_was_expected() -> None:
    expected = [(np.array([3.0, 4.0]),), (np.array([0.0]), np.array([5.0]))]
    assert distance_of(expected, expected) == 0.0
    assert distance_of([(np.array([3.0, 5.0]),), (np.array([1.0]), np.array([5.0]))], expected) == pytest.approx(0.04)
