"""What fine-tuning computes against transformers: the loss of one padded batch, and its gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers import BertForMaskedLM

from bertkit.config.pooling import Pooling
from bertkit.config.training import Masking
from bertkit.families.labels import Problem
from bertkit.model.pooling import pool_tokens
from bertkit.model.vector_steps import RecipeHead, VectorRecipe
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.multiple_choice import ChoiceObjective
from bertkit.objectives.objective import Objective
from bertkit.objectives.question_answering import SpanObjective
from bertkit.objectives.sentence_embedding import PairObjective
from bertkit.objectives.text_classification import LabelObjective
from bertkit.objectives.text_ranking import RelevanceObjective
from bertkit.objectives.token_classification import NO_TAG, TagObjective
from bertkit.pretrained.loading import open_pretrained
from bertkit.sampling.masking import MaskRules
from bertkit.sampling.sample_stream import Sample, SampleBatch, SampleStream
from bertkit.sampling.stream import Position
from bertkit.training.micro_batches import as_tensors
from bertkit.training.training_module import TrainingModule
from tests.parity.bert_peer import Sequences, Sizes, make_peer
from tests.parity.task_peers import make_task_peer

SIZES = Sizes(segment_types=2)
SEQUENCES = Sequences.random([7, 20, 3, 12, 12], SIZES)


def trained(folder: Path, task: str, **options: object) -> tuple[nn.Module, nn.Module]:
    """Our encoder and head."""
    source = open_pretrained(folder)
    head = source.build_head(source.build_task(task, source.load_tokenizer(), **options))
    assert head is not None
    return source.build_encoder().float(), head.float()


def loss_of(encoder: nn.Module, objective: Objective, targets: list[dict[str, np.ndarray]]) -> torch.Tensor:
    """The mean over targets, of samples packed together."""
    samples = [
        Sample((ids,), (segments,), target)
        for ids, segments, target in zip(SEQUENCES.ids, SEQUENCES.segments, targets, strict=True)
    ]
    batch = as_tensors(SampleBatch(samples).pack(range(len(samples))))
    trainee = TrainingModule(encoder, {objective.name: objective})  # type: ignore[arg-type]
    (count,) = trainee.counts(batch)
    return trainee(batch)[objective.name]["loss"] / count


def agree(ours: torch.Tensor, theirs: torch.Tensor, encoder: nn.Module, peer: nn.Module) -> None:
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    ours.backward()
    theirs.backward()
    found = encoder.embeddings.token.weight.grad  # type: ignore[union-attr]
    expected = peer.get_input_embeddings().weight.grad  # type: ignore[operator]
    assert torch.allclose(found, expected, atol=1e-5 * expected.abs().max().item())


@pytest.mark.parametrize("problem", ["single-label", "multi-label", "regression"])
def test_labels(problem: Problem, tmp_path: Path) -> None:
    labels = ("only",) if problem == "regression" else ("no", "yes", "maybe")
    peer = make_task_peer("text-classification", tmp_path, labels=labels).eval()
    generator = torch.Generator().manual_seed(5)
    if problem == "single-label":
        label_B, kind = torch.randint(0, 3, (5,), generator=generator), "single_label_classification"
    elif problem == "multi-label":
        label_B, kind = torch.randint(0, 2, (5, 3), generator=generator).float(), "multi_label_classification"
    else:
        label_B, kind = torch.randn(5, generator=generator), "regression"
    peer.config.problem_type = kind
    encoder, head = trained(tmp_path, "text-classification", problem=problem)
    objective = LabelObjective(head, problem, None, 0.0)
    targets = [{"label_B": one.unsqueeze(0).numpy()} for one in label_B]
    theirs = peer(**SEQUENCES.padded(), labels=label_B).loss
    agree(loss_of(encoder, objective, targets), theirs, encoder, peer)


def test_class_weights_and_smoothing(tmp_path: Path) -> None:
    peer = make_task_peer("text-classification", tmp_path).eval()
    encoder, head = trained(tmp_path, "text-classification")
    label_B = torch.tensor([0, 2, 1, 1, 0])
    objective = LabelObjective(head, "single-label", [0.5, 2.0, 1.0], 0.1)
    ours = loss_of(encoder, objective, [{"label_B": one.unsqueeze(0).numpy()} for one in label_B])
    logits_BC = peer(**SEQUENCES.padded()).logits
    weights_C = torch.tensor([0.5, 2.0, 1.0])
    each = torch.nn.functional.cross_entropy(logits_BC, label_B, weight=weights_C, label_smoothing=0.1, reduction="sum")
    agree(ours, each / 5, encoder, peer)
    assert "class_weights" not in objective.state_dict()


def test_tags(tmp_path: Path) -> None:
    peer = make_task_peer("token-classification", tmp_path).eval()
    encoder, head = trained(tmp_path, "token-classification")
    generator = torch.Generator().manual_seed(5)
    tags = [torch.randint(-1, 3, (len(ids),), generator=generator) for ids in SEQUENCES.ids]
    tags = [torch.where(tag_L < 0, NO_TAG, tag_L) for tag_L in tags]
    padded_BL = torch.full((5, 20), -100)
    for row, tag_L in zip(padded_BL, tags, strict=True):
        row[: len(tag_L)] = tag_L
    theirs = peer(**SEQUENCES.padded(), labels=padded_BL).loss
    agree(loss_of(encoder, TagObjective(head), [{"tag_T": tag_L.numpy()} for tag_L in tags]), theirs, encoder, peer)


def test_spans(tmp_path: Path) -> None:
    """transformers' softmax goes over the padding too; with it left out the two are one."""
    peer = make_task_peer("question-answering", tmp_path).eval()
    encoder, head = trained(tmp_path, "question-answering")
    spans = torch.tensor([(2, 5), (0, 0), (1, 2), (3, 11), (0, 7)])
    output = peer(**SEQUENCES.padded())
    unseen_BL = SEQUENCES.padded()["attention_mask"] == 0
    start_BL = output.start_logits.masked_fill(unseen_BL, -torch.inf)
    end_BL = output.end_logits.masked_fill(unseen_BL, -torch.inf)
    entropy = torch.nn.functional.cross_entropy
    theirs = (entropy(start_BL, spans[:, 0]) + entropy(end_BL, spans[:, 1])) / 2
    targets = [{"start_B": span[:1].numpy(), "end_B": span[1:].numpy()} for span in spans]
    agree(loss_of(encoder, SpanObjective(head), targets), theirs, encoder, peer)


