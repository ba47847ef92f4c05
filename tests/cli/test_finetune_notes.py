"""What `bertkit finetune` says of the examples that it was given, in the log and in the model's card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ended
from tests.parity.bert_peer import Sizes, make_peer


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """No fake here."""


def test_what_is_odd_in_the_data_is_told_and_in_the_card(run: Callable[..., Ended], tmp_path: Path) -> None:
    model, train, eval = tmp_path / "model", tmp_path / "train.tsv", tmp_path / "eval.tsv"
    make_peer(Sizes(layers=1, segment_types=2), model)
    train.write_text("text\tlabel\nw5 w6\tgood\nW5  w6\tGood\nw5 w7\tbad\nw9\tgood\n")
    eval.write_text("text\tlabel\nW5 w6\tgood\nw8 w9 w10\tbad\n")
    files = ("-m", str(model), "--train", str(train), "--eval", str(eval), "-o", str(tmp_path / "run"))
    options = ("--task", "text-classification", *files)
    code, _, err = run("finetune", *options, "--set", "train.epochs=1")
    assert code == 0, err
    lines = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert lines == [
        "warning: labels that are nearly the same are learnt as different ones: 'Good' (1) and 'good' (2)",
        f"warning: 1 text has more than one answer to learn: 'good' at {train}:2, 'Good' at {train}:3",
        "warning: 1 of 2 texts to measure on are also learnt from (letter case and white space put aside)",
    ]
    card = (tmp_path / "run/model/README.md").read_text()
    for line in lines:
        assert "- " + line.removeprefix("warning: ").replace(f"{tmp_path}/", "") in card
    assert "On 2 examples, of which it has learnt from 1 (letter case and white space put aside)" in card
