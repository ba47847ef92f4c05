from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bertkit
from bertkit.errors import InputError, TextTooLong, UserError
from bertkit.inference.model import Model
from bertkit.inference.pipeline import Failure
from bertkit.tasks.contract import Outcome, Reading, Texts
from bertkit.tasks.question_answering import CANDIDATES, FIRST_IN_ORDER, Answers, QuestionAnswering, highest_first
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import Encoded, LongText, cut
from tests.parity.task_peers import make_task_peer

READING = Reading(1, 1, False, "float32")
WORDS = [f"w{number}" for number in range(80)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_task_peer("question-answering", folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.load(folder)


def load(folder: Path, **options: object) -> Model:
    return bertkit.load(folder, dtype="float32", **options)  # type: ignore[arg-type]


def encode(tokenizer: Tokenizer, texts: Texts, limit: int, overlap: int) -> Encoded:
    assert texts.second is not None
    first, second = tokenizer.tokenize([texts.first, texts.second], offsets=True)
    return cut(first, second, tokenizer.template, limit=limit, long=LongText.WINDOW, overlap=overlap)


def brute_force(texts: Texts, encoded: Encoded, logits: list[np.ndarray], longest: int) -> list[tuple[str, float]]:
    """All spans of all windows, the script's rules applied one by one; every text and its best sum of logits."""
    context, best = texts.second or "", {}
    for window, logits_L2 in zip(encoded.windows, logits, strict=True):
        assert window.offsets is not None
        for start in range(len(window.ids)):
            for end in range(len(window.ids)):
                in_context = window.segments[start] == window.segments[end] == 1 and end < len(window.ids) - 1
                if in_context and start in window.owned[1] and start <= end < start + longest:
                    text = context[window.offsets[start][0] : window.offsets[end][1]]
                    logit = float(np.float64(logits_L2[start, 0]) + np.float64(logits_L2[end, 1]))
                    best[text] = max(best.get(text, -np.inf), logit)
    return sorted(best.items(), key=lambda item: -item[1])


@settings(max_examples=60)
@given(st.data(), st.integers(1, 40), st.integers(1, 3), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_answers_are_those_of_a_search_over_all_spans(
    tokenizer: Tokenizer, data: st.DataObject, words: int, question: int, longest: int, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    texts = Texts(" ".join(WORDS[:question]), "  ".join(chance.choice(WORDS[:20], size=words)))
    room = data.draw(st.integers(2, 20))
    encoded = encode(tokenizer, texts, room + question + 3, data.draw(st.integers(0, room - 1)))
    logits = [chance.normal(size=(len(window.ids), 2)).astype(np.float32) for window in encoded.windows]
    task = QuestionAnswering(tokenizer, top_k=CANDIDATES, max_answer_tokens=longest)
    result = task.decode([Outcome(texts, encoded, [(one,) for one in logits])], READING)

    expected = brute_force(texts, encoded, logits, longest)[:CANDIDATES]
    null = min(float(one[0].sum()) for one in logits)
    powers = np.exp([null, *(logit for _, logit in expected)])
    scores = powers / powers.sum()
    assert [answer.answer for answer in result.answers] == [text for text, _ in expected]
    np.testing.assert_allclose(
        [result.no_answer_score, *(answer.score for answer in result.answers)], scores, atol=1e-6
    )
    for answer in result.answers:
        assert texts.second is not None
        assert texts.second[answer.start : answer.end] == answer.answer


def place(encoded: Encoded, word: int) -> list[tuple[int, int]]:
    """(window, position) of each showing of the context's n-th word."""
    return [
        (number, i)
        for number, window in enumerate(encoded.windows)
        for i, (start, end) in enumerate(window.offsets or [])
        if window.segments[i] == 1 and (start, end) == (3 * word, 3 * word + 2)
    ]


def test_an_answer_over_the_border_of_what_two_windows_own_is_found(tokenizer: Tokenizer) -> None:
    context = " ".join(["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9"] * 3)
    texts = Texts("w0", context)
    encoded = encode(tokenizer, texts, limit=16, overlap=8)
    border = encoded.windows[0].owned[1].stop
    logits = [np.zeros((len(window.ids), 2), np.float32) for window in encoded.windows]
    first_word = border - 2 - 3  # of the context; two words before the border
    for number, i in place(encoded, first_word):
        logits[number][i, 0] = 9
    for number, i in place(encoded, first_word + 3):
        logits[number][i, 1] = 9
    (answer, *_) = (
        QuestionAnswering(tokenizer).decode([Outcome(texts, encoded, [(one,) for one in logits])], READING).answers
    )
    assert (answer.start, answer.end) == (3 * first_word, 3 * (first_word + 3) + 2)
    assert border - 4 in range(first_word, first_word + 4)


def test_no_answer_is_the_least_of_the_windows(tokenizer: Tokenizer) -> None:
    texts = Texts("w0", " ".join(["w1", "w2", "w3", "w4"] * 5))
    encoded = encode(tokenizer, texts, limit=12, overlap=2)
    logits = [np.zeros((len(window.ids), 2), np.float32) for window in encoded.windows]
    for number, one in enumerate(logits):
        one[0] = (4, 4 - number)
    result = QuestionAnswering(tokenizer, max_answer_tokens=1).decode(
        [Outcome(texts, encoded, [(one,) for one in logits])], READING
    )
    least = np.exp(8 - (len(logits) - 1))
    assert result.no_answer_score == pytest.approx(least / (least + 4))  # four different answers of logit 0


def test_white_space_around_a_piece_is_not_in_an_answer(tokenizer: Tokenizer) -> None:
    texts = Texts("w0", "w1 \t w2")
    encoded = encode(tokenizer, texts, 23, 0)
    (window,) = encoded.windows
    assert window.offsets is not None
    first = window.owned[1].start
    window.offsets[first + 1] = (2, 7)  # as byte-level BPE has it
    window.offsets[first] = (2, 5)  # a piece of white space: no answer
    logits = np.zeros((len(window.ids), 2), np.float32)
    result = QuestionAnswering(tokenizer).decode([Outcome(texts, encoded, [(logits,)])], READING)
    assert {(answer.start, answer.end, answer.answer) for answer in result.answers} == {(5, 7, "w2")}


@pytest.mark.parametrize("stride", [None, 0, 3, 11])
def test_long_contexts(folder: Path, stride: int | None) -> None:
    context = "  ".join(f"W{number}," for number in range(45))
    model = load(folder, long="window", top_k=5, max_answer_tokens=4, doc_stride=stride)
    (result,) = model.predict([{"question": "w1 w2", "context": context}])
    assert isinstance(result, Answers)
    assert list(result.record()) == [
        "answers",
        "no_answer_score",
        "input_tokens",
        "windows",
        "truncated",
        "dtype",
    ]
    assert result.reading.windows == {None: 7, 0: 5, 3: 6, 11: 12}[stride]  # over 90 tokens, 18 a window
    assert len({answer.answer for answer in result.answers}) == 5
    for answer in result.answers:
        assert context[answer.start : answer.end] == answer.answer
    scores = [answer.score for answer in result.answers]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) + result.no_answer_score < 1


def test_a_line_is_a_context(folder: Path) -> None:
    model = load(folder)
    rows = [{"question": "w1", "text": "w2 w3"}, {"question": "w1", "context": "w2 w3", "text": "w9"}]
    one, other = model.predict(rows)
    assert isinstance(one, Answers)
    assert isinstance(other, Answers)
    assert [answer.answer for answer in one.answers] == [answer.answer for answer in other.answers]
    assert one.no_answer_score == pytest.approx(other.no_answer_score, abs=1e-6)
    with pytest.raises(InputError, match="no field 'question'"):
        model.predict(["w1"])
    with pytest.raises(InputError, match="no field 'context'"):
        model.predict([{"question": "w1"}])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "top_k is 0"),
        ({"max_answer_tokens": 0}, "max_answer_tokens is 0"),
        ({"doc_stride": -1}, "doc_stride is -1"),
    ],
)
def test_bad_options(folder: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(folder, **options)


def test_a_stride_that_a_window_has_no_room_for(folder: Path) -> None:
    model = load(folder, long="window", doc_stride=18)
    row = {"question": "w1 w2", "context": "w3 w4 w5"}
    with pytest.raises(UserError, match="row 1: doc_stride is 18, but windows have room for 18 tokens") as caught:
        model.predict([row])  # said before a text that needs it comes
    assert "at most 17" in caught.value.remedy
    one, other = model.stream([row, {"question": "w1", "context": "w3 w4"}], on_error="record")
    assert isinstance(one, Failure)
    assert isinstance(other, Answers)


def test_a_question_that_fills_the_window(folder: Path) -> None:
    text = " ".join(WORDS[:30])
    with pytest.raises(TextTooLong, match="the first text has 30 tokens, which leaves 0 of 20"):
        load(folder, long="window").predict([{"question": text, "context": text}])


@pytest.mark.parametrize("size", [1, 7, FIRST_IN_ORDER, 5 * FIRST_IN_ORDER])
@pytest.mark.parametrize("kinds", [1, 3, 10**6])
def test_the_highest_come_in_the_order_of_a_stable_sort(size: int, kinds: int) -> None:
    random = np.random.default_rng(0)
    values_N = random.integers(kinds, size=size).astype(float)
    values_N[random.random(size) < 0.3] = -np.inf
    assert list(highest_first(values_N)) == (-values_N).argsort(kind="stable").tolist()
