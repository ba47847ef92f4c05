from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import InputError, TextTooLong
from bertkit.tasks.contract import Texts
from bertkit.tasks.feature_extraction import FeatureExtraction
from bertkit.tasks.fill_mask import FillMask
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText
from tests.corpora.shard_files import numbered_tokenizer

LONG = "w5 w7 w8 w10 w11 w13 w14 w16 w17 w19"


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return numbered_tokenizer(tmp_path / "tokenizer")


def test_a_text_of_many_inputs_is_tokenised_once(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    tokenize = tokenizer.tokenize

    def noted(texts: list[str], *, offsets: bool) -> object:
        calls.append(texts)
        return tokenize(texts, offsets=offsets)

    monkeypatch.setattr(tokenizer, "tokenize", noted)
    inputs = [Texts("w5", "w7"), Texts("w5", "w8"), Texts("w8")]
    reader = Reader(FeatureExtraction(tokenizer), 16, LongText.ERROR, offsets=True)
    tokens = reader.tokenize(inputs)
    assert calls == [["w5", "w7", "w8"]]
    ids = [encoded.windows[0].ids for encoded in reader.encode(inputs, tokens)]
    assert ids == [[2, 5, 3, 7, 3], [2, 5, 3, 8, 3], [2, 8, 3]]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([Texts("")], "the text is empty"),
        ([Texts("w5", " ")], "the text is empty"),
        ([Texts("w5"), Texts("w7"), Texts(" ")], "input 3 of 3: the text is empty"),
        ([Texts(LONG)], "the text has 12 tokens"),
    ],
)
def test_what_cannot_be_read(inputs: list[Texts], said: str, tokenizer: Tokenizer) -> None:
    reader = Reader(FeatureExtraction(tokenizer), 8, LongText.ERROR, offsets=True)
    with pytest.raises(InputError, match=f"^{said}"):
        reader.encode(inputs, reader.tokenize(inputs))


def test_texts_as_they_stand_share_no_token_and_need_nothing_of_the_task(tokenizer: Tokenizer) -> None:
    """Masked language modelling is learnt from texts in which no mask stands."""
    task, text = FillMask(tokenizer), [Texts(LONG)]
    plain = Reader(task, 8, LongText.WINDOW, offsets=False, plain=True)
    (encoded,) = plain.encode(text, plain.tokenize(text))
    assert [id for window in encoded.windows for id in window.ids[1:-1]] == [5, 7, 8, 10, 11, 13, 14, 16, 17, 19]
    answering = Reader(task, 8, LongText.WINDOW, offsets=True)
    with pytest.raises(InputError, match="no mask in the text"):
        answering.encode(text, answering.tokenize(text))
    masked = [Texts(LONG + " [MASK]")]
    (encoded,) = answering.encode(masked, answering.tokenize(masked))
    assert sum(len(window.ids) - 2 for window in encoded.windows) > 11


@pytest.mark.parametrize("word", ["w5 ", "w5\n", "w5 " * 9 + "x" * 300 + " "])
def test_a_text_that_is_much_too_long_is_refused_by_its_beginning(
    word: str, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    tokenize = tokenizer.tokenize

    def noted(texts: list[str], **how: bool) -> object:
        read.extend(map(len, texts))
        return tokenize(texts, **how)

    monkeypatch.setattr(tokenizer, "tokenize", noted)
    whole = Texts(word * (50_000 if len(word) == 3 else 1_000))
    reader = Reader(FeatureExtraction(tokenizer), 8, LongText.ERROR, offsets=True)
    fits = Texts("w7 w8")
    tokens = reader.tokenize([fits, whole])
    assert sum(read) < 5_000 if len(word) == 3 else len(whole.first) in read  # no beginning says anything of it
    with pytest.raises(TextTooLong, match=r"^input 2 of 2: the text has (more than )?\d+ tokens.*the limit is 8"):
        reader.encode([fits, whole], tokens)


def test_a_long_text_of_one_word_that_is_one_token_is_read(tokenizer: Tokenizer) -> None:
    one = [Texts("x" * 100_000 + " w5")]
    reader = Reader(FeatureExtraction(tokenizer), 8, LongText.ERROR, offsets=True)
    (encoded,) = reader.encode(one, reader.tokenize(one))
    assert encoded.input_tokens == 4
