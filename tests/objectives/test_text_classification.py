from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bertkit.errors import InputError
from bertkit.families.labels import Problem
from bertkit.labelled.examples import Target
from bertkit.objectives.text_classification import LabelObjective, LabelTraining
from bertkit.sampling.framing import Framing
from bertkit.tasks.reading import Reader
from bertkit.tasks.text_classification import TextClassification
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText
from tests.objectives.learnt_samples import PIECES, example, learnt
from tests.objectives.padded_peers import SEQUENCES, agree, loss_of, trained
from tests.parity.task_peers import make_task_peer


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


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES))
    return Tokenizer.load_file(tmp_path / "vocab.txt")


def labels(tokenizer: Tokenizer, limit: int = 16) -> Reader:
    return Reader(TextClassification(tokenizer, ("bad", "good")), limit, LongText.WINDOW, offsets=True)


def test_a_label(tokenizer: Tokenizer) -> None:
    (sample,) = learnt(
        example("good", text="paris is fun"), LabelTraining(("bad", "good"), "single-label"), labels(tokenizer)
    )
    assert sample.ids == ([2, 8, 9, 10, 3],)
    assert sample.targets["label_B"].tolist() == [1]


def test_a_pair_is_learnt_in_the_segments_that_the_folder_has(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A model that is not told of segments learns with all tokens in the first, as it will answer."""
    pair = example("good", text="paris is", text_pair="fun")
    (sample,) = learnt(pair, LabelTraining(("bad", "good"), "single-label"), labels(tokenizer))
    assert sample.segments == ([0, 0, 0, 0, 1, 1],)
    (tmp_path / "tokenizer_config.json").write_text('{"model_input_names": ["input_ids", "attention_mask"]}')
    untold = Tokenizer.load_file(tmp_path / "vocab.txt")
    (sample,) = learnt(pair, LabelTraining(("bad", "good"), "single-label"), labels(untold))
    assert (sample.ids, sample.segments) == (([2, 8, 9, 3, 10, 3],), ([0] * 6,))
    assert Framing.of(tokenizer, "next-sentence").segments_R.tolist() == [0, 0, 0, 1, 1]
    assert Framing.of(untold, "next-sentence").segments_R.tolist() == [0] * 5


def test_every_window_of_a_long_text_learns_its_label(tokenizer: Tokenizer) -> None:
    text = " ".join(["paris"] * 7)
    samples = learnt(example("bad", text=text), LabelTraining(("bad", "good"), "single-label"), labels(tokenizer, 5))
    assert [len(sample.ids[0]) for sample in samples] == [5, 5, 3]
    assert all(sample.targets["label_B"].tolist() == [0] for sample in samples)


def test_several_labels_and_none(tokenizer: Tokenizer) -> None:
    learning = LabelTraining(("a", "b", "c"), "multi-label")
    (some,) = learnt(example(("c", "a"), text="fun"), learning, labels(tokenizer))
    (none,) = learnt(example((), text="fun"), learning, labels(tokenizer))
    assert some.targets["label_B"].tolist() == [[1.0, 0.0, 1.0]]
    assert none.targets["label_B"].tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("problem", "target", "words"),
    [
        ("single-label", "goood", "'goood' is not one of the model's .did you mean 'good'"),
        ("single-label", 1.5, "1.5, not a label"),
        ("multi-label", "good", "'good', not a list"),
        ("regression", "good", "'good', not a number"),
    ],
)
def test_targets_of_another_kind(problem: str, target: Target, words: str, tokenizer: Tokenizer) -> None:
    names = ("value",) if problem == "regression" else ("bad", "good")
    with pytest.raises(InputError, match=rf"file.tsv:3: .*{words}"):
        learnt(example(target, text="fun"), LabelTraining(names, problem), labels(tokenizer))  # type: ignore[arg-type]


def test_an_empty_text(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match=r"file.tsv:3: the text is empty"):
        learnt(example("good", text=" "), LabelTraining(("bad", "good"), "single-label"), labels(tokenizer))
