from __future__ import annotations

import pytest

from bertkit.benchmarking.cells import MIXED_SINGLE_TEXTS, MIXED_TEXTS, Cell, cells, texts_of_round, tokens_of
from bertkit.errors import UserError

FIXED = Cell("inference", "float32", "128", "best")
MIXED = Cell("inference", "float32", "mixed", "best")


def test_every_combination_but_training_on_one_text() -> None:
    found = cells(["inference", "training"], ["float32", "bfloat16"], ["128", "mixed"], ["1", "best"])
    assert len(found) == 8 + 4
    assert len({cell.key for cell in found}) == 12
    assert found[0].key == "inference float32 128 1"


@pytest.mark.parametrize(
    ("kinds", "lengths", "sizes", "said"),
    [
        (["inferense"], ["128"], ["1"], "'inferense' (did you mean 'inference'?)"),
        (["training"], ["many"], ["best"], "'many': neither a number nor 'mixed'"),
        (["training"], ["0"], ["best"], "'0'"),
        (["training"], ["128"], ["2"], "'2'"),
    ],
)
def test_names_that_are_none(kinds: list[str], lengths: list[str], sizes: list[str], said: str) -> None:
    with pytest.raises(UserError) as raised:
        cells(kinds, ["float32"], lengths, sizes)
    assert said in raised.value.what


def test_fixed_lengths() -> None:
    assert texts_of_round(FIXED, 3, 1, 512) == [[128] * 3]
    assert texts_of_round(FIXED, 2, 1, 64) == [[64, 64]]  # no more than the model reads


def test_mixed_lengths_are_sorted_and_new_in_every_round() -> None:
    first, again, second = (texts_of_round(MIXED, 8, turn, 512) for turn in (1, 1, 2))
    assert first == again != second
    lengths = [length for batch in first for length in batch]
    assert lengths == sorted(lengths)
    assert (len(lengths), {len(batch) for batch in first}) == (MIXED_TEXTS, {8})
    assert 8 <= min(lengths) < max(lengths) <= 256
    assert tokens_of(first) == sum(lengths)


def test_one_text_at_a_time() -> None:
    assert [len(batch) for batch in texts_of_round(Cell("inference", "float32", "mixed", "1"), 1, 1, 512)] == [
        1
    ] * MIXED_SINGLE_TEXTS