def test_choices(tmp_path: Path) -> None:
    """Three texts, of 2, 2 and 1 choices; transformers takes as many for each, so it gets them one by one."""
    peer = make_task_peer("multiple-choice", tmp_path).eval()
    encoder, head = trained(tmp_path, "multiple-choice")
    parts, right = [range(2), range(2, 4), range(4, 5)], [1, 0, 0]
    samples = [
        Sample(
            tuple(SEQUENCES.ids[place] for place in part),
            tuple(SEQUENCES.segments[place] for place in part),
            {"choices_S": np.array([len(part)]), "right_S": np.array([place])},
        )
        for part, place in zip(parts, right, strict=True)
    ]
    batch = as_tensors(SampleBatch(samples).pack(range(3)))
    objective = ChoiceObjective(head)
    output = TrainingModule(encoder, {objective.name: objective})(batch)[objective.name]  # type: ignore[arg-type]
    losses, correct = [], 0
    for part, place in zip(parts, right, strict=True):
        inputs = {name: tensor[list(part)].unsqueeze(0) for name, tensor in SEQUENCES.padded().items()}
        theirs = peer(**inputs, labels=torch.tensor([place]))
        losses.append(theirs.loss)
        correct += int(theirs.logits.argmax() == place)
    agree(output["loss"] / 3, torch.stack(losses).mean(), encoder, peer)
    assert int(output["correct"]) == correct


def test_relevance(tmp_path: Path) -> None:
    peer = make_task_peer("text-classification", tmp_path, labels=("relevance",)).eval()
    encoder, head = trained(tmp_path, "text-ranking")
    relevance_B = torch.tensor([0.0, 1.0, 0.5, 1.0, 0.0])
    ours = loss_of(encoder, RelevanceObjective(head), [{"relevance_B": one.reshape(1).numpy()} for one in relevance_B])
    logits_B = peer(**SEQUENCES.padded()).logits[:, 0]
    theirs = torch.nn.functional.binary_cross_entropy_with_logits(logits_B, relevance_B)
    agree(ours, theirs, encoder, peer)


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


def test_masks(tmp_path: Path) -> None:
    """What an epoch's first batch asks, asked of transformers."""
    make_peer(SIZES, tmp_path)
    peer = BertForMaskedLM.from_pretrained(tmp_path).eval()
    source = open_pretrained(tmp_path)
    tokenizer = source.load_tokenizer()
    encoder, head = trained(tmp_path, "fill-mask")
    samples = [Sample((ids,), (segments,), {}) for ids, segments in zip(SEQUENCES.ids, SEQUENCES.segments, strict=True)]
    stream = SampleStream(samples, 5, 3, MaskRules.of(tokenizer, Masking()))
    global_batch, _ = next(stream.batches(Position()))
    packed = global_batch.pack(range(5))
    batch = as_tensors(packed)
    objective = MaskedLM(head)  # type: ignore[arg-type]
    trainee = TrainingModule(encoder, {objective.name: objective})  # type: ignore[arg-type]
    assert trainee.counts(batch)[0] >= 5
    ours = trainee(batch)[objective.name]["loss"] / trainee.counts(batch)[0]

    longest = max(packed.lengths)
    wanted_T = np.full(len(packed.ids_T), -100)
    wanted_T[packed.targets["masked_M"]] = packed.targets["masked_ids_M"]
    rows = {"input_ids": packed.ids_T, "token_type_ids": packed.segments_T, "labels": wanted_T}
    ends = np.cumsum(packed.lengths)[:-1]
    padded = {
        name: torch.tensor(
            [
                [*row.tolist(), *[-100 if name == "labels" else 0] * (longest - len(row))]
                for row in np.split(values_T, ends)
            ]
        )
        for name, values_T in rows.items()
    }
    padded["attention_mask"] = torch.tensor([[1] * n + [0] * (longest - n) for n in packed.lengths])
    agree(ours, peer(**padded).loss, encoder, peer)


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
