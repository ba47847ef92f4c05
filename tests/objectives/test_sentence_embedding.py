from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from bertkit.config.pooling import Pooling
from bertkit.model.pooling import pool_tokens
from bertkit.model.vector_steps import RecipeHead, VectorRecipe
from bertkit.objectives.sentence_embedding import PairObjective
from bertkit.sampling.sample_stream import Sample, SampleBatch
from bertkit.training.micro_batches import as_tensors
from bertkit.training.training_module import TrainingModule
from tests.objectives.padded_peers import SEQUENCES, agree, trained
from tests.parity.task_peers import make_task_peer


def scores(score: float) -> dict[str, np.ndarray]:
    return {"score_P": np.array([score], np.float32)}


def numbers(texts: Iterable[int], known: Sequence[int]) -> dict[str, np.ndarray]:
    """What a pair without score says of its texts, and of those that belong to its first one."""
    return {"text_B": np.array(list(texts)), "known_X": np.array(known), "known_P": np.array([len(known)])}


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_pairs(scored: bool, pooling: Pooling, tmp_path: Path) -> None:
    """Two pairs, the second with a negative."""
    peer = make_task_peer("text-classification", tmp_path).eval()
    encoder, _ = trained(tmp_path, "text-classification")
    objective = PairObjective(RecipeHead(VectorRecipe((pooling,))), [7], scored=scored)
    samples = [
        Sample(
            tuple(SEQUENCES.ids[place] for place in part),
            tuple(SEQUENCES.segments[place] for place in part),
            {"texts_P": np.array([len(part)])} | (scores(score) if scored else numbers(part, known)),
        )
        for part, score, known in [(range(2), 0.25, [0, 1]), (range(2, 5), 0.75, [2, 3])]
    ]
    batch = as_tensors(SampleBatch(samples).pack(range(2)))
    ours = TrainingModule(encoder, {objective.name: objective})(batch)[objective.name]["loss"] / 2  # type: ignore[arg-type]
    inputs = SEQUENCES.padded()
    hidden_BLW = peer.bert(**inputs).last_hidden_state  # type: ignore[operator]
    seen_BL1 = inputs["attention_mask"].unsqueeze(-1)
    vectors_BW = {
        "mean": (hidden_BLW * seen_BL1).sum(1) / seen_BL1.sum(1),
        "cls": hidden_BLW[:, 0],
        "max": hidden_BLW.masked_fill(seen_BL1 == 0, -torch.inf).amax(1),
    }[pooling]
    losses = []
    for size in (7, 33):
        one, two, three, four, other = torch.nn.functional.normalize(vectors_BW[:, :size], dim=1)
        if scored:
            losses.append(((one @ two - 0.25) ** 2 + (three @ four - 0.75) ** 2) / 2)
        else:
            logits = 20.0 * torch.stack([one, three]) @ torch.stack([two, four, other]).T
            losses.append(torch.nn.functional.cross_entropy(logits, torch.arange(2)))
    agree(ours, torch.stack(losses).mean(), encoder, peer)


def test_what_belongs_is_no_wrong_answer(tmp_path: Path) -> None:
    """The negative of the second pair belongs to the first one, and the second text of the first to both."""
    make_task_peer("text-classification", tmp_path)
    encoder, _ = trained(tmp_path, "text-classification")
    objective = PairObjective(RecipeHead(VectorRecipe()), [], scored=False)
    samples = [
        Sample(
            tuple(SEQUENCES.ids[place] for place in part),
            tuple(SEQUENCES.segments[place] for place in part),
            {"texts_P": np.array([len(part)])} | numbers(texts, known),
        )
        for part, texts, known in [(range(2), (7, 8), [7, 8, 9]), (range(2, 5), (5, 6, 9), [5, 6, 8])]
    ]
    batch = as_tensors(SampleBatch(samples).pack(range(2)))
    ours = TrainingModule(encoder, {objective.name: objective})(batch)[objective.name]  # type: ignore[arg-type]
    vectors_BW = pool_tokens(encoder(batch.tokens), batch.tokens.layout, ("mean",))
    one, two, three, four, other = torch.nn.functional.normalize(vectors_BW, dim=1)
    first = torch.nn.functional.cross_entropy(20.0 * one @ torch.stack([two, four]).T, torch.tensor(0))
    second = torch.nn.functional.cross_entropy(20.0 * three @ torch.stack([four, other]).T, torch.tensor(0))
    assert torch.allclose(ours["loss"], first + second, atol=1e-5)
