from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

import bertkit
from bertkit.compression.model_maker import ModelMaker
from bertkit.pretrained.loading import open_pretrained
from bertkit.tokenization.windows import LongText
from tests.workflows.small_jobs import small_classifier

TEXTS = ["w1 w2", "w3", " ".join(f"w{number}" for number in range(40))]


def test_it_answers_as_the_loaded_model_does(tmp_path: Path) -> None:
    folder = small_classifier(tmp_path)
    source, loaded = open_pretrained(folder), bertkit.load(folder, dtype="float32", device="cpu", long="window")
    maker = ModelMaker(loaded.task, loaded.tokenizer, LongText.WINDOW)
    made = maker.model(source, torch.float32, tokens=8)
    assert made.batch_tokens == 8
    np.testing.assert_allclose(made.predict_proba(TEXTS), loaded.predict_proba(TEXTS), atol=1e-6)
    around = maker.around(source, loaded.answerer.engine.backend)
    np.testing.assert_array_equal(around.predict_proba(TEXTS), loaded.predict_proba(TEXTS))
