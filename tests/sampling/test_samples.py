from __future__ import annotations

import pytest

from bertkit.config.training import Sequences
from bertkit.errors import InputError
from bertkit.sampling.samples import plan
from tests.calls import python_calls
from tests.corpora.shard_files import random_shard, shard_of
from tests.sampling.planned import FRAME, planned


@pytest.mark.parametrize("arrangement", ["next-sentence", "sentence-order", "full-sentences", "documents"])
def test_a_plan_is_a_function_of_its_arguments(arrangement: Sequences) -> None:
    shard = random_shard(2, documents=50)

    def made(**changes: int) -> list[list[int]]:
        values = {"seed": 1, "epoch": 1, "shard_number": 1, **changes}
        return plan(shard, arrangement, length=32, frame=FRAME, short_share=0.1, **values).parts_S4.tolist()

    assert made() == made()
    assert all(made() != made(**{name: 2}) for name in ("seed", "epoch", "shard_number"))


def test_a_length_without_room_is_refused() -> None:
    with pytest.raises(InputError, match="room for 1 of text beside 3 special tokens"):
        planned(random_shard(2, documents=5), "next-sentence", length=4)


def test_a_shard_without_text_has_no_samples() -> None:
    assert len(planned(shard_of([]), "full-sentences")) == 0
    assert len(planned(shard_of([[[]], []]), "documents")) == 0
    assert len(planned(shard_of([]), "sentence-order")) == 0


@pytest.mark.parametrize("arrangement", ["next-sentence", "sentence-order", "full-sentences", "documents"])
def test_a_shard_is_planned_by_its_documents_not_by_its_tokens(arrangement: Sequences) -> None:
    shard = random_shard(3, documents=1000, sentences=34, tokens=46)
    assert python_calls(lambda: planned(shard, arrangement, length=128)) < 0.1 * len(shard.tokens)
