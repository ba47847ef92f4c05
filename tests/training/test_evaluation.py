from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from bertkit.batching.packed import GlobalBatch
from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.training import Masking, TrainTable
from bertkit.errors import NotFinite
from bertkit.families.catalogue import find_family
from bertkit.objectives.pretraining import ObjectiveParts, build_objectives
from bertkit.pretraining.run import ONE_MASK
from bertkit.sampling.stream import PretrainingStream
from bertkit.training.evaluation import LossEvaluator, means
from bertkit.training.parallelism import DataParallel
from bertkit.training.ranks import Ranks
from bertkit.training.training_module import Outputs, TrainingModule
from tests.corpora.shard_files import numbered_tokenizer, random_shard, write_shards
from tests.objectives.training_batches import CONFIG, MASK, make_encoder
from tests.training.in_process import CPU

WEIGHTS = {"fill-mask": 1.0, "next-sentence-prediction": 0.5}


@pytest.fixture(scope="module")
def training_module() -> TrainingModule:
    # Dropout would change what is measured, were it not turned off.
    encoder = make_encoder(CONFIG.model_copy(update={"vocab_size": 100, "hidden_dropout": 0.3}))
    parts = ObjectiveParts(
        find_family("bert", "family"), encoder, TrainTable(steps=1), torch.Generator().manual_seed(1)
    )
    return TrainingModule(encoder, build_objectives(WEIGHTS, parts)).train()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("held-out")


def held_out(folder: Path, masking: Masking) -> Sequence[GlobalBatch]:
    tokenizer = numbered_tokenizer(folder / "vocabulary")
    shards = write_shards(folder / "shards", tokenizer, [random_shard(1, documents=20)])
    stream = PretrainingStream(
        [shards], tokenizer, arrangement="next-sentence", masking=masking, short_share=0.1, seed=0
    )
    return stream.evaluation(40, length=23, batch_tokens=300)


@pytest.fixture(scope="module")
def batches(folder: Path) -> Sequence[GlobalBatch]:
    return held_out(folder, Masking())


@pytest.fixture(scope="module")
def one_mask(folder: Path) -> Sequence[GlobalBatch]:
    return held_out(folder, ONE_MASK)


@pytest.fixture(autouse=True)
def _is_training_again(training_module: TrainingModule) -> Iterator[None]:
    yield
    assert training_module.training
    assert all(parameter.grad is None for parameter in training_module.parameters())


def alone(batches: Sequence[GlobalBatch], one_mask: Sequence[GlobalBatch], micro_batch_tokens: int) -> LossEvaluator:
    return LossEvaluator(batches, one_mask, WEIGHTS, Ranks(0, 1, CPU, None), micro_batch_tokens)


def test_the_numbers_do_not_depend_on_how_much_is_computed_at_once(
    training_module: TrainingModule, batches: Sequence[GlobalBatch], one_mask: Sequence[GlobalBatch]
) -> None:
    parallelism = DataParallel(training_module, 1)
    expected = alone(batches, one_mask, 10_000).measure(training_module, parallelism)
    for micro_batch_tokens in (1, 40, 120):
        found = alone(batches, one_mask, micro_batch_tokens).measure(training_module, parallelism)
        assert found == pytest.approx(expected, rel=1e-5)
    assert set(expected) == {
        "loss",
        "fill-mask/loss",
        "fill-mask/accuracy",
        "next-sentence-prediction/loss",
        "next-sentence-prediction/accuracy",
        "pseudo_perplexity",
    }
    weighted = expected["fill-mask/loss"] + 0.5 * expected["next-sentence-prediction/loss"]
    assert expected["loss"] == pytest.approx(weighted)


def test_the_same_numbers_each_time(
    training_module: TrainingModule, batches: Sequence[GlobalBatch], one_mask: Sequence[GlobalBatch]
) -> None:
    evaluation = alone(batches, one_mask, 100)
    torch.manual_seed(5)
    first = evaluation.measure(training_module, DataParallel(training_module, 1))
    torch.manual_seed(6)
    before = torch.get_rng_state()
    training_module.eval()
    assert evaluation.measure(training_module, DataParallel(training_module, 1)) == first
    assert torch.equal(torch.get_rng_state(), before), "whoever measures leaves the random numbers as they were"
    assert not any(part.training for part in training_module.modules()), "and the model in the mode it was in"
    training_module.train()


