from __future__ import annotations

from pathlib import Path

import torch

import bertkit
from bertkit.evaluation.masked_text import score_text
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example
from tests.parity.bert_peer import Sizes, make_peer


def test_a_model_is_as_it_was_after_it_was_scored(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    model = bertkit.load(tmp_path, task="fill-mask", dtype="float32")
    examples = [Example(Row({"text": f"w{number} w{number + 1} paris is"}, "a:1"), None, "0") for number in range(9)]
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = score_text(model, examples).metrics
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(part.training for part in (*model.encoder.modules(), *model.head.modules()))  # type: ignore[union-attr]
    assert score_text(model, examples).metrics == first
