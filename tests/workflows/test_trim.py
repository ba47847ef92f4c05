from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer, BertForSequenceClassification

import bertkit
from bertkit.config.compressing import CompressConfig
from bertkit.errors import InputError, LossTooLarge
from bertkit.workflows.compress import compress
from tests.workflows.small_jobs import labelled_texts, small_classifier, write_table

CORPUS = [f"w{number} w{(3 * number) % 30}" for number in range(40)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus.txt").write_text("\n".join(CORPUS) + "\n")
    return small_classifier(tmp_path / "model")


def job(folder: Path, **changes: object) -> CompressConfig:
    place = folder.parent
    given = {"model": str(folder), "output": str(place / "out"), "trim_vocab": str(place / "corpus.txt"), **changes}
    return CompressConfig.model_validate(given)


def test_the_corpus_is_answered_as_before(folder: Path) -> None:
    made = compress(job(folder))
    rows = {name: (before, after) for name, before, after in made.rows()}
    before, after = rows["tokens in the vocabulary"]
    assert int(after) < int(before)
    assert made.bytes_after < made.bytes_before
    assert made.loss is None
    models = [bertkit.load(one, dtype="float32") for one in (folder, made.folder)]
    np.testing.assert_array_equal(*(model.predict_proba(CORPUS) for model in models))
    assert [model.predict("w1 w2").reading.input_tokens for model in models] == [4, 4]
    assert "## A trimmed vocabulary" in (made.folder / "README.md").read_text()
    assert "a held-out tenth of the corpus" in made.facts()[0]


def test_transformers_opens_it(folder: Path) -> None:
    made = compress(job(folder))
    peer, tokenizer = (
        BertForSequenceClassification.from_pretrained(made.folder),
        AutoTokenizer.from_pretrained(made.folder),
    )
    assert peer.config.vocab_size == len(tokenizer)
    logits = peer(**tokenizer(CORPUS[:3], padding=True, return_tensors="pt")).logits.softmax(-1).detach().numpy()
    np.testing.assert_allclose(bertkit.load(made.folder).predict_proba(CORPUS[:3]), logits, atol=1e-5)


def test_what_it_costs_on_other_texts(folder: Path) -> None:
    data = write_table(folder.parent / "data.tsv", labelled_texts(folder, 60))
    made = compress(job(folder, data=str(data), max_loss=100.0))
    rows = {name: (before, after) for name, before, after in made.rows()}
    before, after = rows["unknown tokens of the data"]
    assert before == "0.00%" != after
    assert made.loss is not None
    assert "60 examples of " in (made.folder / "README.md").read_text()
    with pytest.raises(LossTooLarge, match="with the tokens of"):
        compress(job(folder, data=str(data), max_loss=-100.0, output=str(folder.parent / "other")))
    assert not (folder.parent / "other").exists()


def test_what_cannot_be_trimmed(folder: Path) -> None:
    (folder.parent / "empty.txt").write_text("\n")
    with pytest.raises(InputError, match="no text"):
        compress(job(folder, trim_vocab=str(folder.parent / "empty.txt")))
    with pytest.raises(InputError, match="read twice"):
        compress(job(folder, trim_vocab="-"))
    with pytest.raises(ValueError, match="to and trim_vocab are both given"):
        job(folder, to="bf16")