def test_what_is_not_finite_has_no_measure(training_module: TrainingModule, batches: Sequence[GlobalBatch]) -> None:
    weight = training_module.encoder.embeddings.token.weight
    before = weight.detach().clone()
    weight.data[:] = torch.nan
    with pytest.raises(NotFinite, match=r"held-out .*loss is not finite .*encoder\.embeddings\.token\.weight is not"):
        alone(batches, [], 10_000).measure(training_module, DataParallel(training_module, 1))
    weight.data = before


def test_ranks_measure_everything_once(training_module: TrainingModule, batches: Sequence[GlobalBatch]) -> None:
    class Rank(Ranks):
        """Keeps what it would have told the others."""

        def sums(self, numbers: Mapping[str, float]) -> dict[str, float]:
            told.append(dict(numbers))
            return told[-1] or dict.fromkeys(told[0], 0.0)

    told: list[dict[str, float]] = []
    parallelism = DataParallel(training_module, 1)
    measured = []
    for count in (1, 3, 50):  # of 50, most have nothing to measure
        told.clear()
        for rank in range(count):
            LossEvaluator(batches, [], WEIGHTS, Rank(rank, count, CPU, None), 60).measure(training_module, parallelism)
        names = set().union(*told)
        measured.append({name: sum(one.get(name, 0.0) for one in told) for name in names})
    assert {} in told
    assert measured[1] == pytest.approx(measured[0], rel=1e-5)
    assert measured[2] == pytest.approx(measured[0], rel=1e-5)


def test_ranks_share_all_batches_not_each(batches: Sequence[GlobalBatch]) -> None:
    """Each batch is one micro-batch here, and the ranks have as many of them as can be."""
    assert len(batches) > 2
    numbers = [
        len(LossEvaluator(batches, [], WEIGHTS, Ranks(rank, 2, CPU, None), 10_000)._batches) for rank in range(2)
    ]
    assert sum(numbers) == len(batches)
    assert max(numbers) - min(numbers) <= 1


def test_what_is_drawn_does_not_depend_on_the_rank(
    training_module: TrainingModule, batches: Sequence[GlobalBatch]
) -> None:
    def drawn(rank: int, count: int) -> dict[int, float]:
        found: list[float] = []

        class Drawing(DataParallel):
            def forward(self, batch: TrainingBatch) -> Outputs:
                found.append(float(torch.rand(())))
                return super().forward(batch)

        evaluation = LossEvaluator(batches, [], WEIGHTS, Ranks(rank, count, CPU, None), 60)
        with suppress(ValueError):  # there is no group to tell the sums
            evaluation.measure(training_module, Drawing(training_module, 1))
        return dict(zip(evaluation._batches, found, strict=True))

    whole = drawn(0, 1)
    assert len(set(whole.values())) == len(whole)
    assert drawn(0, 2) | drawn(1, 2) == whole


def test_pseudo_perplexity_is_of_one_hidden_token_a_sequence(
    training_module: TrainingModule, one_mask: Sequence[GlobalBatch]
) -> None:
    measures = alone(one_mask, one_mask, 100).measure(training_module, DataParallel(training_module, 1))
    losses = []
    head = training_module.each()[0].head
    assert head is not None
    training_module.eval()
    with torch.no_grad():
        for batch in one_mask:
            for index, length in enumerate(batch.lengths):
                packed = batch.pack([index])
                assert len(packed.targets["masked_M"]) == 1
                assert packed.ids_T[packed.targets["masked_M"][0]] == MASK
                assert (packed.ids_T == MASK).sum() == 1
                assert packed.lengths == (length,)
                tokens = TokenBatch.pack([packed.ids_T.tolist()], [packed.segments_T.tolist()])
                logits_TV = head(training_module.encoder(tokens), training_module.encoder)
                masked_M = torch.from_numpy(packed.targets["masked_M"])
                true_M = torch.from_numpy(packed.targets["masked_ids_M"])
                losses.append(float(functional.cross_entropy(logits_TV[masked_M], true_M)))
    training_module.train()
    assert len(losses) == sum(len(batch.lengths) for batch in one_mask)
    assert measures["pseudo_perplexity"] == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-4)


def test_means_of_no_target_are_no_error() -> None:
    sums = {"a/loss": 6.0, "a/correct": 1.0, "a/targets": 4.0, "b/loss": 0.0, "b/targets": 0.0}
    assert means(sums) == {"a/loss": 1.5, "a/accuracy": 0.25, "b/loss": 0.0}


def test_masked_tokens_are_not_learnt(training_module: TrainingModule, batches: Sequence[GlobalBatch]) -> None:
    assert "pseudo_perplexity" not in alone(batches, [], 100).measure(training_module, DataParallel(training_module, 1))
