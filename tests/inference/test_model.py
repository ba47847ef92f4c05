from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch

import bertkit
from bertkit.batching.token_batch import TokenBatch
from bertkit.errors import InputError, TextTooLong, UserError
from bertkit.formats.rows import Row
from bertkit.inference.answerer import ROWS_READ_AT_ONCE
from bertkit.inference.explain import Explainer
from bertkit.inference.model import Model
from bertkit.inference.pipeline import Failure
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.fill_mask import Fills
from bertkit.tasks.next_sentence_prediction import IsNext
from bertkit.tasks.sentence_embedding import Embedding
from tests.formats.test_frames import Frame, Stream
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

WORDS = [f"w{number}" for number in range(40)]
LONG = " ".join(WORDS)  # 40 tokens; the model reads 23, special tokens included


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_peer(Sizes(), folder)
    return folder


def load(folder: Path, task: str = "sentence-embedding", **options: object) -> Model:
    return bertkit.load(folder, task=task, dtype="float32", **options)  # type: ignore[arg-type]


def embeddings(model: Model, rows: object) -> np.ndarray:
    return np.stack([result.embedding for result in model.predict(rows) if isinstance(result, Embedding)])  # type: ignore[arg-type]


def test_rows_come_in_four_shapes(folder: Path) -> None:
    pair = {"text": "paris is", "text_pair": "a city"}
    rows = [("paris is", "a city"), pair, Row(pair, "here:1")]
    first, *others = [result.record() for result in load(folder, "next-sentence-prediction").predict(rows)]
    assert others == [pytest.approx(first, abs=1e-6)] * 2
    assert load(folder).predict(["paris"])[0].record()["input_tokens"] == 3


def test_one_row_has_one_answer(folder: Path) -> None:
    model, pairs = load(folder), load(folder, "next-sentence-prediction")
    (alone,) = model.predict(["paris is"])
    expected = pytest.approx(alone.record()["embedding"], abs=1e-6)
    rows = ("paris is", np.str_("paris is"), {"text": "paris is"}, Row({"text": "paris is"}, "here:1"))
    for row in rows:
        assert model.predict(row).record()["embedding"] == expected
        assert [one.record()["embedding"] for one in model.stream(row)] == [expected]
    assert isinstance(pairs.predict(("paris is", "a city")), IsNext)
    with pytest.raises(InputError, match="row 1: the text is empty"):
        model.predict("")
    assert isinstance(model.predict("", on_error="record"), Failure)


def test_tables_and_columns_are_rows(folder: Path) -> None:
    model = load(folder)
    expected = embeddings(model, ["paris", "a city"])
    table = pyarrow.table({"text": ["paris", "a city"], "n": [1, 2]})
    for rows in (
        table,
        Stream(table),
        table["text"],
        Frame({"text": ["paris", "a city"]}),
        np.array(["paris", "a city"]),
    ):
        np.testing.assert_allclose(embeddings(model, rows), expected, atol=1e-6)


BAD: list[tuple[object, str]] = [
    (None, "the text is missing (None)"),
    (5, "the number 5, not text"),
    (float("nan"), "the text is missing (nan)"),
    (b"paris", "of type bytes, not text"),
    (Path("paris"), "of type"),
    (["paris", "a city"], "of type list, not text"),
    (("paris", "is", "a city"), "a tuple of 3, not of 2"),
    (("paris",), "a tuple of 1, not of 2"),
    ((1, 2), "field 'text' is int, not text"),
    (("paris", None), "'text_pair' of a tuple is None"),
    ({"text": 5, "text_pair": "a"}, "field 'text' is int, not text"),
    ({"text": None, "text_pair": "a"}, "field 'text' is null"),
    ({"text": "paris", "text_pair": float("nan")}, "field 'text_pair' is float, not text"),
    ({"text": ["paris", "is"], "text_pair": "a"}, "field 'text' is list, not text"),
    ({"txet": "paris"}, "no field 'text'"),
    ({}, "no field 'text'"),
]


