"""A student's beginning, and what its teacher tells it, against transformers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.strict import parse
from bertkit.errors import ConfigError, UserError
from bertkit.finetuning.distillation import distillation_data, open_student
from bertkit.finetuning.run import build_model
from bertkit.pretrained.loading import open_pretrained
from bertkit.sampling.sample_stream import SampleBatch
from bertkit.training.micro_batches import as_tensors
from tests.parity.bert_peer import Sizes
from tests.parity.task_peers import make_task_peer

CPU = torch.device("cpu")
SIZES = Sizes(layers=4, segment_types=2, positions=40)


def config(start: Path, train: Path, **tables: object) -> FinetuneConfig:
    name = "token-classification" if "tags" in str(train) else "text-classification"
    values = {
        "task": {"name": name},
        "teacher": {"start": str(start), "layers": 2, "temperature": 2.0},
        "data": {"train": str(train)},
        "run": {"directory": "run"},
    }
    return parse(FinetuneConfig, values | tables, "the test")


def write_pairs(path: Path) -> Path:
    chance = random.Random(4)
    rows = ["text,text_pair,label"]
    for _ in range(20):
        texts = [" ".join(f"w{chance.randrange(60)}" for _ in range(chance.randrange(1, 9))) for _ in range(2)]
        rows.append(",".join([*texts, chance.choice(["no", "yes", "maybe"])]))
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("labels", [None, 0.0, 0.25])
def test_the_loss_is_that_of_a_padded_pair_of_models(labels: float | None, tmp_path: Path) -> None:
    """Hinton's loss over transformers' models, padded, and its gradient: labels count half where nothing is said."""
    peer = make_task_peer("text-classification", tmp_path / "teacher", sizes=SIZES)
    pupil = make_task_peer("text-classification", tmp_path / "student", sizes=Sizes(1, segment_types=2), seed=8)
    settings = config(
        tmp_path / "teacher",
        write_pairs(tmp_path / "pairs.csv"),
        teacher={"start": str(tmp_path / "teacher"), "temperature": 2.0, "labels": labels},
        model={"start": str(tmp_path / "student")},
    )
    teacher = open_pretrained(tmp_path / "teacher")
    tokenizer = teacher.load_tokenizer()
    student = open_student(settings, teacher, tokenizer)
    taught = distillation_data(settings, teacher, student, tokenizer, CPU)
    data, held_out = taught.data, taught.held_out
    count = len(data.samples)
    assert (count + len(held_out), len(held_out) > 0) == (20, True)
    model = build_model(settings, student, data, CPU)
    model.training_module.eval()
    batch = as_tensors(SampleBatch(data.samples).pack(range(count)))
    ours = model.training_module(batch)["text-classification"]["loss"] / count
    ours.backward()

    sequences = [sample.ids[0] for sample in data.samples]
    longest = max(map(len, sequences))
    padded = {
        name: torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        for name, rows in {
            "input_ids": sequences,
            "token_type_ids": [sample.segments[0] for sample in data.samples],
            "attention_mask": [[1] * len(ids) for ids in sequences],
        }.items()
    }
    with torch.no_grad():
        wanted_BC = (peer(**padded).logits / 2.0).softmax(-1)
    logits_BC = pupil.eval()(**padded).logits
    soft = 4.0 * (wanted_BC * (wanted_BC.log() - (logits_BC / 2.0).log_softmax(-1))).sum(-1).mean()
    share = 0.5 if labels is None else labels
    names = [one.target for one in data.train]
    right_B = torch.tensor([("no", "yes", "maybe").index(str(name)) for name in names])
    theirs = (1 - share) * soft + (share * torch.nn.functional.cross_entropy(logits_BC, right_B) if share else 0.0)
    theirs.backward()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    found = model.training_module.encoder.embeddings.token.weight.grad
    expected = pupil.get_input_embeddings().weight.grad
    assert found is not None
    assert torch.allclose(found, expected, atol=1e-5 * expected.abs().max().item())  # type: ignore[union-attr, operator]


def test_what_cannot_be_taught(tmp_path: Path) -> None:
    make_task_peer("question-answering", tmp_path / "answers")
    make_task_peer("text-classification", tmp_path / "teacher")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"v{number}" for number in range(94))]
    make_task_peer("text-classification", tmp_path / "other", vocabulary=words)
    train = write_pairs(tmp_path / "pairs.csv")
    (tmp_path / "plain.txt").write_text("w1 w2\nw3\n")
    teacher = open_pretrained(tmp_path / "teacher")
    tokenizer = teacher.load_tokenizer()
    with pytest.raises(UserError, match="a teacher of question-answering cannot be distilled"):
        open_student(config(tmp_path / "answers", train), open_pretrained(tmp_path / "answers"), tokenizer)
    other = config(tmp_path / "teacher", train, teacher={"start": "t"}, model={"start": str(tmp_path / "other")})
    with pytest.raises(ConfigError, match="another vocabulary than the teacher"):
        open_student(other, teacher, tokenizer)
    unlabelled = config(tmp_path / "teacher", tmp_path / "plain.txt", teacher={"start": "t", "labels": 0.5})
    with pytest.raises(UserError, match=r"has no labels, and teacher\.labels is 0\.5"):
        distillation_data(unlabelled, teacher, teacher, tokenizer, CPU)
    weighed = config(tmp_path / "teacher", train, task={"name": "text-classification", "class_weights": "balanced"})
    with pytest.raises(ConfigError, match=r"task\.class_weights is set"):
        distillation_data(weighed, teacher, teacher, tokenizer, CPU)
    with pytest.raises(ConfigError, match="not both"):
        config(tmp_path, train, teacher={"start": "t", "layers": 1}, model={"start": "s"})
