from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bertkit.config.training import Sequences
from bertkit.errors import InputError
from bertkit.sampling.framing import Framing, SequenceSource
from bertkit.tokenization.tokenizer import Tokenizer
from tests.corpora.shard_files import numbered_tokenizer, shard_of

# Documents of the tokens 5 to 9, 10 to 14 and 15 to 19: token `t` stands at `t - 5`.
SOURCE = SequenceSource.of(shard_of([[[5, 6, 7], [8, 9]], [[10, 11, 12, 13, 14]], [], [[15, 16], [17, 18, 19]]]))


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return numbered_tokenizer(tmp_path / "tokenizer")


def framed(
    tokenizer: Tokenizer, arrangement: Sequences, parts: list[list[int]], lengths: list[int]
) -> tuple[list[int], list[int]]:
    framing = Framing.of(tokenizer, arrangement)
    ids_T, segments_T = framing.frame([SOURCE] * len(parts), np.array(parts), np.array(lengths))
    return ids_T.tolist(), segments_T.tolist()


def test_two_parts_have_the_tokens_of_a_pair_around_them(tokenizer: Tokenizer) -> None:
    ids, segments = framed(tokenizer, "next-sentence", [[0, 3, 10, 12], [5, 6, 6, 10]], [8, 8])
    assert ids == [2, 5, 6, 7, 3, 15, 16, 3, 2, 10, 3, 11, 12, 13, 14, 3]
    assert segments == [0] * 5 + [1] * 3 + [0] * 3 + [1] * 5


@pytest.mark.parametrize("arrangement", ["full-sentences", "documents"])
def test_one_part(arrangement: Sequences, tokenizer: Tokenizer) -> None:
    ids, segments = framed(tokenizer, arrangement, [[0, 3, 0, 0], [10, 15, 0, 0]], [5, 7])
    assert ids == [2, 5, 6, 7, 3, 2, 15, 16, 17, 18, 19, 3]
    assert not any(segments)


def test_where_a_document_ends_inside_a_part_a_separator_stands(tokenizer: Tokenizer) -> None:
    ids, _ = framed(tokenizer, "full-sentences", [[3, 12, 0, 0], [0, 5, 0, 0]], [13, 7])
    assert ids == [2, 8, 9, 3, 10, 11, 12, 13, 14, 3, 15, 16, 3, 2, 5, 6, 7, 8, 9, 3]


def test_documents_cannot_be_joined_without_a_separator(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(tokenizer.specials), "sep", None)
    with pytest.raises(InputError, match="no separator token to put between documents"):
        Framing.of(tokenizer, "full-sentences")
    assert Framing.of(tokenizer, "documents").separator is None
