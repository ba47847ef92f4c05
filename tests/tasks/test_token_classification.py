from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bertkit
from bertkit.errors import UserError
from bertkit.inference.model import Model
from bertkit.tasks.contract import Outcome, Reading, Texts
from bertkit.tasks.token_classification import Aggregation, Entities, TokenClassification
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText, cut
from tests.parity.task_peers import make_task_peer
from tests.tokenization.conftest import write_folder

LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "ada", "love", "##lace", "paris", "is", "in", "(", ")", "##s", ",", "."]
READING = Reading(1, 1, False, "float32")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer.load(write_folder(tmp_path_factory.mktemp("tokenizer"), PIECES, do_lower_case=True))


def decode(
    tokenizer: Tokenizer, text: str, said: list[tuple[str, float]], aggregation: Aggregation = "first", limit: int = 99
) -> list[tuple[str, str]]:
    """Entities where each piece says one label with some probability; the rest of it is spread evenly."""
    task = TokenClassification(tokenizer, LABELS, aggregation)
    (tokens,) = tokenizer.tokenize([text], offsets=True)
    assert len(tokens) == len(said)
    encoded = cut(tokens, None, tokenizer.template, limit=limit, long=LongText.WINDOW, overlap=min(2, limit - 3))
    by_offset = dict(zip(tokens.offsets or [], said, strict=True))
    outputs = []
    for window in encoded.windows:
        rows = []
        for offset in window.offsets or []:
            label, score = by_offset.get(offset, ("O", 1.0)) if offset != (0, 0) else ("B-LOC", 1.0)
            rows.append([score if other == label else (1 - score) / 4 for other in LABELS])
        outputs.append((np.log(np.maximum(rows, 1e-30)).astype(np.float32),))
    result = task.decode([Outcome(Texts(text), encoded, outputs)], READING)
    for entity in result.entities:
        assert entity.text == text[entity.start : entity.end]
    return [(entity.label, entity.text, round(entity.score, 3)) for entity in result.entities]  # type: ignore[misc]


def sure(*labels: str) -> list[tuple[str, float]]:
    return [(label, 0.9) for label in labels]


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("Ada Lovelace", ["B-PER", "I-PER", "O"], [("PER", "Ada Lovelace")]),
        ("Ada  LOVELACE in Paris.", ["B-PER", "I-PER", "B-LOC", "O", "B-LOC", "O"], None),
        ("(Paris), Paris", ["O", "B-LOC", "O", "O", "B-LOC"], [("LOC", "Paris"), ("LOC", "Paris")]),
        ("Ada Paris", ["B-PER", "B-PER"], [("PER", "Ada"), ("PER", "Paris")]),
        ("Lovelace", ["O", "B-PER"], []),
        ("Lovelace", ["B-PER", "B-PER"], [("PER", "Lovelace")]),
        ("Ada, Paris", ["B-PER", "I-PER", "I-PER"], [("PER", "Ada, Paris")]),
        ("in Paris", ["O", "O"], []),
        ("\x00Ada\u00ad\x00 is", ["I-PER", "O"], [("PER", "Ada")]),
    ],
)
def test_words_decide(tokenizer: Tokenizer, text: str, said: list[str], expected: list[tuple[str, str]] | None) -> None:
    expected = [("PER", "Ada  LOVELACE"), ("LOC", "Paris")] if expected is None else expected
    assert [entity[:2] for entity in decode(tokenizer, text, sure(*said))] == expected


def test_strategies(tokenizer: Tokenizer) -> None:
    said = [("B-PER", 0.6), ("B-LOC", 0.8)]  # of love ##lace
    assert decode(tokenizer, "Lovelace", said, "first") == [("PER", "Lovelace", 0.6)]
    assert decode(tokenizer, "Lovelace", said, "max") == [("LOC", "Lovelace", 0.8)]
    assert decode(tokenizer, "Lovelace", said, "average") == [("LOC", "Lovelace", 0.45)]
    assert decode(tokenizer, "Lovelace", [("B-PER", 0.9), ("O", 0.8)], "average") == [("PER", "Lovelace", 0.475)]


def test_the_score_is_the_mean_of_the_words(tokenizer: Tokenizer) -> None:
    said = [("B-PER", 0.5), ("I-PER", 0.9), ("I-PER", 0.3), ("B-LOC", 0.7)]
    assert decode(tokenizer, "Ada Lovelace Paris", said) == [("PER", "Ada Lovelace", 0.7), ("LOC", "Paris", 0.7)]


@given(st.data(), st.integers(5, 12))
def test_windows_change_nothing_when_they_say_the_same(tokenizer: Tokenizer, data: st.DataObject, limit: int) -> None:
    words = data.draw(st.lists(st.sampled_from(["Ada", "Lovelace", "Paris,", "(in)", "is."]), min_size=1, max_size=20))
    text = " ".join(words)
    count = len(tokenizer.tokenize([text])[0])
    said = data.draw(st.lists(st.sampled_from(LABELS), min_size=count, max_size=count))
    for aggregation in ("first", "average", "max"):
        whole = decode(tokenizer, text, sure(*said), aggregation)  # type: ignore[arg-type]
        assert decode(tokenizer, text, sure(*said), aggregation, limit) == whole  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("model")
    make_task_peer("token-classification", folder, labels=LABELS)
    return bertkit.load(folder, dtype="float32", long="window")


def test_records(model: Model) -> None:
    text = " ".join(f"W{number}," for number in range(40))
    (result,) = model.predict([text])
    assert isinstance(result, Entities)
    record = result.record()
    assert list(record) == ["entities", "input_tokens", "windows", "truncated", "dtype"]
    assert result.reading.windows > 1
    assert result.entities
    for entity in record["entities"]:  # type: ignore[attr-defined]
        assert list(entity) == ["label", "score", "text", "start", "end"]
        assert text[entity["start"] : entity["end"]] == entity["text"]
        assert entity["label"] in ("PER", "LOC")


def test_a_text_of_no_visible_piece_has_no_entities(tokenizer: Tokenizer) -> None:
    from bertkit.tasks.token_classification import decide

    assert decide([], np.zeros((0, 5), np.float32), "max") == ([], [])


def test_unknown_aggregation(tokenizer: Tokenizer) -> None:
    with pytest.raises(UserError, match=r"unknown aggregation 'frist' \(did you mean 'first'\?\)"):
        TokenClassification(tokenizer, LABELS, "frist")  # type: ignore[arg-type]
