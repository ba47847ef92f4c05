from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bertkit.batching.token_batch import TokenBatch
from bertkit.errors import ConfigError
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.student import spread_layers, student_of
from tests.parity.bert_peer import Sizes
from tests.parity.task_peers import make_task_peer

SIZES = Sizes(layers=4, segment_types=2, positions=40)


def test_evenly_spread() -> None:
    assert spread_layers(6, 12) == [0, 2, 4, 7, 9, 11]  # as DistilBERT's authors have it
    assert [spread_layers(count, 6) for count in (1, 2, 3, 6)] == [[0], [0, 5], [0, 3, 5], [0, 1, 2, 3, 4, 5]]


def test_a_student_is_layers_of_its_teacher(tmp_path: Path) -> None:
    peer = make_task_peer("text-classification", tmp_path, sizes=SIZES)
    teacher = open_pretrained(tmp_path)
    tokenizer = teacher.load_tokenizer()
    task = teacher.build_task(None, tokenizer)
    student = student_of(teacher, 2, task, tokenizer)
    assert student.task_options(type(task))["labels"] == ("no", "yes", "maybe")
    peer.bert.encoder.layer = torch.nn.ModuleList([peer.bert.encoder.layer[0], peer.bert.encoder.layer[3]])
    ids = [2, 17, 50, 80, 3]
    theirs = peer(input_ids=torch.tensor([ids])).logits
    encoder, head = student.build_encoder(), student.build_head(task)
    assert head is not None
    batch = TokenBatch.pack([ids], [[0] * len(ids)])
    with torch.no_grad():
        ours = head(encoder(batch), batch.layout, encoder)
    assert torch.allclose(ours, theirs, atol=1e-5)
    with pytest.raises(ConfigError, match="a student of 5 layers, and the teacher has 4"):
        student_of(teacher, 5, task, tokenizer)
