from __future__ import annotations

from pathlib import Path

import torch

from bertkit.objectives.text_ranking import RelevanceObjective
from tests.objectives.padded_peers import SEQUENCES, agree, loss_of, trained
from tests.parity.task_peers import make_task_peer


def test_relevance(tmp_path: Path) -> None:
    peer = make_task_peer("text-classification", tmp_path, labels=("relevance",)).eval()
    encoder, head = trained(tmp_path, "text-ranking")
    relevance_B = torch.tensor([0.0, 1.0, 0.5, 1.0, 0.0])
    ours = loss_of(encoder, RelevanceObjective(head), [{"relevance_B": one.reshape(1).numpy()} for one in relevance_B])
    logits_B = peer(**SEQUENCES.padded()).logits[:, 0]
    theirs = torch.nn.functional.binary_cross_entropy_with_logits(logits_B, relevance_B)
    agree(ours, theirs, encoder, peer)
