from __future__ import annotations

import pytest

from bertkit.config.readout import Readout
from bertkit.exports.outputs import names_of


@pytest.mark.parametrize(
    ("readout", "names"),
    [
        (Readout("sequence", pooling=("mean",)), ("token_embeddings", "last_hidden_state")),
        (Readout("token"), ("last_hidden_state",)),
        (Readout("sequence"), ("logits",)),
        (Readout("token", "question-answering", 2), ("start_logits", "end_logits")),
        (Readout("token", "token-classification", 5), ("logits",)),
        (Readout("mask", "masked-lm", top_k=3), ("logits",)),
    ],
)
def test_what_a_task_reads(readout: Readout, names: tuple[str, ...]) -> None:
    assert names_of(readout) == names