@pytest.mark.parametrize(("bad", "said"), BAD, ids=[repr(bad) for bad, _ in BAD])
def test_what_is_no_row_is_an_error_in_its_place(folder: Path, bad: object, said: str) -> None:
    model, good = load(folder, "next-sentence-prediction"), ("paris is", "a city")
    rows: list[object] = [good, bad, good]
    with pytest.raises(InputError, match=re.escape(f"row 2: {said}")) as caught:
        model.predict(rows)  # type: ignore[call-overload]
    assert caught.value.remedy
    found: list[object] = model.predict(rows, on_error="record")  # type: ignore[call-overload]
    assert [type(one) for one in found] == [IsNext, Failure, IsNext]
    assert [type(one) for one in model.stream(rows, on_error="record")] == [IsNext, Failure, IsNext]  # type: ignore[call-overload]
    if not isinstance(bad, list):
        with pytest.raises(InputError, match=re.escape(f"row 1: {said}")):
            model.predict(bad)  # type: ignore[call-overload]


def test_a_field_that_is_missing_may_be_in_a_column_of_another_name(folder: Path) -> None:
    with pytest.raises(InputError, match="row 1: no field 'text_pair'") as caught:
        load(folder, "next-sentence-prediction").predict({"text": "paris", "review": "a city"})
    assert "name its column with text_pair_column; this one has 'text', 'review'" in caught.value.remedy


def test_a_tuple_has_the_fields_of_its_task(tmp_path: Path) -> None:
    make_task_peer("question-answering", tmp_path)
    model = bertkit.load(tmp_path, task="question-answering")
    by_name = model.predict({"question": "is w3 a", "context": "paris is w1"})
    assert model.predict(("is w3 a", "paris is w1")).record() == by_name.record()


ARGUMENTS: list[tuple[dict[str, object], str]] = [
    ({"batch_tokens": 0}, "batch_tokens is 0"),
    ({"batch_tokens": -5}, "batch_tokens is -5"),
    ({"batch_tokens": "64"}, "batch_tokens is '64'"),
    ({"batch_tokens": True}, "batch_tokens is True"),
    ({"batch_tokens": 64.0}, "batch_tokens is 64.0"),
    ({"dtype": 32}, "dtype is 32"),
    ({"device": 0}, "device is 0"),
    ({"device": "cpu:x"}, "unknown device 'cpu:x'"),
    ({"task": ""}, "unknown task ''"),
    ({"task": 5}, "task is 5"),
    ({"long": None}, "long is None"),
    ({"long": "widow"}, "long is 'widow' (did you mean 'window'?)"),
    ({"explainable": "no"}, "explainable is 'no'"),
    ({"revision": 1}, "revision is 1"),
    ({"model": 5}, "model is 5"),
    ({"model": None, "revision": "main"}, "revision is given, and no model"),
    ({"pooling": "medn"}, "unknown pooling 'medn' (did you mean 'mean'?)"),
    ({"normalize": "no"}, "normalize is 'no'"),
    ({"tokenizer": None}, "sentence-embedding has no option 'tokenizer'"),
    ({"task": "fill-mask", "top_k": "5"}, "top_k is '5'"),
]


