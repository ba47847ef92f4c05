from __future__ import annotations

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers

from bertkit.batching.counter_random import mixed
from bertkit.config.training import Masking
from bertkit.errors import InputError
from bertkit.sampling.masking import MaskRules, Masks, choose_masks, span_lengths, span_start_share
from bertkit.tokenization.tokenizer import Tokenizer
from tests.corpora.shard_files import numbered_tokenizer

UNITS = ["token", "word", "span"]
SEQUENCES = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=40), min_size=1, max_size=6)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return numbered_tokenizer(tmp_path_factory.mktemp("numbered"))


@pytest.fixture(scope="session")
def rules(tokenizer: Tokenizer) -> dict[str, MaskRules]:
    return {unit: MaskRules.of(tokenizer, Masking(unit=unit)) for unit in UNITS}  # type: ignore[arg-type]


def packed(sequences: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(sequence) for sequence in sequences])
    return np.concatenate([np.array(sequence) for sequence in sequences]), np.cumsum(lengths) - lengths


def masks_of(sequences: list[list[int]], rules: MaskRules, seed: int = 0) -> Masks:
    ids_T, starts_B = packed(sequences)
    return choose_masks(ids_T, starts_B, mixed(seed, np.arange(len(sequences))), rules)


def random_text(tokens: int, length: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sequences `[CLS] … [SEP]` of ordinary tokens."""
    ids = np.random.default_rng(seed).integers(5, 100, (tokens // length, length))
    ids[:, 0], ids[:, -1] = 2, 3
    return ids.ravel(), np.arange(len(ids)) * length


@pytest.mark.parametrize("unit", UNITS)
@given(sequences=SEQUENCES, seed=st.integers(0, 99))
def test_masks_are_ascending_never_special_and_one_at_least(
    rules: dict[str, MaskRules], unit: str, sequences: list[list[int]], seed: int
) -> None:
    masks = masks_of(sequences, rules[unit], seed)
    ids_T, starts_B = packed(sequences)
    assert (np.diff(masks.masked_M) > 0).all()
    assert (ids_T[masks.masked_M] >= 5).all()
    sequence_M = np.searchsorted(starts_B, masks.masked_M, side="right") - 1
    assert set(sequence_M.tolist()) == {place for place, one in enumerate(sequences) if max(one) >= 5}
    others = np.setdiff1d(np.arange(len(ids_T)), masks.masked_M)
    assert (masks.inputs_T[others] == ids_T[others]).all()
    assert np.isin(masks.inputs_T[masks.masked_M], [4, *range(5, 100)]).all()


@pytest.mark.parametrize("unit", ["word", "span"])
@given(sequences=SEQUENCES, seed=st.integers(0, 99))
def test_words_are_masked_whole_or_not_at_all(
    rules: dict[str, MaskRules], unit: str, sequences: list[list[int]], seed: int
) -> None:
    masked = set(masks_of(sequences, rules[unit], seed).masked_M.tolist())
    place = 0
    for sequence in sequences:
        for position, id in enumerate(sequence):
            goes_on = position and id >= 5 and id % 3 == 0 and sequence[position - 1] >= 5
            if goes_on:
                assert (place in masked) == (place - 1 in masked)
            place += 1


@pytest.mark.parametrize("unit", UNITS)
@given(sequences=SEQUENCES, seed=st.integers(0, 99), chosen=st.data())
def test_a_sequence_is_masked_alike_whatever_is_packed_with_it(
    rules: dict[str, MaskRules], unit: str, sequences: list[list[int]], seed: int, chosen: st.DataObject
) -> None:
    ids_T, starts_B = packed(sequences)
    keys_B = mixed(seed, np.arange(len(sequences)))
    together = choose_masks(ids_T, starts_B, keys_B, rules[unit])
    place = chosen.draw(st.integers(0, len(sequences) - 1))
    alone = choose_masks(np.array(sequences[place]), np.array([0]), keys_B[place : place + 1], rules[unit])
    start, stop = starts_B[place], starts_B[place] + len(sequences[place])
    assert alone.inputs_T.tolist() == together.inputs_T[start:stop].tolist()
    inside = together.masked_M[(together.masked_M >= start) & (together.masked_M < stop)] - start
    assert alone.masked_M.tolist() == inside.tolist()


def test_a_short_sequence_has_the_share_that_the_docstring_says(rules: dict[str, MaskRules]) -> None:
    ids_T, starts_B = random_text(400_000, 6)  # four tokens of text
    masks = choose_masks(ids_T, starts_B, mixed(0, np.arange(len(starts_B))), rules["token"])
    share = len(masks.masked_M) / (4 * len(starts_B))
    expected = 0.15 + 0.85**4 / 4
    assert abs(share - expected) < 4 * (0.15 * 0.85 / (4 * len(starts_B))) ** 0.5


def test_spans_cover_each_word_of_a_sequence_alike(rules: dict[str, MaskRules]) -> None:
    length, sequences = 42, 20_000
    ids_T = np.full(length * sequences, 5)
    ids_T[::length], ids_T[length - 1 :: length] = 2, 3
    starts_B = np.arange(sequences) * length
    masks = choose_masks(ids_T, starts_B, mixed(1, np.arange(sequences)), rules["span"])
    shares = np.bincount(masks.masked_M % length, minlength=length)[1:-1] / sequences
    bias = 40**-1 * 0.85**12  # that one at least is chosen; a loose bound
    assert (np.abs(shares - 0.15) < 4.5 * (0.15 * 0.85 / sequences) ** 0.5 + bias).all()
    runs = np.diff(masks.masked_M) == 1
    assert 0.6 < runs.mean() < 0.85  # neighbours are masked together


def test_lengths_of_spans_are_those_of_the_paper() -> None:
    assert span_lengths().sum() == pytest.approx(1)
    assert (span_lengths() * np.arange(1, 11)).sum() == pytest.approx(3.8, abs=0.05)
    for rate in (0.05, 0.15, 0.4):
        longer = 1 - np.concatenate([[0.0], np.cumsum(span_lengths())[:-1]])
        assert 1 - np.prod(1 - span_start_share(rate) * longer) == pytest.approx(rate, abs=1e-9)


def test_a_span_is_replaced_in_one_way(tokenizer: Tokenizer) -> None:
    rules = MaskRules.of(tokenizer, Masking(unit="span", mask=0.5, random=0.0))
    ids_T, starts_B = random_text(20_000, 100)
    masks = choose_masks(ids_T, starts_B, mixed(1, np.arange(len(starts_B))), rules)
    is_mask = masks.inputs_T[masks.masked_M] == 4
    neighbours = np.diff(masks.masked_M) == 1
    assert (is_mask[1:] == is_mask[:-1])[neighbours].all()
    assert 0.3 < is_mask.mean() < 0.7


def test_a_sequence_of_special_tokens_has_no_masks(rules: dict[str, MaskRules]) -> None:
    for unit in UNITS:
        masks = masks_of([[2, 3], [2, 1, 4, 3]], rules[unit])
        assert not len(masks.masked_M)
        assert masks.inputs_T.tolist() == [2, 3, 2, 1, 4, 3]


def test_a_tokenizer_without_a_mask_token_is_refused() -> None:
    backend = tokenizers.Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(InputError, match="no mask token"):
        MaskRules.of(Tokenizer(backend), Masking())


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_shares_over_ten_million_tokens(rules: dict[str, MaskRules], unit: str) -> None:
    length, text, masked, fates = 128, 0, 0, np.zeros(3)
    spread = 0.0
    for part in range(10):
        ids_T, starts_B = random_text(1_000_000, length, part)
        masks = choose_masks(ids_T, starts_B, mixed(part, np.arange(len(starts_B))), rules[unit])
        text += len(starts_B) * (length - 2)
        masked += len(masks.masked_M)
        inputs, before = masks.inputs_T[masks.masked_M], ids_T[masks.masked_M]
        fates += [(inputs == 4).sum(), ((inputs != 4) & (inputs != before)).sum(), (inputs == before).sum()]
        spread += float((np.bincount(masks.masked_M // length, minlength=len(starts_B)).astype(float)).var())
    # Units are of several tokens, so the error is taken from the spread between sequences.
    error = (spread / 10 / (text / (length - 2))) ** 0.5 / (length - 2)
    assert abs(masked / text - 0.15) < 4 * error
    expected = np.array([0.8, 0.1 * 94 / 95, 0.1 + 0.1 / 95])  # a random token may be the same one
    # The tokens of a span share a fate: fewer draws than tokens, by its length of words and theirs of tokens.
    draws = masked / (8.0 if unit == "span" else 1.0)
    assert (np.abs(fates / masked - expected) < 4 * (expected * (1 - expected) / draws) ** 0.5).all()
