"""A step: its gradient is that of one padded batch, whatever is split; and what it does when something goes wrong."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file

from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import OutOfMemory
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.replaced_token_detection import Generator
from bertkit.objectives.sentence_pair import NextSentence
from bertkit.pretrained.loading import open_pretrained
from bertkit.training.checkpoints import finished
from bertkit.training.loop import Diverged
from bertkit.training.parallelism import DataParallel
from bertkit.training.ranks import joined
from bertkit.training.step import Stepper
from bertkit.training.training_module import Outputs, TrainingModule
from tests.parity.bert_peer import Sequences, Sizes
from tests.parity.test_families import BERT, make_peer
from tests.parity.test_pretraining_gradients import LENGTHS, Examples, Ours, assert_same_gradients
from tests.training.in_process import CPU, assert_same_weights, run_here, worst_difference
from tests.training.runs import make_data

FORWARD = TrainingModule.forward
ELECTRA = (
    "train.steps=1",
    "model.family=electra",
    "data.sequences=documents",
    "model.encoder.width=32",
    "model.encoder.heads=4",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def lack_memory(monkeypatch: pytest.MonkeyPatch, tokens: int) -> list[int]:
    """A pass over more tokens than these fails; gives the list of the passes' tokens."""
    seen: list[int] = []

    def forward(training_module: TrainingModule, batch: TrainingBatch) -> Outputs:
        outputs = FORWARD(training_module, batch)
        seen.append(len(batch.tokens.ids_T))
        if seen[-1] > tokens:
            raise torch.OutOfMemoryError("made up")
        return outputs

    monkeypatch.setattr(TrainingModule, "forward", forward)
    return seen


def spoil(monkeypatch: pytest.MonkeyPatch, passes: set[int], number: float) -> None:
    """Some passes, counted from 1, have a loss that is not a number."""
    made = 0

    def forward(training_module: TrainingModule, batch: TrainingBatch) -> Outputs:
        nonlocal made
        outputs = FORWARD(training_module, batch)
        if training_module.training:
            made += 1
        if made in passes:
            outputs["fill-mask"]["loss"] = outputs["fill-mask"]["loss"] * number
        return outputs

    monkeypatch.setattr(TrainingModule, "forward", forward)


@pytest.mark.parametrize("split", [[13], [4, 1, 6, 2], [1] * 13], ids=str)
def test_the_gradient_is_that_of_one_padded_batch(split: list[int], tmp_path: Path) -> None:
    sequences = Sequences.random(LENGTHS, Sizes())
    sequences = Sequences([[max(id, 5) for id in ids] for ids in sequences.ids], sequences.segments)
    examples = Examples(sequences)
    peer = make_peer(BERT, "ForPreTraining", tmp_path)
    out = peer(**examples.padded(), next_sentence_label=torch.tensor(examples.second))
    out.loss.backward()

    ours = Ours(open_pretrained(tmp_path), "masked-lm", "next-sentence")
    objectives = [MaskedLM(ours.heads["masked-lm"]), NextSentence(ours.heads["next-sentence"])]
    training_module = TrainingModule(ours.encoder, {objective.name: objective for objective in objectives}).eval()
    weights = {objective.name: 1.0 for objective in objectives}
    batches = list(examples.batches(split))
    with joined(CPU) as ranks:
        optimiser = torch.optim.SGD(training_module.parameters(), 0.1)
        parallelism = DataParallel(training_module, 1)
        stepper = Stepper(
            training_module, optimiser, parallelism, ranks, weights=weights, clip=None, autocast=None, seed=0
        )
        counts = dict(zip(weights, stepper.counts(batches), strict=True))
        sums = stepper.gradient(batches, counts, 0)
    assert sums is not None
    loss = sum(float(sums[f"{name}/loss"]) / counts[name] for name in weights)
    assert loss == pytest.approx(out.loss.item(), rel=1e-5)
    assert_same_gradients(ours.gradients(), peer)