@pytest.mark.parametrize(("arguments", "said"), ARGUMENTS, ids=[said for _, said in ARGUMENTS])
def test_arguments_are_checked(folder: Path, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        bertkit.load(**({"model": folder, "task": "sentence-embedding"} | arguments))  # type: ignore[call-overload]


def test_what_to_do_with_bad_rows_is_checked_at_once(folder: Path) -> None:
    for word in ("recrod", None):
        with pytest.raises(UserError, match=f"on_error is {word!r}"):
            load(folder).stream(["paris"], on_error=word)  # type: ignore[call-overload]


def test_torchs_own_names_of_precision_and_device(folder: Path) -> None:
    model = bertkit.load(folder, dtype=torch.float32, device=torch.device("cpu"))
    assert (model.dtype, model.device) == ("float32", "cpu")


def test_a_row_in_a_batch_equals_the_row_alone_and_order_changes_nothing(folder: Path) -> None:
    chance = np.random.default_rng(0)
    texts = [" ".join(chance.choice(WORDS, size=size)) for size in chance.integers(1, 21, size=60)]
    model = load(folder, batch_tokens=64)
    together = embeddings(model, texts)
    alone = np.concatenate([embeddings(model, [text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6, rtol=0)
    order = chance.permutation(len(texts))
    np.testing.assert_allclose(embeddings(model, [texts[i] for i in order]), together[order], atol=1e-6, rtol=0)


def test_any_iterable_streams(folder: Path) -> None:
    taken = 0

    def rows() -> Iterator[str]:
        nonlocal taken
        for word in WORDS * 60:
            taken += 1
            yield word

    stream = load(folder, batch_tokens=32).stream(rows())
    assert isinstance(next(stream), Embedding)
    assert taken == ROWS_READ_AT_ONCE
    assert 1 + sum(1 for _ in stream) == taken == 2400


def test_no_rows_no_answers(folder: Path) -> None:
    assert load(folder).predict([]) == []


def test_text_is_never_cut_silently(folder: Path) -> None:
    with pytest.raises(TextTooLong, match=r"row 2: the text has 42 tokens.*the limit is 23"):
        load(folder).predict(["paris", LONG])
    reading = load(folder, long="truncate").predict([LONG])[0].reading
    assert (reading.input_tokens, reading.windows, reading.truncated) == (42, 1, True)
    reading = load(folder, long="window").predict([LONG])[0].reading
    assert (reading.input_tokens, reading.windows, reading.truncated) == (42, 2, False)
    with pytest.raises(UserError, match=r"long is 'cut'"):
        load(folder, long="cut")


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01\x7f", "\u200b\ufeff"], ids=repr)
def test_text_without_tokens_is_an_error(folder: Path, text: str) -> None:
    with pytest.raises(InputError, match="row 1: the text is empty: it has no tokens"):
        load(folder).predict([text])
    with pytest.raises(InputError, match="row 1: the text is empty"):
        load(folder, "next-sentence-prediction").predict([("paris", text)])


def test_bad_rows_can_be_recorded(folder: Path) -> None:
    rows = ["paris", "", {"txet": "paris"}, Row({"text": 5}, "file:7"), "par\ud800is", "a city"]
    stream = list(load(folder).stream(rows, on_error="record"))
    assert [type(one) for one in stream] == [Embedding, Failure, Failure, Failure, Failure, Embedding]
    errors = [one.record()["error"] for one in stream if isinstance(one, Failure)]
    assert errors[0] == {
        "type": "EmptyInput",
        "message": "row 2: the text is empty: it has no tokens",
        "remedy": "Leave the row out, or give it some text.",
        "page": "docs/errors/EmptyInput.md",
    }
    assert [error["message"] for error in errors[1:]] == [  # type: ignore[index]
        "row 3: no field 'text'",
        "file:7: field 'text' is int, not text",
        "row 5: field 'text' has half a surrogate pair at character 3",
    ]


def test_fill_mask_in_windows_keeps_the_order_of_the_text(folder: Path) -> None:
    text = " ".join([*WORDS[:5], "[MASK]", *WORDS[5:30], "[MASK]", *WORDS[30:]])
    (result,) = load(folder, "fill-mask", long="window", top_k=2).predict([text])
    assert isinstance(result, Fills)
    assert [len(fills) for fills in result.fills] == [2, 2]
    first, second = (fills[0] for fills in result.fills)
    assert first.sequence == text.replace("[MASK]", first.token, 1)
    assert second.sequence == text[: text.rindex("[MASK]")] + second.token + " " + " ".join(WORDS[30:])


def test_a_piece_that_goes_on_a_word_is_written_without_a_space(folder: Path) -> None:
    (result,) = load(folder, "fill-mask", top_k=99).predict(["paris [MASK] is a city"])
    assert isinstance(result, Fills)
    assert next(fill for fill in result.fills[0] if fill.token == "##s").sequence == "pariss is a city"


def test_fill_mask_in_the_second_text(folder: Path) -> None:
    (result,) = load(folder, "fill-mask").predict([("paris is", "a [MASK]")])
    assert isinstance(result, Fills)
    assert result.fills[0][0].sequence == f"a {result.fills[0][0].token}"


def test_nothing_to_fill(folder: Path) -> None:
    with pytest.raises(InputError, match="row 1: no mask in the text") as caught:
        load(folder, "fill-mask").predict(["paris"])
    assert caught.value.remedy == "Put [MASK] where a token is to be filled in."


@pytest.mark.parametrize("top_k", [0, 100])
def test_how_many_fills(folder: Path, top_k: int) -> None:
    with pytest.raises(UserError, match=f"top_k is {top_k}"):
        load(folder, "fill-mask", top_k=top_k)


def test_records_are_json_that_reads_back_as_the_same_float32(folder: Path) -> None:
    (result,) = load(folder).predict(["paris is a city"])
    assert isinstance(result, Embedding)
    record = json.loads(json.dumps(result.record()))
    assert list(record) == ["embedding", "input_tokens", "windows", "truncated", "dtype"]
    assert np.array_equal(np.array(record["embedding"], np.float32), result.embedding)


def test_what_a_notebook_shows_is_short(folder: Path) -> None:
    model = load(folder, "feature-extraction")
    batch = TokenBatch.pack([[2, 5, 3], [2, 3]], [[0, 0, 0], [0, 0]])
    (attribution,) = Explainer(bertkit.load(folder, task="fill-mask", explainable=True), steps=1).explain(["w1 [MASK]"])
    shown = {
        f"<bertkit.Model feature-extraction of {str(folder)!r}: 33 wide, reads 23 tokens, float32 on cpu>": model,
        "Encoder(2 layers, 3 heads, width 33, vocabulary 99, float32 on cpu)": load(folder).encoder,
        "TokenBatch(2 sequences, 5 tokens, the longest 3, on cpu)": batch,
        "PackedLayout(2 sequences, 5 tokens, the longest 3)": batch.layout,
        "Tokenizer(WordPiece, 99 tokens)": model.tokenizer,
        "FeatureExtraction()": model.task,
        "SentenceEmbedding(pooling='mean', normalize=True, prompt='')": load(folder).task,
    }
    assert list(map(repr, shown.values())) == list(shown)
    assert re.fullmatch(r"TokenVectors\(.*vectors=<4 x 33 numbers>, input_tokens=4\)", repr(model.predict("w1 w2")))
    for long in (attribution, open_pretrained(folder)):
        assert len(repr(long)) < 600
        assert "\n" not in repr(long)


@torch.inference_mode()
def test_the_encoder_is_there_to_use(folder: Path) -> None:
    encoder = load(folder).encoder
    batch = TokenBatch.pack([[2, 5, 3], [2, 3]], [[0, 0, 0], [0, 0]])
    assert encoder(batch).shape == (5, 33)


@pytest.mark.gpu
def test_a_gpu_gives_what_the_cpu_gives(folder: Path) -> None:
    texts = [" ".join(WORDS[:size]) for size in range(1, 22)]
    on_cpu = embeddings(load(folder), texts)
    for dtype, tolerance in (("float32", 1e-5), ("bfloat16", 0.05)):
        on_gpu = bertkit.load(folder, task="sentence-embedding", dtype=dtype, device="cuda")
        np.testing.assert_allclose(embeddings(on_gpu, texts), on_cpu, atol=tolerance)
