from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.strict import parse
from bertkit.finetuning.distillation import distillation_data, open_student
from bertkit.pretrained.loading import open_pretrained
from tests.parity.bert_peer import Sizes
from tests.parity.task_peers import make_task_peer

CPU = torch.device("cpu")
SIZES = Sizes(layers=4, segment_types=2, positions=40)


def config(start: Path, train: Path) -> FinetuneConfig:
    values = {
        "task": {"name": "token-classification"},
        "teacher": {"start": str(start), "layers": 2, "temperature": 2.0},
        "data": {"train": str(train)},
        "run": {"directory": "run"},
    }
    return parse(FinetuneConfig, values, "the test")


def test_every_word_of_a_text_learns_what_its_teacher_says(tmp_path: Path) -> None:
    peer = make_task_peer("token-classification", tmp_path, labels=("O", "B-LOC", "I-LOC"), sizes=SIZES)
    (tmp_path / "tags.txt").write_text("paris is w7\nparis paris w9 w20 w30\n" * 3)
    settings = config(tmp_path, tmp_path / "tags.txt")
    teacher = open_pretrained(tmp_path)
    tokenizer = teacher.load_tokenizer()
    student = open_student(settings, teacher, tokenizer)
    ticks: list[float] = []
    samples = distillation_data(settings, teacher, student, tokenizer, CPU, ticks.append).data.samples
    assert sum(ticks) == 6
    sample = samples[0]
    theirs = peer(input_ids=torch.tensor([sample.ids[0]])).logits[0, 1:-1].detach().numpy()
    assert sample.targets["teacher_RC"].shape == (len(sample.ids[0]) - 2, 3)
    assert np.allclose(sample.targets["teacher_RC"], theirs, atol=1e-5)