def test_what_does_not_fit_is_split_and_the_gradient_stays(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = ("train.steps=3", "train.micro_batch_tokens=512")
    whole = run_here(data, tmp_path / "whole", *sets)
    assert whole.error is None
    seen = lack_memory(monkeypatch, 150)
    split = run_here(data, tmp_path / "split", *sets, "train.evaluate_sequences=4")
    assert split.error is None
    assert len([tokens for tokens in seen if tokens > 150]) == 2  # a half and then a quarter; not again for each step
    assert [record["split"] for record in split.of("split")] == [2, 4]
    for ours, theirs in zip(split.gradients, whole.gradients, strict=True):
        assert worst_difference(ours, theirs) < 1e-5
    assert split.losses() == pytest.approx(whole.losses(), rel=1e-5)


def test_the_smallest_micro_batch_does_not_fit(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lack_memory(monkeypatch, 10)
    outcome = run_here(data, tmp_path / "run", "train.steps=1")
    assert isinstance(outcome.error, OutOfMemory)
    assert "tokens, one sequence, does not fit" in str(outcome.error)
    assert "It fits with train.recompute = true" in outcome.error.remedy  # the planner was wrong, and offers less
    assert "data.length = " in outcome.error.remedy
    assert outcome.of("split")
    assert not outcome.gradients


def test_weights_that_do_not_fit_end_the_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(parallelism: DataParallel) -> None:
        raise torch.OutOfMemoryError("made up")

    monkeypatch.setattr(DataParallel, "begin", begin)
    outcome = run_here(data, tmp_path / "run", "train.steps=1")
    assert isinstance(outcome.error, OutOfMemory)
    assert "the weights that a step computes with do not fit" in str(outcome.error)
    assert "train.parallel" in outcome.error.remedy
    assert not outcome.of("split"), "smaller micro-batches would not help"


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(training_module: TrainingModule, batch: TrainingBatch) -> Outputs:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(TrainingModule, "forward", forward)
    outcome = run_here(data, tmp_path / "run", "train.steps=1")
    assert type(outcome.error) is RuntimeError
    assert not outcome.of("split")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_step_that_is_not_finite_changes_nothing(
    number: float, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, {2}, number)
    sets = ("train.steps=3", "train.micro_batch_tokens=4096", "train.ema=0.9")
    outcome = run_here(data, tmp_path / "run", *sets)
    assert outcome.error is None
    assert outcome.finished
    first, second, third = outcome.weights
    assert_same_weights(second, first)
    assert not torch.equal(third["encoder.embeddings.token.weight"], first["encoder.embeddings.token.weight"])
    [record] = outcome.of("skipped")
    assert record["step"] == 2
    assert "norm is nan" in cast(str, record["skipped"])
    assert finished(outcome.directory / "checkpoints")[-1].state["skipped"] == 1


def test_what_a_failed_pass_has_kept_is_let_go_of(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator's graph is the largest thing that there is when the memory is at its end."""
    hidden, discard = TrainingModule._hidden, DataParallel.discard
    kept: list[object] = []
    graphs: list[weakref.ref[torch.Tensor]] = []

    def generator(training_module: TrainingModule) -> Generator:
        (found,) = (part for part in training_module.modules() if isinstance(part, Generator))
        return found

    def lacking(training_module: TrainingModule, *arguments: Any) -> Any:
        if graphs:
            return hidden(training_module, *arguments)
        proposal = generator(training_module)._proposal
        assert proposal is not None
        graphs.append(weakref.ref(proposal.loss.total))
        raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")

    def looked_at(parallelism: DataParallel) -> None:
        training_module = parallelism._training_module
        kept.extend(
            [
                generator(training_module)._proposal,
                *(getattr(one, "_replaced_T", None) for one in training_module.each()),
            ]
        )
        kept.append(graphs[0]())
        discard(parallelism)

    monkeypatch.setattr(TrainingModule, "_hidden", lacking)
    monkeypatch.setattr(DataParallel, "discard", looked_at)
    outcome = run_here(data, tmp_path / "run", *ELECTRA, more="[train.generator]\nsize = 0.5\n")
    assert outcome.error is None
    assert len(outcome.of("split")) == 1
    assert len(kept) == 4
    assert not any(one is not None for one in kept)


def test_the_batch_of_a_skipped_step_is_kept(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, {1}, float("nan"))
    outcome = run_here(data, tmp_path / "run", "train.steps=1")
    [record] = outcome.of("skipped")
    path = outcome.directory / cast(str, record["batch"])
    assert path.name == "step-00000001-rank-0.safetensors"
    tensors = load_file(path)
    kinds = {name.split("/")[1] for name in tensors}
    assert kinds == {"ids_T", "segments_T", "lengths_B", "masked_M", "masked_ids_M", "second_B"}
    lengths = sum(int(tensor.sum()) for name, tensor in tensors.items() if name.endswith("/lengths_B"))
    ids = sum(len(tensor) for name, tensor in tensors.items() if name.endswith("/ids_T"))
    assert ids == lengths > 256


def test_too_many_skipped_steps_end_the_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, set(range(2, 100)), float("nan"))
    sets = ("train.steps=9", "train.micro_batch_tokens=4096", "train.most_skipped=2")
    outcome = run_here(data, tmp_path / "run", *sets)
    assert isinstance(outcome.error, Diverged)
    assert "3 steps" in str(outcome.error)
    assert len(outcome.of("skipped")) == 3
    assert_same_weights(outcome.weights[-1], outcome.weights[0])
    [saved] = finished(outcome.directory / "checkpoints")
    assert saved.step == 4
    assert not (outcome.directory / "model").exists()
