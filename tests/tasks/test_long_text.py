"""Whatever the task, the windows of a long text leave no token out, and none counts twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.tasks.catalogue import TASKS
from bertkit.tasks.contract import Task
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.tokens import Tokens
from bertkit.tokenization.windows import LongText, cut, window_room
from tests.tokenization.conftest import write_folder

LABELS = ["contradiction", "neutral", "entailment"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(9))]
    return Tokenizer.load(write_folder(tmp_path_factory.mktemp("tokenizer"), pieces))


def make(kind: type[Task], tokenizer: Tokenizer) -> Task:
    needs_labels = kind.options({}, 0).keys() & {"labels"}
    return kind(tokenizer, labels=LABELS) if needs_labels else kind(tokenizer)  # type: ignore[call-arg]


KINDS = {name: spec.task for name, spec in TASKS.items()}
IN_WINDOWS = [kind for kind in KINDS.values() if kind.overlap is not None]


def test_only_next_sentence_prediction_is_not_read_in_windows() -> None:
    assert [name for name, kind in KINDS.items() if kind not in IN_WINDOWS] == ["next-sentence-prediction"]


@pytest.mark.parametrize("kind", IN_WINDOWS, ids=lambda kind: kind.name)
@given(st.integers(1, 200), st.integers(0, 30), st.integers(1, 40), st.booleans())
def test_every_token_is_owned_once(
    tokenizer: Tokenizer, kind: type[Task], long: int, short: int, more: int, turned: bool
) -> None:
    long_text, short_text = Tokens(list(range(1000, 1000 + long))), Tokens(list(range(2000, 2000 + min(short, long))))
    first, second = (long_text, None) if not short else (long_text, short_text)
    if second is not None and turned:
        first, second = second, first
    limit = 2 + more if second is None else 3 + min(len(first), len(second)) + more
    overlap = make(kind, tokenizer).shared_tokens(window_room(first, second, tokenizer.template, limit))
    encoded = cut(first, second, tokenizer.template, limit=limit, long=LongText.WINDOW, overlap=overlap)
    for which, text in enumerate((first, second)):
        if text is not None:
            owned = [window.ids[place] for window in encoded.windows for place in window.owned[which]]
            assert owned == text.ids
    assert not encoded.truncated
    assert all(len(window.ids) <= limit for window in encoded.windows)
    assert sum(encoded.weights) == pytest.approx(1)
